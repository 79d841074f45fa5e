"""SQL of the released reference tables, and of what patients had before."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg

from rcm_billing.repository.rows import columns


@dataclass(frozen=True, slots=True)
class ReferenceRelease:
    """One release of one family. `loaded`: how many of its rows are here."""

    release_id: int
    system: str
    edition: str
    effective_from: date
    effective_to: date | None
    sha256: str
    heads: str
    loaded: int
    complete: bool
    activated_at: datetime
    file: int = 1  # 2 and more: the edition was published again

    @property
    def name(self) -> str:
        """Its name on hits, such as "ncci-ptp:2026Q3"; a file that was published again carries its hash."""
        again = f"+{self.sha256[:8]}" if self.file > 1 else ""
        return f"{self.system}:{self.edition}{again}"


_FIELDS = (
    "release_id, system, edition, effective_from, effective_to, sha256, heads, loaded, complete, activated_at"
)


async def announce_release(
    conn: asyncpg.Connection,
    *,
    system: str,
    edition: str,
    effective_from: date,
    effective_to: date | None,
    sha256: str,
    activated_at: datetime,
) -> ReferenceRelease:
    """Note a release, or what was announced of it later; return it with what is loaded of it."""
    await conn.execute(
        "INSERT INTO reference_release AS r (system, edition, effective_from, effective_to, sha256, activated_at)"
        " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (system, sha256) DO UPDATE"
        " SET edition = excluded.edition, effective_from = excluded.effective_from,"
        " effective_to = excluded.effective_to, activated_at = excluded.activated_at"
        " WHERE r.activated_at < excluded.activated_at",
        system,
        edition,
        effective_from,
        effective_to,
        sha256,
        activated_at,
    )
    rows = await conn.fetch(
        f"SELECT {_FIELDS} FROM reference_release WHERE system = $1 AND sha256 = $2", system, sha256
    )
    return ReferenceRelease(**dict(rows[0]))


async def add_rows(
    conn: asyncpg.Connection,
    release: ReferenceRelease,
    offset: int,
    heads: str,
    table: str,
    names: Sequence[str],
    records: Iterable[tuple[Any, ...]],
    count: int,
) -> int:
    """Store one page of a release in the caller's transaction; return how many of its rows are here now.

    A page that another replica has stored meanwhile is not stored again.
    """
    loaded: int = await conn.fetchval(
        "SELECT loaded FROM reference_release WHERE release_id = $1 FOR UPDATE", release.release_id
    )
    if loaded != offset:
        return loaded
    rows = ((release.release_id, *record) for record in records)
    await conn.copy_records_to_table(table, records=rows, columns=["release_id", *names])
    await conn.execute(
        "UPDATE reference_release SET loaded = $2, heads = $3 WHERE release_id = $1",
        release.release_id,
        offset + count,
        heads,
    )
    return offset + count


async def complete_release(conn: asyncpg.Connection, release_id: int) -> None:
    """Put a release in use. An earlier file of the edition stays: claims that were judged by it can be again."""
    await conn.execute("UPDATE reference_release SET complete = true WHERE release_id = $1", release_id)


async def list_releases(conn: asyncpg.Connection) -> list[ReferenceRelease]:
    """Return every release, complete or not; of two that cover a day the one activated later comes later."""
    rows = await conn.fetch(
        f"SELECT {_FIELDS}, row_number() OVER (PARTITION BY system, edition ORDER BY release_id) AS file"
        " FROM reference_release ORDER BY activated_at, release_id"
    )
    return [ReferenceRelease(**dict(row)) for row in rows]


async def find_pairs(
    conn: asyncpg.Connection, releases: Sequence[int], pairs: Iterable[tuple[str, str]]
) -> list[asyncpg.Record]:
    """Return the PTP pairs of these releases among pairs of codes, whichever of the two comes first."""
    first, second = columns(pairs, 2)
    rows: list[asyncpg.Record] = await conn.fetch(
        "SELECT p.release_id, p.column1, p.column2, p.effective, p.deleted, p.modifier"
        " FROM unnest($2::text[], $3::text[]) AS w(a, b) CROSS JOIN unnest($1::int[]) AS r(id)"
        " CROSS JOIN LATERAL (SELECT * FROM ptp_pair p WHERE p.release_id = r.id AND p.column1 = w.a AND"
        " p.column2 = w.b OFFSET 0) AS p",
        list(releases),
        first,
        second,
    )
    return rows


async def find_rows(
    conn: asyncpg.Connection, releases: Sequence[int], codes: Sequence[str]
) -> list[asyncpg.Record]:
    """Return the rows of these releases that belong to codes."""
    rows: list[asyncpg.Record] = await conn.fetch(
        "SELECT release_id, body FROM reference_row WHERE release_id = ANY($1::int[]) AND code = ANY($2::text[])"
        " ORDER BY release_id, code, body",
        list(releases),
        list(codes),
    )
    return rows


async def find_coverage(
    conn: asyncpg.Connection, releases: Sequence[int], procedures: Sequence[str], diagnoses: Sequence[str]
) -> list[asyncpg.Record]:
    """Return what the articles on some procedures say of some diagnoses, one row an article and procedure."""
    rows: list[asyncpg.Record] = await conn.fetch(
        "WITH listed AS (SELECT release_id, article, version, effective, ended, code FROM coverage_code"
        "  WHERE release_id = ANY($1::int[]) AND kind = 'procedure' AND code = ANY($2::text[])),"
        " judged AS (SELECT DISTINCT release_id, article, version FROM listed),"
        " found AS (SELECT j.release_id, j.article, j.version,"
        "  ARRAY(SELECT c.code FROM coverage_code c WHERE c.release_id = j.release_id AND c.article = j.article"
        "   AND c.version = j.version AND c.kind = 'covered' AND c.code = ANY($3::text[])) AS covered,"
        "  ARRAY(SELECT c.code FROM coverage_code c WHERE c.release_id = j.release_id AND c.article = j.article"
        "   AND c.version = j.version AND c.kind = 'noncovered' AND c.code = ANY($3::text[])) AS denied,"
        "  EXISTS (SELECT FROM coverage_code c WHERE c.release_id = j.release_id AND c.article = j.article"
        "   AND c.version = j.version AND c.kind = 'covered') AS lists_covered,"
        "  ARRAY(SELECT c.code FROM coverage_code c WHERE c.release_id = j.release_id AND c.article = j.article"
        "   AND c.version = j.version AND c.kind = 'contractor') AS contractors FROM judged j)"
        " SELECT l.release_id, l.article, l.effective, l.ended, l.code, f.covered, f.denied, f.lists_covered,"
        " f.contractors FROM listed l JOIN found f USING (release_id, article, version)",
        list(releases),
        list(procedures),
        list(diagnoses),
    )
    return rows


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """The services of one claim, for the patient's later claims."""

    claim_id: UUID
    patient: bytes
    service_through: date
    body: str


async def insert_history(conn: asyncpg.Connection, rows: Sequence[HistoryRow]) -> None:
    """Remember the services of new claims."""
    values = columns(((row.claim_id, row.patient, row.service_through, row.body) for row in rows), 4)
    await conn.execute(
        "INSERT INTO claim_history (claim_id, patient, service_through, body)"
        " SELECT * FROM unnest($1::uuid[], $2::bytea[], $3::date[], $4::text[]) ON CONFLICT DO NOTHING",
        *values,
    )


async def list_history(
    conn: asyncpg.Connection, patients: Sequence[bytes], since: date
) -> list[asyncpg.Record]:
    """Return patient, body and whether it was billed, of the claims of patients that stand, back to a day."""
    rows: list[asyncpg.Record] = await conn.fetch(
        "SELECT h.patient, h.body, c.state NOT IN ('held', 'rejected', 'denied') AS billed"
        " FROM claim_history h JOIN claim c USING (claim_id)"
        " WHERE h.patient = ANY($1::bytea[]) AND h.service_through >= $2"
        " AND c.state NOT IN ('replaced', 'voided') ORDER BY h.service_through, h.claim_id",
        list(patients),
        since,
    )
    return rows
