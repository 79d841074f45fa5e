"""The app factory: every service's FastAPI app, with the same edges, errors, health answers and operations API."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import RouteContext, iter_route_contexts
from fastapi.staticfiles import StaticFiles
from starlette.routing import Mount

from rcm_shared.auth import Verifier, rule_of
from rcm_shared.errors import RcmError
from rcm_shared.runtime import Runtime
from rcm_shared.telemetry import log, where
from rcm_shared.web import ops, problems, signin
from rcm_shared.web.limits import Edge


class UnguardedRouteError(RcmError):
    """A route that declares no rule; the process must not start with it."""

    code = "unguarded-route"


def runtime_of(request: Request) -> Runtime:
    """Return the running service (a FastAPI dependency)."""
    runtime: Runtime = request.app.state.runtime
    return runtime


def create_app(runtime: Runtime) -> FastAPI:
    """Build the app of a service.

    Raises: UnguardedRouteError for any route without `allow(...)` or `public()`.
    """
    spec, shared = runtime.spec, runtime.settings.shared

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        try:
            await runtime.start()
        except Exception as error:
            log().error("the service cannot start", error=type(error).__name__, where=where(error))
            raise
        yield
        await runtime.stop()

    app = FastAPI(
        title=f"claimstream {spec.name}",
        version="1",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    app.state.runtime = runtime
    app.state.verifier = (
        Verifier(shared.auth_jwks, issuer=shared.auth_issuer, audience=shared.auth_audience)
        if shared.auth_jwks
        else _NoVerifier()
    )
    problems.install(app)
    for router in (ops.router, signin.router, *spec.routers):
        app.include_router(router)
    app.mount("/static", StaticFiles(directory=Path(__file__).parent / "static"), name="static")
    check_rules(app)
    check_nothing_else(app)
    app.add_middleware(Edge, limits=spec.body_limits)
    return app


class _NoVerifier:
    def verify(self, _token: str) -> None:
        from rcm_shared.auth import Unauthenticated

        raise Unauthenticated("no-key-set")


def routes_of(app: FastAPI) -> list[RouteContext]:
    """Return the API routes of an app as they are served, those of included routers too."""
    return [route for route in iter_route_contexts(app.routes) if getattr(route, "dependant", None)]


def check_rules(app: FastAPI) -> None:
    """Refuse an app with a route that anybody forgot to guard."""
    for route in routes_of(app):
        if not any(rule_of(child.call) for child in _flatten(route.dependant) if child.call):
            raise UnguardedRouteError(message=f"route {route.path} declares no rule")


def check_nothing_else(app: FastAPI) -> None:
    """Refuse an app that serves anything but API routes and static files: nothing else can declare a rule."""
    for route in iter_route_contexts(app.routes):
        served = route.original_route
        static = isinstance(served, Mount) and isinstance(served.app, StaticFiles)
        if not static and getattr(route, "dependant", None) is None:
            raise UnguardedRouteError(message=f"route {route.path} cannot declare a rule")


def _flatten(dependant: Dependant) -> list[Dependant]:
    return [found for child in dependant.dependencies for found in (child, *_flatten(child))]
