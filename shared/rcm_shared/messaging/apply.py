"""One poll is one transaction: claim the batch, hand it to the service, write what follows, commit."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from rcm_shared.clock import business_time
from rcm_shared.contracts.topics import owned_by
from rcm_shared.errors import Poison
from rcm_shared.failpoints import failpoint
from rcm_shared.messaging import dead_letter, inbox
from rcm_shared.messaging.dead_letter import Garbage
from rcm_shared.messaging.delivery import Delivery
from rcm_shared.messaging.headers import from_headers
from rcm_shared.messaging.uow import DeadLetter, UnitOfWork
from rcm_shared.postgres.pool import is_bad_data, is_transient
from rcm_shared.telemetry import APPLIED, DUPLICATES, EVENT_AGE, SET_ASIDE, UNKNOWN_TYPES, log

Apply = Callable[[UnitOfWork, list[Delivery]], Awaitable[None]]

MAX_ATTEMPTS = 5  # of an event that fails for no known reason


@dataclass(frozen=True, slots=True)
class Consumer:
    """One service's reading of one topic."""

    service: str
    group: str
    topic: str
    apply: Apply


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one transaction did: events applied, recognised as duplicates, set aside, and published."""

    applied: int = 0
    duplicates: int = 0
    aside: int = 0
    emitted: int = 0

    def __add__(self, other: "Outcome") -> "Outcome":
        return Outcome(
            self.applied + other.applied,
            self.duplicates + other.duplicates,
            self.aside + other.aside,
            self.emitted + other.emitted,
        )


def read_records(records: Sequence[Any]) -> tuple[list[Delivery], list[Garbage]]:
    """Read the envelopes of raw Kafka records; never raises."""
    deliveries: list[Delivery] = []
    garbage: list[Garbage] = []
    for record in records:
        try:
            envelope = from_headers(record.key, record.headers)
        except Poison as error:
            garbage.append(Garbage(record, error.code))
        else:
            deliveries.append(
                Delivery(envelope, record.value or b"", record.topic, record.partition, record.offset)
            )
    return deliveries, garbage


async def apply_records(pool: asyncpg.Pool, consumer: Consumer, records: Sequence[Any]) -> Outcome:
    """Apply a batch with exactly-once effects.

    Raises: a transient error when the batch must be delivered again. Everything else ends in the database: applied,
    recognised as a duplicate, or set aside.
    """
    deliveries, garbage = read_records(records)
    try:
        outcome = await _apply(pool, consumer, deliveries, garbage)
    except (asyncio.CancelledError, KeyboardInterrupt):
        raise
    except Exception as error:
        if is_transient(error) or (len(deliveries) == 0 and not is_bad_data(error)):
            raise
        outcome = await _isolate(pool, consumer, deliveries, garbage)
    APPLIED.labels(consumer.group).inc(outcome.applied)
    DUPLICATES.labels(consumer.group).inc(outcome.duplicates)
    return outcome


async def _apply(
    pool: asyncpg.Pool,
    consumer: Consumer,
    deliveries: Sequence[Delivery],
    garbage: Sequence[Garbage] = (),
) -> Outcome:
    await failpoint("consumer.before_tx")
    async with pool.acquire() as conn, conn.transaction():
        claimed = await inbox.claim(conn, consumer.group, deliveries)
        uow = UnitOfWork(
            conn,
            now=business_time(claimed.now),
            service=consumer.service,
            topic=owned_by(consumer.service).name,
        )
        if claimed.apply:
            await consumer.apply(uow, claimed.apply)
        aside = [*claimed.aside, *uow.dead]
        for key in uow.blocked:
            claimed.positions[key].blocked = True
        await inbox.save_positions(conn, consumer.group, claimed)
        if aside:
            await dead_letter.put(conn, consumer.group, aside)
        if garbage:
            await dead_letter.put_garbage(conn, consumer.group, garbage)
        await uow.flush()
        await failpoint("consumer.in_tx")
    await failpoint("consumer.after_commit")
    _count(consumer, uow, aside, len(garbage))
    for delivery in claimed.apply[-1:]:
        EVENT_AGE.labels(consumer.group).observe(max(0.0, (uow.now - delivery.envelope.time).total_seconds()))
    return Outcome(
        len(claimed.apply) - len(uow.dead), claimed.duplicates, len(aside) + len(garbage), uow.emitted
    )


def _count(consumer: Consumer, uow: UnitOfWork, aside: Sequence[DeadLetter], garbage: int) -> None:
    for letter in aside:
        SET_ASIDE.labels(consumer.group, letter.state).inc()
        if letter.state == "dead":
            log().error(
                "event set aside",
                consumer=consumer.group,
                event_type=letter.delivery.envelope.type,
                event_id=str(letter.delivery.envelope.id),
                error=letter.error_class,
                code=letter.error_code,
            )
    if garbage:
        SET_ASIDE.labels(consumer.group, "dead").inc(garbage)
        log().error("unreadable record set aside", consumer=consumer.group, count=garbage)
    if uow.unknown_types:
        UNKNOWN_TYPES.labels(consumer.group).inc(uow.unknown_types)


async def _isolate(
    pool: asyncpg.Pool, consumer: Consumer, deliveries: Sequence[Delivery], garbage: Sequence[Garbage]
) -> Outcome:
    """Apply one event per transaction to find the one that the database or the handler cannot take."""
    total = Outcome()
    if garbage:
        total += await _apply(pool, consumer, [], garbage)
    for delivery in deliveries:
        try:
            total += await _apply(pool, consumer, [delivery])
        except Exception as error:
            if is_transient(error):
                raise
            attempts = await _count_attempt(pool, consumer, delivery)
            if attempts < MAX_ATTEMPTS and not is_bad_data(error):
                raise
            total += await _apply(pool, _failing(consumer, error), [delivery])
    return total


def _failing(consumer: Consumer, error: Exception) -> Consumer:
    """Return the same consumer with a handler that only sets its deliveries aside."""

    async def set_aside(uow: UnitOfWork, deliveries: list[Delivery]) -> None:
        for delivery in deliveries:
            uow.set_aside(delivery, error)

    return Consumer(consumer.service, consumer.group, consumer.topic, set_aside)


async def _count_attempt(pool: asyncpg.Pool, consumer: Consumer, delivery: Delivery) -> int:
    return int(
        await pool.fetchval(
            "INSERT INTO attempt AS a (consumer, event_id, attempts) VALUES ($1, $2, 1)"
            " ON CONFLICT (consumer, event_id) DO UPDATE SET attempts = a.attempts + 1 RETURNING attempts",
            consumer.group,
            delivery.envelope.id,
        )
    )


async def redrive(
    pool: asyncpg.Pool, consumer: Consumer, key: UUID, *, dry_run: bool = False
) -> Outcome | list[dict[str, Any]]:
    """Apply a key's dead and parked events in their order, in one transaction.

    The first that fails again is the dead one from now on and keeps the rest parked behind it. A dry run returns
    what would be applied.
    """
    async with pool.acquire() as conn, conn.transaction():
        row = await conn.fetchrow(
            "SELECT now() AS now, last_seq, blocked FROM position WHERE consumer = $1 AND key = $2 FOR UPDATE",
            consumer.group,
            key,
        )
        rows = await conn.fetch(
            "SELECT * FROM dead_letter WHERE consumer = $1 AND key = $2 AND state IN ('dead', 'parked')"
            " ORDER BY sequence FOR UPDATE",
            consumer.group,
            key,
        )
        if dry_run:
            return [
                {"event_id": str(r["event_id"]), "type": r["type"], "sequence": r["sequence"]} for r in rows
            ]
        if row is None:
            return Outcome()
        done, emitted, failure = 0, 0, None
        for stored in rows:
            uow = await _apply_again(conn, consumer, dead_letter.delivery_of(stored), row["now"])
            if uow.dead:
                failure = uow.dead[0]
                break
            done += 1
            emitted += uow.emitted
        await conn.execute(
            "UPDATE dead_letter SET state = 'redriven' WHERE id = ANY($1::uuid[])",
            [stored["id"] for stored in rows[:done]],
        )
        if failure:
            await conn.execute(
                "UPDATE dead_letter SET state = 'dead', error_class = $2, error_code = $3,"
                " attempts = attempts + 1, last_seen = now() WHERE id = $1",
                rows[done]["id"],
                failure.error_class,
                failure.error_code,
            )
        await conn.execute(
            "UPDATE position SET blocked = $3 WHERE consumer = $1 AND key = $2",
            consumer.group,
            key,
            failure is not None,
        )
    return Outcome(applied=done, aside=len(rows) - done, emitted=emitted)


async def _apply_again(
    conn: asyncpg.Connection, consumer: Consumer, delivery: Delivery, now: datetime
) -> UnitOfWork:
    """Apply one set-aside event behind a savepoint; `dead` of the result tells whether it failed again."""
    uow = UnitOfWork(
        conn, now=business_time(now), service=consumer.service, topic=owned_by(consumer.service).name
    )
    try:
        async with conn.transaction():
            await consumer.apply(uow, [delivery])
            await uow.flush()
    except Exception as error:
        if is_transient(error):
            raise
        uow.set_aside(delivery, error)
    return uow
