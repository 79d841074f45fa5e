"""SQL of payments (835) and of the claim payments that were applied."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

import asyncpg
from pydantic import TypeAdapter

from rcm_billing.domain.remittance import PaidClaim
from rcm_billing.repository.rows import columns

PAID_CLAIM: TypeAdapter[PaidClaim] = TypeAdapter(PaidClaim)


async def insert_remittance(
    conn: asyncpg.Connection,
    *,
    key: str,
    digest: bytes,
    trace: str,
    payment_cents: int,
    paid_on: date | None,
    claims: int,
) -> bool:
    """Record a payment; False when this payment is known already."""
    fresh = await conn.fetchval(
        "INSERT INTO remittance (remit_key, sha256, trace, payment_cents, paid_on, claims)"
        " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING RETURNING true",
        key,
        digest,
        trace,
        payment_cents,
        paid_on,
        claims,
    )
    return bool(fresh)


@dataclass(frozen=True, slots=True)
class RemittedClaim:
    """One applied CLP loop."""

    remitted_id: UUID
    remit_key: str
    claim_control: str
    payer_control: str
    status: str
    ordinal: int
    claim_id: UUID
    encounter_id: UUID
    payer_order: str
    transaction_id: UUID | None
    paid_on: date | None
    paid: PaidClaim


async def list_applied(conn: asyncpg.Connection, remit_key: str) -> set[tuple[str, str, str, int]]:
    """Return which CLP loops of a payment were applied: (CLP01, CLP07, CLP02, ordinal)."""
    rows = await conn.fetch(
        "SELECT claim_control, payer_control, status, ordinal FROM remittance_claim WHERE remit_key = $1",
        remit_key,
    )
    return {(row[0], row[1], row[2], row[3]) for row in rows}


async def insert_remitted(conn: asyncpg.Connection, remitted: Sequence[RemittedClaim]) -> None:
    """Record CLP loops as applied."""
    rows = (
        (
            r.remitted_id,
            r.remit_key,
            r.claim_control,
            r.payer_control,
            r.status,
            r.ordinal,
            r.claim_id,
            r.encounter_id,
            r.payer_order,
            r.transaction_id,
            r.paid_on,
            PAID_CLAIM.dump_json(r.paid).decode(),
        )
        for r in remitted
    )
    await conn.execute(
        "INSERT INTO remittance_claim (remitted_id, remit_key, claim_control, payer_control, status, ordinal,"
        " claim_id, encounter_id, payer_order, transaction_id, paid_on, body)"
        " SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::int[],"
        " $7::uuid[],"
        " $8::uuid[], $9::text[], $10::uuid[], $11::date[], $12::text[])",
        *columns(rows, 12),
    )


async def list_decisions(conn: asyncpg.Connection, claim_ids: Sequence[UUID]) -> list[RemittedClaim]:
    """Return the decisions on claims that were not reversed, oldest first."""
    rows = await conn.fetch(
        "SELECT * FROM remittance_claim WHERE claim_id = ANY($1::uuid[]) AND reversed_by IS NULL AND"
        " status <> '22'"
        " ORDER BY applied_at, ordinal",
        list(claim_ids),
    )
    return [
        RemittedClaim(
            row["remitted_id"],
            row["remit_key"],
            row["claim_control"],
            row["payer_control"],
            row["status"],
            row["ordinal"],
            row["claim_id"],
            row["encounter_id"],
            row["payer_order"],
            row["transaction_id"],
            row["paid_on"],
            PAID_CLAIM.validate_json(row["body"]),
        )
        for row in rows
    ]


async def mark_reversed(conn: asyncpg.Connection, pairs: Sequence[tuple[UUID, UUID]]) -> None:
    """Record which decision (first) was undone by which (second)."""
    await conn.execute(
        "UPDATE remittance_claim SET reversed_by = n.by FROM unnest($1::uuid[], $2::uuid[]) AS n(id, by)"
        " WHERE remitted_id = n.id",
        [one for one, _ in pairs],
        [by for _, by in pairs],
    )
