"""SQL of the audit service: journal, row per encounter, checkpoints, and what pages and API ask for."""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from pydantic import TypeAdapter

from rcm_audit.domain.encounter_view import LIMITS, EncounterView
from rcm_audit.domain.journal import ChainHead, JournalEntry

_VIEW: TypeAdapter[EncounterView] = TypeAdapter(EncounterView)

COLUMNS = (
    "key",
    "position",
    "event_id",
    "type",
    "source",
    "time",
    "sequence",
    "correlation_id",
    "causation_id",
    "facility_id",
    "traceparent",
    "topic",
    "recorded_at",
    "body",
    "body_sha256",
    "hash",
)
CHUNK = 500  # journal rows between two looks at other tasks
CHECKPOINT_LOCK = 7_263_011

_LOCK = """
SELECT key, chain_length, chain_hash, body FROM encounter_view
WHERE key = ANY($1::uuid[]) ORDER BY key FOR NO KEY UPDATE
"""

_MAKE = """
INSERT INTO encounter_view (key)
SELECT n.key FROM unnest($1::uuid[]) AS n(key)
WHERE NOT EXISTS (SELECT FROM encounter_view AS e WHERE e.key = n.key) ORDER BY n.key ON CONFLICT DO NOTHING
"""

_SAVE = """
UPDATE encounter_view AS e
SET chain_length = n.chain_length, chain_hash = n.chain_hash, facility_id = n.facility_id, waiting = n.waiting,
    waiting_since = n.waiting_since, charged_cents = n.charged, paid_cents = n.paid,
    adjusted_cents = n.adjusted, patient_cents = n.patient, patient_paid_cents = n.patient_paid,
    balance_cents = n.balance, closing_difference_cents = n.closing_difference, gaps = n.gaps,
    last_event_at = n.last_event_at, body = n.body
FROM unnest($1::uuid[], $2::int[], $3::bytea[], $4::text[], $5::text[], $6::timestamptz[],
            $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[],
            $13::bigint[], $14::int[], $15::timestamptz[], $16::text[])
    AS n(key, chain_length, chain_hash, facility_id, waiting, waiting_since, charged, paid, adjusted,
         patient, patient_paid, balance, closing_difference, gaps, last_event_at, body)
WHERE e.key = n.key
"""


@dataclass(slots=True)
class EncounterRow:
    """The locked row of one key: its chain's head and, for an encounter, its view."""

    head: ChainHead
    view: EncounterView | None


async def lock_encounters(conn: asyncpg.Connection, keys: Iterable[UUID]) -> dict[UUID, EncounterRow]:
    """Make the rows that are missing, then lock all in key order.

    Two topics that bring the same new keys at the same moment may deadlock; the platform tries the loser again.
    """
    wanted = sorted(keys)
    await conn.execute(_MAKE, wanted)
    rows = await conn.fetch(_LOCK, wanted)
    return {
        row["key"]: EncounterRow(
            ChainHead(row["chain_length"], row["chain_hash"]),
            None if row["body"] is None else _VIEW.validate_json(row["body"]),
        )
        for row in rows
    }


async def append(conn: asyncpg.Connection, records: Sequence[tuple[Any, ...]]) -> None:
    """Copy records into the journal. Shape: tuples in the order of COLUMNS."""
    await conn.copy_records_to_table("journal", records=records, columns=COLUMNS)


async def save_encounters(conn: asyncpg.Connection, rows: dict[UUID, EncounterRow]) -> None:
    """Write heads and views of locked rows."""
    columns: list[list[Any]] = [[] for _ in range(16)]
    for key, row in rows.items():
        view = row.view
        values = (
            (key, row.head.length, row.head.hash, "", "", None, 0, 0, 0, 0, 0, 0, 0, 0, None, None)
            if view is None
            else (
                key,
                row.head.length,
                row.head.hash,
                view.facility_id,
                view.waiting.value,
                view.waiting_since,
                view.charged_cents,
                view.paid_cents,
                view.adjusted_cents,
                view.patient_cents,
                view.patient_paid_cents,
                view.balance_cents,
                view.closing_difference_cents,
                sum(gap.last - gap.first + 1 for gap in view.gaps),
                view.last_event_at,
                _VIEW.dump_json(view, exclude_defaults=True).decode(),
            )
        )
        for column, value in zip(columns, values, strict=True):
            column.append(value)
    await conn.execute(_SAVE, *columns)


