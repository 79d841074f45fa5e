"""What was seen before: event ids (first line) and the position per key (permanent, and finds losses)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import asyncpg

from rcm_shared.messaging.dead_letter import delivery_of
from rcm_shared.messaging.delivery import Delivery
from rcm_shared.messaging.uow import DeadLetter

_CLAIM = """
WITH seen AS (
    INSERT INTO inbox (consumer, event_id, occurred_on, partition, "offset")
    SELECT $1, * FROM unnest($2::uuid[], $3::date[], $4::int[], $5::bigint[])
    ON CONFLICT DO NOTHING RETURNING event_id
)
SELECT now() AS now, array(SELECT event_id FROM seen) AS fresh
"""

_POSITIONS = """
SELECT key, last_seq, blocked, waiting FROM position
WHERE consumer = $1 AND key = ANY($2::uuid[]) ORDER BY key FOR UPDATE
"""

_SAVE = """
INSERT INTO position (consumer, key, last_seq, blocked, waiting)
SELECT $1, * FROM unnest($2::uuid[], $3::bigint[], $4::boolean[], $5::boolean[])
ON CONFLICT (consumer, key) DO UPDATE
SET last_seq = excluded.last_seq, blocked = excluded.blocked, waiting = excluded.waiting
"""


@dataclass(slots=True)
class Position:
    """How far a consumer has come on one key."""

    last_seq: int = 0
    blocked: bool = False
    waiting: bool = False


@dataclass(slots=True)
class Claimed:
    """The outcome of claiming a batch: what to apply now, in order, and what that means for the positions."""

    now: datetime
    apply: list[Delivery] = field(default_factory=list)
    aside: list[DeadLetter] = field(default_factory=list)
    positions: dict[UUID, Position] = field(default_factory=dict)
    duplicates: int = 0


async def claim(conn: asyncpg.Connection, consumer: str, deliveries: Sequence[Delivery]) -> Claimed:
    """Mark a batch as seen and sort it into new, duplicate, parked and waiting.

    Runs first in the transaction: a concurrent twin blocks on the inbox's unique key and then sees the conflict.
    """
    first: dict[UUID, Delivery] = {}
    for delivery in deliveries:
        first.setdefault(delivery.envelope.id, delivery)
    batch = list(first.values())
    row = await conn.fetchrow(
        _CLAIM,
        consumer,
        list(first),
        [d.envelope.time.date() for d in batch],
        [d.partition for d in batch],
        [d.offset for d in batch],
    )
    fresh = set(row["fresh"])
    claimed = Claimed(row["now"], duplicates=len(deliveries) - len(fresh))
    new = [d for d in batch if d.envelope.id in fresh]
    if not new:
        return claimed
    keys = sorted({d.envelope.key for d in new})
    stored = await conn.fetch(_POSITIONS, consumer, keys)
    before = {r["key"]: Position(r["last_seq"], r["blocked"], r["waiting"]) for r in stored}
    for delivery in new:
        _place(claimed, before, delivery)
    resumable = [key for key, position in claimed.positions.items() if position.waiting]
    if resumable:
        await _resume(conn, consumer, claimed, resumable)
    return claimed


def _place(claimed: Claimed, before: dict[UUID, Position], delivery: Delivery) -> None:
    key, sequence = delivery.envelope.key, delivery.envelope.sequence
    position = claimed.positions.get(key) or before.get(key) or Position()
    if sequence <= position.last_seq:
        claimed.duplicates += 1
        return
    claimed.positions[key] = position
    if sequence > position.last_seq + 1:
        position.waiting = True
        claimed.aside.append(DeadLetter(delivery, "waiting", "", "sequence-gap"))
        return
    position.last_seq = sequence
    if position.blocked:
        claimed.aside.append(DeadLetter(delivery, "parked", "", ""))
    else:
        claimed.apply.append(delivery)


async def _resume(conn: asyncpg.Connection, consumer: str, claimed: Claimed, keys: list[UUID]) -> None:
    """Take up events whose gap this batch has filled: those stored before and those of this batch, in order."""
    rows = await conn.fetch(
        "SELECT * FROM dead_letter WHERE consumer = $1 AND key = ANY($2::uuid[]) AND state = 'waiting'"
        " ORDER BY key, sequence FOR UPDATE",
        consumer,
        keys,
    )
    stored = {row["event_id"]: row["id"] for row in rows}
    waiting = [delivery_of(row) for row in rows]
    waiting += [letter.delivery for letter in claimed.aside if letter.state == "waiting"]
    claimed.aside = [letter for letter in claimed.aside if letter.state != "waiting"]
    taken: list[UUID] = []
    left: set[UUID] = set()
    for delivery in sorted(waiting, key=lambda d: (d.envelope.key, d.envelope.sequence)):
        envelope = delivery.envelope
        position = claimed.positions[envelope.key]
        if envelope.sequence > position.last_seq + 1:
            left.add(envelope.key)
            if envelope.id not in stored:
                claimed.aside.append(DeadLetter(delivery, "waiting", "", "sequence-gap"))
            continue
        if envelope.id in stored:
            taken.append(stored[envelope.id])
        if envelope.sequence <= position.last_seq:
            continue
        position.last_seq += 1
        if position.blocked:
            claimed.aside.append(DeadLetter(delivery, "parked", "", ""))
        else:
            claimed.apply.append(delivery)
    if taken:
        await conn.execute("DELETE FROM dead_letter WHERE id = ANY($1::uuid[])", taken)
    for key in keys:
        claimed.positions[key].waiting = key in left


async def save_positions(conn: asyncpg.Connection, consumer: str, positions: dict[UUID, Position]) -> None:
    """Store how far the consumer has come."""
    keys = sorted(positions)
    await conn.execute(
        _SAVE,
        consumer,
        keys,
        [positions[key].last_seq for key in keys],
        [positions[key].blocked for key in keys],
        [positions[key].waiting for key in keys],
    )
