"""SQL of claim versions: what they say, where they stand, who waits for them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

import asyncpg

from rcm_billing.repository.rows import columns


@dataclass(frozen=True, slots=True)
class ClaimRow:
    """A new claim version as it is stored."""

    claim_id: UUID
    encounter_id: UUID
    facility_id: str
    payer_id: str
    payer_order: str
    version: int
    form: str
    frequency: str
    claim_control: str
    charge_cents: int
    document: str
    wire_subscriber: str
    wire_dependent: str
    hits: str
    not_evaluated: list[str]
    fingerprint: bytes
    state: str
    owner_queue: str
    filing_warn_day: date | None = None
    filing_last_day: date | None = None


async def insert_claims(conn: asyncpg.Connection, claims: Sequence[ClaimRow]) -> None:
    """Store new claim versions."""
    values = columns(
        (
            (
                c.claim_id,
                c.encounter_id,
                c.facility_id,
                c.payer_id,
                c.payer_order,
                c.version,
                c.form,
                c.frequency,
                c.claim_control,
                c.charge_cents,
                c.document,
                c.wire_subscriber,
                c.wire_dependent,
                c.hits,
                ",".join(c.not_evaluated),
                c.fingerprint,
                c.state,
                c.owner_queue,
                c.filing_warn_day,
                c.filing_last_day,
            )
            for c in claims
        ),
        20,
    )
    await conn.execute(
        "INSERT INTO claim (claim_id, encounter_id, facility_id, payer_id, payer_order, version, form,"
        " frequency,"
        " claim_control, charge_cents, document, wire_subscriber, wire_dependent, hits, not_evaluated,"
        " fingerprint, state, owner_queue, filing_warn_day, filing_last_day)"
        " SELECT a, b, c, d, e, f, g, h, i, j, k, l, m, n,"
        "  CASE WHEN o = '' THEN '{}' ELSE string_to_array(o, ',') END, p, q, r, s, u"
        " FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::int[], $7::text[],"
        " $8::text[],"
        " $9::text[], $10::bigint[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[],"
        " $16::bytea[],"
        " $17::text[], $18::text[], $19::date[], $20::date[])"
        " AS t(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, u)",
        *values,
    )


async def list_duplicates(conn: asyncpg.Connection, prints: Mapping[UUID, bytes]) -> set[UUID]:
    """Return the encounters whose claim's fingerprint stands on an open or paid claim of another
    encounter.
    """
    rows = await conn.fetch(
        "SELECT DISTINCT n.encounter_id FROM unnest($1::uuid[], $2::bytea[]) AS n(encounter_id, fingerprint)"
        " JOIN claim c ON c.fingerprint = n.fingerprint AND c.encounter_id <> n.encounter_id"
        " WHERE c.state NOT IN ('held', 'rejected', 'replaced', 'voided', 'denied')",
        list(prints),
        list(prints.values()),
    )
    return {row["encounter_id"] for row in rows}


@dataclass(frozen=True, slots=True)
class ReadyClaim:
    """A claim that may go into a batch."""

    claim_id: UUID
    encounter_id: UUID
    wire_subscriber: str
    wire_dependent: str


async def next_ready_group(conn: asyncpg.Connection) -> tuple[str, str, str] | None:
    """Return (facility, payer, form) of the oldest claim that is ready, or None."""
    row = await conn.fetchrow(
        "SELECT facility_id, payer_id, form FROM claim WHERE state = 'ready' ORDER BY updated_at LIMIT 1"
    )
    return (row["facility_id"], row["payer_id"], row["form"]) if row else None


async def list_ready(
    conn: asyncpg.Connection, facility_id: str, payer_id: str, form: str, limit: int
) -> list[ReadyClaim]:
    """Return claims of one facility, payer and form that are ready, oldest first."""
    rows = await conn.fetch(
        "SELECT claim_id, encounter_id, wire_subscriber, wire_dependent FROM claim"
        " WHERE state = 'ready' AND facility_id = $1 AND payer_id = $2 AND form = $3 ORDER BY claim_id"
        " LIMIT $4",
        facility_id,
        payer_id,
        form,
        limit,
    )
    return [ReadyClaim(*row) for row in rows]


async def find_claims(
    conn: asyncpg.Connection, controls: Sequence[str], payer_controls: Sequence[str]
) -> tuple[dict[str, tuple[UUID, UUID]], dict[str, list[tuple[UUID, UUID]]]]:
    """Return (claim, encounter) by our control number, and by the payer's (which several versions may
    carry).
    """
    rows = await conn.fetch(
        "SELECT claim_id, encounter_id, claim_control, payer_control FROM claim"
        " WHERE claim_control = ANY($1::text[]) OR (payer_control <> '' AND payer_control = ANY($2::text[]))",
        list(controls),
        list(payer_controls),
    )
    ours = {row["claim_control"]: (row["claim_id"], row["encounter_id"]) for row in rows}
    theirs: dict[str, list[tuple[UUID, UUID]]] = {}
    for row in rows:
        if row["payer_control"]:
            theirs.setdefault(row["payer_control"], []).append((row["claim_id"], row["encounter_id"]))
    return ours, theirs


async def list_claims(
    conn: asyncpg.Connection, *, state: str | None, facilities: list[str] | None, limit: int
) -> list[asyncpg.Record]:
    """Return claims for a worklist, oldest first."""
    rows: list[asyncpg.Record] = await conn.fetch(
        "SELECT claim_id, encounter_id, facility_id, payer_id, payer_order, version, form, frequency,"
        " claim_control,"
        " payer_control, charge_cents, state, owner_queue, hits, updated_at FROM claim"
        " WHERE ($1::text IS NULL OR state = $1) AND ($2::text[] IS NULL OR facility_id = ANY($2))"
        " ORDER BY claim_id LIMIT $3",
        state,
        facilities,
        limit,
    )
    return rows


async def find_claim(conn: asyncpg.Connection, claim_id: UUID) -> asyncpg.Record | None:
    """Return one claim without its document."""
    return await conn.fetchrow(
        "SELECT claim_id, encounter_id, facility_id, payer_id, payer_order, version, form, frequency,"
        " claim_control,"
        " payer_control, charge_cents, state, owner_queue, hits, not_evaluated, updated_at,"
        " filing_last_day FROM claim WHERE claim_id = $1",
        claim_id,
    )


async def get_documents(conn: asyncpg.Connection, claim_ids: Sequence[UUID]) -> dict[UUID, str]:
    """Return the documents of claims as stored."""
    rows = await conn.fetch(
        "SELECT claim_id, document FROM claim WHERE claim_id = ANY($1::uuid[])", list(claim_ids)
    )
    return {row["claim_id"]: row["document"] for row in rows}
