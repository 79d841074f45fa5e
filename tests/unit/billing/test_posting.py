"""Money: every sequence of decisions keeps the books balanced; denials stay open; reversals undo exactly."""

from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rcm_billing.domain import ledger
from rcm_billing.domain.account import Account, Attempt, Claim, book_charge
from rcm_billing.domain.claim import ClaimState, claim_control_of, claim_id_of
from rcm_billing.domain.denial import DenialState, Treatment, category_of, treat
from rcm_billing.domain.document import Adjustment
from rcm_billing.domain.errors import IllegalTransition, OutOfBalance
from rcm_billing.domain.ledger import Entry, LedgerAccount, Totals, Transaction
from rcm_billing.domain.posting import Posted, post_patient_payment, post_payment, post_reversal
from rcm_billing.domain.remittance import PaidClaim, PaidLine
from rcm_billing.domain.submission import Step
from rcm_shared.contracts.billing import AccountClosed, ClaimAdjudicated, ClaimDenied, PaymentPosted
from rcm_shared.contracts.intake import ClaimForm, CoverageRef
from rcm_shared.errors import Refused
from rcm_shared.money import Cents
from unit.billing import cases

CHARGE = 20000
KEY = cases.encounter_id(1)


def a_sent_claim(order: str = "P", payer_id: str = "DHP01") -> Claim:
    """Return an accepted claim with one attempt."""
    claim_id = claim_id_of(KEY, order, 1)
    return Claim(
        claim_id=claim_id,
        order=order,
        payer_id=payer_id,
        version=1,
        form=ClaimForm.PROFESSIONAL,
        state=ClaimState.ACCEPTED,
        claim_control=claim_control_of(claim_id),
        charge_cents=Cents(CHARGE),
        attempts=(Attempt(attempt_id=cases.encounter_id(70), interchange_control="000000001"),),
    )


def an_account(*, secondary: bool = False) -> Account:
    """Return an account with its charge booked and its primary claim with the payer."""
    coverages = [CoverageRef(cases.encounter_id(50), "DHP01", "P")]
    if secondary:
        coverages.append(CoverageRef(cases.encounter_id(51), "SUP01", "S"))
    account = Account(encounter_id=KEY, facility_id="DEMO-GENERAL", coverages=tuple(coverages))
    claim = a_sent_claim()
    return book_charge(account.with_claim(claim), cases.encounter_id(60), Cents(CHARGE), claim.claim_id)


def a_payment(
    *adjustments: tuple[str, str, int], status: str = "1", charge: int = CHARGE, ordinal: int = 1
) -> PaidClaim:
    """Return a balanced one-line decision: what is not adjusted is paid."""
    found = tuple(Adjustment(group=g, code=c, cents=Cents(cents)) for g, c, cents in adjustments)
    paid = charge - sum(a.cents for a in found)
    return PaidClaim(
        ordinal=ordinal,
        claim_control="C1",
        status=status,
        charge_cents=Cents(charge),
        paid_cents=Cents(paid),
        patient_cents=Cents(sum(a.cents for a in found if a.group == "PR")),
        payer_control="ICN1",
        lines=(PaidLine("99213", Cents(charge), Cents(paid), adjustments=found),),
    )


def decide(account: Account, paid: PaidClaim, *, order: str = "P", number: int = 1) -> Step:
    """Post a decision on the newest claim of one payer order."""
    claim = account.latest(order)
    assert claim is not None
    return post_payment(
        account,
        claim,
        paid,
        transaction_id=cases.encounter_id(100 + number),
        now=cases.NOW,
        appeal_days=120,
        payer_id=claim.payer_id,
    )


def with_secondary_claim(account: Account) -> Account:
    """Return the account after its secondary claim went out."""
    return account.but(build=None).with_claim(a_sent_claim("S", "SUP01"))


def kinds(step: Step) -> list[str]:
    """Return the names of the events."""
    return [type(event).__name__ for event in step.events]


def test_paid_in_full_closes_the_account() -> None:
    step = decide(an_account(), a_payment(("CO", "45", 5000)))
    totals = step.account.totals
    assert (totals.charged, totals.paid, totals.adjusted, totals.patient, totals.insurance) == (
        CHARGE,
        15000,
        5000,
        0,
        0,
    )
    assert kinds(step) == ["ClaimAdjudicated", "PaymentPosted", "AccountClosed"]
    assert (step.account.claim_state, step.account.waiting_for) == ("closed", None)


