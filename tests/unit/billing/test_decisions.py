"""Every class of CLP02 and every group of CAS: what each posts, and the state that each leads to."""

import pytest
from rcm_billing.domain.account import BuildReason
from rcm_billing.domain.claim import ClaimState
from rcm_billing.domain.ledger import LedgerAccount
from rcm_shared.contracts.billing import PaymentPosted
from unit.billing.test_posting import CHARGE, a_payment, an_account, decide, kinds, reversal_of, undo

A = LedgerAccount
CUT, SHARE, DENIED = ("CO", "45", 5000), ("PR", "2", 3000), ("CO", "50", CHARGE)

#: CLP02, adjustments, next payer there -> claim state, account state, open with P, S, patient
CLASSES = [
    ("1", (CUT,), False, ClaimState.PAID, "closed", 0, 0, 0),
    ("1", (CUT, SHARE), False, ClaimState.PAID, "patient_responsibility", 0, 0, 3000),
    ("1", (CUT, SHARE), True, ClaimState.PAID, "secondary_pending", 0, 3000, 0),
    ("1", (("PR", "1", CHARGE),), False, ClaimState.PAID_ZERO, "patient_responsibility", 0, 0, CHARGE),
    ("1", (("CO", "97", 6000),), False, ClaimState.PARTIALLY_PAID, "partially_paid", 6000, 0, 0),
    ("1", (DENIED,), False, ClaimState.DENIED, "denied", CHARGE, 0, 0),
    ("4", (DENIED,), False, ClaimState.DENIED, "denied", CHARGE, 0, 0),
    ("4", (("PR", "204", CHARGE),), False, ClaimState.DENIED, "patient_responsibility", 0, 0, CHARGE),
    ("19", (CUT, SHARE), True, ClaimState.CROSSED_OVER, "crossed_over", 0, 3000, 0),
    ("19", (CUT,), False, ClaimState.CROSSED_OVER, "closed", 0, 0, 0),
]


@pytest.mark.parametrize(
    ("status", "adjustments", "secondary", "state", "shown", "primary", "second", "patient"), CLASSES
)
def test_status_class_moves_the_claim_as_the_table_says(
    status: str,
    adjustments: tuple[tuple[str, str, int], ...],
    secondary: bool,
    state: ClaimState,
    shown: str,
    primary: int,
    second: int,
    patient: int,
) -> None:
    step = decide(an_account(secondary=secondary), a_payment(*adjustments, status=status))
    totals = step.account.totals
    assert step.problem == ""
    assert (step.account.claims[0].state, step.account.claim_state) == (state, shown)
    assert (totals.insurance_p, totals.insurance_s, totals.patient) == (primary, second, patient)
    assert totals.balanced()


@pytest.mark.parametrize("status", ["2", "3", "20", "21"])
def test_later_payer_that_is_not_on_the_account_decides_as_the_claims_own(status: str) -> None:
    step = decide(an_account(), a_payment(CUT, status=status))
    assert step.account.totals.insurance_p == 0
    assert step.problem == ""


@pytest.mark.parametrize("status", ["5", "10", "13", "16", "17", "23", "25", "27", ""])
def test_status_that_posts_nothing_goes_to_a_person(status: str) -> None:
    before = an_account()
    step = decide(before, a_payment(CUT, status=status))
    assert (step.problem, step.account) == ("status-not-postable", before)


def test_reversal_class_takes_the_decision_back() -> None:
    paid = a_payment(CUT, SHARE)
    before = an_account()
    step = undo(decide(before, paid).account, paid, reversal_of(paid))
    assert step.account.totals == before.totals
    assert step.account.claims[0].state is ClaimState.REVERSED


#: group, CARC -> ledger account that takes the amount, None: it stays open and a case is opened
GROUPS = [
    ("CO", "45", A.CONTRACTUAL),
    ("CO", "253", A.CONTRACTUAL),
    ("OA", "94", A.OTHER),
    ("PI", "45", A.PAYER_INITIATED),
    ("PR", "1", A.PATIENT),
    ("PR", "2", A.PATIENT),
    ("PR", "3", A.PATIENT),
    ("PR", "96", A.PATIENT),
    ("CO", "50", None),
    ("CO", "97", None),
    ("CO", "16", None),
    ("OA", "18", None),
    ("PI", "97", None),
    ("CO", "999", None),
    ("CR", "45", None),
    ("", "45", None),
]


@pytest.mark.parametrize(("group", "carc", "account"), GROUPS)
def test_group_and_reason_post_apart_or_open_a_case(
    group: str, carc: str, account: LedgerAccount | None
) -> None:
    step = decide(an_account(), a_payment((group, carc, 4000)))
    (posted,) = [t for t in step.account.unposted if t.kind == "remittance"]
    entries = {(e.account, e.group, e.reason): e.cents for e in posted.entries}
    assert entries[A.DEPOSIT, "", ""] == CHARGE - 4000
    if account is None:
        assert step.account.totals.insurance_p == 4000
        assert [(case.group, case.carc, case.cents) for case in step.account.denials] == [(group, carc, 4000)]
        assert A.WRITE_OFF not in {e.account for e in posted.entries}
    else:
        assert entries[account, group, carc] == 4000
        assert step.account.totals.insurance_p == 0


def test_what_an_earlier_payer_decided_posts_nothing() -> None:
    step = decide(an_account(), a_payment(("OA", "23", 4000)))
    assert step.account.totals.insurance_p == 4000
    assert step.account.denials == ()


def test_secondary_is_billed_with_the_share_unless_the_payer_forwarded_the_claim() -> None:
    billed = decide(an_account(secondary=True), a_payment(CUT, SHARE))
    assert billed.account.build is not None
    assert billed.account.build.reason is BuildReason.SECONDARY
    forwarded = decide(an_account(secondary=True), a_payment(CUT, SHARE, status="19"))
    assert forwarded.account.build is None


def test_groups_of_one_decision_are_told_apart_in_the_fact() -> None:
    step = decide(an_account(), a_payment(("CO", "45", 1000), ("OA", "94", 2000), ("PI", "45", 300), SHARE))
    (event,) = [event for event in step.events if isinstance(event, PaymentPosted)]
    assert {(a.group, a.code): a.cents for a in event.adjustments} == {
        ("CO", "45"): 1000,
        ("OA", "94"): 2000,
        ("PI", "45"): 300,
    }
    assert (event.to_patient_cents, kinds(step)[-1]) == (3000, "PaymentPosted")
