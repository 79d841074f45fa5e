"""SQL of what payers sent: every file byte for byte, and what a person has to look at."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg
from rcm_shared.ids import derived_uuid

from rcm_billing.repository.remittances import PAID_CLAIM, RemittedClaim
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
    """Something from a payer that a person has to look at.

    `reference` is a control number of theirs or ours, `segment` and `rule` say where in the file and against what,
    `candidates` is JSON. A claim payment has its payment's `remit_key`; a parked one waits for its `claim_id`.
    """

    unmatched_id: UUID
    digest: bytes
    kind: str
    ordinal: int
    reason: str
    reference: str = ""
    amount_cents: int | None = None
    body: str = ""
    segment: str = ""
    rule: str = ""
    candidates: str = "[]"
    remit_key: str | None = None
    claim_id: UUID | None = None
    state: str = "open"


async def insert_unmatched(conn: asyncpg.Connection, found: Sequence[Unmatched]) -> None:
    """Put things aside for a person; the same thing from the same file or payment stands there once."""
    rows = (
        (
            u.unmatched_id,
            u.digest,
            u.kind,
            u.ordinal,
            u.reason,
            u.reference[:80],
            u.amount_cents,
            u.body,
            u.segment,
            u.rule,
            u.candidates,
            u.remit_key,
            u.claim_id,
            u.state,
        )
        for u in found
    )
    await conn.execute(
        "INSERT INTO unmatched (unmatched_id, sha256, kind, ordinal, reason, reference, amount_cents, body, segment,"
        " rule, candidates, remit_key, claim_id, state)"
        " SELECT * FROM unnest($1::uuid[], $2::bytea[], $3::text[], $4::int[], $5::text[], $6::text[],"
        " $7::bigint[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::uuid[], $14::text[])"
        " ON CONFLICT DO NOTHING",
        *columns(rows, 14),
    )


async def list_unmatched(conn: asyncpg.Connection, limit: int) -> list[asyncpg.Record]:
    """Return what is set aside, oldest first, without bodies."""
    rows: list[asyncpg.Record] = await conn.fetch(
        "SELECT unmatched_id, kind, ordinal, reason, reference, amount_cents, segment, rule, candidates, state,"
        " created_at FROM unmatched WHERE state IN ('open', 'parked') ORDER BY created_at, ordinal LIMIT $1",
        limit,
    )
    return rows


async def find_unmatched(conn: asyncpg.Connection, unmatched_id: UUID) -> asyncpg.Record | None:
    """Lock and return one thing that is set aside, with its body."""
    return await conn.fetchrow("SELECT * FROM unmatched WHERE unmatched_id = $1 FOR UPDATE", unmatched_id)


async def decide_unmatched(
    conn: asyncpg.Connection, ids: Sequence[UUID], *, state: str, decided_by: str, decision: str
) -> None:
    """Record how something set aside ended: matched or dismissed, by whom and why."""
    await conn.execute(
        "UPDATE unmatched SET state = $2, decided_by = $3, decision = $4, decided_at = now()"
        " WHERE unmatched_id = ANY($1::uuid[])",
        list(ids),
        state,
        decided_by,
        decision,
    )


async def list_parked(conn: asyncpg.Connection, claim_ids: Sequence[UUID]) -> list[asyncpg.Record]:
    """Return the reversals that wait for a decision on these claims, oldest first."""
    rows: list[asyncpg.Record] = await conn.fetch(
        "SELECT unmatched_id, claim_id, remit_key, ordinal, body FROM unmatched"
        " WHERE state = 'parked' AND claim_id = ANY($1::uuid[]) ORDER BY created_at, ordinal",
        list(claim_ids),
    )
    return rows


async def list_aside_of(conn: asyncpg.Connection, remit_key: str, ordinals: Sequence[int]) -> set[int]:
    """Return which claim payments at these places of a payment were set aside."""
    rows = await conn.fetch(
        "SELECT ordinal FROM unmatched WHERE remit_key = $1 AND ordinal = ANY($2::int[])",
        remit_key,
        list(ordinals),
    )
    return {row["ordinal"] for row in rows}


async def list_aside_of_file(conn: asyncpg.Connection, digest: bytes) -> list[asyncpg.Record]:
    """Return what of a file was set aside, in its order."""
    rows: list[asyncpg.Record] = await conn.fetch(
        "SELECT unmatched_id, kind, ordinal, reason, reference, amount_cents, segment, rule, candidates, state,"
        " created_at FROM unmatched WHERE sha256 = $1 ORDER BY ordinal LIMIT 200",
        digest,
    )
    return rows


async def find_inbound(conn: asyncpg.Connection, digest: bytes) -> asyncpg.Record | None:
    """Return (name, state, received_at, applied_at) of a file that came in."""
    return await conn.fetchrow(
        "SELECT name, state, received_at, applied_at FROM inbound_file WHERE sha256 = $1", digest
    )


async def set_aside_again(conn: asyncpg.Connection, decision: RemittedClaim, reason: str) -> None:
    """Put a claim payment that a person took off its claim back into the queue."""
    await conn.execute(
        "INSERT INTO unmatched (unmatched_id, sha256, kind, ordinal, reason, reference, amount_cents, body, remit_key)"
        " SELECT $1, r.sha256, '835', $2, $3, $4, $5, $6, r.remit_key FROM remittance r WHERE r.remit_key = $7"
        " ON CONFLICT (remit_key, ordinal) WHERE remit_key IS NOT NULL DO UPDATE"
        " SET state = 'open', reason = excluded.reason",
        derived_uuid(decision.remitted_id, reason),
        decision.ordinal,
        reason,
        decision.claim_control[:80],
        decision.paid.paid_cents,
        PAID_CLAIM.dump_json(decision.paid).decode(),
        decision.remit_key,
    )
