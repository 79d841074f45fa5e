"""SQL of what payers sent: every file byte for byte, and what a person has to look at."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from rcm_billing.repository.rows import columns


def digest_of(body: bytes) -> bytes:
    """Return what identifies a file."""
    return hashlib.sha256(body).digest()


async def store_inbound(conn: asyncpg.Connection, name: str, body: bytes) -> str:
    """Keep a file's bytes once and return its state; the same bytes again change nothing."""
    digest = digest_of(body)
    await conn.execute(
        "INSERT INTO inbound_file (sha256, name, body, state) VALUES ($1, $2, $3, 'stored') ON CONFLICT"
        " DO NOTHING",
        digest,
        name,
        body,
    )
    state: str = await conn.fetchval("SELECT state FROM inbound_file WHERE sha256 = $1", digest)
    return state


async def mark_inbound(conn: asyncpg.Connection, digest: bytes, state: str) -> None:
    """Record that a file was applied or cannot be read."""
    await conn.execute(
        "UPDATE inbound_file SET state = $2, applied_at = now() WHERE sha256 = $1", digest, state
    )


async def list_stored(conn: asyncpg.Connection) -> list[asyncpg.Record]:
    """Return files that were stored and not yet applied."""
    rows: list[asyncpg.Record] = await conn.fetch(
        "SELECT sha256, name, body FROM inbound_file WHERE state = 'stored' ORDER BY received_at LIMIT 100"
    )
    return rows


@dataclass(frozen=True, slots=True)
class Unmatched:
    """Something from a payer that a person has to look at. `reference` is a control number of theirs or
    ours.
    """

    unmatched_id: UUID
    digest: bytes
    kind: str
    ordinal: int
    reason: str
    reference: str = ""
    amount_cents: int | None = None
    body: str = ""


async def insert_unmatched(conn: asyncpg.Connection, found: Sequence[Unmatched]) -> None:
    """Put things aside for a person; the same thing from the same file stands there once."""
    rows = (
        (u.unmatched_id, u.digest, u.kind, u.ordinal, u.reason, u.reference[:80], u.amount_cents, u.body)
        for u in found
    )
    await conn.execute(
        "INSERT INTO unmatched (unmatched_id, sha256, kind, ordinal, reason, reference, amount_cents, body)"
        " SELECT * FROM unnest($1::uuid[], $2::bytea[], $3::text[], $4::int[], $5::text[], $6::text[],"
        " $7::bigint[],"
        " $8::text[]) ON CONFLICT DO NOTHING",
        *columns(rows, 8),
    )


async def list_unmatched(conn: asyncpg.Connection, limit: int) -> list[asyncpg.Record]:
    """Return what is set aside, oldest first, without bodies."""
    rows: list[asyncpg.Record] = await conn.fetch(
        "SELECT unmatched_id, kind, ordinal, reason, reference, amount_cents, created_at FROM unmatched"
        " WHERE state = 'open' ORDER BY created_at, ordinal LIMIT $1",
        limit,
    )
    return rows
