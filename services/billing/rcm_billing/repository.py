"""SQL of billing, one function per question; writes are set-based, one statement per table and batch."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg
from pydantic import TypeAdapter
from rcm_shared.money import Cents

from rcm_billing.domain.account import Account
from rcm_billing.domain.ledger import Entry, LedgerAccount, Transaction
from rcm_billing.domain.remittance import PaidClaim

PAID_CLAIM: TypeAdapter[PaidClaim] = TypeAdapter(PaidClaim)

# --- accounts ------------------------------------------------------------------------------------------

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

_UPSERT_DENIALS = """
INSERT INTO denial AS d (denial_id, encounter_id, facility_id, claim_id, state, group_code, carc, category,
                         denied_cents, deadline_at, denied_at)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::text[], $6::text[], $7::text[],
                     $8::text[], $9::bigint[], $10::timestamptz[], $11::timestamptz[])
ON CONFLICT (denial_id) DO UPDATE SET state = excluded.state, denied_cents = excluded.denied_cents
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
    await conn.execute(_UPSERT_ACCOUNTS, *_columns((_account_row(account) for account in ordered), 10))
    claims = [claim for account in ordered for claim in account.claims]
    if claims:
        await conn.execute(
            _FOLLOW_CLAIMS,
            [claim.claim_id for claim in claims],
            [claim.state.value for claim in claims],
            [claim.owner_queue for claim in claims],
            [claim.payer_control for claim in claims],
        )
    denials = [(account, denial) for account in ordered for denial in account.denials]
    if denials:
        rows = (
            (
                denial.denial_id,
                account.encounter_id,
                account.facility_id,
                denial.claim_id,
                denial.state.value,
                denial.group,
                denial.carc,
                denial.category,
                denial.cents,
                denial.deadline_at,
                denial.denied_at,
            )
            for account, denial in denials
        )
        await conn.execute(_UPSERT_DENIALS, *_columns(rows, 11))
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


def _columns(rows: Iterable[tuple[Any, ...]], width: int) -> list[list[Any]]:
    columns: list[list[Any]] = [[] for _ in range(width)]
    for row in rows:
        for column, value in zip(columns, row, strict=True):
            column.append(value)
    return columns


# --- ledger --------------------------------------------------------------------------------------------


async def insert_transactions(
    conn: asyncpg.Connection, transactions: Sequence[tuple[UUID | None, str, Transaction]]
) -> None:
    """Append ledger transactions with their entries."""
    await conn.execute(
        "INSERT INTO ledger_transaction (transaction_id, encounter_id, facility_id, kind, claim_id, reverses)"
        " SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::uuid[], $6::uuid[])",
        [t.transaction_id for _, _, t in transactions],
        [encounter_id for encounter_id, _, _ in transactions],
        [facility_id for _, facility_id, _ in transactions],
        [t.kind for _, _, t in transactions],
        [t.claim_id for _, _, t in transactions],
        [t.reverses for _, _, t in transactions],
    )
    rows = (
        (t.transaction_id, position, entry.account.value, entry.group, entry.reason, entry.cents)
        for _, _, t in transactions
        for position, entry in enumerate(t.entries)
    )
    await conn.execute(
        "INSERT INTO ledger_entry (transaction_id, position, account, group_code, reason_code, cents)"
        " SELECT * FROM unnest($1::uuid[], $2::int[], $3::text[], $4::text[], $5::text[], $6::bigint[])",
        *_columns(rows, 6),
    )


async def get_transactions(conn: asyncpg.Connection, ids: Sequence[UUID]) -> dict[UUID, Transaction]:
    """Return ledger transactions with their entries."""
    rows = await conn.fetch(
        "SELECT t.transaction_id, t.kind, t.claim_id, e.account, e.group_code, e.reason_code, e.cents"
        " FROM ledger_transaction t JOIN ledger_entry e USING (transaction_id)"
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
        key: Transaction(key, head["kind"], tuple(entries[key]), head["claim_id"])
        for key, head in heads.items()
    }


