"""What operations ask every service: is it well, what waits, what was set aside; and the safe levers."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel, ConfigDict, Field

from rcm_shared.auth import Principal, allow, public
from rcm_shared.clock import now
from rcm_shared.errors import NotFound, Refused
from rcm_shared.ids import uuid7
from rcm_shared.messaging import dead_letter
from rcm_shared.messaging.apply import Outcome, redrive
from rcm_shared.messaging.gaps import republish
from rcm_shared.runtime import Runtime

router = APIRouter()

Operator = Annotated[Principal, Depends(allow("operations", "service", "admin"))]


def _runtime(request: Request) -> Runtime:
    runtime: Runtime = request.app.state.runtime
    return runtime


class _Command(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    reason: Annotated[str, Field(min_length=3, max_length=200)]


class Redrive(_Command):
    """Apply set-aside events again: those of one key, or of every key with a dead letter of a consumer."""

    consumer: Annotated[str, Field(max_length=100)]
    key: UUID | None = None
    dry_run: bool = False


class Discard(_Command):
    """Give up one set-aside event."""

    letter_id: UUID


class Republish(_Command):
    """Send stored events of a key again."""

    key: UUID
    first: Annotated[int, Field(ge=1)]
    last: Annotated[int, Field(ge=1)]


@router.get("/health", dependencies=[Depends(public())])
async def health() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@router.get("/ready", dependencies=[Depends(public())])
async def ready(request: Request) -> Response:
    """The service can do its work: database, consumers, progress."""
    runtime = _runtime(request)
    reason = runtime.not_ready()
    if reason is None:
        try:
            await runtime.http_pool.fetchval("SELECT 1")
        except Exception:
            reason = "database"
    return JSONResponse(
        {"ready": reason is None, "reason": reason}, status_code=200 if reason is None else 503
    )


@router.get("/metrics", dependencies=[Depends(public())])
async def metrics() -> Response:
    """Prometheus text format."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


@router.get("/openapi.json", dependencies=[Depends(public())])
async def openapi(request: Request) -> Any:
    """This service's API description."""
    return request.app.openapi()


@router.get("/ops/status")
async def status(request: Request, _who: Operator) -> dict[str, Any]:
    """Return what waits: outbox, lag by consumer, set-aside events, work, timers."""
    runtime = _runtime(request)
    row = await runtime.http_pool.fetchrow(
        """
        SELECT (SELECT count(*) FROM outbox) AS outbox,
               (SELECT coalesce(extract(epoch FROM now() - min(e.recorded_at)), 0)
                FROM (SELECT key, sequence FROM outbox ORDER BY id LIMIT 1) o
                JOIN event_log e USING (key, sequence)) AS outbox_age_s,
               (SELECT count(*) FROM dead_letter WHERE state = 'dead') AS dead,
               (SELECT count(*) FROM dead_letter WHERE state = 'parked') AS parked,
               (SELECT count(*) FROM dead_letter WHERE state = 'waiting') AS waiting,
               (SELECT count(*) FROM work WHERE NOT failed) AS work,
               (SELECT count(*) FROM work WHERE failed) AS work_failed,
               (SELECT count(*) FROM timer) AS timers,
               (SELECT coalesce(max(recorded_at), now()) FROM event_log
                WHERE recorded_at > now() - interval '1 hour') AS last_event_at
        """
    )
    reader = runtime.reader
    consumers = (
        [
            {
                "group": reading.group,
                "topic": reading.topic,
                "lag": lag,
                "idle_s": round(reading.progress.idle_s(), 1),
            }
            for reading, lag in ((r, reader.lag()[r.group]) for r in reader.readings)
        ]
        if reader
        else []
    )
    return {
        "service": runtime.spec.name,
        "ready": runtime.not_ready() is None,
        "relay_active": runtime.relay.active,
        "consumers": consumers,
        **{name: float(value) if name.endswith("_s") else value for name, value in dict(row).items()},
        "now": now(),
    }


@router.get("/ops/dead-letters")
async def dead_letters(request: Request, _who: Operator) -> dict[str, Any]:
    """Return set-aside events grouped by cause."""
    async with _runtime(request).http_pool.acquire() as conn:
        return {"groups": await dead_letter.listing(conn)}


@router.get("/ops/dead-letters/{letter_id}")
async def show_dead_letter(request: Request, letter_id: UUID, _who: Operator) -> dict[str, Any]:
    """Return one set-aside event without its body."""
    async with _runtime(request).http_pool.acquire() as conn:
        found = await dead_letter.show(conn, letter_id)
    if found is None:
        raise NotFound("dead letter")
    return found


@router.post("/ops/dead-letters/redrive")
async def redrive_dead_letters(request: Request, command: Redrive, who: Operator) -> dict[str, Any]:
    """Apply set-aside events again, in their order per key. Idempotent; written to the operators' log."""
    runtime = _runtime(request)
    consumer = runtime.consumers.get(command.consumer)
    if consumer is None:
        raise NotFound("consumer")
    keys = (
        [command.key]
        if command.key
        else [
            row["key"]
            for row in await runtime.http_pool.fetch(
                "SELECT DISTINCT key FROM dead_letter"
                " WHERE consumer = $1 AND state IN ('dead', 'parked') AND key IS NOT NULL LIMIT 1000",
                command.consumer,
            )
        ]
    )
    results: list[dict[str, Any]] = []
    for key in keys:
        outcome = await redrive(runtime.pool, consumer, key, dry_run=command.dry_run)
        if isinstance(outcome, Outcome):
            results.append({"key": key, "applied": outcome.applied, "still_set_aside": outcome.aside})
        else:
            results.append({"key": key, "would_apply": outcome})
    if not command.dry_run:
        await _write_down(runtime, who, "redrive", command)
        runtime.committed()
    return {"keys": results, "dry_run": command.dry_run}


@router.post("/ops/dead-letters/discard")
async def discard_dead_letter(request: Request, command: Discard, who: Operator) -> dict[str, Any]:
    """Give up a set-aside event for good, with a reason; what is parked behind it can then be redriven.

    Where nothing is parked the key flows again at once.
    """
    runtime = _runtime(request)
    async with runtime.http_pool.acquire() as conn, conn.transaction():
        if not await dead_letter.discard(conn, command.letter_id):
            raise NotFound("dead letter")
    await _write_down(runtime, who, "discard", command)
    return {"discarded": True}


@router.post("/ops/republish")
async def republish_events(request: Request, command: Republish, who: Operator) -> dict[str, Any]:
    """Send stored events again; consumers recognise those they have."""
    if command.last < command.first or command.last - command.first > 10_000:
        raise Refused("range-invalid", "first to last must be a range of at most 10,000", status=422)
    runtime = _runtime(request)
    async with runtime.http_pool.acquire() as conn, conn.transaction():
        count = await republish(conn, command.key, command.first, command.last)
    await _write_down(runtime, who, "republish", command)
    runtime.committed()
    return {"republished": count}


async def _write_down(runtime: Runtime, who: Principal, action: str, command: _Command) -> None:
    await runtime.http_pool.execute(
        "INSERT INTO operator_action (id, subject, action, reason, detail) VALUES ($1, $2, $3, $4, $5::jsonb)",
        uuid7(),
        who.subject,
        action,
        command.reason,
        command.model_dump_json(exclude={"reason"}),
    )