def test_patient_share_stays_open_with_the_patient_until_it_is_paid() -> None:
    step = decide(an_account(), a_payment(("CO", "45", 5000), ("PR", "2", 3000), ("PR", "3", 2500)))
    assert (step.account.claim_state, step.account.waiting_for) == ("patient_responsibility", "patient_open")
    assert step.account.totals.patient == 5500
    posted = next(event for event in step.events if isinstance(event, PaymentPosted))
    assert (posted.to_patient_cents, posted.paid_cents) == (5500, 9500)
    with pytest.raises(Refused):
        post_patient_payment(
            step.account, Cents(5501), transaction_id=cases.encounter_id(201), actor="biller-1"
        )
    paid = post_patient_payment(
        step.account, Cents(5500), transaction_id=cases.encounter_id(202), actor="biller-1"
    )
    assert isinstance(paid.events[-1], AccountClosed)
    assert paid.account.claim_state == "closed"


def test_patient_share_goes_to_the_secondary_which_pays_the_rest() -> None:
    step = decide(an_account(secondary=True), a_payment(("CO", "45", 5000), ("PR", "2", 3000)))
    assert step.account.totals.insurance_s == 3000
    assert step.account.totals.patient == 0
    assert step.account.build is not None
    assert step.account.build.order == "S"
    assert step.account.claim_state == "secondary_pending"
    second = decide(
        with_secondary_claim(step.account), a_payment(("OA", "23", 17000), status="2"), order="S", number=2
    )
    assert not second.problem
    assert second.account.claim_state == "closed"
    assert second.account.totals.paid == 15000


def test_crossover_waits_for_the_payer_to_whom_it_was_forwarded() -> None:
    step = decide(an_account(secondary=True), a_payment(("CO", "45", 5000), ("PR", "2", 3000), status="19"))
    assert step.account.build is None
    assert (step.account.claim_state, step.account.waiting_for) == ("crossed_over", "secondary_pending")
    second = decide(step.account, a_payment(("OA", "23", 17000), status="2"), number=2)
    assert second.account.claim_state == "closed"


def test_denial_is_never_an_adjustment_and_opens_a_case() -> None:
    step = decide(an_account(), a_payment(("CO", "50", CHARGE), status="4"))
    assert step.account.totals.insurance_p == CHARGE
    assert step.account.totals.adjusted == 0
    assert kinds(step) == ["ClaimAdjudicated", "ClaimDenied"]
    denied = step.events[1]
    assert isinstance(denied, ClaimDenied)
    assert (denied.carc, denied.category, denied.denied_cents) == ("50", "medical-necessity", CHARGE)
    assert (step.account.claim_state, step.account.waiting_for) == ("denied", "denied")
    assert step.account.denials[0].deadline_at == cases.NOW + timedelta(days=120)


def test_partial_denial_leaves_only_that_amount_open() -> None:
    step = decide(an_account(), a_payment(("CO", "45", 5000), ("CO", "97", 4000)))
    assert step.account.totals.insurance_p == 4000
    assert step.account.claim_state == "partially_paid"


def test_unknown_reason_code_goes_to_a_person_and_stays_open() -> None:
    step = decide(an_account(), a_payment(("CO", "999", 1000)))
    assert step.account.denials[0].category == "unclassified"
    assert step.account.totals.insurance_p == 1000


@pytest.mark.parametrize(
    ("group", "carc", "how", "category"),
    [
        ("CO", "45", Treatment.POST, None),
        ("PI", "45", Treatment.POST, None),
        ("PR", "1", Treatment.PATIENT, None),
        ("PR", "27", Treatment.PATIENT, "eligibility"),
        ("PR", "45", Treatment.PATIENT, None),
        ("OA", "23", Treatment.PRIOR, None),
        ("OA", "18", Treatment.DENIED, "duplicate"),
        ("CO", "29", Treatment.DENIED, "timely-filing"),
        ("CO", "16", Treatment.DENIED, "missing-information"),
        ("CO", "197", Treatment.DENIED, "authorisation"),
        ("CO", "4", Treatment.DENIED, "coding"),
        ("PI", "50", Treatment.DENIED, "medical-necessity"),
    ],
)
def test_group_and_reason_together_decide(
    group: str, carc: str, how: Treatment, category: str | None
) -> None:
    assert treat(group, carc) is how
    assert category_of(group, carc) == category


