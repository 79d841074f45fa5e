"""All SQL of intake: one function per question, each set-based."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from rcm_shared.contracts.records import DocumentKey, DocumentText

from rcm_intake.domain.account import Account
from rcm_intake.domain.changes import StoredText
from rcm_intake.domain.completeness import missing_documents
from rcm_intake.domain.encounter import Encounter, EncounterState

Key = tuple[str, str, str]  # facility, source, external id


@dataclass(frozen=True, slots=True)
class KnownMessage:
    """A message that was taken before under the same id."""

    sha256: bytes
    encounter_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class RawMessage:
    """A row of `raw_message`."""

    facility_id: str
    source: str
    message_id: str
    source_format: str
    transport: str
    received_at: datetime
    sha256: bytes
    body: bytes | None
    outcome: str
    reason: str
    position: str
    encounter_ids: tuple[UUID, ...]


async def find_messages(conn: asyncpg.Connection, ids: Iterable[Key]) -> dict[Key, KnownMessage]:
    """Return which (facility, source, message id) were taken before."""
    wanted = sorted(set(ids))
    rows = await conn.fetch(
        """
        SELECT m.facility_id, m.source, m.message_id, m.sha256, m.encounter_ids
        FROM raw_message m
        JOIN unnest($1::text[], $2::text[], $3::text[]) AS w(facility_id, source, message_id)
          ON m.facility_id = w.facility_id AND m.source = w.source AND m.message_id = w.message_id
        WHERE m.outcome IN ('accepted', 'ignored')
        """,
        *_columns(wanted, 3),
    )
    return {
        (row["facility_id"], row["source"], row["message_id"]): KnownMessage(
            bytes(row["sha256"]), tuple(row["encounter_ids"])
        )
        for row in rows
    }


async def insert_messages(conn: asyncpg.Connection, messages: Sequence[RawMessage]) -> None:
    """Keep messages as they came."""
    await conn.executemany(
        """
        INSERT INTO raw_message (facility_id, source, message_id, format, transport, received_at, sha256,
                                 body, outcome, reason, position, encounter_ids)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
        """,
        [
            (
                m.facility_id,
                m.source,
                m.message_id,
                m.source_format,
                m.transport,
                m.received_at,
                m.sha256,
                m.body,
                m.outcome,
                m.reason,
                m.position,
                list(m.encounter_ids),
            )
            for m in messages
        ],
    )


async def count_feeds(
    conn: asyncpg.Connection, counts: Mapping[tuple[str, str, str], Mapping[str, int]], at: datetime
) -> None:
    """Add to the counts of feeds. Shape: (facility, source, transport) -> outcome -> number."""
    keys = sorted(counts)
    numbers = [
        [counts[key].get(outcome, 0) for key in keys]
        for outcome in ("accepted", "refused", "ignored", "duplicate")
    ]
    await conn.execute(
        """
        INSERT INTO feed AS f (facility_id, source, transport, received, accepted, refused, ignored,
                               duplicate, last_at)
        SELECT facility_id, source, transport, a + r + i + d, a, r, i, d, $8
        FROM unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::int[], $6::int[], $7::int[])
             AS n(facility_id, source, transport, a, r, i, d)
        ON CONFLICT (facility_id, source, transport) DO UPDATE SET
            received = f.received + excluded.received, accepted = f.accepted + excluded.accepted,
            refused = f.refused + excluded.refused, ignored = f.ignored + excluded.ignored,
            duplicate = f.duplicate + excluded.duplicate, last_at = excluded.last_at
        """,
        *_columns(keys, 3),
        *numbers,
        at,
    )


async def list_feeds(pool: asyncpg.Pool, facilities: list[str] | None) -> list[dict[str, Any]]:
    """Return the counts of every feed."""
    rows = await pool.fetch(
        "SELECT * FROM feed WHERE $1::text[] IS NULL OR facility_id = ANY($1) ORDER BY 1, 2, 3", facilities
    )
    return [dict(row) for row in rows]


async def lock_encounters_by_source(conn: asyncpg.Connection, keys: Iterable[Key]) -> dict[Key, Encounter]:
    """Load and lock the encounters of (facility, source, external id), in the order of their ids."""
    wanted = sorted(set(keys))
    rows = await conn.fetch(
        """
        SELECT e.body FROM encounter e
        JOIN unnest($1::text[], $2::text[], $3::text[]) AS w(facility_id, source, external_id)
          ON e.facility_id = w.facility_id AND e.source = w.source AND e.external_id = w.external_id
        ORDER BY e.encounter_id FOR UPDATE OF e
        """,
        *_columns(wanted, 3),
    )
    found = (Encounter.model_validate_json(row["body"]) for row in rows)
    return {(e.facility_id, e.source, e.external_id): e for e in found}


async def lock_encounters(conn: asyncpg.Connection, ids: Sequence[UUID]) -> dict[UUID, Encounter]:
    """Load and lock encounters by id, in the order of their ids."""
    rows = await conn.fetch(
        "SELECT encounter_id, body FROM encounter WHERE encounter_id = ANY($1::uuid[])"
        " ORDER BY encounter_id FOR UPDATE",
        ids,
    )
    return {row["encounter_id"]: Encounter.model_validate_json(row["body"]) for row in rows}


async def find_encounters(
    conn: asyncpg.Connection, ids: Sequence[UUID], facilities: list[str] | None
) -> list[tuple[Encounter, Account | None]]:
    """Return encounters of the given facilities with their accounts, in the order asked for."""
    rows = await conn.fetch(
        """
        SELECT e.encounter_id, e.body, a.facility_id AS account, a.coding, a.claim
        FROM encounter e LEFT JOIN account a USING (encounter_id)
        WHERE e.encounter_id = ANY($1::uuid[]) AND ($2::text[] IS NULL OR e.facility_id = ANY($2))
        """,
        ids,
        facilities,
    )
    found = {row["encounter_id"]: row for row in rows}
    return [
        (Encounter.model_validate_json(found[key]["body"]), _account(found[key]))
        for key in dict.fromkeys(ids)
        if key in found
    ]


async def list_encounters(
    pool: asyncpg.Pool,
    *,
    facilities: list[str] | None,
    state: EncounterState | None,
    after: UUID | None,
    limit: int,
) -> list[dict[str, Any]]:
    """Return encounters without patient data, oldest first, after a given id."""
    rows = await pool.fetch(
        """
        SELECT e.encounter_id, e.facility_id, e.source, e.state, e.setting, e.service_from, e.service_through,
               e.record_version, e.missing, e.updated_at, a.facility_id AS account, a.coding, a.claim
        FROM encounter e LEFT JOIN account a USING (encounter_id)
        WHERE ($1::text[] IS NULL OR e.facility_id = ANY($1))
          AND ($2::text IS NULL OR e.state = $2
               OR ($2 = 'released_to_coding' AND e.state IN ('documentation_complete', 'reopened')))
          AND ($3::uuid IS NULL OR e.encounter_id > $3)
        ORDER BY e.encounter_id LIMIT $4
        """,
        facilities,
        state.value if state else None,
        after,
        limit,
    )
    return [{**dict(row), "account": _account(row)} for row in rows]


def _account(row: asyncpg.Record) -> Account | None:
    if row["account"] is None:
        return None
    return Account(facility_id=row["account"], coding=row["coding"], claim=row["claim"])


async def find_encounter_id(pool: asyncpg.Pool, *, facilities: list[str] | None, key: Key) -> UUID | None:
    """Return the id of the encounter that a source knows under its own number."""
    found: UUID | None = await pool.fetchval(
        "SELECT encounter_id FROM encounter WHERE facility_id = $1 AND source = $2 AND external_id = $3"
        " AND ($4::text[] IS NULL OR facility_id = ANY($4))",
        *key,
        facilities,
    )
    return found


async def save_encounters(conn: asyncpg.Connection, encounters: Sequence[Encounter], at: datetime) -> None:
    """Insert or update encounters; a race for one visit number fails on the unique index."""
    ordered = sorted(encounters, key=lambda encounter: encounter.encounter_id)
    await conn.executemany(
        """
        INSERT INTO encounter (encounter_id, facility_id, source, external_id, state, setting, service_from,
                               service_through, record_version, missing, body, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12)
        ON CONFLICT (encounter_id) DO UPDATE SET
            state = excluded.state, setting = excluded.setting, service_from = excluded.service_from,
            service_through = excluded.service_through, record_version = excluded.record_version,
            missing = excluded.missing, body = excluded.body, updated_at = excluded.updated_at
        """,
        [
            (
                e.encounter_id,
                e.facility_id,
                e.source,
                e.external_id,
                e.state.value,
                e.setting.value,
                e.service_from,
                e.service_through,
                e.record_version,
                list(missing_documents(e)),
                e.model_dump_json(),
                at,
            )
            for e in ordered
        ],
    )


async def insert_texts(
    conn: asyncpg.Connection, texts: Sequence[StoredText], facility_by_encounter: Mapping[UUID, str]
) -> None:
    """Keep document versions; a version that lies here already stays, except for its signature."""
    await conn.executemany(
        """
        INSERT INTO document (document_id, version, encounter_id, facility_id, kind, title, sha256,
                              media_type, signed, author_id, written_at, text)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
        ON CONFLICT (document_id, version) DO UPDATE SET signed = excluded.signed
        """,
        [
            (
                t.document_id,
                t.version,
                t.encounter_id,
                facility_by_encounter[t.encounter_id],
                t.kind,
                t.title,
                t.sha256,
                t.media_type,
                t.signed,
                t.author_id,
                t.written_at,
                t.text,
            )
            for t in texts
        ],
    )


async def move_documents(conn: asyncpg.Connection, merged: UUID, survivor: UUID) -> None:
    """Hand the documents of a merged encounter to the one that survives."""
    await conn.execute("UPDATE document SET encounter_id = $2 WHERE encounter_id = $1", merged, survivor)


async def find_documents(
    conn: asyncpg.Connection, keys: Sequence[DocumentKey], facilities: list[str] | None
) -> list[DocumentText]:
    """Return document versions with their text, of the given facilities, in the order asked for."""
    rows = await conn.fetch(
        """
        SELECT d.* FROM document d
        JOIN unnest($1::uuid[], $2::int[]) AS w(document_id, version)
          ON d.document_id = w.document_id AND d.version = w.version
        WHERE $3::text[] IS NULL OR d.facility_id = ANY($3)
        """,
        [key.document_id for key in keys],
        [key.version for key in keys],
        facilities,
    )
    found = {(row["document_id"], row["version"]): row for row in rows}
    wanted = dict.fromkeys((key.document_id, key.version) for key in keys)
    return [DocumentText.model_validate(dict(found[key])) for key in wanted if key in found]


async def load_accounts(conn: asyncpg.Connection, keys: list[UUID]) -> dict[UUID, Account]:
    """Load and lock accounts."""
    rows = await conn.fetch(
        "SELECT encounter_id, facility_id, coding, claim FROM account WHERE encounter_id = ANY($1::uuid[])"
        " ORDER BY encounter_id FOR UPDATE",
        keys,
    )
    return {
        row["encounter_id"]: Account(facility_id=row["facility_id"], coding=row["coding"], claim=row["claim"])
        for row in rows
    }


async def save_accounts(conn: asyncpg.Connection, accounts: dict[UUID, Account]) -> None:
    """Insert or update accounts; what is not known yet never overwrites what another topic has brought."""
    keys = sorted(accounts)
    await conn.execute(
        """
        INSERT INTO account (encounter_id, facility_id, coding, claim)
        SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[])
        ON CONFLICT (encounter_id) DO UPDATE SET
            coding = coalesce(nullif(excluded.coding, ''), account.coding),
            claim = coalesce(nullif(excluded.claim, ''), account.claim), updated_at = now()
        """,
        keys,
        [accounts[key].facility_id for key in keys],
        [accounts[key].coding for key in keys],
        [accounts[key].claim for key in keys],
    )


async def find_answers(
    conn: asyncpg.Connection, keys: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], tuple[bytes, int, bytes]]:
    """Return stored answers of commands: (subject, key) -> (fingerprint, status, body)."""
    wanted = sorted(set(keys))
    rows = await conn.fetch(
        """
        SELECT i.subject, i.key, i.fingerprint, i.status, i.body FROM idempotency_key i
        JOIN unnest($1::text[], $2::text[]) AS w(subject, key) ON i.subject = w.subject AND i.key = w.key
        """,
        *_columns(wanted, 2),
    )
    return {
        (row["subject"], row["key"]): (
            bytes(row["fingerprint"]),
            row["status"] or 202,
            bytes(row["body"] or b""),
        )
        for row in rows
    }


async def insert_answers(
    conn: asyncpg.Connection, answers: Sequence[tuple[str, str, bytes, int, bytes]]
) -> None:
    """Store answers of commands: (subject, key, fingerprint, status, body)."""
    await conn.executemany(
        "INSERT INTO idempotency_key (subject, key, fingerprint, status, body) VALUES ($1, $2, $3, $4, $5)",
        answers,
    )


def _columns(rows: Sequence[tuple[str, ...]], width: int) -> list[list[str]]:
    return [[row[index] for row in rows] for index in range(width)]
