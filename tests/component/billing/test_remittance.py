"""835 on a real PostgreSQL: every fault of a payer, the tiers of matching, reversals, deposits. Nothing in part."""

import asyncio
from typing import Any

import pytest
from component.billing.conftest import BillingWorld
from component.billing.ward import BILLER, SECOND, STRANGER, Ward, paid, with_line
from rcm_billing.domain.claim import ClaimState
from rcm_billing.handlers import deposits, unmatched
from rcm_billing.handlers.deposits import DepositRecord
from rcm_shared.errors import NotFound, Refused
from unit.billing.remits import Line, Paid, a_file, envelope, transaction

SHARE = ("PR", "3", 2000)
CUT = ("CO", "45", 6000)


@pytest.fixture
def ward(billing: BillingWorld) -> Ward:
    return Ward(billing)


async def test_payment_is_expected_cash_until_its_deposit_is_seen(ward: Ward) -> None:
    visit = await ward.claim()
    assert await ward.take(a_file(paid(visit, CUT, SHARE))) == "applied"
    account = await ward.account(visit)
    assert (account.claim_state, account.totals.paid) == ("patient_responsibility", 13000)
    assert (await ward.books())["deposit_expected"] == 13000
    async with ward.world.begin() as uow:
        other = DepositRecord(deposit_id="D0", trace="OTHER", amount_cents=13000)
        assert await deposits.record_deposit(uow, other) == "waiting"
        mine = DepositRecord(deposit_id="D1", trace="TRACE1", originator="1999999999", amount_cents=13000)
        assert await deposits.record_deposit(uow, mine) == "reconciled"
        assert await deposits.record_deposit(uow, mine) == "reconciled"  # the same report again
        with pytest.raises(Refused) as refused:
            await deposits.record_deposit(uow, mine.model_copy(update={"amount_cents": 1}))
    assert refused.value.code == "deposit-known-with-other-values"
    books = await ward.books()
    assert "deposit_expected" not in books
    assert books["cash"] == 13000


async def test_deposit_before_its_835_is_met_by_it(ward: Ward) -> None:
    visit = await ward.claim()
    async with ward.world.begin() as uow:
        early = DepositRecord(deposit_id="D1", trace="TRACE1", amount_cents=15000)
        assert await deposits.record_deposit(uow, early) == "waiting"
    await ward.take(a_file(paid(visit, CUT)))
    assert (await ward.books())["cash"] == 15000


async def test_deposit_and_835_at_the_same_moment_still_meet(ward: Ward) -> None:
    visit = await ward.claim()
    async with ward.world.begin() as uow:
        deposit = DepositRecord(deposit_id="D1", trace="TRACE1", amount_cents=15000)
        assert await deposits.record_deposit(uow, deposit) == "waiting"
        taking = asyncio.create_task(ward.take(a_file(paid(visit, CUT))))
        await asyncio.sleep(0.3)
        assert not taking.done()  # it waits for this deposit to be there or not
    await taking
    assert (await ward.books())["cash"] == 15000


async def test_deposit_of_another_amount_is_left_to_a_person(ward: Ward) -> None:
    visit = await ward.claim()
    await ward.take(a_file(paid(visit, CUT)))
    async with ward.world.begin() as uow:
        less = DepositRecord(deposit_id="D1", trace="TRACE1", amount_cents=14999)
        assert await deposits.record_deposit(uow, less) == "differs"
    assert (await ward.books())["deposit_expected"] == 15000


def _cut_short(data: bytes) -> bytes:
    return data[: data.index(b"SE*")]


FAULTS: dict[str, Any] = {
    "unbalanced payment": (
        lambda visit: a_file(paid(visit, CUT), payment=1),
        ("out-of-balance:transaction", "BPR", "BPR02"),
    ),
    "unbalanced claim": (
        lambda visit: a_file(paid(visit, CUT, changes={"paid": 15001})),
        ("out-of-balance:claim-1", "CLP at 6", "CLP04"),
    ),
    "unbalanced line": (
        lambda visit: a_file(paid(visit, CUT)).replace(b"CAS*CO*45*60", b"CAS*CO*45*61"),
        ("out-of-balance:line-1-1", "CLP at 6", "SVC03"),
    ),
    "no amount": (
        lambda visit: a_file(paid(visit, CUT)).replace(b"CAS*CO*45*60", b"CAS*CO*45*6O"),
        ("835-segment-9", "CAS at 9", "form"),
    ),
    "truncated": (lambda visit: _cut_short(a_file(paid(visit, CUT))), ("incomplete-set", "SE", "SE01")),
    "wrong SE01": (
        lambda visit: a_file(paid(visit, CUT)).replace(b"SE*11*", b"SE*12*"),
        ("incomplete-set", "SE", "SE01"),
    ),
    "unknown CLP01": (
        lambda visit: (
            a_file(paid(visit, CUT, control="UNKNOWN0001", own_line=False, icn="X"))
            .replace(b"210", b"215")
            .replace(b"*150*", b"*155*")
            .replace(b"BPR*I*150", b"BPR*I*155")
        ),
        ("unknown-claim", "CLP 1", "CLP01"),
    ),
    "negative payment": (
        lambda visit: a_file(paid(visit, CUT), plb=(("WO:X", 16000),)),
        ("out-of-balance:transaction", "BPR", "not below 0"),
    ),
}


