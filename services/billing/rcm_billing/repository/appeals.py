"""SQL of appeals and of the templates of their letters."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg


@dataclass(frozen=True, slots=True)
class Draft:
    """A drafted appeal with its letter."""

    appeal_id: UUID
    denial_id: UUID
    encounter_id: UUID
    facility_id: str
    claim_id: UUID
    level: int
    template_name: str
    template_version: int
    text: str
    pdf: bytes
    sha256: bytes
    attachments: Sequence[Mapping[str, str]]
    drafted_by: str
    drafted_at: datetime


async def insert_draft(conn: asyncpg.Connection, draft: Draft) -> None:
    """Store a drafted appeal; the former draft of the same level is withdrawn, its letter kept."""
    await conn.execute(
        "UPDATE appeal SET state = 'withdrawn' WHERE denial_id = $1 AND level = $2 AND state = 'drafted'",
        draft.denial_id,
        draft.level,
    )
    await conn.execute(
        "INSERT INTO appeal (appeal_id, denial_id, encounter_id, facility_id, claim_id, level, body, state,"
        " template_name, template_version, letter_text, letter_pdf, letter_sha256, attachments, drafted_by,"
        " drafted_at) VALUES ($1, $2, $3, $4, $5, $6, '{}', 'drafted', $7, $8, $9, $10, $11, $12, $13, $14)",
        draft.appeal_id,
        draft.denial_id,
        draft.encounter_id,
        draft.facility_id,
        draft.claim_id,
        draft.level,
        draft.template_name,
        draft.template_version,
        draft.text,
        draft.pdf,
        draft.sha256,
        json.dumps([dict(one) for one in draft.attachments]),
        draft.drafted_by,
        draft.drafted_at,
    )


async def insert_enclosure(conn: asyncpg.Connection, appeal_id: UUID, name: str, body: bytes) -> None:
    """Keep a file that goes with an appeal."""
    await conn.execute(
        "INSERT INTO appeal_enclosure (appeal_id, name, body, sha256) VALUES ($1, $2, $3, sha256($3))",
        appeal_id,
        name,
        body,
    )


async def list_enclosures(conn: asyncpg.Connection, appeal_id: UUID) -> list[tuple[str, bytes]]:
    """Return the files that go with an appeal."""
    rows = await conn.fetch(
        "SELECT name, body FROM appeal_enclosure WHERE appeal_id = $1 ORDER BY name", appeal_id
    )
    return [(row["name"], bytes(row["body"])) for row in rows]


async def find_drafted(conn: asyncpg.Connection, denial_id: UUID) -> asyncpg.Record | None:
    """Return the draft of a denial that waits to be filed."""
    return await conn.fetchrow(
        "SELECT appeal_id, level, encode(letter_sha256, 'hex') AS sha256, attachments FROM appeal"
        " WHERE denial_id = $1 AND state = 'drafted'",
        denial_id,
    )


async def withdraw_draft(conn: asyncpg.Connection, denial_id: UUID) -> None:
    """Put the draft of a denial away."""
    await conn.execute(
        "UPDATE appeal SET state = 'withdrawn' WHERE denial_id = $1 AND state = 'drafted'", denial_id
    )


async def file_appeal(
    conn: asyncpg.Connection, appeal_id: UUID, *, body: dict[str, Any], filed_by: str, filed_at: datetime
) -> None:
    """Queue a drafted appeal for the payer."""
    await conn.execute(
        "UPDATE appeal SET state = 'filed', body = $2, filed_by = $3, filed_at = $4 WHERE appeal_id = $1",
        appeal_id,
        json.dumps(body),
        filed_by,
        filed_at,
    )


async def list_filed(conn: asyncpg.Connection) -> list[asyncpg.Record]:
    """Return appeals that have not left, with their letters."""
    rows: list[asyncpg.Record] = await conn.fetch(
        "SELECT a.appeal_id, a.body, a.letter_pdf, c.payer_id FROM appeal a LEFT JOIN claim c USING (claim_id)"
        " WHERE a.state = 'filed' ORDER BY a.filed_at LIMIT 100"
    )
    return rows


async def mark_sent(conn: asyncpg.Connection, appeal_id: UUID) -> None:
    """Record that an appeal left."""
    await conn.execute("UPDATE appeal SET state = 'sent', sent_at = now() WHERE appeal_id = $1", appeal_id)


async def note_answer(
    conn: asyncpg.Connection, claim_id: UUID, *, level: int, outcome: str, answered_at: datetime
) -> int:
    """Record what the payer wrote about the appeals of one claim and level; return how many they were."""
    rows = await conn.fetch(
        "UPDATE appeal SET outcome = $3, answered_at = $4"
        " WHERE claim_id = $1 AND level = $2 AND state IN ('filed', 'sent') RETURNING appeal_id",
        claim_id,
        level,
        outcome,
        answered_at,
    )
    return len(rows)


_SHOWN = (
    "appeal_id, denial_id, encounter_id, facility_id, claim_id, level, state, template_name, template_version,"
    " encode(letter_sha256, 'hex') AS letter_sha256, attachments, drafted_by, drafted_at, filed_by, filed_at, sent_at,"
    " outcome, answered_at"
)


async def list_appeals(conn: asyncpg.Connection, denial_id: UUID) -> list[asyncpg.Record]:
    """Return the appeals of a denial, oldest first, without their letters."""
    rows: list[asyncpg.Record] = await conn.fetch(
        f"SELECT {_SHOWN} FROM appeal WHERE denial_id = $1 ORDER BY level, appeal_id",
        denial_id,
    )
    return rows


async def get_letter(conn: asyncpg.Connection, appeal_id: UUID) -> asyncpg.Record | None:
    """Return the letter of an appeal as text and bytes."""
    return await conn.fetchrow(
        "SELECT facility_id, encounter_id, letter_text, letter_pdf FROM appeal WHERE appeal_id = $1",
        appeal_id,
    )


# --- templates -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StoredTemplate:
    """One version of a letter template."""

    name: str
    version: int
    payer_id: str
    category: str
    level: int
    subject: str
    body: str
    retired: bool
    created_by: str
    created_at: datetime


async def list_templates(conn: asyncpg.Connection) -> list[StoredTemplate]:
    """Return the newest version of every template, retired ones too, by name."""
    rows = await conn.fetch("SELECT DISTINCT ON (name) * FROM letter_template ORDER BY name, version DESC")
    return [StoredTemplate(**dict(row)) for row in rows]


async def get_template(conn: asyncpg.Connection, name: str, version: int | None) -> StoredTemplate | None:
    """Return one version of a template, the newest when none is named."""
    row = await conn.fetchrow(
        "SELECT * FROM letter_template WHERE name = $1 AND ($2::int IS NULL OR version = $2)"
        " ORDER BY version DESC LIMIT 1",
        name,
        version,
    )
    return StoredTemplate(**dict(row)) if row else None


async def insert_template(conn: asyncpg.Connection, template: StoredTemplate) -> bool:
    """Add a version; False when this version exists already."""
    fresh = await conn.fetchval(
        "INSERT INTO letter_template (name, version, payer_id, category, level, subject, body, retired, created_by,"
        " created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING RETURNING true",
        template.name,
        template.version,
        template.payer_id,
        template.category,
        template.level,
        template.subject,
        template.body,
        template.retired,
        template.created_by,
        template.created_at,
    )
    return bool(fresh)
