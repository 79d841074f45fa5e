"""SQL of denial cases and appeals."""

import json
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg


async def list_denials(
    conn: asyncpg.Connection, *, state: str | None, facilities: list[str] | None, limit: int
) -> list[asyncpg.Record]:
    """Return denial cases by deadline."""
    rows: list[asyncpg.Record] = await conn.fetch(
        "SELECT denial_id, encounter_id, claim_id, state, group_code, carc, category, denied_cents,"
        " deadline_at,"
        " denied_at FROM denial WHERE ($1::text IS NULL OR state = $1)"
        " AND ($2::text[] IS NULL OR facility_id = ANY($2)) ORDER BY deadline_at, denial_id LIMIT $3",
        state,
        facilities,
        limit,
    )
    return rows


async def find_denial(conn: asyncpg.Connection, denial_id: UUID) -> tuple[UUID, str] | None:
    """Return (encounter, facility) of a denial case."""
    row = await conn.fetchrow("SELECT encounter_id, facility_id FROM denial WHERE denial_id = $1", denial_id)
    return (row["encounter_id"], row["facility_id"]) if row else None


async def insert_appeal(
    conn: asyncpg.Connection,
    *,
    appeal_id: UUID,
    denial_id: UUID,
    encounter_id: UUID,
    level: int,
    body: dict[str, Any],
    filed_by: str,
    filed_at: datetime,
) -> None:
    """Queue an appeal for the payer."""
    await conn.execute(
        "INSERT INTO appeal (appeal_id, denial_id, encounter_id, level, body, state, filed_by, filed_at)"
        " VALUES ($1, $2, $3, $4, $5, 'filed', $6, $7)",
        appeal_id,
        denial_id,
        encounter_id,
        level,
        json.dumps(body),
        filed_by,
        filed_at,
    )


async def list_filed_appeals(conn: asyncpg.Connection) -> list[asyncpg.Record]:
    """Return appeals that have not left."""
    rows: list[asyncpg.Record] = await conn.fetch(
        "SELECT appeal_id, body FROM appeal WHERE state = 'filed' ORDER BY filed_at LIMIT 100"
    )
    return rows


async def mark_appeal_sent(conn: asyncpg.Connection, appeal_id: UUID) -> None:
    """Record that an appeal left."""
    await conn.execute("UPDATE appeal SET state = 'sent', sent_at = now() WHERE appeal_id = $1", appeal_id)
