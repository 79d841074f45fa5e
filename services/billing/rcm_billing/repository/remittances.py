"""SQL of payments (835) and of the claim payments that were applied."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

import asyncpg
from pydantic import TypeAdapter
from rcm_shared.money import Cents

from rcm_billing.domain.remittance import PaidClaim, Payment
from rcm_billing.repository.rows import columns

PAID_CLAIM: TypeAdapter[PaidClaim] = TypeAdapter(PaidClaim)


async def insert_remittance(
    conn: asyncpg.Connection,
    payment: Payment,
    digest: bytes,
    *,
    source: str = "835",
    entered_by: str | None = None,
) -> tuple[bool, str]:
    """Record a payment; return (True, its content), or (False, the content it was recorded with)."""
    fresh = await conn.fetchval(
        "INSERT INTO remittance (remit_key, sha256, trace, payment_cents, paid_on, claims, method, payer_trace_id,"
        " content, source, entered_by, deposit_state)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT DO NOTHING RETURNING true",
        payment.key,
        digest,
        payment.trace,
        payment.payment_cents,
        payment.paid_on,
        payment.claim_count,
        payment.method,
        payment.payer_trace_id,
        payment.content,
        source,
        entered_by,
        "expected" if payment.payment_cents else "none",
    )
    if fresh:
        if payment.provider_adjustments:
            await conn.executemany(
                "INSERT INTO provider_adjustment (remit_key, position, reason, reference, cents)"
                " VALUES ($1, $2, $3, $4, $5)",
                [
                    (payment.key, position, one.reason, one.reference[:50], one.cents)
                    for position, one in enumerate(payment.provider_adjustments)
                ],
            )
        return True, payment.content
    content: str = await conn.fetchval("SELECT content FROM remittance WHERE remit_key = $1", payment.key)
    return False, content


async def find_payment(conn: asyncpg.Connection, remit_key: str) -> Payment | None:
    """Return a recorded payment."""
    row = await conn.fetchrow("SELECT * FROM remittance WHERE remit_key = $1", remit_key)
    if row is None:
        return None
    return Payment(
        row["remit_key"],
        Cents(row["payment_cents"]),
        row["method"],
        row["trace"],
        row["payer_trace_id"],
        row["paid_on"],
        claim_count=row["claims"],
        content=row["content"],
    )


async def list_remittances(
    conn: asyncpg.Connection, *, deposit_state: str | None, limit: int
) -> list[asyncpg.Record]:
    """Return payments, newest first, with how many of their claims were posted and how many wait."""
    rows: list[asyncpg.Record] = await conn.fetch(
        "SELECT r.remit_key, r.trace, r.payment_cents, r.method, r.paid_on, r.claims, r.source, r.deposit_state,"
        " r.received_at,"
        " (SELECT count(*) FROM remittance_claim c WHERE c.remit_key = r.remit_key) AS posted,"
        " (SELECT count(*) FROM unmatched u WHERE u.remit_key = r.remit_key AND u.state IN ('open', 'parked'))"
        "  AS waiting"
        " FROM remittance r WHERE ($1::text IS NULL OR r.deposit_state = $1) ORDER BY r.received_at DESC LIMIT $2",
        deposit_state,
        limit,
    )
    return rows


async def list_payments_of_file(conn: asyncpg.Connection, digest: bytes) -> list[asyncpg.Record]:
    """Return the payments that a file brought first, with what became of their claims."""
    rows: list[asyncpg.Record] = await conn.fetch(
        "SELECT r.trace, r.payment_cents, r.claims, r.deposit_state,"
        " (SELECT count(*) FROM remittance_claim c WHERE c.remit_key = r.remit_key) AS posted,"
        " (SELECT count(*) FROM unmatched u WHERE u.remit_key = r.remit_key AND u.state IN ('open', 'parked'))"
        "  AS waiting"
        " FROM remittance r WHERE r.sha256 = $1 ORDER BY r.received_at, r.trace LIMIT 1000",
        digest,
    )
    return rows


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
    tier: str = "control"
    score: int = 100


async def list_applied(
    conn: asyncpg.Connection, remit_key: str, ordinals: Sequence[int]
) -> set[tuple[str, str, str, int]]:
    """Return which CLP loops at these places of a payment were applied: (CLP01, CLP07, CLP02, ordinal)."""
    rows = await conn.fetch(
        "SELECT claim_control, payer_control, status, ordinal FROM remittance_claim"
        " WHERE remit_key = $1 AND ordinal = ANY($2::int[])",
        remit_key,
        list(ordinals),
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
            r.tier,
            r.score,
        )
        for r in remitted
    )
    await conn.execute(
        "INSERT INTO remittance_claim (remitted_id, remit_key, claim_control, payer_control, status, ordinal,"
        " claim_id, encounter_id, payer_order, transaction_id, paid_on, body, tier, score)"
        " SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::int[],"
        " $7::uuid[],"
        " $8::uuid[], $9::text[], $10::uuid[], $11::date[], $12::text[], $13::text[], $14::int[])",
        *columns(rows, 14),
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
            row["tier"],
            row["score"],
        )
        for row in rows
    ]


async def list_history(conn: asyncpg.Connection, claim_id: UUID) -> list[asyncpg.Record]:
    """Return every decision on a claim with the trace of its payment, oldest first."""
    rows: list[asyncpg.Record] = await conn.fetch(
        "SELECT c.*, r.trace FROM remittance_claim c JOIN remittance r USING (remit_key) WHERE c.claim_id = $1"
        " ORDER BY c.applied_at, c.ordinal",
        claim_id,
    )
    return rows


async def find_decision(conn: asyncpg.Connection, transaction_id: UUID) -> RemittedClaim | None:
    """Return the standing decision that posted a transaction, None when it was taken back."""
    claim_id = await conn.fetchval(
        "SELECT claim_id FROM remittance_claim WHERE transaction_id = $1 AND reversed_by IS NULL",
        transaction_id,
    )
    if claim_id is None:
        return None
    standing = await list_decisions(conn, [claim_id])
    return next((one for one in standing if one.transaction_id == transaction_id), None)


async def mark_reversed(conn: asyncpg.Connection, pairs: Sequence[tuple[UUID, UUID]]) -> None:
    """Record which decision (first) was undone by which (second)."""
    await conn.execute(
        "UPDATE remittance_claim SET reversed_by = n.by FROM unnest($1::uuid[], $2::uuid[]) AS n(id, by)"
        " WHERE remitted_id = n.id",
        [one for one, _ in pairs],
        [by for _, by in pairs],
    )
