"""SQL of code-set releases that a person has activated in the store of files."""

from datetime import date, datetime
from uuid import UUID

import asyncpg

_SAME = """
SELECT status = 'active' AND effective_from = $3 AND effective_to = $4
FROM code_set_release WHERE system = $1 AND sha256 = $2
"""
_SUPERSEDE = """
UPDATE code_set_release SET status = 'superseded'
WHERE system = $1 AND status = 'active' AND sha256 <> $2 AND effective_from BETWEEN $3 AND $4
"""
_END = """
UPDATE code_set_release SET effective_to = $3::date - 1
WHERE system = $1 AND status = 'active' AND sha256 <> $2 AND effective_from < $3 AND effective_to >= $3
"""
_RECORD = """
INSERT INTO code_set_release (release_id, system, edition, effective_from, effective_to, sha256, row_count,
                              billable_count, licence, status, activated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'active', $10)
ON CONFLICT (system, sha256) DO UPDATE
SET status = 'active', effective_from = excluded.effective_from, effective_to = excluded.effective_to,
    activated_at = excluded.activated_at
"""


async def record_active(
    conn: asyncpg.Connection,
    *,
    release_id: UUID,
    system: str,
    label: str,
    effective_from: date,
    effective_to: date,
    sha256: str,
    rows: int,
    billable: int,
    licence: str,
    now: datetime,
) -> bool:
    """Record a release as active; return whether anything changed.

    Releases of its system that begin within its span are superseded, an earlier one ends the day before it: all
    in the caller's transaction, and the database refuses two active releases that overlap.
    """
    await conn.execute("SELECT pg_advisory_xact_lock(hashtext('code_set_release'))")
    if await conn.fetchval(_SAME, system, sha256, effective_from, effective_to):
        return False
    await conn.execute(_SUPERSEDE, system, sha256, effective_from, effective_to)
    await conn.execute(_END, system, sha256, effective_from)
    await conn.execute(
        _RECORD,
        release_id,
        system,
        label,
        effective_from,
        effective_to,
        sha256,
        rows,
        billable,
        licence,
        now,
    )
    return True
