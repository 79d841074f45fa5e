"""Who has a chart: assigning, locks, second opinions, reopening; every guard of the state machine, in any order."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from rcm_coding.domain.case import CaseState, Choice, CodingCase
from rcm_coding.domain.code_set import CodeSets
from rcm_coding.domain.edits import Severity, blocking
from rcm_coding.domain.errors import (
    CaseClosed,
    CaseNotReady,
    CaseNotStarted,
    CaseTaken,
    EditsBlock,
    EvidenceMissing,
    OwnOpinion,
    QueryOpen,
    SecondReviewOpen,
)
from rcm_coding.domain.worklist import AutoClose, AutoCloseMode
from rcm_coding.engine.evidence import Evidence, Gap, Suggestion, Suggestions
from rcm_coding.handlers import commands, facts, handling, suggesting
from rcm_coding.handlers.commands import Add, CaseDecision, Decide
from rcm_shared.contracts.billing import RecodeRequested
from rcm_shared.contracts.coding import CodingFinalised, CodingReopened
from rcm_shared.contracts.intake import EncounterCancelled
from rcm_shared.contracts.query import QueryExpired
from rcm_shared.errors import Refused
from unit.coding.charts import DAY, KEY, MOMENT, NOTE, NOW, amended, open_chart

BARE = CodeSets(())
LOCK = timedelta(hours=2)
SHIFT = timedelta(hours=12)
PLACE = Evidence(NOTE, 1, 3, 9, "assessment", "diagnosis")
GAP = Gap("heart-failure-type", "I509", (PLACE,))
PEOPLE = st.sampled_from(["ann", "bob", "eve"])


def suggestions(*gaps: Gap, score: float = 0.97) -> Suggestions:
    return Suggestions(
        (
            Suggestion("ICD-10-CM", "I509", "Heart failure", score, "first-listed", (PLACE,)),
            Suggestion("CPT", "99214", "Visit", score, "procedure", (PLACE,)),
        ),
        (),
        gaps,
        None,
        "ICD-10-CM:2026-04-01",
        "engine",
        DAY,
    )


def state_of(decision: CaseDecision) -> CodingCase:
    assert decision.state is not None
    return decision.state


def chart(*gaps: Gap) -> CodingCase:
    return state_of(suggesting.suggested(open_chart(BARE), suggestions(*gaps), 1))


def started(who: str = "ann", now: datetime = NOW) -> CodingCase:
    return state_of(commands.start(chart(), who, now, LOCK))


def final(who: str = "ann") -> CodingCase:
    case = started(who)
    every = [Decide(item.id, "accept") for item in case.assignments]
    return state_of(
        commands.finalise(
            state_of(commands.decide(case, who, every, [], BARE)), who, NOW, BARE, grouping=None
        )
    )


def test_lock_keeps_others_out_until_it_lapses() -> None:
    case = started()
    with pytest.raises(CaseTaken):
        commands.start(case, "bob", NOW + LOCK - timedelta(seconds=1), LOCK)
    taken = state_of(commands.start(case, "bob", NOW + LOCK, LOCK))
    assert (taken.assignee, taken.lock_until) == ("bob", NOW + 2 * LOCK)
    assert state_of(commands.start(case, "ann", NOW + LOCK, LOCK)).lock_until == NOW + 2 * LOCK


def test_assigned_chart_is_its_coders_for_the_shift_and_then_everybodys() -> None:
    case = state_of(handling.assign(chart(), "ann", NOW, SHIFT))
    assert (case.state, case.assignee) == (CaseState.ASSIGNED, "ann")
    with pytest.raises(CaseTaken):
        commands.start(case, "bob", NOW, LOCK)
    assert state_of(commands.start(case, "ann", NOW, LOCK)).state is CaseState.IN_PROGRESS
    assert state_of(commands.start(case, "bob", NOW + SHIFT, LOCK)).assignee == "bob"
    assert state_of(commands.give_back(case, "ann")).state is CaseState.UNASSIGNED


def test_chart_in_work_is_assigned_only_by_who_has_it_or_after_the_lock() -> None:
    case = started()
    with pytest.raises(CaseTaken):
        handling.assign(case, "bob", NOW, SHIFT)
    assert state_of(handling.assign(case, "bob", NOW, SHIFT, from_holder="ann")).assignee == "bob"
    assert state_of(handling.assign(case, "bob", NOW + LOCK, SHIFT)).assignee == "bob"


def test_second_opinion_stops_everything_until_somebody_else_gives_it() -> None:
    case = state_of(handling.ask_opinion(started(), "ann", "bob", NOW))
    stopped: tuple[Callable[[], Any], ...] = (
        lambda: commands.finalise(case, "ann", NOW, BARE, grouping=None),
        lambda: commands.decide(case, "ann", [], [], BARE),
        lambda: commands.hold(case, "ann", "waiting"),
        lambda: commands.start(case, "ann", NOW, LOCK),
        lambda: handling.assign(case, "eve", NOW, SHIFT),
        lambda: handling.ask_opinion(case, "ann", None, NOW),
    )
    for attempt in stopped:
        with pytest.raises(SecondReviewOpen):
            attempt()
    with pytest.raises(OwnOpinion):
        handling.give_opinion(case, "ann")
    with pytest.raises(CaseTaken):
        handling.give_opinion(case, "eve")
    with pytest.raises(CaseTaken):
        handling.withdraw_opinion(case, "bob")
    back = state_of(handling.give_opinion(case, "bob"))
    assert (back.state, back.assignee, back.second_review) == (CaseState.IN_PROGRESS, "ann", None)
    assert state_of(handling.withdraw_opinion(case, "ann")).state is CaseState.IN_PROGRESS
    with pytest.raises(Refused, match="second opinion"):
        handling.give_opinion(back, "bob")
    with pytest.raises(OwnOpinion):
        handling.ask_opinion(back, "ann", "ann", NOW)
    with pytest.raises(CaseTaken):
        handling.ask_opinion(back, "bob", None, NOW)


def test_only_its_coder_or_a_lead_opens_a_final_chart_again() -> None:
    case = final()
    with pytest.raises(CaseTaken):
        handling.reopen(case, "bob", lead=False)
    decision = handling.reopen(case, "ann", lead=False)
    (event,) = decision.events
    assert isinstance(event, CodingReopened)
    assert event.reason == "coder"
    assert (state_of(decision).state, state_of(decision).previous_coder) == (CaseState.UNASSIGNED, "ann")
    assert state_of(handling.reopen(case, "eve", lead=True)).state is CaseState.UNASSIGNED
    with pytest.raises(Refused, match="only a final chart"):
        handling.reopen(started(), "ann", lead=True)


def test_urgency_and_assignment_need_an_open_chart() -> None:
    for case, fault in ((final(), CaseClosed), (CodingCase(KEY, "F1"), CaseNotReady)):
        with pytest.raises(fault):
            handling.set_urgency(case, "rush")
        with pytest.raises(fault):
            handling.assign(case, "ann", NOW, SHIFT)
    assert state_of(handling.set_urgency(chart(), "rush")).urgency == "rush"


def test_hold_names_who_must_act_and_starting_ends_it() -> None:
    held = state_of(commands.hold(started(), "ann", "charges-in-question", "biller"))
    assert (held.hold_owner, held.lock_until) == ("biller", None)
    again = state_of(commands.start(held, "bob", NOW, LOCK))
    assert (again.hold_owner, again.hold_reason, again.assignee) == (None, None, "bob")
    assert state_of(commands.hold(started(), "ann", "policy-question")).hold_owner == "ann"


@pytest.mark.parametrize(
    ("changes", "seen", "flag"), [(("reject",), True, True), ((), True, False), (("reject",), False, False)]
)
def test_only_other_codes_after_payment_was_seen_are_flagged(
    changes: tuple[str, ...], seen: bool, flag: bool
) -> None:
    case = state_of(handling.reopen(final(), "ann", lead=False))
    case = state_of(commands.start(case, "ann", NOW, LOCK))
    visit = next(item.id for item in case.assignments if item.system == "CPT")
    decisions = [Decide(visit, action) for action in changes]
    case = state_of(commands.decide(case, "ann", decisions, [], BARE))
    done = state_of(commands.finalise(case, "ann", NOW, BARE, grouping=None, payment_seen=seen))
    assert done.final is not None
    assert done.final.changed_after_payment is flag


def rules(**changes: Any) -> AutoClose:
    missing = tuple(
        edit.authority
        for edit in commands.validate(handling.accepted(chart()), BARE).edits
        if edit.severity is Severity.NOT_EVALUATED
    )
    return replace(
        AutoClose(AutoCloseMode.LIVE, ("professional",), tolerate_not_evaluated=missing), **changes
    )


def test_chart_without_any_doubt_on_the_allow_list_is_closed_by_rule() -> None:
    ready = handling.would_close(chart(), rules(), "professional", BARE)
    assert ready is not None
    decision = handling.close_by_rule(ready, NOW, BARE)
    done = state_of(decision)
    assert done.state is CaseState.FINAL_CODED
    assert done.final is not None
    assert done.final.finalised_by == "system:coding"
    assert isinstance(decision.events[-1], CodingFinalised)


@pytest.mark.parametrize(
    ("case", "changes", "work_type"),
    [
        (chart(), {"mode": AutoCloseMode.OFF}, "professional"),
        (chart(), {}, "surgery"),
        (chart(), {"min_score": 0.98}, "professional"),
        (chart(), {"tolerate_not_evaluated": ()}, "professional"),
        (chart(GAP), {}, "professional"),
        (started(), {}, "professional"),
        (replace(chart(), reopen_reasons=("x",)), {}, "professional"),
        (replace(chart(), assignments=()), {}, "professional"),
        (replace(chart(), assignments=chart().assignments[:1]), {}, "professional"),
        (replace(chart(), assignments=chart().assignments[1:]), {}, "professional"),
        (replace(chart(), record_version=2), {}, "professional"),
    ],
)
def test_any_doubt_leaves_the_chart_to_a_person(
    case: CodingCase, changes: dict[str, Any], work_type: str
) -> None:
    assert handling.would_close(case, rules(**changes), work_type, BARE) is None


def test_auto_close_is_off_unless_turned_on() -> None:
    assert handling.would_close(chart(), AutoClose(), "professional", BARE) is None


class Shift(RuleBasedStateMachine):
    """Three coders, a lead, billing, intake and a clock do anything in any order to one chart."""

    @initialize()
    def begin(self) -> None:
        self.case = chart(GAP)
        self.now = NOW
        self.record_version = 1
        self.worked: dict[str, datetime] = {}

    def try_it(self, run: Callable[[], CaseDecision], who: str | None = None) -> None:
        before = self.case
        try:
            decision = run()
        except Refused:
            assert self.case == before
            return
        self.case = decision.state or before
        assert self.case.version >= before.version
        if before.assignee and self.case.assignee not in (None, before.assignee):
            freed = before.state in (CaseState.ON_HOLD, CaseState.UNASSIGNED, CaseState.ASSIGNED)
            lapsed = before.lock_until is not None and self.now >= before.lock_until
            assert freed or lapsed or who == before.assignee
        if self.case.state is CaseState.FINAL_CODED and before.state is not CaseState.FINAL_CODED:
            assert self.case.final is not None
            assert before.state in (CaseState.IN_PROGRESS, CaseState.PENDING_QUERY)
            assert not self.case.held_by_query or self.case.final.override_reason
            assert not blocking(self.case.edits)
            assert all(item.supported for item in self.case.assignments if item.counts)

    @rule(who=PEOPLE)
    def start(self, who: str) -> None:
        self.try_it(lambda: commands.start(self.case, who, self.now, LOCK), who)

    @rule(who=PEOPLE)
    def give_back(self, who: str) -> None:
        self.try_it(lambda: commands.give_back(self.case, who), who)

    @rule(who=PEOPLE, to=PEOPLE)
    def hand_over(self, who: str, to: str) -> None:
        self.try_it(lambda: handling.assign(self.case, to, self.now, SHIFT, from_holder=who), who)

    @rule(who=PEOPLE, action=st.sampled_from(["accept", "reject", "override"]), at=st.integers(0, 1))
    def decide(self, who: str, action: str, at: int) -> None:
        if at >= len(self.case.assignments):
            return
        choice = Decide(self.case.assignments[at].id, action, code="I110", reason="written so")
        self.try_it(lambda: commands.decide(self.case, who, [choice], [], BARE))

    @rule(who=PEOPLE, reason=st.sampled_from([None, "the note says so"]))
    def add(self, who: str, reason: str | None) -> None:
        self.try_it(
            lambda: commands.decide(self.case, who, [], [Add("ICD-10-CM", "I10", reason=reason)], BARE)
        )

    @rule(who=PEOPLE)
    def hold(self, who: str) -> None:
        self.try_it(lambda: commands.hold(self.case, who, "waiting"))

    @rule(who=PEOPLE)
    def query(self, who: str) -> None:
        if self.case.gaps:
            self.try_it(lambda: commands.request_query(self.case, who, self.case.gaps[0].id, None))

    @rule(who=PEOPLE, asked=st.none() | PEOPLE)
    def ask_opinion(self, who: str, asked: str | None) -> None:
        self.try_it(lambda: handling.ask_opinion(self.case, who, asked, self.now))

    @rule(who=PEOPLE)
    def give_opinion(self, who: str) -> None:
        self.try_it(lambda: handling.give_opinion(self.case, who))

    @rule(who=PEOPLE)
    def withdraw(self, who: str) -> None:
        self.try_it(lambda: handling.withdraw_opinion(self.case, who))

    @rule(who=PEOPLE, override=st.sampled_from([None, "the lead decided"]), lead=st.booleans())
    def finalise(self, who: str, override: str | None, lead: bool) -> None:
        self.try_it(
            lambda: commands.finalise(
                self.case, who, self.now, BARE, grouping=None, override_reason=override, may_override=lead
            )
        )

    @rule(who=PEOPLE, lead=st.booleans())
    def reopen(self, who: str, lead: bool) -> None:
        self.try_it(lambda: handling.reopen(self.case, who, lead=lead), who)

    @rule(minutes=st.sampled_from([1, 121, 721]))
    def wait(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @rule()
    def amend(self) -> None:
        self.record_version += 1
        self.try_it(lambda: facts.documentation_amended(self.case, amended(self.record_version), MOMENT))

    @rule()
    def read_again(self) -> None:
        self.try_it(lambda: suggesting.suggested(self.case, suggestions(GAP), self.case.record_version))

    @rule()
    def expire_queries(self) -> None:
        for query in self.case.queries:
            event = QueryExpired(actor="system:query", facility_id="F1", query_id=query.query_id)
            self.try_it(lambda event=event: facts.query_expired(self.case, event, MOMENT))  # type: ignore[misc]

    @rule()
    def recode(self) -> None:
        event = RecodeRequested(actor="b", facility_id="F1", claim_id=UUID(int=1), reasons=("DX-01",))
        self.try_it(lambda: facts.recode_requested(self.case, event, MOMENT))

    @precondition(lambda self: self.case.version > 6)
    @rule()
    def cancel(self) -> None:
        event = EncounterCancelled(actor="system:intake", facility_id="F1", reason="cancelled")
        self.try_it(lambda: facts.encounter_cancelled(self.case, event, MOMENT))

    @invariant()
    def the_state_agrees_with_what_it_says(self) -> None:
        case = self.case
        if case.state in (CaseState.IN_PROGRESS, CaseState.ASSIGNED, CaseState.SECOND_REVIEW):
            assert case.assignee
        if case.state is CaseState.UNASSIGNED:
            assert case.assignee is None
        if case.state is CaseState.PENDING_QUERY:
            assert case.held_by_query
        if case.state is CaseState.ON_HOLD:
            assert case.hold_reason
            assert case.hold_owner
        assert (case.state is CaseState.SECOND_REVIEW) == (case.second_review is not None) or (
            case.state is CaseState.CANCELLED
        )
        assert all(item.choice is not Choice.ADDED or item.supported for item in case.assignments)


class TestShift(Shift.TestCase):  # type: ignore[misc,valid-type]
    settings = settings(
        max_examples=60, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
    )


GUARDS: tuple[tuple[type[Refused], Callable[[], Any]], ...] = (
    (CaseNotReady, lambda: commands.start(CodingCase(KEY, "F1"), "ann", NOW, LOCK)),
    (CaseNotStarted, lambda: commands.finalise(chart(), "ann", NOW, BARE, grouping=None)),
    (CaseNotStarted, lambda: commands.decide(chart(), "ann", [], [], BARE)),
    (CaseTaken, lambda: commands.finalise(started(), "bob", NOW, BARE, grouping=None)),
    (CaseClosed, lambda: commands.start(final(), "ann", NOW, LOCK)),
    (EditsBlock, lambda: commands.finalise(started(), "ann", NOW, BARE, grouping=None)),
    (
        EvidenceMissing,
        lambda: commands.decide(started(), "ann", [], [Add("ICD-10-CM", "I10")], BARE),
    ),
    (
        QueryOpen,
        lambda: commands.finalise(
            state_of(
                commands.request_query(
                    state_of(commands.start(chart(GAP), "ann", NOW, LOCK)), "ann", chart(GAP).gaps[0].id, None
                )
            ),
            "ann",
            NOW,
            BARE,
            grouping=None,
            override_reason="a coder may not",
        ),
    ),
)


@pytest.mark.parametrize(("fault", "attempt"), GUARDS)
def test_each_guard_refuses_with_its_own_code(fault: type[Refused], attempt: Callable[[], Any]) -> None:
    with pytest.raises(fault):
        attempt()
