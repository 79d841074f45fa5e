"""What people do to an account's money, on a real PostgreSQL: undo, write-offs, refunds, variances, statements."""

from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from component.billing.conftest import BillingWorld
from component.billing.ward import BILLER, SECOND, STRANGER, Ward, paid, with_line
from rcm_billing.domain.claim import ClaimState
from rcm_billing.domain.contract_terms import Contract, FeeRow, Method
from rcm_billing.domain.document import Adjustment, ClaimDocument
from rcm_billing.domain.remittance import PaidClaim, PaidLine
from rcm_billing.domain.settling import receivable_of
from rcm_billing.handlers import settlements, unmatched
from rcm_billing.handlers.commands import take_payment
from rcm_billing.handlers.settlements import Asked
from rcm_billing.handlers.statements import STATEMENT
from rcm_billing.handlers.unmatched import ManualRemittance
from rcm_billing.repository import ledger, statements, variances
from rcm_billing.repository import settlements as requests
from rcm_billing.timers import apply_timers
from rcm_shared.auth import Principal
from rcm_shared.errors import NotFound, Refused
from rcm_shared.messaging.decide import FiredTimer
from rcm_shared.messaging.uow import UnitOfWork
from rcm_shared.money import Cents
from unit.billing.remits import a_file

SHARE, CUT = ("PR", "3", 2000), ("CO", "45", 6000)


@pytest.fixture
def ward(billing: BillingWorld) -> Ward:
    return Ward(billing)


async def within(ward: Ward, run: Callable[[UnitOfWork], Awaitable[Any]]) -> Any:
    async with ward.world.begin() as uow:
        return await run(uow)


async def transaction(ward: Ward, kind: str) -> UUID:
    """Return the newest transaction of a kind."""
    found = await ward.world.pool.fetchval(
        "SELECT transaction_id FROM ledger_transaction WHERE kind = $1 ORDER BY posted_at DESC LIMIT 1", kind
    )
    assert isinstance(found, UUID)
    return found


def undo(ward: Ward, transaction_id: UUID, who: Principal = BILLER) -> Awaitable[Any]:
    return within(ward, lambda uow: settlements.undo(uow, ward.policy, transaction_id, "posted-wrongly", who))


async def refused(run: Awaitable[Any]) -> str:
    with pytest.raises(Refused) as caught:
        await run
    return caught.value.code


async def test_undone_decision_is_unapplied_money_that_goes_to_the_right_claim(ward: Ward) -> None:
    wrong, right = await ward.claim(1), await ward.claim(2)
    await ward.take(a_file(paid(wrong, CUT, ("CO", "50", 1000))))
    before = (await ward.account(wrong)).totals.charged
    account = await undo(ward, await transaction(ward, "remittance"))
    assert (account.totals.insurance_p, account.totals.paid) == (before, 0)
    assert account.claims[0].state is ClaimState.REVERSED
    assert [case.state.value for case in account.denials] == ["reversed"]
    (row,) = await ward.unmatched()
    assert (row["reason"], row["state"]) == ("undone", "open")
    assert (await ward.books())["unapplied_payment"] == -14000
    await within(
        ward, lambda uow: unmatched.attach(ward.deps, uow, row["unmatched_id"], right.claim_id, BILLER)
    )
    assert (await ward.account(right)).totals.paid == 14000
    assert "unapplied_payment" not in await ward.books()
    assert await refused(undo(ward, await transaction(ward, "undo"))) == "kind-not-undone"


async def test_undo_is_done_once_by_someone_who_sees_the_account_and_never_on_a_charge(ward: Ward) -> None:
    visit = await ward.claim()
    await ward.take(a_file(paid(visit, CUT)))
    posted = await transaction(ward, "remittance")
    with pytest.raises(NotFound):
        await undo(ward, posted, STRANGER)
    await undo(ward, posted)
    assert await refused(undo(ward, posted)) == "already-undone"
    assert await refused(undo(ward, await transaction(ward, "charge"))) == "kind-not-undone"


