"""SQL of variances between what a payer allowed and what its contract says."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from rcm_billing.domain.contract import Variance
from rcm_billing.repository.rows import columns


@dataclass(frozen=True, slots=True)
class VarianceRow:
    """A variance as it is stored."""

    variance_id: UUID
    encounter_id: UUID
    facility_id: str
    claim_id: UUID
    remitted_id: UUID
    payer_id: str
    payer_order: str
    found_at: datetime
    variance: Variance


async def insert_variances(conn: asyncpg.Connection, found: Sequence[VarianceRow]) -> None:
    """Open cases; the same finding again changes nothing."""
    rows = (
        (
            row.variance_id,
            row.encounter_id,
            row.facility_id,
            row.claim_id,
            row.remitted_id,
            row.payer_id,
            row.payer_order,
            row.variance.line,
            row.variance.basis,
            row.variance.expected_cents,
            row.variance.allowed_cents,
            row.variance.held_cents,
            row.found_at,
        )
        for row in found
    )
    await conn.execute(
        "INSERT INTO variance (variance_id, encounter_id, facility_id, claim_id, remitted_id, payer_id, payer_order,"
        " line, basis, expected_cents, allowed_cents, held_cents, found_at, state)"
        " SELECT *, 'open' FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::uuid[], $6::text[],"
        " $7::text[], $8::int[], $9::text[], $10::bigint[], $11::bigint[], $12::bigint[], $13::timestamptz[])"
        " ON CONFLICT DO NOTHING",
        *columns(rows, 13),
    )


async def list_variances(
    conn: asyncpg.Connection, *, state: str | None, facilities: list[str] | None, limit: int
) -> list[asyncpg.Record]:
    """Return variances, the largest difference first."""
    rows: list[asyncpg.Record] = await conn.fetch(
        "SELECT * FROM variance WHERE ($1::text IS NULL OR state = $1)"
        " AND ($2::text[] IS NULL OR facility_id = ANY($2))"
        " ORDER BY abs(expected_cents - allowed_cents) DESC, variance_id LIMIT $3",
        state,
        facilities,
        limit,
    )
    return rows


async def encounter_of(conn: asyncpg.Connection, variance_id: UUID) -> UUID | None:
    """Return the encounter that a variance belongs to."""
    found: UUID | None = await conn.fetchval(
        "SELECT encounter_id FROM variance WHERE variance_id = $1", variance_id
    )
    return found


async def find_variance(conn: asyncpg.Connection, variance_id: UUID) -> asyncpg.Record | None:
    """Lock and return one variance."""
    return await conn.fetchrow("SELECT * FROM variance WHERE variance_id = $1 FOR UPDATE", variance_id)


async def move_variance(
    conn: asyncpg.Connection,
    variance_id: UUID,
    *,
    state: str,
    decided_by: str,
    reason: str,
    transaction_id: UUID | None,
) -> None:
    """Record a step of a variance, with the transaction that it posted."""
    await conn.execute(
        "UPDATE variance SET state = $2, decided_by = $3, reason = $4, transaction_id = $5, updated_at = now()"
        " WHERE variance_id = $1",
        variance_id,
        state,
        decided_by,
        reason,
        transaction_id,
    )


async def list_accepted(conn: asyncpg.Connection, remitted_ids: Sequence[UUID]) -> dict[UUID, list[UUID]]:
    """Return the transactions by which a person accepted what was held of these decisions."""
    rows = await conn.fetch(
        "SELECT remitted_id, transaction_id FROM variance WHERE remitted_id = ANY($1::uuid[])"
        " AND transaction_id IS NOT NULL",
        list(remitted_ids),
    )
    found: dict[UUID, list[UUID]] = {}
    for row in rows:
        found.setdefault(row["remitted_id"], []).append(row["transaction_id"])
    return found


async def reopen_accepted(conn: asyncpg.Connection, transaction_id: UUID) -> None:
    """Open a variance again whose acceptance was undone."""
    await conn.execute(
        "UPDATE variance SET state = 'open', transaction_id = NULL, updated_at = now() WHERE transaction_id = $1",
        transaction_id,
    )


async def withdraw_variances(conn: asyncpg.Connection, remitted_ids: Sequence[UUID]) -> None:
    """Close the variances of decisions that were taken back."""
    await conn.execute(
        "UPDATE variance SET state = 'withdrawn', transaction_id = NULL, updated_at = now()"
        " WHERE remitted_id = ANY($1::uuid[]) AND state IN ('open', 'disputed', 'accepted')",
        list(remitted_ids),
    )
