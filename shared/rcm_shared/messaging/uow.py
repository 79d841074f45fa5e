"""The unit of work: what one transaction of a service changes besides its own tables.

Events, timers and work rows are collected while domain functions decide and written by a few set-based statements
just before the commit. Lock order in every transaction: inbox, position, aggregate rows by key, stream rows by key.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg

from rcm_shared.contracts.envelope import Envelope
from rcm_shared.contracts.event import Event
from rcm_shared.errors import Poison
from rcm_shared.ids import uuid7
from rcm_shared.messaging.delivery import Delivery
from rcm_shared.telemetry import current_traceparent

MAX_EVENT_BYTES = 256 * 1024  # larger facts belong behind an id


@dataclass(frozen=True, slots=True)
class SetTimer:
    """Wake the aggregate at a time; one live timer per (key, kind), setting again moves it."""

    kind: str
    due_at: datetime
    payload: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CancelTimer:
    """Drop the live timer of this kind, if there is one."""

    kind: str


@dataclass(frozen=True, slots=True)
class Work:
    """Something slow or remote to do after the commit; adding it again outdates a result in progress."""

    kind: str
    payload: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Cause:
    """What an event follows from: the event before it and the trace that both belong to."""

    id: UUID
    correlation_id: UUID
    traceparent: str | None


class _Emitted(NamedTuple):
    key: UUID
    event: Event
    cause: Envelope | Cause | None


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A delivery set aside: `dead` failed itself, `parked` waits behind a dead one, `waiting` waits for a gap."""

    delivery: Delivery
    state: str
    error_class: str
    error_code: str


class UnitOfWork:
    """One open transaction. `now` is the business time of its start, `conn` the connection for repositories."""

    def __init__(self, conn: asyncpg.Connection, *, now: datetime, service: str, topic: str) -> None:
        self.conn = conn
        self.now = now
        self.service = service
        self._topic = topic
        self._emitted: list[_Emitted] = []
        self._timers: dict[tuple[UUID, str], SetTimer | CancelTimer] = {}
        self._work: dict[tuple[UUID, str], tuple[Work, Envelope | Cause | None]] = {}
        self._access: list[tuple[str, UUID | None, str, str]] = []
        self.causes: dict[UUID, Cause] = {}  # of the work or the story that this transaction goes on with
        self.dead: list[DeadLetter] = []
        self.blocked: set[UUID] = set()
        self.unknown_types = 0

    def emit(self, key: UUID, event: Event, cause: Envelope | None = None) -> None:
        """Publish a fact about `key` once this transaction commits."""
        self._emitted.append(_Emitted(key, event, cause or self.causes.get(key)))

    async def follow(self, keys: Iterable[UUID]) -> None:
        """Let what this unit says about the keys follow from the last thing that the service said about each.

        For effects of the outside world (a payer's answer, a batch that is full): no event of ours brought them, but
        they belong to the story that the service's last event told.
        """
        rows = await self.conn.fetch(_LAST_SAID, sorted(set(keys)))
        self.causes.update(
            (row["key"], Cause(row["id"], row["correlation_id"], row["traceparent"])) for row in rows
        )

    def set_timer(self, key: UUID, timer: SetTimer) -> None:
        """Set or move a timer of the aggregate."""
        self._timers[key, timer.kind] = timer

    def cancel_timer(self, key: UUID, kind: str) -> None:
        """Drop a timer of the aggregate."""
        self._timers[key, kind] = CancelTimer(kind)

    def add_work(self, key: UUID, work: Work, cause: Envelope | None = None) -> None:
        """Queue slow or remote work for the aggregate; its results will follow from the same cause."""
        self._work[key, work.kind] = (work, cause or self.causes.get(key))

    def record_access(self, *, encounter_id: UUID | None, subject: str, purpose: str, what: str) -> None:
        """Write down who read patient data, of which encounter, why and what kind."""
        self._access.append((subject, encounter_id, purpose, what))

    def set_aside(self, delivery: Delivery, error: Exception) -> None:
        """Dead-letter a delivery and park what follows on its key."""
        self.blocked.add(delivery.envelope.key)
        code = getattr(error, "sqlstate", None) or getattr(error, "code", None) or "unexpected"
        self.dead.append(DeadLetter(delivery, "dead", type(error).__name__, str(code)))

    def park(self, delivery: Delivery) -> None:
        """Keep a delivery behind the dead one of its key."""
        self.dead.append(DeadLetter(delivery, "parked", "", ""))

    @property
    def emitted(self) -> int:
        """How many events this unit will publish."""
        return len(self._emitted)

    async def flush(self) -> None:
        """Write events, timers, work and access rows; called once, before the commit."""
        if self._emitted:
            await self._flush_events()
        if self._timers:
            await self._flush_timers()
        if self._work:
            await self._flush_work()
        if self._access:
            await self.conn.executemany(
                "INSERT INTO access_log (subject, encounter_id, purpose, what, at) VALUES ($1, $2, $3, $4, $5)",
                [(*row, self.now) for row in self._access],
            )

    async def _flush_events(self) -> None:
        traceparent = current_traceparent()
        columns: tuple[list[Any], ...] = tuple([] for _ in range(8))
        for item in self._emitted:
            body = item.event.__pydantic_serializer__.to_json(item.event)
            if len(body) > MAX_EVENT_BYTES:
                raise Poison("event-too-large")
            cause = item.cause
            row = (
                uuid7(),
                item.key,
                item.event.TYPE,
                getattr(item.event, "facility_id", ""),
                cause.correlation_id if cause and cause.correlation_id != item.key else None,
                cause.id if cause else None,
                (cause.traceparent if cause else None) or traceparent,
                body,
            )
            for column, value in zip(columns, row, strict=True):
                column.append(value)
        await self.conn.execute(_INSERT_EVENTS, self._topic, self.now, *columns)

    async def _flush_timers(self) -> None:
        items = sorted(self._timers.items(), key=lambda item: (item[0][0], item[0][1]))
        cancelled = [key for key, timer in items if isinstance(timer, CancelTimer)]
        live = [(key, timer) for key, timer in items if isinstance(timer, SetTimer)]
        if cancelled:
            await self.conn.execute(
                "DELETE FROM timer USING unnest($1::uuid[], $2::text[]) AS c(key, kind)"
                " WHERE timer.key = c.key AND timer.kind = c.kind",
                [key for key, _ in cancelled],
                [kind for _, kind in cancelled],
            )
        if live:
            await self.conn.execute(
                _UPSERT_TIMERS,
                [key for (key, _), _ in live],
                [kind for (_, kind), _ in live],
                [timer.due_at for _, timer in live],
                [json.dumps(dict(timer.payload)) for _, timer in live],
            )

    async def _flush_work(self) -> None:
        items = sorted(self._work.items(), key=lambda item: (item[0][0], item[0][1]))
        await self.conn.execute(
            _UPSERT_WORK,
            [key for (key, _), _ in items],
            [kind for (_, kind), _ in items],
            [json.dumps(dict(work.payload), default=str) for _, (work, _) in items],
            [cause and cause.id for _, (_, cause) in items],
            [cause and cause.correlation_id for _, (_, cause) in items],
            [cause and cause.traceparent for _, (_, cause) in items],
        )


