"""The denial machine: every step is listed, every move is kept and published, money stays balanced."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rcm_billing.domain import denial_cases, denial_work
from rcm_billing.domain.account import Account, Denial
from rcm_billing.domain.claim import ClaimState
from rcm_billing.domain.denial import DENIAL_STEPS, OPEN, DenialState, move_denial
from rcm_billing.domain.denial_routing import Routing
from rcm_billing.domain.errors import BillingError, IllegalTransition
from rcm_billing.domain.ledger import Transaction
from rcm_billing.domain.master import AppealLevel
from rcm_billing.domain.submission import Step
from rcm_shared.contracts.billing import AccountClosed, DenialMoved, PaymentPosted
from rcm_shared.errors import Refused
from rcm_shared.money import Cents
from unit.billing import cases
from unit.billing.denials import desk
from unit.billing.denials.desk import CHARGE, an_account, an_id, decide, denied, in_state, order, replaced

D = DenialState
LEVELS = (AppealLevel(name="first", days=120), AppealLevel(name="second", days=60, floor_cents=Cents(50_000)))
ROUTING = Routing("coding", "typo", "coder", "fix")


@pytest.mark.parametrize("state", list(D))
def test_a_step_outside_the_table_is_refused(state: DenialState) -> None:
    for to in D:
        if to is state or to in DENIAL_STEPS[state]:
            assert move_denial(state, to) is to
        else:
            with pytest.raises(IllegalTransition):
                move_denial(state, to)


def test_only_a_person_reaches_write_off_and_only_from_work() -> None:
    assert {state for state, steps in DENIAL_STEPS.items() if D.WRITTEN_OFF in steps} == {
        D.IN_WORK,
        D.UPHELD,
        D.PARTLY_OVERTURNED,
    }
    assert D.APPEAL_SUBMITTED not in DENIAL_STEPS[D.NEW]


def test_opening_a_case_keeps_its_first_step_and_moves_publish() -> None:
    account = decide(an_account(), ("CO", "50", CHARGE), status="4").account
    [opened] = account.moves
    assert (opened.was, opened.now, opened.reason, opened.actor) == ("", "new", "denied", "system:billing")
    step = denial_work.triage(account, account.denials[0], ROUTING, order())
    assert [(m.was, m.now) for m in step.account.moves] == [("", "new"), ("new", "triaged")]
    [event] = step.events
    assert isinstance(event, DenialMoved)
    assert (event.state, event.actor, event.reason) == ("triaged", "biller-1", "because")
    assert step.account.denials[0].owner == "coder"


def test_moves_are_not_part_of_the_stored_state() -> None:
    account = decide(an_account(), ("CO", "50", CHARGE), status="4").account
    assert Account.model_validate_json(account.model_dump_json()).moves == ()


def test_patient_denial_starts_with_the_patient() -> None:
    account = decide(an_account(), ("PR", "27", CHARGE), status="4").account
    case = account.denials[0]
    assert (case.state, case.outcome, account.totals.patient) == (
        D.TRANSFERRED_TO_PATIENT,
        "transferred_to_patient",
        CHARGE,
    )


def test_write_off_is_balanced_closes_the_case_and_reopening_undoes_it_exactly() -> None:
    account, case = denied()
    before = account.totals
    step = desk.written_off(account, case)
    after = step.account
    assert (after.totals.insurance, after.totals.adjusted) == (0, CHARGE)
    assert after.totals.balanced()
    posted = step.events[0]
    assert isinstance(posted, PaymentPosted)
    assert (posted.source, [a.cents for a in posted.adjustments]) == ("write-off", [CHARGE])
    assert isinstance(step.events[-1], AccountClosed)
    closed = after.denials[0]
    assert (closed.state, closed.outcome, closed.settled_by) == (D.CLOSED, "written_off", an_id(1))
    undone = denial_work.reopen(after, closed, order(), after.unposted[-1], an_id(2))
    assert undone.account.totals == before
    assert undone.account.denials[0].state is D.REOPENED
    assert not undone.account.closed


def test_write_off_of_more_than_is_open_is_refused() -> None:
    account, case = denied()
    with pytest.raises(Refused) as refused:
        desk.written_off(account, case.but(cents=Cents(CHARGE + 1)))
    assert refused.value.code == "more-than-open"


def test_a_case_that_took_nothing_away_is_not_written_off() -> None:
    account, case = denied()
    with pytest.raises(Refused) as refused:
        desk.written_off(account, case.but(cents=Cents(-500)))
    assert refused.value.code == "amount-not-positive"


def test_transfer_is_refused_for_provider_liability_and_moves_the_rest_to_the_patient() -> None:
    account, case = denied()
    with pytest.raises(Refused) as refused:
        denial_work.transfer(account, case, order(), an_id(1))
    assert refused.value.code == "provider-liability"
    account, case = denied(("OA", "119", CHARGE))
    moved = denial_work.transfer(account, case, order(), an_id(1)).account
    assert (moved.totals.patient, moved.totals.insurance) == (CHARGE, 0)


def test_take_refuses_what_somebody_else_works_on() -> None:
    account, case = denied()
    with pytest.raises(Refused) as refused:
        denial_work.take(account, case, order("biller-2"), "biller-2", take_over=False)
    assert refused.value.code == "denial-taken"
    taken = denial_work.take(account, case, order("biller-2"), "biller-2", take_over=True)
    assert taken.account.denials[0].assignee == "biller-2"
    new = decide(an_account(), ("CO", "50", CHARGE), status="4").account
    with pytest.raises(Refused) as untriaged:
        denial_work.take(new, new.denials[0], order(), "biller-1", take_over=False)
    assert untriaged.value.code == "denial-not-triaged"


@pytest.mark.parametrize(
    ("state", "steps"),
    [(D.NEW, 3), (D.TRIAGED, 2), (D.IN_WORK, 1), (D.UPHELD, 1), (D.PARTLY_OVERTURNED, 1), (D.REOPENED, 2)],
)
def test_draft_takes_every_step_on_the_way(state: DenialState, steps: int) -> None:
    account, _ = denied()
    account = in_state(account, state)
    step = denial_work.draft(account, account.denials[0], order())
    assert len(step.events) == steps
    assert step.account.denials[0].state is D.APPEAL_DRAFTED


def test_appeal_counts_its_level_and_marks_the_claim() -> None:
    account, case = denied()
    account = denial_work.draft(account, case, order()).account
    filed = denial_work.submit(account, account.denials[0], order()).account
    assert (filed.denials[0].level, filed.claims[0].state, filed.claim_state) == (
        1,
        ClaimState.APPEALED,
        "appealed",
    )
    with pytest.raises(Refused):
        denial_work.submit(filed, filed.denials[0], order())


def test_appeal_needs_a_level_a_running_clock_and_the_amount() -> None:
    _, case = denied()
    assert denial_work.appealable(case, LEVELS, cases.NOW).name == "first"
    for changed, code in (
        (case.but(level=2), "no-further-level"),
        (case.but(deadline_at=cases.NOW - timedelta(seconds=1)), "appeal-deadline-passed"),
        (case.but(level=1), "below-amount-floor"),
    ):
        with pytest.raises(Refused) as refused:
            denial_work.appealable(changed, LEVELS, cases.NOW)
        assert refused.value.code == code


def appealed(*adjustments: desk.CAS) -> Account:
    account, case = denied(*adjustments)
    account = denial_work.draft(account, case, order()).account
    return denial_work.submit(account, account.denials[0], order()).account


def test_less_denied_after_an_appeal_is_partly_overturned() -> None:
    step = decide(appealed(), ("CO", "50", 5000), ("CO", "45", 1000), number=2)
    case = step.account.denials[0]
    assert (case.state, case.cents, case.outcome) == (D.PARTLY_OVERTURNED, 5000, "partly_overturned")
    assert [event.state for event in step.events if isinstance(event, DenialMoved)] == ["partly_overturned"]


def test_payers_letter_upholds_and_the_claim_stands_denied_again() -> None:
    account = appealed()
    upheld, events = denial_cases.answer_appeal(
        account, account.claims[0], level=1, now=cases.NOW, reason="payer-letter"
    )
    assert (upheld.denials[0].state, upheld.claims[0].state, len(events)) == (D.UPHELD, ClaimState.DENIED, 1)
    same, none = denial_cases.answer_appeal(
        upheld, upheld.claims[0], level=1, now=cases.NOW, reason="payer-letter"
    )
    assert (same, none) == (upheld, [])
    other, nothing = denial_cases.answer_appeal(
        account, account.claims[0], level=2, now=cases.NOW, reason="payer-letter"
    )
    assert (other, nothing) == (account, [])


def test_case_follows_the_corrected_claim_to_its_decision() -> None:
    account, case = denied()
    account = account.with_claim(account.claims[0].but(payer_control="ICN1"))
    asked = denial_work.resubmit(account, case, order()).account
    assert asked.build is not None
    sent = replaced(asked)
    paid = decide(sent, ("CO", "45", 5000), number=2).account
    assert [one.state for one in paid.denials] == [D.OVERTURNED]
    again = decide(sent, ("CO", "50", CHARGE), status="4", number=2)
    [known] = again.account.denials
    assert (known.state, known.claim_id, known.clock_level) == (D.UPHELD, sent.claims[1].claim_id, -1)
    other = decide(sent, ("CO", "97", CHARGE), status="4", number=2).account
    assert [(one.carc, one.state) for one in other.denials] == [("50", D.OVERTURNED), ("97", D.NEW)]


def test_new_version_resubmits_what_somebody_works_on() -> None:
    account, case = denied()
    told, events = denial_cases.resubmit_cases(account, case.claim_id, now=cases.NOW, actor="coder-1")
    assert (told.denials[0].state, len(events)) == (D.CORRECTED_RESUBMITTED, 1)
    upheld = in_state(account, D.UPHELD)
    assert denial_cases.resubmit_cases(upheld, case.claim_id, now=cases.NOW, actor="c") == (upheld, [])


def test_corrected_claim_needs_the_payers_number_and_a_final_chart() -> None:
    account, case = denied()
    nameless = account.with_claim(account.claims[0].but(payer_control=""))
    with pytest.raises(Refused) as refused:
        denial_work.resubmit(nameless, case, order())
    assert refused.value.code == "payer-control-missing"
    with pytest.raises(Refused) as open_chart:
        denial_work.resubmit(account.but(recoding=True), case, order())
    assert open_chart.value.code == "chart-not-final"


def test_reversal_leaves_what_a_person_settled() -> None:
    account, case = denied()
    settled = desk.written_off(account, case).account
    same, events = denial_cases.reverse_cases(settled, settled.claims[0], "P", now=cases.NOW)
    assert (same, events) == (settled, [])
    moot, told = denial_cases.reverse_cases(account, account.claims[0], "P", now=cases.NOW)
    assert (moot.denials[0].state, len(told)) == (D.REVERSED, 1)


def test_close_is_refused_while_the_amount_is_open() -> None:
    account, _ = denied()
    account = in_state(account, D.UPHELD)
    with pytest.raises(Refused) as refused:
        denial_work.close(account, account.denials[0], order())
    assert refused.value.code == "amount-open"


ACTS = {
    "triage": lambda a, c, n: denial_work.triage(a, c, ROUTING, order()),
    "take": lambda a, c, n: denial_work.take(a, c, order(), "biller-1", take_over=True),
    "resubmit": lambda a, c, n: denial_work.resubmit(a, c, order()),
    "draft": lambda a, c, n: denial_work.draft(a, c, order()),
    "submit": lambda a, c, n: denial_work.submit(a, c, order()),
    "transfer": lambda a, c, n: denial_work.transfer(a, c, order(), an_id(n)),
    "write-off": lambda a, c, n: denial_work.write_off(a, c, order(), an_id(n)),
    "close": lambda a, c, n: denial_work.close(a, c, order()),
    "reopen": lambda a, c, n: denial_work.reopen(a, c, order(), _undone(a, c), an_id(n)),
}


def _undone(account: Account, case: Denial) -> Transaction | None:
    return next((t for t in account.unposted if t.transaction_id == case.settled_by), None)


@given(
    adjustments=st.lists(
        st.tuples(st.sampled_from(["CO", "OA", "PI"]), st.sampled_from(["50", "97", "119"])),
        min_size=1,
        max_size=2,
        unique=True,
    ),
    steps=st.lists(
        st.one_of(
            st.tuples(st.sampled_from(sorted(ACTS)), st.integers(0, 1)),
            st.tuples(st.sampled_from(["pay", "deny", "uphold", "reverse"]), st.just(0)),
        ),
        max_size=14,
    ),
)
@settings(max_examples=60, deadline=None)
def test_any_work_keeps_the_books_balanced_and_the_history_whole(
    adjustments: list[tuple[str, str]], steps: list[tuple[str, int]]
) -> None:
    share = CHARGE // len(adjustments)
    account = decide(an_account(), *((g, c, share) for g, c in adjustments), status="4").account
    for number, (what, which) in enumerate(steps, 2):
        claim = account.claims[0]
        try:
            if what == "pay":
                account = decide(account, ("CO", "45", 100), number=number).account
            elif what == "deny":
                account = decide(
                    account, *((g, c, share) for g, c in adjustments), status="4", number=number
                ).account
            elif what == "uphold":
                account, _ = denial_cases.answer_appeal(
                    account, claim, level=1, now=cases.NOW, reason="letter"
                )
            elif what == "reverse":
                account, _ = denial_cases.reverse_cases(account, claim, "P", now=cases.NOW)
            else:
                case = account.denials[which % len(account.denials)]
                step: Step = ACTS[what](account, case, number)
                account = step.account
        except (Refused, BillingError):
            continue
        assert account.totals.balanced()
        assert account.totals.charged == CHARGE
    states: dict[object, str] = {}
    for move in account.moves:
        assert states.get(move.denial_id, "") == move.was
        if move.was:
            assert move.now in DENIAL_STEPS[DenialState(move.was)] | {move.was}
        states[move.denial_id] = move.now
    assert states == {case.denial_id: case.state.value for case in account.denials}
    for case in account.denials:
        assert (case.settled_by is None) or case.state in (D.CLOSED, D.WRITTEN_OFF, D.TRANSFERRED_TO_PATIENT)
        if case.state in OPEN:
            assert case.settled_by is None