def reversal_of(paid: PaidClaim) -> PaidClaim:
    """Return the CLP02 22 that takes a decision back."""

    def negated(adjustments: tuple[Adjustment, ...]) -> tuple[Adjustment, ...]:
        return tuple(a.model_copy(update={"cents": Cents(-a.cents)}) for a in adjustments)

    line = paid.lines[0]
    return PaidClaim(
        ordinal=paid.ordinal + 1,
        claim_control=paid.claim_control,
        status="22",
        charge_cents=Cents(-paid.charge_cents),
        paid_cents=Cents(-paid.paid_cents),
        patient_cents=Cents(0),
        payer_control=paid.payer_control,
        lines=(
            PaidLine(
                line.code,
                Cents(-line.charge_cents),
                Cents(-line.paid_cents),
                adjustments=negated(line.adjustments),
            ),
        ),
    )


def undo(account: Account, paid: PaidClaim, reversal: PaidClaim, number: int = 9) -> Step:
    """Apply a reversal of a posted decision."""
    claim = account.latest("P")
    assert claim is not None
    transaction = next((t for t in reversed(account.unposted) if t.kind == "remittance"), None)
    return post_reversal(
        account,
        claim,
        reversal,
        original=Posted("P", paid, transaction),
        transaction_id=cases.encounter_id(300 + number),
        now=cases.NOW,
    )


def test_reversal_restores_the_totals_and_a_correction_posts_again() -> None:
    before = an_account()
    paid = a_payment(("CO", "45", 5000), ("PR", "2", 1000))
    after = decide(before, paid).account
    taken_back = undo(after, paid, reversal_of(paid))
    assert taken_back.account.totals == before.totals
    assert taken_back.account.claim_state == "reversed"
    again = decide(taken_back.account, a_payment(("CO", "45", 6000)), number=3)
    assert again.account.claim_state == "closed"


def test_reversal_that_differs_or_has_no_original_is_refused() -> None:
    paid = a_payment(("CO", "45", 5000))
    account = decide(an_account(), paid).account
    other = reversal_of(a_payment(("CO", "45", 4000)))
    claim = account.latest("P")
    assert claim is not None
    assert undo(account, paid, other).problem == "reversal-differs"
    step = post_reversal(
        account,
        claim,
        reversal_of(paid),
        original=None,
        transaction_id=cases.encounter_id(1),
        now=cases.NOW,
    )
    assert step.problem == "reversal-without-original"


def test_appeal_that_succeeds_is_overturned_and_one_that_fails_is_upheld() -> None:
    denied = decide(an_account(), a_payment(("CO", "50", CHARGE), status="4")).account
    case = denied.denials[0].but(state=DenialState.APPEAL_SUBMITTED, level=1)
    claim = denied.latest("P")
    assert claim is not None
    appealed = denied.with_denial(case).with_claim(claim.move(ClaimState.APPEALED))
    assert (appealed.claim_state, appealed.waiting_for) == ("appealed", "appealed")
    won = decide(appealed, a_payment(("CO", "45", 5000)), number=2).account
    assert won.denials[0].state is DenialState.OVERTURNED
    assert won.claim_state == "closed"
    lost = decide(appealed, a_payment(("CO", "50", CHARGE), status="4"), number=2)
    assert [d.state for d in lost.account.denials] == [DenialState.UPHELD]
    assert "ClaimDenied" not in kinds(lost)


@pytest.mark.parametrize(
    ("paid", "state", "problem"),
    [
        (a_payment(charge=100), ClaimState.ACCEPTED, "charge-mismatch"),
        (a_payment(status="23"), ClaimState.ACCEPTED, "status-not-postable"),
        (a_payment(status="25"), ClaimState.ACCEPTED, "status-not-postable"),
        (a_payment(), ClaimState.READY, "claim-not-sent"),
        (a_payment(), ClaimState.REPLACED, "superseded-claim"),
    ],
)
def test_what_may_not_be_posted_comes_back_with_its_reason(
    paid: PaidClaim, state: ClaimState, problem: str
) -> None:
    account = an_account()
    claim = account.claims[0].but(state=state)
    step = decide(account.with_claim(claim), paid)
    assert step.problem == problem
    assert step.account.totals == account.totals


