"""SQL of frozen interchanges, their control numbers and attempts."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg


async def next_control_number(conn: asyncpg.Connection) -> int:
    """Allocate the next interchange number; the row stays locked until this transaction ends."""
    value: int = await conn.fetchval(
        "UPDATE control_number SET value = value % 999999999 + 1 WHERE name = 'interchange' RETURNING value"
    )
    return value


async def insert_interchange(
    conn: asyncpg.Connection,
    *,
    interchange_id: UUID,
    numbers: tuple[str, str, str, str],
    group: tuple[str, str, str],
    body: bytes,
    attempts: Sequence[tuple[UUID, UUID, UUID]],
) -> None:
    """Freeze the bytes of an interchange with its attempts (attempt, claim, encounter)."""
    await conn.execute(
        "INSERT INTO interchange (interchange_id, isa13, gs06, st02, bht03, facility_id, payer_id, form,"
        " claims,"
        " body, sha256, state) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'built')",
        interchange_id,
        *numbers,
        *group,
        len(attempts),
        body,
        hashlib.sha256(body).digest(),
    )
    await conn.execute(
        "INSERT INTO submission_attempt (interchange_id, attempt_id, claim_id, encounter_id)"
        " SELECT $1, a, c, e FROM unnest($2::uuid[], $3::uuid[], $4::uuid[]) AS t(a, c, e)",
        interchange_id,
        [attempt for attempt, _, _ in attempts],
        [claim for _, claim, _ in attempts],
        [encounter for _, _, encounter in attempts],
    )


async def list_built(conn: asyncpg.Connection, limit: int) -> list[asyncpg.Record]:
    """Return frozen interchanges that have not left, oldest first."""
    rows: list[asyncpg.Record] = await conn.fetch(
        "SELECT interchange_id, isa13, payer_id, form, body FROM interchange"
        " WHERE state = 'built' ORDER BY isa13 LIMIT $1",
        limit,
    )
    return rows


async def count_built(conn: asyncpg.Connection) -> int:
    """Return how many frozen interchanges wait to be sent."""
    count: int = await conn.fetchval("SELECT count(*) FROM interchange WHERE state = 'built'")
    return count


async def mark_interchange(
    conn: asyncpg.Connection, interchange_id: UUID, state: str, faults: str = "[]"
) -> bool:
    """Move a built interchange on; False when it had already moved."""
    moved = await conn.fetchval(
        "UPDATE interchange SET state = $2, faults = $3, sent_at = CASE WHEN $2 = 'sent' THEN now() END"
        " WHERE interchange_id = $1 AND state = 'built' RETURNING true",
        interchange_id,
        state,
        faults,
    )
    return bool(moved)


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """One attempt with the claim's control number and the numbers of its interchange."""

    attempt_id: UUID
    claim_id: UUID
    encounter_id: UUID
    claim_control: str
    isa13: str
    gs06: str
    bht03: str
    st02: str


async def list_attempts(
    conn: asyncpg.Connection,
    *,
    isa13: Sequence[str] = (),
    gs06: Sequence[str] = (),
    bht03: Sequence[str] = (),
    controls: Sequence[str] = (),
    interchange_ids: Sequence[UUID] = (),
    claim_ids: Sequence[UUID] = (),
) -> list[AttemptRow]:
    """Return the attempts in these interchanges, and the newest attempt of these claims."""
    rows = await conn.fetch(
        "SELECT a.attempt_id, a.claim_id, a.encounter_id, c.claim_control, i.isa13, i.gs06, i.bht03, i.st02"
        " FROM interchange i JOIN submission_attempt a USING (interchange_id) JOIN claim c USING (claim_id)"
        " WHERE i.isa13 = ANY($1::text[]) OR i.gs06 = ANY($2::text[]) OR i.bht03 = ANY($3::text[])"
        " OR i.interchange_id = ANY($4::uuid[])",
        list(isa13),
        list(gs06),
        list(bht03),
        list(interchange_ids),
    )
    found = [AttemptRow(*row) for row in rows]
    if controls or claim_ids:
        rows = await conn.fetch(
            "SELECT DISTINCT ON (c.claim_id) a.attempt_id, a.claim_id, a.encounter_id, c.claim_control,"
            " i.isa13, i.gs06, i.bht03, i.st02 FROM claim c JOIN submission_attempt a USING (claim_id)"
            " JOIN interchange i USING (interchange_id)"
            " WHERE c.claim_control = ANY($1::text[]) OR c.claim_id = ANY($2::uuid[])"
            " ORDER BY c.claim_id, i.isa13 DESC",
            list(controls),
            list(claim_ids),
        )
        found += [AttemptRow(*row) for row in rows]
    return found


async def list_sent(conn: asyncpg.Connection, controls: Sequence[str]) -> set[str]:
    """Return which of these interchanges have left."""
    rows = await conn.fetch(
        "SELECT isa13 FROM interchange WHERE isa13 = ANY($1::text[]) AND state = 'sent'", list(controls)
    )
    return {row["isa13"] for row in rows}
