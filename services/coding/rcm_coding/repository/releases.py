"""SQL of code-set releases: staged with their file, checked, put in force. All processes follow the database."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from rcm_coding.codesets.releases import Release, Status

_COLUMNS = """release_id, system, edition, effective_from, effective_to, sha256, row_count, billable_count, licence,
    status, table_no, line_count, source, layout, loaded_at, activated_at"""
_STAGE = f"""
INSERT INTO code_set_release (release_id, system, edition, effective_from, effective_to, sha256, row_count,
                              billable_count, licence, status, source, layout, loaded_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'staged', $10, $11, $12)
ON CONFLICT (system, sha256) DO NOTHING
RETURNING {_COLUMNS}
"""
_SUPERSEDE = """
UPDATE code_set_release SET status = 'superseded'
WHERE system = $1 AND status = 'active' AND sha256 <> $2 AND effective_from BETWEEN $3 AND $4
"""
_END = """
UPDATE code_set_release SET effective_to = $3::date - 1
WHERE system = $1 AND status = 'active' AND sha256 <> $2 AND effective_from < $3 AND effective_to >= $3
"""
_ACTIVATE = """
UPDATE code_set_release SET status = 'active', effective_from = $3, effective_to = $4, activated_at = $5
WHERE system = $1 AND sha256 = $2
"""
_LOCK = "SELECT pg_advisory_xact_lock(hashtext('code_set_release'))"


@dataclass(frozen=True, slots=True)
class StoredRelease:
    """A release as the database has it. `line_count`: rows that are handed out, 0 for a set without a table."""

    release_id: UUID
    release: Release
    source: str
    column_map: dict[str, str]
    delimiter: str
    table_no: int
    line_count: int
    loaded_at: datetime
    activated_at: datetime | None


async def stage(
    conn: asyncpg.Connection,
    stored_id: UUID,
    release: Release,
    source: str,
    layout: dict[str, object],
    now: datetime,
) -> StoredRelease | None:
    """Keep a release as staged; return None when this file is known for its system."""
    row = await conn.fetchrow(
        _STAGE,
        stored_id,
        release.system,
        release.label,
        release.effective_from,
        release.effective_to,
        release.sha256,
        release.rows,
        release.billable,
        release.licence,
        source,
        json.dumps(layout),
        now,
    )
    return _stored(row) if row else None


async def set_line_count(conn: asyncpg.Connection, table_no: int, count: int) -> None:
    """Record how many rows of a table are handed out."""
    await conn.execute("UPDATE code_set_release SET line_count = $2 WHERE table_no = $1", table_no, count)


async def list_releases(
    conn: asyncpg.Connection, system: str | None = None, status: str | None = None
) -> list[StoredRelease]:
    """Return the releases, by system and first day."""
    rows = await conn.fetch(
        f"SELECT {_COLUMNS} FROM code_set_release WHERE ($1::text IS NULL OR system = $1)"
        " AND ($2::text IS NULL OR status = $2) ORDER BY system, effective_from, loaded_at",
        system,
        status,
    )
    return [_stored(row) for row in rows]


async def find_release(
    conn: asyncpg.Connection, sha256: str, system: str | None = None
) -> StoredRelease | None:
    """Return the release of a file; of a file with several systems the one asked for, else the first by name."""
    row = await conn.fetchrow(
        f"SELECT {_COLUMNS} FROM code_set_release WHERE sha256 = $1 AND ($2::text IS NULL OR system = $2)"
        " ORDER BY line_count = 0, system LIMIT 1",
        sha256,
        system,
    )
    return _stored(row) if row else None


async def lock_releases(conn: asyncpg.Connection) -> None:
    """Let one transaction at a time change releases."""
    await conn.execute(_LOCK)


async def set_checked(conn: asyncpg.Connection, release: Release) -> None:
    """Record that a staged release was checked without a fault."""
    await conn.execute(
        "UPDATE code_set_release SET status = 'checked' WHERE system = $1 AND sha256 = $2 AND status = 'staged'",
        release.system,
        release.sha256,
    )


async def put_in_force(conn: asyncpg.Connection, release: Release, now: datetime) -> bool:
    """Make a kept release active for its span; return whether anything changed.

    Releases of its system that begin within its span are superseded, an earlier one ends the day before it: all
    in the caller's transaction, and the database refuses two active releases that overlap.
    """
    await lock_releases(conn)
    same = await conn.fetchval(
        "SELECT status = 'active' AND effective_from = $3 AND effective_to = $4"
        " FROM code_set_release WHERE system = $1 AND sha256 = $2",
        release.system,
        release.sha256,
        release.effective_from,
        release.effective_to,
    )
    if same:
        return False
    span = release.effective_from, release.effective_to
    await conn.execute(_SUPERSEDE, release.system, release.sha256, *span)
    await conn.execute(_END, release.system, release.sha256, release.effective_from)
    await conn.execute(_ACTIVATE, release.system, release.sha256, *span, now)
    return True


async def keep_part(conn: asyncpg.Connection, sha256: str, part: int, body: bytes) -> None:
    """Keep one piece of a file; the same file of another system is kept already."""
    await conn.execute(
        "INSERT INTO code_set_file (sha256, part, body) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        sha256,
        part,
        body,
    )


async def read_parts(conn: asyncpg.Connection, sha256: str) -> AsyncIterator[bytes]:
    """Yield the pieces of a file in order."""
    part = 0
    while body := await conn.fetchval(
        "SELECT body FROM code_set_file WHERE sha256 = $1 AND part = $2", sha256, part
    ):
        yield body
        part += 1


def _stored(row: asyncpg.Record) -> StoredRelease:
    layout = json.loads(row["layout"])
    return StoredRelease(
        row["release_id"],
        Release(
            row["system"],
            row["edition"],
            row["effective_from"],
            row["effective_to"],
            row["sha256"],
            row["row_count"],
            row["billable_count"],
            row["licence"],
            Status(row["status"]),
        ),
        row["source"],
        dict(layout.get("columns", {})),
        str(layout.get("delimiter", "\t")),
        row["table_no"],
        row["line_count"],
        row["loaded_at"],
        row["activated_at"],
    )