@pytest.mark.parametrize("name", FAULTS)
async def test_fault_of_a_payer_posts_nothing_on_the_claim_and_names_segment_and_rule(
    ward: Ward, name: str
) -> None:
    make, (reason, segment, rule) = FAULTS[name]
    visit = await ward.claim()
    before = await ward.account(visit)
    await ward.take(make(visit))
    (row,) = await ward.unmatched()
    assert (row["reason"], row["segment"]) == (reason, segment)
    assert rule in row["rule"]
    assert (await ward.account(visit)).totals == before.totals
    assert await ward.types() == []


async def test_one_payment_that_does_not_balance_leaves_its_neighbours_alone(ward: Ward) -> None:
    first, second = await ward.claim(1), await ward.claim(2)
    data = envelope(
        transaction(paid(first, CUT), trace="T1", payment=1, control=1),
        transaction(paid(second, CUT), trace="T2", control=2),
    )
    await ward.take(data)
    assert (await ward.account(first)).totals.paid == 0
    assert (await ward.account(second)).totals.paid == 15000
    assert await ward.reasons() == ["out-of-balance:transaction"]


async def test_same_file_again_with_the_same_or_a_new_isa13_posts_once(ward: Ward) -> None:
    visit = await ward.claim()
    stranger = paid(visit, CUT, control="NOBODY", own_line=False, icn="Z", changes={"charge": 21000})
    stranger = with_line(stranger, code="99999")
    for isa13 in (1, 1, 2):
        assert await ward.take(a_file(paid(visit, CUT), stranger, isa13=isa13)) == "applied"
    assert (await ward.account(visit)).totals.paid == 15000
    assert len(await ward.unmatched()) == 1
    assert (await ward.books())["unapplied_payment"] == -15000
    assert (await ward.books())["deposit_expected"] == 30000
    assert await ward.world.pool.fetchval("SELECT count(*) FROM remittance") == 1


async def test_known_payment_with_other_claims_is_left_to_a_person(ward: Ward) -> None:
    first, second = await ward.claim(1), await ward.claim(2)
    await ward.take(a_file(paid(first, CUT)))
    await ward.take(a_file(paid(second, CUT), isa13=2))
    assert (await ward.account(second)).totals.paid == 0
    assert await ward.reasons() == ["payment-known-with-other-claims"]


async def test_same_claim_in_another_payment_is_more_than_open(ward: Ward) -> None:
    visit = await ward.claim()
    await ward.take(a_file(paid(visit, CUT)))
    await ward.take(a_file(paid(visit, CUT), trace="TRACE2", isa13=2))
    assert (await ward.account(visit)).totals.paid == 15000
    assert await ward.reasons() == ["more-than-open"]


async def test_remittance_split_over_files_and_sets_posts_each_claim_once(ward: Ward) -> None:
    visits = [await ward.claim(number) for number in (1, 2, 3)]
    await ward.take(a_file(paid(visits[0], CUT), trace="T1"))
    rest = [
        transaction(paid(visit, CUT), trace=f"T{number}", control=number)
        for number, visit in enumerate(visits[1:], 2)
    ]
    await ward.take(envelope(*rest, isa13=2))
    assert [(await ward.account(visit)).claim_state for visit in visits] == ["closed"] * 3


async def test_835_before_the_277ca_and_after_a_rejection_counts(ward: Ward) -> None:
    sent = await ward.claim(1, state=ClaimState.SUBMITTED)
    refused = await ward.claim(2, state=ClaimState.REJECTED)
    await ward.take(a_file(paid(sent, CUT), paid(refused, CUT)))
    assert (await ward.account(sent)).claim_state == "closed"
    assert (await ward.account(refused)).claim_state == "closed"


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (ClaimState.READY, "claim-not-sent"),
        (ClaimState.REPLACED, "superseded-claim"),
        (ClaimState.VOIDED, "superseded-claim"),
    ],
)
async def test_decision_on_a_version_that_is_not_with_the_payer_waits(
    ward: Ward, state: ClaimState, reason: str
) -> None:
    visit = await ward.claim(state=state)
    await ward.take(a_file(paid(visit, CUT)))
    assert await ward.reasons() == [reason]
    assert (await ward.books())["unapplied_payment"] == -15000


