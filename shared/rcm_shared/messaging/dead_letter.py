"""Events set aside: kept with their bytes, counted by cause, applied later in their order, never edited.

`dead` failed by itself, `parked` waits behind a dead one of its key, `waiting` came before a missing one. There are
no retry topics and no dead-letter topic: order per key is kept here, in the service's own database.
"""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

import asyncpg

from rcm_shared.ids import uuid7
from rcm_shared.messaging.delivery import Delivery
from rcm_shared.messaging.headers import from_headers, to_headers
from rcm_shared.messaging.uow import DeadLetter, UnitOfWork


class Record(Protocol):
    """The parts of a Kafka record that are kept."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class Garbage:
    """A record whose envelope could not be read."""

    record: Record
    code: str


_INSERT = """
INSERT INTO dead_letter AS d (id, consumer, state, key, sequence, event_id, type, topic, partition, "offset",
                              error_class, error_code, headers, body)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13::jsonb, $14)
ON CONFLICT (consumer, topic, partition, "offset") DO UPDATE
SET last_seen = now(), attempts = d.attempts + 1
"""


async def put(conn: asyncpg.Connection, consumer: str, letters: Sequence[DeadLetter]) -> None:
    """Store deliveries that were set aside."""
    await conn.executemany(
        _INSERT,
        [
            (
                uuid7(),
                consumer,
                letter.state,
                letter.delivery.envelope.key,
                letter.delivery.envelope.sequence,
                letter.delivery.envelope.id,
                letter.delivery.envelope.type,
                letter.delivery.topic,
                letter.delivery.partition,
                letter.delivery.offset,
                letter.error_class,
                letter.error_code,
                json.dumps(_envelope_json(letter.delivery)),
                letter.delivery.body,
            )
            for letter in letters
        ],
    )


async def put_garbage(conn: asyncpg.Connection, consumer: str, garbage: Sequence[Garbage]) -> None:
    """Store records whose headers no consumer can read; their bytes and positions are kept."""
    await conn.executemany(
        _INSERT,
        [
            (
                uuid7(),
                consumer,
                "dead",
                None,
                None,
                None,
                "",
                item.record.topic,
                item.record.partition,
                item.record.offset,
                "Poison",
                item.code,
                json.dumps(_raw_headers(item.record)),
                item.record.value or b"",
            )
            for item in garbage
        ],
    )


async def put_inbound(uow: UnitOfWork, record: Record, code: str) -> None:
    """Store a record of the hospitals' inbound topic that intake refused."""
    await put_garbage(uow.conn, f"{uow.service}.inbound", [Garbage(record, code)])


def _raw_headers(record: Record) -> dict[str, str]:
    """Keep header bytes as base64: they may be anything. PostgreSQL takes no NUL in the names."""
    return {
        str(name).replace("\0", "\ufffd"): base64.b64encode(value or b"").decode()
        for name, value in record.headers or ()
    }


def _envelope_json(delivery: Delivery) -> dict[str, Any]:
    return {name: value.decode() for name, value in to_headers(delivery.envelope)}


def delivery_of(row: asyncpg.Record) -> Delivery:
    """Read a stored delivery back."""
    headers = json.loads(row["headers"])
    return Delivery(
        from_headers(row["key"].bytes, [(name, value.encode()) for name, value in headers.items()]),
        bytes(row["body"]),
        row["topic"],
        row["partition"],
        row["offset"],
    )


async def listing(conn: asyncpg.Connection, *, limit: int = 200) -> list[dict[str, Any]]:
    """Return open dead letters grouped by cause: shape {consumer, type, error_class, error_code, counts, first…}."""
    rows = await conn.fetch(
        """
        SELECT consumer, type, error_class, error_code,
               count(*) FILTER (WHERE state = 'dead') AS dead,
               count(*) FILTER (WHERE state = 'parked') AS parked,
               count(*) FILTER (WHERE state = 'waiting') AS waiting,
               count(DISTINCT key) AS encounters,
               min(first_seen) AS first_seen, max(last_seen) AS last_seen,
               (array_agg(id ORDER BY first_seen) FILTER (WHERE state = 'dead'))[1:20] AS ids
        FROM dead_letter WHERE state IN ('dead', 'parked', 'waiting')
        GROUP BY 1, 2, 3, 4 ORDER BY first_seen LIMIT $1
        """,
        limit,
    )
    return [{**row, "ids": [str(i) for i in row["ids"] or ()]} for row in map(dict, rows)]


async def show(conn: asyncpg.Connection, letter_id: UUID) -> dict[str, Any] | None:
    """Return one dead letter without its body."""
    row = await conn.fetchrow(
        'SELECT id, consumer, state, key, sequence, event_id, type, topic, partition, "offset", error_class,'
        " error_code, attempts, first_seen, last_seen FROM dead_letter WHERE id = $1",
        letter_id,
    )
    return dict(row) if row else None


async def discard(conn: asyncpg.Connection, letter_id: UUID) -> bool:
    """Give up a dead event for good; its key flows again unless others are still set aside on it.

    Returns False when there is no such dead letter. Doing it again changes nothing.
    """
    letter = await conn.fetchrow(
        "UPDATE dead_letter SET state = 'discarded', last_seen = now()"
        " WHERE id = $1 AND state IN ('dead', 'discarded') RETURNING consumer, key",
        letter_id,
    )
    if letter is None:
        return False
    await conn.execute(
        "UPDATE position p SET blocked = false WHERE consumer = $1 AND key = $2 AND NOT EXISTS ("
        " SELECT 1 FROM dead_letter d WHERE d.consumer = p.consumer AND d.key = p.key"
        " AND d.state IN ('dead', 'parked'))",
        letter["consumer"],
        letter["key"],
    )
    return True