#: Lock the streams in key order, number the events of each key in the order of emission, log them and point the
#: relay at them. Outbox ids are drawn after the locks, so that per key their order is the order of commits.
_INSERT_EVENTS = """
WITH new AS (
    SELECT * FROM unnest($3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::uuid[], $8::uuid[], $9::text[],
                         $10::bytea[]) WITH ORDINALITY
        AS t(id, key, type, facility_id, correlation_id, causation_id, traceparent, body, n)
), advanced AS (
    INSERT INTO stream AS s (key, last_seq)
    SELECT key, count(*) FROM new GROUP BY key ORDER BY key
    ON CONFLICT (key) DO UPDATE SET last_seq = s.last_seq + excluded.last_seq
    RETURNING key, last_seq
), numbered AS MATERIALIZED (
    SELECT new.*, advanced.last_seq - count(*) OVER (PARTITION BY key)
                  + row_number() OVER (PARTITION BY key ORDER BY n) AS sequence
    FROM new JOIN advanced USING (key) ORDER BY n
), logged AS (
    INSERT INTO event_log (id, topic, key, sequence, type, occurred_at, facility_id,
                           correlation_id, causation_id, traceparent, body)
    SELECT id, $1, key, sequence, type, $2::timestamptz, facility_id,
           coalesce(correlation_id, key), causation_id, traceparent, body FROM numbered ORDER BY n
)
INSERT INTO outbox (key, sequence) SELECT key, sequence FROM numbered ORDER BY n
"""

_LAST_SAID = """
SELECT s.key, e.id, e.correlation_id, e.traceparent
FROM stream s JOIN event_log e ON e.key = s.key AND e.sequence = s.last_seq WHERE s.key = ANY($1::uuid[])
"""

_UPSERT_TIMERS = """
INSERT INTO timer (key, kind, due_at, payload)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::text[])
ON CONFLICT (key, kind) DO UPDATE SET due_at = excluded.due_at, payload = excluded.payload
"""

_UPSERT_WORK = """
INSERT INTO work AS w (key, kind, payload, cause_id, correlation_id, traceparent)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::uuid[], $6::text[])
ON CONFLICT (key, kind) DO UPDATE
SET payload = excluded.payload, cause_id = excluded.cause_id, correlation_id = excluded.correlation_id,
    traceparent = excluded.traceparent, version = w.version + 1, attempts = 0, failed = false,
    due_at = now(), queued_at = now(), leased_until = NULL
"""