def test_second_payment_of_a_settled_claim_is_more_than_open() -> None:
    account = decide(an_account(), a_payment(("CO", "45", 5000))).account
    step = decide(account, a_payment(("CO", "45", 5000)), number=2)
    assert step.problem == "more-than-open"
    assert step.account.totals == account.totals


def test_decision_without_277ca_counts() -> None:
    account = an_account()
    sent = account.with_claim(account.claims[0].but(state=ClaimState.SUBMITTED))
    step = decide(sent, a_payment(("CO", "45", 5000)))
    assert isinstance(step.events[0], ClaimAdjudicated)
    assert step.account.claim_state == "closed"


ADJUSTMENT = st.tuples(
    st.sampled_from(["CO", "OA", "PI", "PR"]),
    st.sampled_from(["45", "1", "2", "3", "23", "50", "97", "16", "253", "999"]),
    st.integers(-3000, 9000),
)
STEP: st.SearchStrategy[tuple[str, list[tuple[str, str, int]], str]] = st.one_of(
    st.tuples(st.just("pay"), st.lists(ADJUSTMENT, max_size=4), st.sampled_from(["1", "2", "4", "19"])),
    st.tuples(st.just("reverse"), st.just([]), st.just("22")),
    st.tuples(st.just("patient"), st.just([]), st.just("")),
)


@given(steps=st.lists(STEP, max_size=8), secondary=st.booleans())
@settings(max_examples=150, deadline=None)
def test_any_sequence_of_decisions_keeps_the_books_balanced(
    steps: list[tuple[str, list[tuple[str, str, int]], str]], secondary: bool
) -> None:
    account = an_account(secondary=secondary)
    standing: list[tuple[PaidClaim, UUID]] = []
    for number, (what, adjustments, status) in enumerate(steps, 1):
        if what == "pay":
            paid = a_payment(*adjustments, status=status, ordinal=number)
            try:
                step = decide(account, paid, number=number)
            except IllegalTransition:
                continue
            if not step.problem:
                standing.append((paid, cases.encounter_id(100 + number)))
            account = step.account
        elif what == "reverse" and standing:
            paid, transaction_id = standing.pop()
            claim = account.latest("P")
            assert claim is not None
            original = next((t for t in account.unposted if t.transaction_id == transaction_id), None)
            account = post_reversal(
                account,
                claim,
                reversal_of(paid),
                original=Posted("P", paid, original),
                transaction_id=cases.encounter_id(400 + number),
                now=cases.NOW,
            ).account
        elif what == "patient" and account.totals.patient > 0:
            account = post_patient_payment(
                account, account.totals.patient, transaction_id=cases.encounter_id(500 + number), actor="b"
            ).account
        assert account.totals.balanced()
        assert account.totals.charged == CHARGE
        assert account.waiting_for is not None or account.claim_state == "closed"
        assert account.closed == (account.claim_state == "closed") or account.totals.insurance != 0
    everything = [entry for transaction in account.unposted for entry in transaction.entries]
    assert sum(entry.cents for entry in everything) == 0
    assert Totals().plus(tuple(everything)) == account.totals


def test_unbalanced_transaction_cannot_be_made() -> None:
    with pytest.raises(OutOfBalance):
        Transaction(KEY, "charge", (Entry(LedgerAccount.CASH, Cents(5)),))


def test_inverse_of_a_transaction_leaves_nothing() -> None:
    booked = ledger.charge(KEY, Cents(500), KEY)
    both = (*booked.entries, *ledger.inverse(cases.encounter_id(2), booked).entries)
    assert Totals().plus(both) == Totals()


def test_rebooking_a_charge_changes_it_by_the_difference() -> None:
    account = an_account()
    claim = account.claims[0]
    less = book_charge(account, cases.encounter_id(61), Cents(15000), claim.claim_id)
    assert (less.totals.charged, less.totals.insurance_p) == (15000, 15000)
    assert book_charge(less, cases.encounter_id(62), Cents(15000), claim.claim_id) is less


def test_provider_level_adjustment_balances_against_cash() -> None:
    transaction = ledger.provider_level(KEY, (("WO", Cents(2500)), ("L6", Cents(-150))))
    cash = [entry.cents for entry in transaction.entries if entry.account is LedgerAccount.DEPOSIT]
    assert cash == [-2350]
