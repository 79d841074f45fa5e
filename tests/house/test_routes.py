"""Authorisation, generated from the routes themselves: each route has one rule, and only its roles pass."""

import re
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI
from fastapi.routing import RouteContext
from rcm_shared.auth import Allow, Forbidden, Public, Role, TokenIssuer, public, rule_of
from rcm_shared.web.app import UnguardedRouteError, check_nothing_else, check_rules, routes_of
from rcm_testkit.services import SERVICES, app_of
from starlette.requests import Request
from starlette.routing import Mount

ANY_ID = str(UUID(int=7))

#: What anybody may call: health, metrics, the API's own description, sign-in and out, the way to them.
OPEN = {"/", "/health", "/metrics", "/openapi.json", "/ready", "/sign-in", "/sign-out"}


class Service:
    """One service's app with a signing key."""

    def __init__(self, name: str, folder: Path) -> None:
        self.app: FastAPI
        self.app, private = app_of(name, folder)
        self.issuer = TokenIssuer(private)
        self.routes = routes_of(self.app)

    def headers(self, role: str) -> dict[str, str]:
        return {"authorization": f"Bearer {self.issuer.token(f'test-{role}', [role])}"}


@pytest.fixture(scope="module", params=SERVICES)
def service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Service:
    return Service(request.param, tmp_path_factory.mktemp(request.param))


def rules(route: RouteContext) -> list[Allow | Public]:
    """Return the rules among a route's dependencies."""
    found = []
    pending = [route.dependant]
    while pending:
        dependant = pending.pop()
        pending.extend(dependant.dependencies)
        if dependant.call and (rule := rule_of(dependant.call)):
            found.append(rule)
    return found


def test_every_route_has_exactly_one_rule(service: Service) -> None:
    assert len(service.routes) > len(OPEN)
    for route in service.routes:
        assert len(rules(route)) == 1, f"{route.methods} {route.path}"


def test_nothing_is_served_beside_the_guarded_routes(service: Service) -> None:
    described = set(service.app.openapi()["paths"])
    assert described <= {route.path for route in service.routes}
    mounts = [route for route in service.app.routes if isinstance(route, Mount)]
    assert [mount.path for mount in mounts] == ["/static"]


def test_only_the_known_paths_are_public(service: Service) -> None:
    public = {route.path for route in service.routes if isinstance(rules(route)[0], Public)}
    assert public == OPEN


def test_every_rule_names_at_least_one_role(service: Service) -> None:
    for route in service.routes:
        (rule,) = rules(route)
        assert isinstance(rule, Public) or rule.roles, route.path


async def test_guard_lets_exactly_its_roles_pass(service: Service) -> None:
    for route in service.routes:
        (rule,) = rules(route)
        if isinstance(rule, Public):
            continue
        for role in Role:
            raw = [(k.encode(), v.encode()) for k, v in service.headers(role).items()]
            request = Request(
                {"type": "http", "method": "POST", "path": "/", "headers": raw, "app": service.app}
            )
            try:
                passed = (await rule(request)).roles == {role}
            except Forbidden:
                passed = False
            assert passed is (role in rule.roles), f"{route.path} and {role}"


async def test_every_other_role_is_refused_over_http(service: Service) -> None:
    transport = httpx.ASGITransport(app=service.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://service.test") as client:
        for route in service.routes:
            (rule,) = rules(route)
            if isinstance(rule, Public):
                continue
            path = re.sub(r"\{[^}]+\}", ANY_ID, route.path or "")
            for method in route.methods or ():
                answer = await client.request(method, path)
                assert answer.status_code == 401, f"{method} {route.path} without a token"
                for role in set(Role) - rule.roles:
                    answer = await client.request(method, path, headers=service.headers(role))
                    assert answer.status_code == 403, f"{method} {route.path} as {role}"


def test_app_with_a_forgotten_rule_is_refused() -> None:
    router = APIRouter()

    @router.get("/guarded", dependencies=[Depends(public())])
    async def guarded() -> None:
        return None

    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.include_router(router)
    check_rules(app)

    @router.get("/forgotten")
    async def forgotten() -> None:
        return None

    late = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    late.include_router(router, prefix="/v1")
    with pytest.raises(UnguardedRouteError, match="/v1/forgotten"):
        check_rules(late)


def test_app_with_its_own_documentation_pages_is_refused() -> None:
    with pytest.raises(UnguardedRouteError):
        check_nothing_else(FastAPI())


def test_mounted_application_is_refused() -> None:
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.mount("/other", FastAPI())
    with pytest.raises(UnguardedRouteError):
        check_nothing_else(app)
