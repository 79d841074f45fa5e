"""The outermost layer: request ids, body limits by bytes received, the last catch, and request metrics."""

import asyncio
import re
import time
from collections.abc import Mapping
from typing import Any

from fastapi import Request
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rcm_shared.ids import uuid7
from rcm_shared.telemetry import HTTP_REQUESTS, log, span
from rcm_shared.web.problems import problem, unexpected

DEFAULT_BODY_BYTES = 1024 * 1024
MAX_URL_BYTES = 4096
MAX_HEADER_BYTES = 16 * 1024
BODY_TIMEOUT_S = 30.0
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class _BodyRefused(HTTPException):
    """The body is too large or comes too slowly. FastAPI lets an HTTPException out of its body reader as it is."""


class Edge:
    """ASGI middleware around the whole app."""

    def __init__(self, app: ASGIApp, *, limits: Mapping[str, int]) -> None:
        self._app = app
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        offered = headers.get(b"x-request-id", b"").decode("latin-1")
        request_id = offered if _REQUEST_ID.fullmatch(offered) else str(uuid7())
        scope.setdefault("state", {})["request_id"] = request_id
        request = Request(scope, receive)
        started = time.perf_counter()
        status = 500
        begun = False

        async def send_with_id(message: Message) -> None:
            nonlocal status, begun
            if message["type"] == "http.response.start":
                begun = True
                status = message["status"]
                message["headers"] = [
                    *message["headers"],
                    (b"x-request-id", request_id.encode()),
                    (b"x-content-type-options", b"nosniff"),
                    *([] if _has(message, b"cache-control") else [(b"cache-control", b"no-store")]),
                ]
            await send(message)

        limit = self._limits.get(scope["path"], DEFAULT_BODY_BYTES)
        received = 0
        complete = False

        async def limited() -> Message:
            nonlocal received, complete
            if complete:
                return await receive()  # waits for the client to go away; that may take as long as it likes
            try:
                async with asyncio.timeout(max(0.0, BODY_TIMEOUT_S - (time.perf_counter() - started))):
                    message = await receive()
            except TimeoutError:
                raise _BodyRefused(408) from None
            if message["type"] == "http.request":
                received += len(message.get("body", b""))
                complete = not message.get("more_body", False)
            if received > limit:
                raise _BodyRefused(413)
            return message

        traceparent = headers.get(b"traceparent", b"").decode("latin-1") or None
        with span(scope["method"], {"http.request.method": scope["method"]}, parent=traceparent) as opened:
            try:
                refusal = _refusal(request, headers, limit)
                if refusal:
                    await refusal(scope, receive, send_with_id)
                else:
                    await self._app(scope, limited, send_with_id)
            except Exception as error:
                if begun:
                    log().error("answer broke off", error=type(error).__name__)
                    raise
                await unexpected(request, error)(scope, receive, send_with_id)
            route = getattr(scope.get("route"), "path", "unmatched")
            opened.set_attribute("http.route", route)
            opened.set_attribute("http.response.status_code", status)
        HTTP_REQUESTS.labels(scope["method"], route, status).inc()


def _has(message: Message, name: bytes) -> bool:
    return any(key.lower() == name for key, _ in message["headers"])


def _refusal(request: Request, headers: Mapping[bytes, bytes], limit: int) -> Any:
    length = headers.get(b"content-length", b"0")
    if not length.isdigit():
        return problem(request, 400, "bad-request", "content-length is no number")
    if int(length) > limit:
        return problem(request, 413, "too-large", f"a body here may have {limit} bytes")
    if len(request.scope["raw_path"]) + len(request.scope["query_string"]) > MAX_URL_BYTES:
        return problem(request, 414, "url-too-long", f"a URL may have {MAX_URL_BYTES} bytes")
    if sum(len(name) + len(value) for name, value in request.scope["headers"]) > MAX_HEADER_BYTES:
        return problem(request, 431, "headers-too-large", f"headers may have {MAX_HEADER_BYTES} bytes")
    if b"\x00" in request.scope["query_string"] or b"%00" in request.scope["query_string"]:
        return problem(request, 400, "bad-request", "a NUL character is not allowed")
    return None
