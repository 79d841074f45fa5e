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
WITH given AS (
    SELECT * FROM unnest($2::uuid[], $3::uuid[], $4::bigint[]) AS t(event_id, key, sequence)
), seen AS (
    INSERT INTO inbox (consumer, event_id) SELECT $1, event_id FROM given
    ON CONFLICT DO NOTHING RETURNING event_id
), runs AS (
    SELECT key, max(sequence) AS last_seq, count(*)::int AS run
    FROM given JOIN seen USING (event_id) GROUP BY key ORDER BY key
), placed AS (
    INSERT INTO position AS p (consumer, key, last_seq, run) SELECT $1, key, last_seq, run FROM runs
    ON CONFLICT (consumer, key) DO UPDATE SET run = excluded.run, last_seq = CASE
        WHEN p.last_seq = excluded.last_seq - excluded.run AND NOT (p.blocked OR p.waiting)
        THEN excluded.last_seq ELSE p.last_seq END
    RETURNING key, coalesce(old.last_seq, 0) AS before, new.last_seq AS after, new.blocked, new.waiting
), fresh AS (
    SELECT array_agg(event_id) AS fresh FROM seen
)
SELECT now() AS now, fresh, array_agg(key) AS keys, array_agg(before) AS before, array_agg(after) AS after,
       array_agg(blocked) AS blocked, array_agg(waiting) AS waiting
FROM fresh LEFT JOIN placed ON true GROUP BY fresh
"""

_SAVE = """
INSERT INTO position (consumer, key, last_seq, run, blocked, waiting)
SELECT $1, key, last_seq, 0, blocked, waiting
FROM unnest($2::uuid[], $3::bigint[], $4::boolean[], $5::boolean[]) AS t(key, last_seq, blocked, waiting)
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
    stored: dict[UUID, Position] = field(default_factory=dict)  # what the claim itself wrote
    duplicates: int = 0


async def claim(conn: asyncpg.Connection, consumer: str, deliveries: Sequence[Delivery]) -> Claimed:
    """Mark a batch as seen and sort it into new, duplicate, parked and waiting.

    Runs first in the transaction: a concurrent twin blocks on the inbox's unique key and then sees the conflict. The
    same statement moves each key's position on when its new events follow on from it, as they nearly always do; for
    the others `save_positions` writes what is right.
    """
    first: dict[UUID, Delivery] = {}
    for delivery in deliveries:
        first.setdefault(delivery.envelope.id, delivery)
    batch = list(first.values())
    row = await conn.fetchrow(
        _CLAIM,
        consumer,
        list(first),
        [d.envelope.key for d in batch],
        [d.envelope.sequence for d in batch],
    )
    fresh = set(row["fresh"] or ())
    claimed = Claimed(row["now"], duplicates=len(deliveries) - len(fresh))
    if not fresh:
        return claimed
    new = [d for d in batch if d.envelope.id in fresh] if len(fresh) < len(batch) else batch
    before: dict[UUID, Position] = {}
    for key, was, now, blocked, waiting in zip(
        row["keys"], row["before"], row["after"], row["blocked"], row["waiting"], strict=True
    ):
        before[key] = Position(was, blocked, waiting)
        claimed.stored[key] = Position(now, blocked, waiting)
    for delivery in new:
        _place(claimed, before, delivery)
    resumable = [key for key, position in claimed.positions.items() if position.waiting]
    if resumable:
        await _resume(conn, consumer, claimed, resumable)
    return claimed


def _place(claimed: Claimed, before: dict[UUID, Position], delivery: Delivery) -> None:
    key, sequence = delivery.envelope.key, delivery.envelope.sequence
    position = before[key]
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


async def save_positions(conn: asyncpg.Connection, consumer: str, claimed: Claimed) -> None:
    """Store how far the consumer has come on the keys for which the claim did not know it."""
    changed = sorted(key for key, at in claimed.positions.items() if at != claimed.stored[key])
    if not changed:
        return
    now = [claimed.positions[key] for key in changed]
    await conn.execute(
        _SAVE,
        consumer,
        changed,
        [position.last_seq for position in now],
        [position.blocked for position in now],
        [position.waiting for position in now],
    )
