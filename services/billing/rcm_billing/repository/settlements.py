"""SQL of refunds and write-offs that people ask for."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg


@dataclass(frozen=True, slots=True)
class SettlementRow:
    """A request, posted at once when one person may decide it."""

    request_id: UUID
    encounter_id: UUID
    facility_id: str
    kind: str
    category: str
    receivable: str
    cents: int
    reason: str
    state: str
    requested_by: str
    requested_at: datetime
    transaction_id: UUID | None = None


async def insert_request(conn: asyncpg.Connection, row: SettlementRow) -> None:
    """Record a request."""
    await conn.execute(
        "INSERT INTO settlement_request (request_id, encounter_id, facility_id, kind, category, receivable, cents,"
        " reason, state, requested_by, requested_at, transaction_id)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        row.request_id,
        row.encounter_id,
        row.facility_id,
        row.kind,
        row.category,
        row.receivable,
        row.cents,
        row.reason,
        row.state,
        row.requested_by,
        row.requested_at,
        row.transaction_id,
    )


async def find_request(conn: asyncpg.Connection, request_id: UUID) -> asyncpg.Record | None:
    """Lock and return a request."""
    return await conn.fetchrow(
        "SELECT * FROM settlement_request WHERE request_id = $1 FOR UPDATE", request_id
    )


async def decide_request(
    conn: asyncpg.Connection,
    request_id: UUID,
    *,
    state: str,
    decided_by: str,
    at: datetime,
    transaction_id: UUID | None = None,
) -> None:
    """Record the decision of a second person."""
    await conn.execute(
        "UPDATE settlement_request SET state = $2, decided_by = $3, decided_at = $4, transaction_id = $5"
        " WHERE request_id = $1",
        request_id,
        state,
        decided_by,
        at,
        transaction_id,
    )


async def list_requests(
    conn: asyncpg.Connection, *, state: str | None, facilities: list[str] | None, limit: int
) -> list[asyncpg.Record]:
    """Return requests, oldest first."""
    rows: list[asyncpg.Record] = await conn.fetch(
        "SELECT * FROM settlement_request WHERE ($1::text IS NULL OR state = $1)"
        " AND ($2::text[] IS NULL OR facility_id = ANY($2)) ORDER BY requested_at, request_id LIMIT $3",
        state,
        facilities,
        limit,
    )
    return rows