async def test_reversal_before_its_original_waits_and_is_applied_when_it_comes(ward: Ward) -> None:
    visit = await ward.claim()
    decision = paid(visit, CUT, SHARE)
    filler = await ward.claim(2)
    await ward.take(a_file(decision.reversed(), paid(filler, CUT), trace="T2", isa13=2))
    (row,) = await ward.unmatched()
    assert (row["reason"], row["state"]) == ("reversal-without-original", "parked")
    await ward.take(a_file(decision, trace="T1"))
    account = await ward.account(visit)
    assert account.totals.insurance_p == account.totals.charged == 21000
    assert account.latest("P") is not None
    assert account.claims[0].state is ClaimState.REVERSED
    (row,) = await ward.unmatched()
    assert row["state"] == "matched"
    assert "unapplied_payment" not in await ward.books()


async def test_reversal_with_its_correction_in_one_file_ends_as_the_correction_says(ward: Ward) -> None:
    visit = await ward.claim()
    decision = paid(visit, ("CO", "45", 11000))
    await ward.take(a_file(decision, trace="T1"))
    corrected = paid(visit, ("CO", "45", 1000))
    await ward.take(a_file(decision.reversed(), corrected, trace="T2", isa13=2))
    account = await ward.account(visit)
    assert (account.claim_state, account.totals.paid, account.totals.adjusted) == ("closed", 20000, 1000)
    assert await ward.reasons() == []


async def test_takeback_after_the_patient_paid_leaves_a_credit(ward: Ward) -> None:
    visit = await ward.claim()
    decision = paid(visit, CUT, SHARE)
    await ward.take(a_file(decision, trace="T1"))
    from rcm_billing.handlers.commands import take_payment

    async with ward.world.begin() as uow:
        await take_payment(uow, visit.encounter_id, 2000, BILLER)
    other = await ward.claim(2)
    await ward.take(a_file(decision.reversed(), paid(visit, CUT), paid(other, CUT), trace="T2", isa13=2))
    account = await ward.account(visit)
    assert account.totals.patient == -2000
    assert account.totals.insurance == 0
    assert not account.closed


async def test_forward_balance_and_its_recovery_meet_on_the_provider_account(ward: Ward) -> None:
    first, second = await ward.claim(1), await ward.claim(2)
    await ward.take(a_file(paid(first, CUT), trace="T1"))
    back = paid(first, CUT).reversed()
    await ward.take(a_file(back, trace="T2", plb=(("FB:T2", -15000),), isa13=2))
    assert (await ward.books())["provider_level_adjustment"] == -15000
    await ward.take(
        a_file(paid(second, CUT), trace="T3", plb=(("FB:T2", 15000), ("L6:X", -120), ("72:R", 120)), isa13=3)
    )
    books = await ward.books()
    assert "provider_level_adjustment" not in books
    assert books["deposit_expected"] == 15000
    rows = await ward.world.pool.fetch(
        "SELECT reason, reference, cents FROM provider_adjustment ORDER BY cents"
    )
    assert tuple(rows[0]) == ("FB", "T2", -15000)


async def test_payment_of_nothing_decides_without_a_deposit(ward: Ward) -> None:
    visit = await ward.claim()
    await ward.take(a_file(paid(visit, ("PR", "1", 15000), CUT), method="NON"))
    account = await ward.account(visit)
    assert (account.totals.patient, account.claims[0].state) == (15000, ClaimState.PAID_ZERO)
    assert await ward.world.pool.fetchval("SELECT deposit_state FROM remittance") == "none"


async def test_provider_adjustments_alone_are_a_payment(ward: Ward) -> None:
    assert await ward.take(a_file(plb=(("L6:X", -500),))) == "applied"
    books = await ward.books()
    assert (books["provider_level_adjustment"], books["deposit_expected"]) == (-500, 500)


# --- matching ----------------------------------------------------------------------------------------------------


async def test_control_number_alone_matches_nothing(ward: Ward) -> None:
    visit = await ward.claim()
    lone = paid(visit, own_line=False, icn="X", member="OTHER99")
    lone = with_line(lone, code="99999", charge=5000, day="20250101")
    await ward.take(a_file(lone))
    (row,) = await ward.unmatched()
    assert row["reason"] == "weak-match"
    assert str(visit.claim_id) in row["candidates"]