async def ledger_summary(conn: asyncpg.Connection) -> tuple[int, int]:
    """Return the sum over all entries (0 when the books balance) and the number of transactions."""
    row = await conn.fetchrow(
        "SELECT (SELECT coalesce(sum(cents), 0) FROM ledger_entry)::bigint AS cents,"
        " (SELECT count(*) FROM ledger_transaction) AS transactions"
    )
    return row["cents"], row["transactions"]


# --- claims --------------------------------------------------------------------------------------------


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


async def insert_claims(conn: asyncpg.Connection, claims: Sequence[ClaimRow]) -> None:
    """Store new claim versions."""
    columns = _columns(
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
            )
            for c in claims
        ),
        18,
    )
    await conn.execute(
        "INSERT INTO claim (claim_id, encounter_id, facility_id, payer_id, payer_order, version, form,"
        " frequency,"
        " claim_control, charge_cents, document, wire_subscriber, wire_dependent, hits, not_evaluated,"
        " fingerprint, state, owner_queue)"
        " SELECT a, b, c, d, e, f, g, h, i, j, k, l, m, n,"
        "  CASE WHEN o = '' THEN '{}' ELSE string_to_array(o, ',') END, p, q, r"
        " FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::int[], $7::text[],"
        " $8::text[],"
        " $9::text[], $10::bigint[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[],"
        " $16::bytea[],"
        " $17::text[], $18::text[]) AS t(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r)",
        *columns,
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
        " payer_control, charge_cents, state, owner_queue, hits, not_evaluated, updated_at"
        " FROM claim WHERE claim_id = $1",
        claim_id,
    )


async def get_documents(conn: asyncpg.Connection, claim_ids: Sequence[UUID]) -> dict[UUID, str]:
    """Return the documents of claims as stored."""
    rows = await conn.fetch(
        "SELECT claim_id, document FROM claim WHERE claim_id = ANY($1::uuid[])", list(claim_ids)
    )
    return {row["claim_id"]: row["document"] for row in rows}


# --- interchanges --------------------------------------------------------------------------------------


async def next_control_number(conn: asyncpg.Connection) -> int:
    """Allocate the next interchange number; the row stays locked until this transaction ends."""
    value: int = await conn.fetchval(
        "UPDATE control_number SET value = value % 999999999 + 1 WHERE name = 'interchange' RETURNING value"
    )
    return value


async def insert_interchange(
    conn: asyncpg.Connection,
    *,
    interchange_id: UUID,
    numbers: tuple[str, str, str, str],
    group: tuple[str, str, str],
    body: bytes,
    attempts: Sequence[tuple[UUID, UUID, UUID]],
) -> None:
    """Freeze the bytes of an interchange with its attempts (attempt, claim, encounter)."""
    await conn.execute(
        "INSERT INTO interchange (interchange_id, isa13, gs06, st02, bht03, facility_id, payer_id, form,"
        " claims,"
        " body, sha256, state) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'built')",
        interchange_id,
        *numbers,
        *group,
        len(attempts),
        body,
        hashlib.sha256(body).digest(),
    )
    await conn.execute(
        "INSERT INTO submission_attempt (interchange_id, attempt_id, claim_id, encounter_id)"
        " SELECT $1, a, c, e FROM unnest($2::uuid[], $3::uuid[], $4::uuid[]) AS t(a, c, e)",
        interchange_id,
        [attempt for attempt, _, _ in attempts],
        [claim for _, claim, _ in attempts],
        [encounter for _, _, encounter in attempts],
    )


async def list_built(conn: asyncpg.Connection, limit: int) -> list[asyncpg.Record]:
    """Return frozen interchanges that have not left, oldest first."""
    rows: list[asyncpg.Record] = await conn.fetch(
        "SELECT interchange_id, isa13, body FROM interchange WHERE state = 'built' ORDER BY isa13 LIMIT $1",
        limit,
    )
    return rows


async def count_built(conn: asyncpg.Connection) -> int:
    """Return how many frozen interchanges wait to be sent."""
    count: int = await conn.fetchval("SELECT count(*) FROM interchange WHERE state = 'built'")
    return count