def _entry(row: asyncpg.Record) -> JournalEntry:
    return JournalEntry(*row)


async def list_journal(conn: asyncpg.Connection, key: UUID) -> list[JournalEntry]:
    """Return one chain's entries in their order."""
    rows = await conn.fetch(f"SELECT {', '.join(COLUMNS)} FROM journal WHERE key = $1 ORDER BY position", key)
    return [_entry(row) for row in rows]


async def list_held(conn: asyncpg.Connection, key: UUID) -> list[tuple[str, int]]:
    """Return (topic, sequence) of events that audit holds back because one before them is missing or dead."""
    rows = await conn.fetch(
        "SELECT topic, sequence FROM dead_letter WHERE key = $1 AND state IN ('waiting', 'parked', 'dead')"
        " AND sequence IS NOT NULL ORDER BY topic, sequence",
        key,
    )
    return [(row["topic"], row["sequence"]) for row in rows]


async def stream_journal(conn: asyncpg.Connection) -> AsyncIterator[list[JournalEntry]]:
    """Yield the whole journal in (key, position) order, in chunks. Needs an open transaction."""
    cursor = await conn.cursor(f"SELECT {', '.join(COLUMNS)} FROM journal ORDER BY key, position")
    while rows := await cursor.fetch(CHUNK):
        yield [_entry(row) for row in rows]


async def list_heads(conn: asyncpg.Connection) -> dict[UUID, ChainHead]:
    """Return every chain's head in key order."""
    rows = await conn.fetch(
        "SELECT key, chain_length, chain_hash FROM encounter_view WHERE chain_length > 0 ORDER BY key"
    )
    return {row["key"]: ChainHead(row["chain_length"], row["chain_hash"]) for row in rows}


@dataclass(frozen=True, slots=True)
class StoredCheckpoint:
    """One signed checkpoint."""

    id: int
    taken_at: datetime
    note: str


async def find_last_checkpoint(conn: asyncpg.Connection) -> StoredCheckpoint | None:
    """Return the newest checkpoint."""
    row = await conn.fetchrow("SELECT id, taken_at, note FROM checkpoint ORDER BY id DESC LIMIT 1")
    return None if row is None else StoredCheckpoint(row["id"], row["taken_at"], row["note"])


async def find_checkpoint_note(conn: asyncpg.Connection, checkpoint_id: int) -> str | None:
    """Return the note of one checkpoint."""
    note: str | None = await conn.fetchval("SELECT note FROM checkpoint WHERE id = $1", checkpoint_id)
    return note


async def list_checkpoint_lengths(conn: asyncpg.Connection) -> dict[UUID, int]:
    """Return how long each chain was at the last checkpoint, in key order."""
    rows = await conn.fetch("SELECT key, length FROM checkpoint_head ORDER BY key")
    return {row["key"]: row["length"] for row in rows}


async def list_covered_heads(conn: asyncpg.Connection) -> dict[UUID, ChainHead]:
    """Return what the last checkpoint covers as the journal says it now, in key order.

    A chain that has not grown is read from its head, a grown one from the journal; a lost record gives no hash.
    """
    rows = await conn.fetch(
        "SELECT c.key, c.length, CASE WHEN e.chain_length = c.length THEN e.chain_hash ELSE ("
        "   SELECT j.hash FROM journal AS j WHERE j.key = c.key AND j.position = c.length) END AS hash"
        " FROM checkpoint_head AS c LEFT JOIN encounter_view AS e ON e.key = c.key ORDER BY c.key"
    )
    return {row["key"]: ChainHead(row["length"], row["hash"] or b"") for row in rows}


async def add_checkpoint(
    conn: asyncpg.Connection,
    *,
    lengths: dict[UUID, int],
    taken_at: datetime,
    chains: int,
    records: int,
    root: bytes,
    note: str,
) -> int:
    """Store a checkpoint with the lengths that it covers and return its number."""
    await conn.execute(
        "INSERT INTO checkpoint_head AS c (key, length) SELECT * FROM unnest($1::uuid[], $2::int[])"
        " ON CONFLICT (key) DO UPDATE SET length = excluded.length WHERE c.length <> excluded.length",
        list(lengths),
        list(lengths.values()),
    )
    number: int = await conn.fetchval(
        "INSERT INTO checkpoint (taken_at, chains, records, root, note)"
        " VALUES ($1, $2, $3, $4, $5) RETURNING id",
        taken_at,
        chains,
        records,
        root,
        note,
    )
    return number