async def test_undo_of_what_a_later_payer_used_is_refused_with_the_reason(ward: Ward) -> None:
    visit = await ward.claim(secondary=True)
    await ward.take(a_file(paid(visit, CUT, SHARE, status="19"), trace="T1"))
    secondary = paid(visit, ("OA", "23", 19000), status="2", icn="ICN1")
    await ward.take(a_file(secondary, trace="T2", isa13=2))
    assert (await ward.account(visit)).claim_state == "closed"
    first = await ward.world.pool.fetchval(
        "SELECT transaction_id FROM ledger_transaction WHERE kind = 'remittance' ORDER BY posted_at LIMIT 1"
    )
    assert await refused(undo(ward, first)) == "more-than-open"


async def test_undone_patient_payment_is_open_again(ward: Ward) -> None:
    visit = await ward.claim()
    await ward.take(a_file(paid(visit, CUT, SHARE)))
    await within(ward, lambda uow: take_payment(uow, visit.encounter_id, 2000, BILLER))
    assert (await ward.account(visit)).closed
    account = await undo(ward, await transaction(ward, "patient-payment"))
    assert (account.totals.patient, account.closed) == (2000, False)
    rows = await ledger.list_entries(ward.world.pool, visit.encounter_id)
    assert [row["kind"] for row in rows if row["kind"] in ("patient-payment", "undo")] == [
        "patient-payment",
        "patient-payment",
        "undo",
        "undo",
    ]
    assert {row["actor"] for row in rows if row["kind"] == "undo"} == {"biller-1"}


async def test_ledger_rows_cannot_be_changed_and_unbalanced_ones_not_committed(ward: Ward) -> None:
    visit = await ward.claim()
    with pytest.raises(asyncpg.RestrictViolationError):
        await ward.world.pool.execute("UPDATE ledger_entry SET cents = 1")
    with pytest.raises(asyncpg.CheckViolationError):
        await ward.world.pool.execute(
            "INSERT INTO ledger_transaction (transaction_id, encounter_id, facility_id, kind)"
            " VALUES (gen_random_uuid(), $1, 'F', 'charge')",
            visit.encounter_id,
        )


async def credit(ward: Ward) -> ClaimDocument:
    """Return a claim whose patient paid 20.00 that the payer then took back as a share."""
    visit, other = await ward.claim(1), await ward.claim(2)
    decision = paid(visit, CUT, SHARE)
    await ward.take(a_file(decision, trace="T1"))
    await within(ward, lambda uow: take_payment(uow, visit.encounter_id, 2000, BILLER))
    await ward.take(a_file(decision.reversed(), paid(visit, CUT), paid(other, CUT), trace="T2", isa13=2))
    return visit


async def test_credit_is_refunded_only_after_another_person_approves(ward: Ward) -> None:
    visit = await credit(ward)
    key = visit.encounter_id
    more = Asked("patient", "credit-balance", Cents(2001), "overpaid")
    assert await refused(within(ward, lambda uow: settlements.request_refund(uow, key, more, BILLER))) == (
        "more-than-credit"
    )
    asked = Asked("patient", "credit-balance", Cents(2000), "overpaid")
    _, row = await within(ward, lambda uow: settlements.request_refund(uow, key, asked, BILLER))
    assert (row.state, (await ward.account(visit)).totals.patient) == ("requested", -2000)

    def decide(who: Principal) -> Awaitable[Any]:
        return within(
            ward,
            lambda uow: settlements.decide_request(uow, ward.policy, row.request_id, approve=True, who=who),
        )

    assert await refused(decide(BILLER)) == "own-request"
    await decide(SECOND)
    account = await ward.account(visit)
    assert (account.totals.patient, account.closed) == (0, True)
    assert await refused(decide(SECOND)) == "request-decided"
    (stored,) = await requests.list_requests(ward.world.pool, state="posted", facilities=None, limit=9)
    assert (stored["decided_by"], stored["cents"]) == ("biller-2", 2000)
    await ward.books()


@pytest.mark.parametrize(
    ("receivable", "category", "cents", "code"),
    [
        ("patient", "small-balance", 1001, "not-a-small-balance"),
        ("patient", "charity", 2001, "more-than-open"),
        ("P", "bad-debt", 100, "patient-only"),
        ("P", "administrative", 100, "denial-open"),
    ],
)
async def test_write_off_that_may_not_be_is_refused(
    ward: Ward, receivable: str, category: str, cents: int, code: str
) -> None:
    visit = await ward.claim()
    await ward.take(a_file(paid(visit, SHARE, ("CO", "50", 5000))))
    asked = Asked(receivable, category, Cents(cents), "hardship")
    run = within(
        ward, lambda uow: settlements.request_write_off(uow, ward.policy, visit.encounter_id, asked, BILLER)
    )
    assert await refused(run) == code
    assert (await ward.account(visit)).totals.insurance_p == 5000


