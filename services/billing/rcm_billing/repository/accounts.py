"""SQL of accounts: the aggregate of an encounter with the rows that follow it."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg

from rcm_billing.domain.account import Account
from rcm_billing.repository.denials import save_denials
from rcm_billing.repository.ledger import insert_transactions
from rcm_billing.repository.rows import columns

_OPEN_ACCOUNTS = """
INSERT INTO account (encounter_id, facility_id, claim_state, body)
SELECT key, '', 'draft', '' FROM unnest($1::uuid[]) AS k(key) ORDER BY key ON CONFLICT DO NOTHING
"""

_UPSERT_ACCOUNTS = """
INSERT INTO account AS a (encounter_id, facility_id, claim_state, waiting_for, charged_cents, paid_cents,
                          adjusted_cents, patient_cents, balance_cents, body)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[],
                     $8::bigint[], $9::bigint[], $10::text[])
ON CONFLICT (encounter_id) DO UPDATE
SET facility_id = excluded.facility_id, claim_state = excluded.claim_state, waiting_for =
excluded.waiting_for, charged_cents = excluded.charged_cents, paid_cents = excluded.paid_cents,
    adjusted_cents = excluded.adjusted_cents, patient_cents = excluded.patient_cents,
    balance_cents = excluded.balance_cents, body = excluded.body, version = a.version + 1, updated_at = now()
"""

_FOLLOW_CLAIMS = """
UPDATE claim SET state = n.state, owner_queue = n.owner_queue, payer_control = n.payer_control, updated_at
= now()
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) AS n(claim_id, state, owner_queue, payer_control)
WHERE claim.claim_id = n.claim_id
  AND (claim.state, claim.owner_queue, claim.payer_control) IS DISTINCT FROM (n.state, n.owner_queue,
  n.payer_control)
"""


async def open_accounts(conn: asyncpg.Connection, keys: list[UUID]) -> dict[UUID, Account]:
    """Lock these encounters' accounts, those that do not exist yet too, and return those that do.

    A lock needs a row: without the empty one, two topics that first speak of an encounter at the same moment would
    both begin a new account, and the later commit would wipe out the facts of the earlier one.
    """
    await conn.execute(_OPEN_ACCOUNTS, keys)
    return await load_accounts(conn, keys)


async def load_accounts(conn: asyncpg.Connection, keys: list[UUID]) -> dict[UUID, Account]:
    """Lock and return the accounts of these encounters, in the order of keys."""
    rows = await conn.fetch(
        "SELECT encounter_id, body FROM account WHERE encounter_id = ANY($1::uuid[])"
        " ORDER BY encounter_id FOR UPDATE",
        keys,
    )
    return {row["encounter_id"]: Account.model_validate_json(row["body"]) for row in rows if row["body"]}


async def read_accounts(conn: asyncpg.Connection, keys: Sequence[UUID]) -> dict[UUID, Account]:
    """Return accounts without locking them."""
    rows = await conn.fetch(
        "SELECT encounter_id, body FROM account WHERE encounter_id = ANY($1::uuid[]) AND body <> ''",
        list(keys),
    )
    return {row["encounter_id"]: Account.model_validate_json(row["body"]) for row in rows}


async def save_accounts(conn: asyncpg.Connection, accounts: dict[UUID, Account]) -> None:
    """Write accounts, with the rows that follow them: claim states, denial cases, ledger transactions."""
    ordered = [accounts[key] for key in sorted(accounts)]
    await conn.execute(_UPSERT_ACCOUNTS, *columns((_account_row(account) for account in ordered), 10))
    claims = [claim for account in ordered for claim in account.claims]
    if claims:
        await conn.execute(
            _FOLLOW_CLAIMS,
            [claim.claim_id for claim in claims],
            [claim.state.value for claim in claims],
            [claim.owner_queue for claim in claims],
            [claim.payer_control for claim in claims],
        )
    await save_denials(conn, ordered)
    transactions = [
        (account.encounter_id, account.facility_id, transaction)
        for account in ordered
        for transaction in account.unposted
    ]
    if transactions:
        await insert_transactions(conn, transactions)


def _account_row(account: Account) -> tuple[Any, ...]:
    totals = account.totals
    return (
        account.encounter_id,
        account.facility_id,
        account.claim_state,
        account.waiting_for,
        totals.charged,
        totals.paid,
        totals.adjusted,
        totals.patient,
        totals.insurance,
        account.model_dump_json(),
    )