async def test_each_tier_finds_its_claim_with_its_score(ward: Ward) -> None:
    by_control, by_line, by_services = [await ward.claim(number) for number in (1, 2, 3)]
    await ward.take(
        a_file(
            paid(by_control, CUT),
            paid(by_line, CUT, control="LOST1", icn="I2"),
            with_line(
                paid(by_services, CUT, control="LOST2", own_line=False, icn="I3", member="pdzq-0003"),
                modifiers="59",
            ),
        )
    )
    assert await ward.matches() == [
        (by_control.claim_id, "control", 100),
        (by_line.claim_id, "line-control", 90),
        (by_services.claim_id, "services", 100),
    ]
    assert await ward.reasons() == []


async def test_payer_control_number_finds_the_claim_of_a_later_decision(ward: Ward) -> None:
    visit = await ward.claim()
    denied = paid(visit, ("CO", "50", 21000), status="4", icn="ICN77")
    await ward.take(a_file(denied, trace="T1", method="NON"))
    later = paid(visit, CUT, control="LOST", own_line=False, icn="ICN77")
    await ward.take(a_file(later, trace="T2", isa13=2))
    assert [tier for _, tier, _ in await ward.matches()] == ["control", "payer-control"]
    assert (await ward.account(visit)).claim_state == "closed"


async def test_two_equal_claims_without_a_member_are_left_to_a_person(ward: Ward) -> None:
    first, second = await ward.claim(1), await ward.claim(2)
    await ward.take(a_file(paid(first, CUT, control="LOST", own_line=False, icn="Z")))
    (row,) = await ward.unmatched()
    assert row["reason"] == "weak-match"
    assert str(first.claim_id) in row["candidates"]
    assert str(second.claim_id) in row["candidates"]


async def test_changed_and_split_codes_post_on_our_lines(ward: Ward) -> None:
    visit = await ward.claim()
    control = visit.claim_control
    own = visit.lines[0].control
    split = Paid(
        control,
        (
            Line("17111", 11000, (("CO", "45", 1000),), own, original="17110"),
            Line("17003", 10000, (("CO", "97", 10000),), own, original="17110"),
        ),
    )
    await ward.take(a_file(split))
    account = await ward.account(visit)
    assert (account.totals.paid, account.totals.adjusted, account.totals.insurance) == (10000, 1000, 10000)
    assert [(case.line, case.carc, case.cents) for case in account.denials] == [(1, "97", 10000)]


async def test_person_attaches_an_unmatched_payment(ward: Ward) -> None:
    visit = await ward.claim()
    lost = with_line(paid(visit, CUT, control="LOST", own_line=False, icn="Z"), code="99999")
    await ward.take(a_file(lost))
    (row,) = await ward.unmatched()
    assert (await ward.books())["unapplied_payment"] == -15000
    with pytest.raises(NotFound):
        async with ward.world.begin() as uow:
            await unmatched.attach(ward.deps, uow, row["unmatched_id"], visit.claim_id, STRANGER)
    async with ward.world.begin() as uow:
        await unmatched.attach(ward.deps, uow, row["unmatched_id"], visit.claim_id, BILLER)
    books = await ward.books()
    assert "unapplied_payment" not in books
    assert books["deposit_expected"] == 15000
    assert (await ward.account(visit)).claim_state == "closed"
    assert [tier for _, tier, _ in await ward.matches()] == ["person"]
    with pytest.raises(Refused) as refused:
        async with ward.world.begin() as uow:
            await unmatched.attach(ward.deps, uow, row["unmatched_id"], visit.claim_id, SECOND)
    assert refused.value.code == "unmatched-decided"


async def test_attaching_where_nothing_is_open_is_refused_and_changes_nothing(ward: Ward) -> None:
    visit = await ward.claim()
    await ward.take(a_file(paid(visit, CUT)))
    await ward.take(a_file(paid(visit, CUT), trace="T2", isa13=2))
    (row,) = await ward.unmatched()
    before = await ward.books()
    with pytest.raises(Refused) as refused:
        async with ward.world.begin() as uow:
            await unmatched.attach(ward.deps, uow, row["unmatched_id"], visit.claim_id, BILLER)
    assert refused.value.code == "more-than-open"
    assert await ward.books() == before
    async with ward.world.begin() as uow:
        await unmatched.dismiss(uow, row["unmatched_id"], "paid-twice", BILLER)
    (row,) = await ward.unmatched()
    assert (row["state"], row["decided_by"], row["decision"]) == ("dismissed", "biller-1", "paid-twice")
