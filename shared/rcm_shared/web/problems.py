"""Errors as RFC 9457 problem documents: a stable code and positions, never a value that was sent."""

from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from rcm_shared.auth import Unauthenticated
from rcm_shared.errors import Poison, Refused, Transient
from rcm_shared.postgres.pool import is_transient
from rcm_shared.telemetry import log, where
from rcm_shared.web.pages import page

MEDIA_TYPE = "application/problem+json"
TYPE_BASE = "urn:claimstream:problem:"
HTTP_CODES = {
    400: "bad-request",
    404: "not-found",
    405: "method-not-allowed",
    408: "body-too-slow",
    413: "too-large",
}


def problem(
    request: Request,
    status: int,
    code: str,
    detail: str,
    *,
    errors: list[dict[str, Any]] | None = None,
    headers: dict[str, str] | None = None,
) -> JSONResponse:
    """Return a problem answer."""
    body: dict[str, Any] = {
        "type": f"{TYPE_BASE}{code}",
        "title": code.replace("-", " "),
        "status": status,
        "code": code,
        "detail": detail,
        "request_id": getattr(request.state, "request_id", None),
    }
    if errors:
        body["errors"] = errors
    return JSONResponse(body, status_code=status, media_type=MEDIA_TYPE, headers=headers)


def _pointer(location: tuple[str | int, ...]) -> str:
    """Point into the body by declared names and indexes; keys that the caller made up are not repeated."""
    return "/" + "/".join(str(part) for part in location if part != "body")


def validation_errors(error: RequestValidationError | ValidationError) -> list[dict[str, Any]]:
    """Return position and kind of each fault. An unknown field is shown as `*`: its name came from outside."""
    found = []
    for item in error.errors():
        location = tuple(item["loc"])
        if item["type"] == "extra_forbidden":
            location = (*location[:-1], "*")
        found.append({"pointer": _pointer(location), "code": item["type"]})
    return found[:50]


def install(app: FastAPI) -> None:
    """Turn every exception of an app into a problem answer."""

    @app.exception_handler(Refused)
    async def refused(request: Request, error: Refused) -> Response:
        if isinstance(error, Unauthenticated) and "text/html" in request.headers.get("accept", ""):
            return RedirectResponse("/sign-in", status_code=303)
        if request.method == "GET" and "text/html" in request.headers.get("accept", ""):
            return page(request, "problem.html", status_code=error.status, code=error.code, detail=str(error))
        headers = {"WWW-Authenticate": "Bearer"} if error.status == 401 else None
        errors = [{"pointer": error.pointer, "code": error.code}] if error.pointer else None
        return problem(request, error.status, error.code, str(error), errors=errors, headers=headers)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        return problem(
            request,
            422,
            "invalid-request",
            "the request does not have the declared shape",
            errors=validation_errors(error),
        )

    @app.exception_handler(ValidationError)
    async def invalid_model(request: Request, error: ValidationError) -> Response:
        return problem(
            request,
            422,
            "invalid-request",
            "the request does not have the declared shape",
            errors=validation_errors(error),
        )

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> Response:
        code = HTTP_CODES.get(error.status_code, "http-error")
        return problem(request, error.status_code, code, code.replace("-", " "))

    @app.exception_handler(Poison)
    async def poison(request: Request, error: Poison) -> Response:
        return problem(request, 422, error.code, "a rule of the domain does not allow this")

    @app.exception_handler(Transient)
    async def transient(request: Request, error: Transient) -> Response:
        return unavailable(request, error)


def unavailable(request: Request, error: Exception) -> Response:
    """Answer 503: nothing was committed, or it cannot be known; the same request with the same key is safe."""
    log().warning(
        "request refused for now", error=type(error).__name__, where=request.scope.get("path_template")
    )
    return problem(request, 503, "unavailable", "try again with the same key", headers={"Retry-After": "1"})


def unexpected(request: Request, error: Exception) -> Response:
    """Answer for an error nobody foresaw: 503 when a retry may help, 422 for a value that no column takes, else 500.

    The class is logged, not the text.
    """
    if is_transient(error):
        return unavailable(request, error)
    if _not_storable(error):
        log().warning("value not storable", error=type(error).__name__, where=where(error))
        return problem(
            request,
            422,
            "value-not-storable",
            "a value cannot be stored: a NUL, half a surrogate pair, its size",
        )
    log().error("unexpected error", error=type(error).__name__, where=where(error))
    return problem(request, 500, "internal", "an unexpected error; it was logged under this request id")


def _not_storable(error: Exception) -> bool:
    """Tell whether a text cannot be UTF-8, or the database refused a value as such (SQLSTATE class 22)."""
    return isinstance(error, UnicodeEncodeError) or (getattr(error, "sqlstate", None) or "").startswith("22")
