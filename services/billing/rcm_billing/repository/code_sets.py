"""SQL of the ICD-10-CM editions that billing judges by."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import asyncpg

from rcm_billing.repository.rows import columns

_SAVE_CODE_SETS = """
INSERT INTO code_set AS c (edition, effective_from, effective_to, sha256, codes_sha256, codes, activated_at)
SELECT DISTINCT ON (edition) *
FROM unnest($1::text[], $2::date[], $3::date[], $4::text[], $5::text[], $6::bytea[], $7::timestamptz[])
    AS n(edition, effective_from, effective_to, sha256, codes_sha256, codes, activated_at)
ORDER BY edition, activated_at DESC
ON CONFLICT (edition) DO UPDATE
SET effective_from = excluded.effective_from, effective_to = excluded.effective_to, sha256 = excluded.sha256,
    codes_sha256 = excluded.codes_sha256, codes = excluded.codes, activated_at = excluded.activated_at
WHERE c.activated_at <= excluded.activated_at
"""


@dataclass(frozen=True, slots=True)
class StoredCodeSet:
    """One edition of ICD-10-CM as billing keeps it. `codes` is one billable code a line."""

    edition: str
    effective_from: date
    effective_to: date | None
    sha256: str  # of the release, as coding announced it
    codes_sha256: str
    codes: bytes
    activated_at: datetime


async def save_code_sets(conn: asyncpg.Connection, sets: Sequence[StoredCodeSet]) -> None:
    """Keep editions; of one edition the file that was activated last."""
    rows = (
        (s.edition, s.effective_from, s.effective_to, s.sha256, s.codes_sha256, s.codes, s.activated_at)
        for s in sets
    )
    await conn.execute(_SAVE_CODE_SETS, *columns(rows, 7))


async def list_code_sets(conn: asyncpg.Connection) -> set[str]:
    """Return the hashes of the releases that are kept, without their codes."""
    return {row["sha256"] for row in await conn.fetch("SELECT sha256 FROM code_set")}


async def get_code_sets(conn: asyncpg.Connection, hashes: Sequence[str]) -> list[StoredCodeSet]:
    """Return releases with their codes."""
    rows = await conn.fetch(
        "SELECT edition, effective_from, effective_to, sha256, codes_sha256, codes, activated_at FROM code_set"
        " WHERE sha256 = ANY($1::text[])",
        list(hashes),
    )
    return [StoredCodeSet(**dict(row)) for row in rows]