async def mark_interchange(
    conn: asyncpg.Connection, interchange_id: UUID, state: str, faults: str = "[]"
) -> bool:
    """Move a built interchange on; False when it had already moved."""
    moved = await conn.fetchval(
        "UPDATE interchange SET state = $2, faults = $3, sent_at = CASE WHEN $2 = 'sent' THEN now() END"
        " WHERE interchange_id = $1 AND state = 'built' RETURNING true",
        interchange_id,
        state,
        faults,
    )
    return bool(moved)


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """One attempt with the claim's control number and the numbers of its interchange."""

    attempt_id: UUID
    claim_id: UUID
    encounter_id: UUID
    claim_control: str
    isa13: str
    gs06: str
    bht03: str


async def list_attempts(
    conn: asyncpg.Connection,
    *,
    isa13: Sequence[str] = (),
    gs06: Sequence[str] = (),
    bht03: Sequence[str] = (),
    controls: Sequence[str] = (),
    interchange_ids: Sequence[UUID] = (),
) -> list[AttemptRow]:
    """Return the attempts in these interchanges, and the newest attempt of these claims."""
    rows = await conn.fetch(
        "SELECT a.attempt_id, a.claim_id, a.encounter_id, c.claim_control, i.isa13, i.gs06, i.bht03"
        " FROM interchange i JOIN submission_attempt a USING (interchange_id) JOIN claim c USING (claim_id)"
        " WHERE i.isa13 = ANY($1::text[]) OR i.gs06 = ANY($2::text[]) OR i.bht03 = ANY($3::text[])"
        " OR i.interchange_id = ANY($4::uuid[])",
        list(isa13),
        list(gs06),
        list(bht03),
        list(interchange_ids),
    )
    found = [AttemptRow(*row) for row in rows]
    if controls:
        rows = await conn.fetch(
            "SELECT DISTINCT ON (c.claim_id) a.attempt_id, a.claim_id, a.encounter_id, c.claim_control,"
            " i.isa13, i.gs06, i.bht03 FROM claim c JOIN submission_attempt a USING (claim_id)"
            " JOIN interchange i USING (interchange_id)"
            " WHERE c.claim_control = ANY($1::text[]) ORDER BY c.claim_id, i.isa13 DESC",
            list(controls),
        )
        found += [AttemptRow(*row) for row in rows]
    return found


async def list_sent(conn: asyncpg.Connection, controls: Sequence[str]) -> set[str]:
    """Return which of these interchanges have left."""
    rows = await conn.fetch(
        "SELECT isa13 FROM interchange WHERE isa13 = ANY($1::text[]) AND state = 'sent'", list(controls)
    )
    return {row["isa13"] for row in rows}


# --- what payers answered ------------------------------------------------------------------------------


def digest_of(body: bytes) -> bytes:
    """Return what identifies a file."""
    return hashlib.sha256(body).digest()


async def store_inbound(conn: asyncpg.Connection, name: str, body: bytes) -> str:
    """Keep a file's bytes once and return its state; the same bytes again change nothing."""
    digest = digest_of(body)
    await conn.execute(
        "INSERT INTO inbound_file (sha256, name, body, state) VALUES ($1, $2, $3, 'stored') ON CONFLICT"
        " DO NOTHING",
        digest,
        name,
        body,
    )
    state: str = await conn.fetchval("SELECT state FROM inbound_file WHERE sha256 = $1", digest)
    return state


async def mark_inbound(conn: asyncpg.Connection, digest: bytes, state: str) -> None:
    """Record that a file was applied or cannot be read."""
    await conn.execute(
        "UPDATE inbound_file SET state = $2, applied_at = now() WHERE sha256 = $1", digest, state
    )


async def list_stored(conn: asyncpg.Connection) -> list[asyncpg.Record]:
    """Return files that were stored and not yet applied."""
    rows: list[asyncpg.Record] = await conn.fetch(
        "SELECT sha256, name, body FROM inbound_file WHERE state = 'stored' ORDER BY received_at LIMIT 100"
    )
    return rows


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
        *_columns(rows, 12),
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


