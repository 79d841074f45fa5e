"""The biller's pages of money over a real database: unmatched payments, variances, accounts, aged receivables."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from component.billing.browsing import decision, done, look, refused, remit, send
from component.billing.conftest import BillingWorld
from component.billing.office import FACILITY, Office, open_office, with_payer
from rcm_billing.domain.contract_terms import Contract, FeeRow, Method
from rcm_billing.repository import workplace
from rcm_shared.ids import uuid7
from rcm_shared.money import Cents
from unit.billing import cases
from unit.billing.remits import Line, Paid


@pytest.fixture
async def office(billing: BillingWorld, tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(billing, tmp_path) as opened:
        yield opened


# --- remittances -------------------------------------------------------------------------------------------------


async def test_unmatched_payment_is_matched_or_dismissed_with_a_reason(office: Office) -> None:
    claim = await office.claim(1)
    await remit(office, Paid("NOBODY", (Line("99999", 21000, (("CO", "45", 6000),)),), icn="Z"), number=1)
    await remit(office, Paid("NO-ONE", (Line("99999", 21000, (("CO", "45", 6000),)),), icn="Y"), number=2)
    first, second = await office.world.pool.fetch("SELECT unmatched_id FROM unmatched ORDER BY created_at")
    path, item = "/billing/remittances", first["unmatched_id"]
    assert "NOBODY" in await look(office, path)
    await refused(office, path, 422, "claim_id", action="match", item=item)
    await refused(office, path, 422, "item", action="match", claim_id=claim.claim_id)
    await refused(office, path, 404, "", action="match", item=item, claim_id=uuid7())
    await refused(office, path, 422, "reason", action="dismiss", item=item, reason="Not A Code")
    await refused(office, path, 422, "no such action", action="burn", item=item)
    text = await done(office, path, action="match", item=item, claim_id=claim.claim_id)
    assert "The payment was posted on that claim." in text
    await refused(office, path, 409, "decided already", action="dismiss", item=item, reason="not-ours")
    text = await done(office, path, action="dismiss", item=second["unmatched_id"], reason="not-ours")
    assert "Everything that payers sent has found its place." in text
    state = await office.world.pool.fetchval("SELECT claim_state FROM account")
    assert state == "closed"


async def test_payment_below_the_contract_is_disputed_then_accepted(office: Office) -> None:
    fees = Contract(
        contract_id="DHP-2026",
        effective_from=cases.OFFICE_DAY.replace(month=1),
        method=Method.FEE_SCHEDULE,
        fees=(FeeRow(code="17110", allowed_cents=Cents(18000)),),
    )
    with_payer(office, "DHP01", contracts=(fees,))
    claim = await office.claim(1)
    await remit(office, decision(claim, ("CO", "45", 9000)))
    path = "/billing/remittances"
    assert "$180.00 $120.00 $60.00 open" in await look(office, path)
    item = await office.world.pool.fetchval("SELECT variance_id FROM variance")
    await refused(office, path, 422, "state", action="variance", item=item, reason="x", state="gone")
    text = await done(
        office, path, action="variance", item=item, state="disputed", reason="contract-says-more"
    )
    assert "disputed" in text
    await done(office, path, action="variance", item=item, state="accepted", reason="payer-is-right")
    await refused(office, path, 409, "cannot become", action="variance", item=item, state="open", reason="x")


# --- accounts and receivables ------------------------------------------------------------------------------------


async def an_account(office: Office, *, share: int = 9000) -> str:
    """Have a claim paid with a share of the patient's; return its account's page."""
    claim = await office.claim(1)
    await remit(office, decision(claim, ("CO", "45", 6000), ("PR", "1", share)))
    key = await office.world.pool.fetchval("SELECT encounter_id FROM claim")
    return f"/billing/accounts/{key}"


async def test_patients_payment_is_posted_and_undone(office: Office) -> None:
    path = await an_account(office)
    for wrong in ("", "12,50", "12.5", "-3", "1e3", "٣"):
        await refused(office, path, 422, "dollars and cents", action="pay", amount=wrong)
    await refused(office, path, 409, "", action="pay", amount="90.01")
    text = await done(office, path, action="pay", amount="$40.00")
    assert "The payment was posted." in text
    assert "Open with the patient $50.00" in text
    transaction = await office.world.pool.fetchval(
        "SELECT transaction_id FROM ledger_transaction WHERE kind = 'patient-payment'"
    )
    await refused(office, path, 422, "reason", action="undo", transaction=transaction, reason="No Code")
    text = await done(office, path, action="undo", transaction=transaction, reason="wrong-account")
    assert "Open with the patient $90.00" in text
    await refused(office, path, 409, "already", action="undo", transaction=transaction, reason="again")


async def test_write_off_above_the_limit_is_approved_by_another_person(office: Office) -> None:
    path = await an_account(office)
    given = {"action": "write-off", "receivable": "patient", "reason": "hardship"}
    await refused(office, path, 409, "", **given, amount="20.00", category="small-balance")
    text = await done(office, path, **given, amount="9.00", category="small-balance")
    assert "Open with the patient $81.00" in text
    await done(office, path, **given, amount="81.00", category="charity")
    text = await look(office, "/billing/receivables")
    assert "write-off, charity hardship biller-1 $81.00 another person decides" in text
    item = await office.world.pool.fetchval(
        "SELECT request_id FROM settlement_request WHERE state = 'requested'"
    )
    receivables = "/billing/receivables"
    await refused(office, receivables, 403, "another person", action="approve", item=item)
    await refused(office, receivables, 422, "item", action="approve", item="x")
    await refused(office, receivables, 422, "no such action", action="burn", item=item)
    assert "Approve" in await look(office, receivables, who="biller-2")
    answer = await send(office, receivables, who="biller-2", action="approve", item=item)
    assert answer.status_code == 303
    assert "Nothing is open with anybody." in await look(office, receivables)
    await refused(office, receivables, 409, "decided already", who="biller-2", action="approve", item=item)


async def test_refund_needs_a_credit(office: Office) -> None:
    path = await an_account(office)
    await refused(
        office, path, 409, "", action="refund", receivable="patient", amount="1.00", reason="overpaid"
    )
    await refused(office, path, 422, "reason", action="refund", receivable="patient", amount="1.00")


AGES = (-3, 0, 30, 31, 60, 61, 90, 91, 120, 121, 900)


@pytest.mark.parametrize("seed", range(3))
async def test_aged_receivables_add_up_to_the_ledger_and_stand_in_their_bucket(
    office: Office, seed: int
) -> None:
    """Several payers and ages; paid in full, in part, with the patient's share, denied, and untouched."""
    payers = ("DHP01", "DMC01", "SUP01")
    ways: tuple[tuple[tuple[str, str, int], ...], ...] = (
        (),
        (("CO", "45", 6000),),
        (("CO", "45", 6000), ("PR", "1", 5000)),
        (("CO", "50", 21000),),
        (("PR", "1", 21000),),
    )
    today = cases.OFFICE_DAY + timedelta(days=200)
    expected: dict[tuple[str, int], int] = {}
    for number, age in enumerate(AGES, 1):
        payer = payers[(number + seed) % 3]
        adjustments = ways[(number * 2 + seed) % 5]
        claim = await office.claim(number, payer=payer)
        await office.world.pool.execute(
            "UPDATE claim SET document = replace(document, $2, $3) WHERE claim_id = $1",
            claim.claim_id,
            f'"service_from":"{cases.OFFICE_DAY}"',
            f'"service_from":"{today - timedelta(days=age)}"',
        )
        if (number + seed) % 4:
            own = Paid(claim.claim_control, (Line("17110", 21000, adjustments),), icn=f"I{number}")
            await remit(office, own, number=number)
    async with office.world.pool.acquire() as conn:
        aged = await workplace.aged_receivables(conn, today=today, facilities=[FACILITY])
        books = await conn.fetch("SELECT account, sum(cents)::bigint AS cents FROM ledger_entry GROUP BY 1")
        rows = await conn.fetch(
            "SELECT c.payer_id, a.balance_cents, a.patient_cents, $1 - c.service_from::date AS days"
            " FROM account a JOIN claim c USING (encounter_id)",
            today,
        )
    ledger = {row["account"]: row["cents"] for row in books if "receivable" in row["account"]}
    patient = sum(one.total for one in aged if one.debtor == workplace.PATIENT)
    assert patient == ledger.pop("patient_receivable", 0)
    assert sum(one.total for one in aged) - patient == sum(ledger.values())
    for row in rows:
        starts = list(workplace.BUCKETS.values())
        bucket = max((n for n, first in enumerate(starts) if row["days"] >= first), default=0)
        for debtor, cents in ((row["payer_id"], row["balance_cents"]), ("patient", row["patient_cents"])):
            if cents:
                expected[debtor, bucket] = expected.get((debtor, bucket), 0) + cents
    got = {(one.debtor, n): cents for one in aged for n, cents in enumerate(one.buckets) if cents}
    assert got == expected
    assert aged[-1].debtor == workplace.PATIENT or patient == 0
