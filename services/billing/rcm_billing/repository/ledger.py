"""SQL of the append-only ledger."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg
from rcm_shared.money import Cents

from rcm_billing.domain.ledger import Entry, LedgerAccount, Transaction
from rcm_billing.repository.rows import columns


async def insert_transactions(
    conn: asyncpg.Connection, transactions: Sequence[tuple[UUID | None, str, Transaction]]
) -> None:
    """Append ledger transactions with their entries."""
    await conn.execute(
        "INSERT INTO ledger_transaction (transaction_id, encounter_id, facility_id, kind, claim_id, reverses,"
        " actor, reason, reference)"
        " SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::uuid[], $6::uuid[], $7::text[],"
        " $8::text[], $9::text[])",
        [t.transaction_id for _, _, t in transactions],
        [encounter_id for encounter_id, _, _ in transactions],
        [facility_id for _, facility_id, _ in transactions],
        [t.kind for _, _, t in transactions],
        [t.claim_id for _, _, t in transactions],
        [t.reverses for _, _, t in transactions],
        [t.actor for _, _, t in transactions],
        [t.reason for _, _, t in transactions],
        [t.reference for _, _, t in transactions],
    )
    rows = (
        (t.transaction_id, position, entry.account.value, entry.group, entry.reason, entry.cents)
        for _, _, t in transactions
        for position, entry in enumerate(t.entries)
    )
    await conn.execute(
        "INSERT INTO ledger_entry (transaction_id, position, account, group_code, reason_code, cents)"
        " SELECT * FROM unnest($1::uuid[], $2::int[], $3::text[], $4::text[], $5::text[], $6::bigint[])",
        *columns(rows, 6),
    )


async def get_transactions(conn: asyncpg.Connection, ids: Sequence[UUID]) -> dict[UUID, Transaction]:
    """Return ledger transactions with their entries."""
    rows = await conn.fetch(
        "SELECT t.transaction_id, t.kind, t.claim_id, t.reverses, t.reference, e.account, e.group_code,"
        " e.reason_code, e.cents FROM ledger_transaction t JOIN ledger_entry e USING (transaction_id)"
        " WHERE t.transaction_id = ANY($1::uuid[]) ORDER BY t.transaction_id, e.position",
        list(ids),
    )
    entries: dict[UUID, list[Entry]] = {}
    heads: dict[UUID, asyncpg.Record] = {}
    for row in rows:
        heads[row["transaction_id"]] = row
        entries.setdefault(row["transaction_id"], []).append(
            Entry(LedgerAccount(row["account"]), Cents(row["cents"]), row["group_code"], row["reason_code"])
        )
    return {
        key: Transaction(
            key,
            head["kind"],
            tuple(entries[key]),
            head["claim_id"],
            head["reverses"],
            reference=head["reference"],
        )
        for key, head in heads.items()
    }


async def ledger_summary(conn: asyncpg.Connection) -> tuple[int, int]:
    """Return the sum over all entries (0 when the books balance) and the number of transactions."""
    row = await conn.fetchrow(
        "SELECT (SELECT coalesce(sum(cents), 0) FROM ledger_entry)::bigint AS cents,"
        " (SELECT count(*) FROM ledger_transaction) AS transactions"
    )
    return row["cents"], row["transactions"]


async def find_transaction(conn: asyncpg.Connection, transaction_id: UUID) -> asyncpg.Record | None:
    """Return (encounter, facility, kind, reversed_by) of a transaction."""
    return await conn.fetchrow(
        "SELECT t.encounter_id, t.facility_id, t.kind, r.transaction_id AS reversed_by FROM ledger_transaction t"
        " LEFT JOIN ledger_transaction r ON r.reverses = t.transaction_id WHERE t.transaction_id = $1",
        transaction_id,
    )


async def list_entries(conn: asyncpg.Connection, encounter_id: UUID) -> list[asyncpg.Record]:
    """Return every entry of an encounter in the order of posting."""
    rows: list[asyncpg.Record] = await conn.fetch(
        "SELECT t.transaction_id, t.kind, t.claim_id, t.reverses, t.actor, t.reason, t.reference, t.posted_at,"
        " e.position, e.account, e.group_code, e.reason_code, e.cents"
        " FROM ledger_transaction t JOIN ledger_entry e USING (transaction_id)"
        " WHERE t.encounter_id = $1 ORDER BY t.number, e.position",
        encounter_id,
    )
    return rows


async def list_provider_adjustments(conn: asyncpg.Connection, limit: int) -> list[asyncpg.Record]:
    """Return what payers settled on the provider's account (PLB), newest first."""
    rows: list[asyncpg.Record] = await conn.fetch(
        "SELECT p.remit_key, r.trace, r.paid_on, p.reason, p.reference, p.cents FROM provider_adjustment p"
        " JOIN remittance r USING (remit_key) ORDER BY r.received_at DESC, p.position LIMIT $1",
        limit,
    )
    return rows


async def sum_by_account(conn: asyncpg.Connection) -> dict[str, int]:
    """Return the balance of every ledger account."""
    rows = await conn.fetch("SELECT account, sum(cents)::bigint AS cents FROM ledger_entry GROUP BY account")
    return {row["account"]: row["cents"] for row in rows}