@dataclass(frozen=True, slots=True)
class Unmatched:
    """Something from a payer that a person has to look at. `reference` is a control number of theirs or
    ours.
    """

    unmatched_id: UUID
    digest: bytes
    kind: str
    ordinal: int
    reason: str
    reference: str = ""
    amount_cents: int | None = None
    body: str = ""


async def insert_unmatched(conn: asyncpg.Connection, found: Sequence[Unmatched]) -> None:
    """Put things aside for a person; the same thing from the same file stands there once."""
    rows = (
        (u.unmatched_id, u.digest, u.kind, u.ordinal, u.reason, u.reference[:80], u.amount_cents, u.body)
        for u in found
    )
    await conn.execute(
        "INSERT INTO unmatched (unmatched_id, sha256, kind, ordinal, reason, reference, amount_cents, body)"
        " SELECT * FROM unnest($1::uuid[], $2::bytea[], $3::text[], $4::int[], $5::text[], $6::text[],"
        " $7::bigint[],"
        " $8::text[]) ON CONFLICT DO NOTHING",
        *_columns(rows, 8),
    )


async def list_unmatched(conn: asyncpg.Connection, limit: int) -> list[asyncpg.Record]:
    """Return what is set aside, oldest first, without bodies."""
    rows: list[asyncpg.Record] = await conn.fetch(
        "SELECT unmatched_id, kind, ordinal, reason, reference, amount_cents, created_at FROM unmatched"
        " WHERE state = 'open' ORDER BY created_at, ordinal LIMIT $1",
        limit,
    )
    return rows


# --- denials and appeals -------------------------------------------------------------------------------


async def list_denials(
    conn: asyncpg.Connection, *, state: str | None, facilities: list[str] | None, limit: int
) -> list[asyncpg.Record]:
    """Return denial cases by deadline."""
    rows: list[asyncpg.Record] = await conn.fetch(
        "SELECT denial_id, encounter_id, claim_id, state, group_code, carc, category, denied_cents,"
        " deadline_at,"
        " denied_at FROM denial WHERE ($1::text IS NULL OR state = $1)"
        " AND ($2::text[] IS NULL OR facility_id = ANY($2)) ORDER BY deadline_at, denial_id LIMIT $3",
        state,
        facilities,
        limit,
    )
    return rows


async def find_denial(conn: asyncpg.Connection, denial_id: UUID) -> tuple[UUID, str] | None:
    """Return (encounter, facility) of a denial case."""
    row = await conn.fetchrow("SELECT encounter_id, facility_id FROM denial WHERE denial_id = $1", denial_id)
    return (row["encounter_id"], row["facility_id"]) if row else None


async def insert_appeal(
    conn: asyncpg.Connection,
    *,
    appeal_id: UUID,
    denial_id: UUID,
    encounter_id: UUID,
    level: int,
    body: dict[str, Any],
    filed_by: str,
    filed_at: datetime,
) -> None:
    """Queue an appeal for the payer."""
    await conn.execute(
        "INSERT INTO appeal (appeal_id, denial_id, encounter_id, level, body, state, filed_by, filed_at)"
        " VALUES ($1, $2, $3, $4, $5, 'filed', $6, $7)",
        appeal_id,
        denial_id,
        encounter_id,
        level,
        json.dumps(body),
        filed_by,
        filed_at,
    )


async def list_filed_appeals(conn: asyncpg.Connection) -> list[asyncpg.Record]:
    """Return appeals that have not left."""
    rows: list[asyncpg.Record] = await conn.fetch(
        "SELECT appeal_id, body FROM appeal WHERE state = 'filed' ORDER BY filed_at LIMIT 100"
    )
    return rows


async def mark_appeal_sent(conn: asyncpg.Connection, appeal_id: UUID) -> None:
    """Record that an appeal left."""
    await conn.execute("UPDATE appeal SET state = 'sent', sent_at = now() WHERE appeal_id = $1", appeal_id)


# --- code sets -----------------------------------------------------------------------------------------

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
    await conn.execute(_SAVE_CODE_SETS, *_columns(rows, 7))


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