async def find_view(
    conn: asyncpg.Connection, key: UUID, facilities: Sequence[str] | None
) -> EncounterView | None:
    """Return the view of one encounter of these facilities (None: of any)."""
    body = await conn.fetchval(
        "SELECT body FROM encounter_view WHERE key = $1 AND ($2::text[] IS NULL OR facility_id = ANY($2))",
        key,
        None if facilities is None else list(facilities),
    )
    return None if body is None else _VIEW.validate_json(body)


async def list_views(
    conn: asyncpg.Connection,
    *,
    facilities: Sequence[str] | None,
    waiting: str | None,
    stuck_at: datetime | None,
    limit: int,
) -> list[EncounterView]:
    """List encounters, the longest waiting first; `stuck_at` keeps those past their state's limit by then."""
    rows = await conn.fetch(
        "SELECT body FROM encounter_view AS e WHERE body IS NOT NULL"
        " AND ($1::text[] IS NULL OR facility_id = ANY($1)) AND ($2::text IS NULL OR waiting = $2)"
        " AND ($3::timestamptz IS NULL OR EXISTS ("
        "      SELECT FROM unnest($4::text[], $5::interval[]) AS l(state, limit_)"
        "      WHERE l.state = e.waiting AND $3 - e.waiting_since > l.limit_))"
        " ORDER BY waiting_since, key LIMIT $6",
        None if facilities is None else list(facilities),
        waiting,
        stuck_at,
        [state.value for state in LIMITS],
        list(LIMITS.values()),
        limit,
    )
    return [_VIEW.validate_json(row["body"]) for row in rows]


@dataclass(frozen=True, slots=True)
class StateCount:
    """How many encounters stand in one state, how many of them too long, since when, and their open money."""

    waiting: str
    encounters: int
    stuck: int
    oldest_since: datetime | None
    open_cents: int
    missing_events: int


async def count_by_state(
    conn: asyncpg.Connection, facilities: Sequence[str] | None, now: datetime
) -> list[StateCount]:
    """Count encounters by waiting state."""
    rows = await conn.fetch(
        "SELECT e.waiting, count(*) AS encounters,"
        " count(*) FILTER (WHERE l.limit_ IS NOT NULL AND $2 - e.waiting_since > l.limit_) AS stuck,"
        " min(e.waiting_since) AS oldest_since, "
        " sum(e.balance_cents + e.patient_cents - e.patient_paid_cents)::bigint AS open_cents,"
        " sum(e.gaps)::bigint AS missing_events"
        " FROM encounter_view AS e"
        " LEFT JOIN unnest($3::text[], $4::interval[]) AS l(state, limit_) ON l.state = e.waiting"
        " WHERE e.body IS NOT NULL AND ($1::text[] IS NULL OR e.facility_id = ANY($1)) GROUP BY e.waiting",
        None if facilities is None else list(facilities),
        now,
        [state.value for state in LIMITS],
        list(LIMITS.values()),
    )
    return [StateCount(**dict(row)) for row in rows]


async def sum_money(conn: asyncpg.Connection, facilities: Sequence[str] | None) -> dict[str, int]:
    """Sum the money of all encounters, in cents."""
    row = await conn.fetchrow(
        "SELECT count(*) AS encounters, coalesce(sum(charged_cents), 0)::bigint AS charged_cents,"
        " coalesce(sum(paid_cents), 0)::bigint AS paid_cents,"
        " coalesce(sum(adjusted_cents), 0)::bigint AS adjusted_cents,"
        " coalesce(sum(patient_cents), 0)::bigint AS patient_cents,"
        " coalesce(sum(patient_cents - patient_paid_cents), 0)::bigint AS patient_open_cents,"
        " coalesce(sum(balance_cents), 0)::bigint AS balance_cents,"
        " coalesce(sum(closing_difference_cents), 0)::bigint AS closing_difference_cents,"
        " count(*) FILTER (WHERE waiting = 'closed') AS closed_accounts,"
        " count(*) FILTER (WHERE closing_difference_cents <> 0) AS closed_with_difference"
        " FROM encounter_view WHERE body IS NOT NULL AND ($1::text[] IS NULL OR facility_id = ANY($1))",
        None if facilities is None else list(facilities),
    )
    return dict(row)