async def test_write_off_above_the_limit_waits_for_another_person(ward: Ward) -> None:
    visit = await ward.claim()
    await ward.take(a_file(paid(visit, ("PR", "1", 9000), CUT)))
    key = visit.encounter_id
    small = Asked("patient", "small-balance", Cents(900), "not-worth-a-letter")
    _, posted = await within(
        ward, lambda uow: settlements.request_write_off(uow, ward.policy, key, small, BILLER)
    )
    assert posted.state == "posted"
    large = Asked("patient", "charity", Cents(8100), "hardship")
    _, waiting = await within(
        ward, lambda uow: settlements.request_write_off(uow, ward.policy, key, large, BILLER)
    )
    assert (waiting.state, (await ward.account(visit)).totals.patient) == ("requested", 8100)
    await within(
        ward,
        lambda uow: settlements.decide_request(
            uow, ward.policy, waiting.request_id, approve=True, who=SECOND
        ),
    )
    account = await ward.account(visit)
    assert (account.totals.patient, account.totals.adjusted, account.closed) == (0, 15000, True)
    assert (await ward.books())["write_off"] == 9000
    reopened = await undo(ward, await transaction(ward, "write-off"))
    assert (reopened.totals.patient, reopened.closed) == (8100, False)


FEES = Contract(
    contract_id="DHP-2026",
    effective_from=date(2026, 1, 1),
    method=Method.FEE_SCHEDULE,
    fees=(FeeRow(code="17110", allowed_cents=Cents(18000)),),
)


async def test_reduction_beyond_the_contract_stays_open_until_a_person_accepts_it(ward: Ward) -> None:
    ward.contracts = (FEES,)
    visit = await ward.claim()
    await ward.take(a_file(paid(visit, ("CO", "45", 9000))))  # allowed 120.00, the contract says 180.00
    account = await ward.account(visit)
    assert (account.totals.adjusted, account.totals.insurance_p) == (3000, 6000)
    assert account.claim_state == "partially_paid"
    assert "underpayment-found" in await ward.types()
    (row,) = await variances.list_variances(ward.world.pool, state="open", facilities=None, limit=9)
    assert (row["expected_cents"], row["allowed_cents"], row["held_cents"]) == (18000, 12000, 6000)

    def move(to: str) -> Awaitable[Any]:
        return within(
            ward,
            lambda uow: settlements.move_variance(
                uow, ward.policy, row["variance_id"], to, "payer-is-right", BILLER
            ),
        )

    await move("disputed")
    await move("accepted")
    account = await ward.account(visit)
    assert (account.totals.adjusted, account.claim_state) == (9000, "closed")
    assert await refused(move("open")) == "variance-step"


async def test_variance_goes_with_the_decision_that_is_taken_back(ward: Ward) -> None:
    ward.contracts = (FEES,)
    visit = await ward.claim()
    low = paid(visit, ("CO", "45", 9000))
    await ward.take(a_file(low, trace="T1"))
    await ward.take(a_file(low.reversed(), paid(visit, ("CO", "45", 3000)), trace="T2", isa13=2))
    rows = await variances.list_variances(ward.world.pool, state=None, facilities=None, limit=9)
    assert [row["state"] for row in rows] == ["withdrawn"]
    assert (await ward.account(visit)).claim_state == "closed"


async def test_accepted_reduction_goes_with_the_decision_and_may_be_undone_alone(ward: Ward) -> None:
    ward.contracts = (FEES,)
    visit = await ward.claim()
    low = paid(visit, ("CO", "45", 9000))
    await ward.take(a_file(low, trace="T1"))

    async def accept() -> None:
        (row,) = await variances.list_variances(ward.world.pool, state="open", facilities=None, limit=9)
        async with ward.world.begin() as uow:
            await settlements.move_variance(
                uow, ward.policy, row["variance_id"], "accepted", "payer-is-right", BILLER
            )

    await accept()
    await undo(ward, await transaction(ward, "contractual"))
    assert (await ward.account(visit)).totals.insurance_p == 6000
    await accept()
    assert (await ward.account(visit)).claim_state == "closed"
    await ward.take(a_file(low.reversed(), paid(visit, ("CO", "45", 3000)), trace="T2", isa13=2))
    account = await ward.account(visit)
    assert (account.claim_state, account.totals.paid, account.totals.adjusted) == ("closed", 18000, 3000)
    assert await ward.reasons() == []


