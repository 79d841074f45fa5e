"""Commands that can be repeated: the same key gives the same answer, whatever was lost on the way.

The key, the effects and the answer commit in one transaction. A twin in flight waits on the key's unique index and
then gets the stored answer.
"""

import hashlib
import re
from collections.abc import Awaitable, Callable

from fastapi import Request
from fastapi.responses import Response
from pydantic import BaseModel

from rcm_shared.auth import Principal
from rcm_shared.errors import Refused
from rcm_shared.messaging.uow import UnitOfWork
from rcm_shared.runtime import Runtime

_KEY = re.compile(r"[\x21-\x7e]{1,255}")

Run = Callable[[UnitOfWork], Awaitable[tuple[int, BaseModel]]]


def idempotency_key(request: Request) -> str:
    """Return the request's Idempotency-Key.

    Raises: Refused with status 400 when it is missing or longer than 255 visible ASCII characters.
    """
    key = request.headers.get("idempotency-key", "")
    if not key:
        raise Refused("idempotency-key-missing", "send an Idempotency-Key header", status=400)
    if not _KEY.fullmatch(key):
        raise Refused(
            "idempotency-key-invalid", "an Idempotency-Key has 1 to 255 visible ASCII characters", status=400
        )
    return key


async def fingerprint(request: Request) -> bytes:
    """Return what makes two requests the same: method, path, query and body."""
    body = await request.body()
    return hashlib.sha256(
        b"\n".join([request.method.encode(), request.url.path.encode(), request.url.query.encode(), body])
    ).digest()


async def idempotent(request: Request, who: Principal, run: Run) -> Response:
    """Run a command once per (caller, key) and store its answer with its effects.

    Raises: Refused with status 422 when the key was used for another request.
    """
    key = idempotency_key(request)
    print_ = await fingerprint(request)
    runtime: Runtime = request.app.state.runtime
    async with runtime.transaction(who.subject) as uow:
        fresh = await uow.conn.fetchval(
            "INSERT INTO idempotency_key (subject, key, fingerprint) VALUES ($1, $2, $3)"
            " ON CONFLICT DO NOTHING RETURNING true",
            who.subject,
            key,
            print_,
        )
        if not fresh:
            return await _replay(uow, who.subject, key, print_)
        status, answer = await run(uow)
        body = answer.model_dump_json().encode()
        await uow.conn.execute(
            "UPDATE idempotency_key SET status = $3, body = $4 WHERE subject = $1 AND key = $2",
            who.subject,
            key,
            status,
            body,
        )
    return Response(body, status_code=status, media_type="application/json")


async def _replay(uow: UnitOfWork, subject: str, key: str, print_: bytes) -> Response:
    row = await uow.conn.fetchrow(
        "SELECT fingerprint, status, body FROM idempotency_key WHERE subject = $1 AND key = $2", subject, key
    )
    if row["fingerprint"] != print_:
        raise Refused("idempotency-key-reused", "this key was used for another request", status=422)
    return Response(
        row["body"],
        status_code=row["status"],
        media_type="application/json",
        headers={"Idempotency-Replayed": "true"},
    )