async def test_more_than_the_contract_is_a_variance_without_an_underpayment(ward: Ward) -> None:
    ward.contracts = (FEES,)
    visit = await ward.claim()
    await ward.take(a_file(paid(visit, ("CO", "45", 1000))))
    (row,) = await variances.list_variances(ward.world.pool, state="open", facilities=None, limit=9)
    assert (row["allowed_cents"], row["held_cents"]) == (20000, 0)
    assert "underpayment-found" not in await ward.types()


async def due(ward: Ward) -> list[FiredTimer]:
    rows = await ward.world.pool.fetch("SELECT key, kind, due_at FROM timer WHERE kind = $1", STATEMENT)
    return [FiredTimer(row["key"], row["kind"], row["due_at"], {}) for row in rows]


async def test_statements_go_out_until_the_last_and_say_what_is_open(ward: Ward) -> None:
    visit = await ward.claim()
    await ward.take(a_file(paid(visit, CUT, SHARE)))
    for _ in range(3):
        timers = await due(ward)
        assert len(timers) == 1
        ward.world.now = timers[0].due_at
        async with ward.world.begin() as uow:
            await apply_timers(uow, timers, ward.policy.statements)
    assert await due(ward) == []
    rows = await statements.list_statements(ward.world.pool, visit.encounter_id)
    assert len(rows) == 3
    assert (await ward.types()).count("statement-issued") == 3
    last = rows[-1]["body"]
    assert '"final":true' in last
    assert '"open_cents":2000' in last
    assert "ZQ" not in last


async def test_cycle_ends_when_the_patient_pays(ward: Ward) -> None:
    visit = await ward.claim()
    await ward.take(a_file(paid(visit, CUT, SHARE)))
    assert len(await due(ward)) == 1
    await within(ward, lambda uow: take_payment(uow, visit.encounter_id, 2000, BILLER))
    assert await due(ward) == []


def manual(visit: ClaimDocument, payment: int) -> ManualRemittance:
    line = visit.lines[0]
    adjustments = (Adjustment(group="CO", code="45", cents=Cents(6000)),)
    return ManualRemittance(
        "1999999999",
        "CHECK77",
        "CHK",
        date(2026, 9, 20),
        Cents(payment),
        (
            PaidClaim(
                1,
                visit.claim_control,
                "1",
                Cents(21000),
                Cents(15000),
                Cents(0),
                payer_control="PAPER1",
                lines=(
                    PaidLine(
                        line.code,
                        Cents(21000),
                        Cents(15000),
                        service_date=line.service_date,
                        adjustments=adjustments,
                    ),
                ),
            ),
        ),
    )


async def test_remittance_on_paper_must_balance_and_posts_once(ward: Ward) -> None:
    visit = await ward.claim()

    def enter(payment: int) -> Awaitable[Any]:
        return within(
            ward, lambda uow: unmatched.enter_remittance(ward.deps, uow, manual(visit, payment), BILLER)
        )

    assert await refused(enter(15001)) == "out-of-balance"
    await enter(15000)
    assert (await ward.account(visit)).claim_state == "closed"
    assert await refused(enter(15000)) == "payment-known"
    row = await ward.world.pool.fetchrow("SELECT source, entered_by, deposit_state FROM remittance")
    assert tuple(row) == ("manual", "biller-1", "expected")


def test_every_receivable_has_its_account() -> None:
    assert [receivable_of(name).value for name in ("patient", "P", "S", "T")] == [
        "patient_receivable",
        "insurance_receivable_p",
        "insurance_receivable_s",
        "insurance_receivable_t",
    ]


async def test_late_decision_of_ninety_days_posts_as_any(ward: Ward) -> None:
    visit = await ward.claim()
    ward.world.now += timedelta(days=90)
    await ward.take(a_file(with_line(paid(visit, CUT), remark="N115")))
    assert (await ward.account(visit)).claim_state == "closed"
