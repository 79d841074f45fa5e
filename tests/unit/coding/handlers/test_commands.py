"""What a coder may do, and every refusal of it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rcm_coding.domain.case import CaseState, Choice, CodingCase, Grouping, QueryState, codes_for_claim
from rcm_coding.domain.code_set import CodeSets
from rcm_coding.domain.edits import blocking
from rcm_coding.domain.errors import (
    CaseClosed,
    CaseNotReady,
    CaseNotStarted,
    CaseTaken,
    CodeNotValid,
    EditsBlock,
    EvidenceMissing,
    ProviderNotTreating,
    QueryOpen,
)
from rcm_coding.engine.evidence import Evidence, Gap, Suggestion, Suggestions
from rcm_coding.handlers import commands, facts, suggesting
from rcm_coding.handlers.commands import Add, Decide
from rcm_shared.contracts.coding import CodingFinalised, CodingStarted, QueryRequested, SuggestionsProposed
from rcm_shared.contracts.intake import ClaimForm, Setting
from rcm_shared.errors import NotFound, Refused
from unit.coding.charts import KEY, MOMENT, NOTE, NOW, amended, charge, charged, open_chart

WHO = "coder-1"
PLACE = Evidence(NOTE, 1, 3, 9, "assessment", "diagnosis")


def suggestion(
    code: str, system: str = "ICD-10-CM", role: str = "secondary", score: float = 0.9
) -> Suggestion:
    return Suggestion(system, code, code, score, role, (PLACE,))


def found(*items: Suggestion, gaps: tuple[Gap, ...] = ()) -> Suggestions:
    return Suggestions(items, (), gaps, None, "ICD-10-CM:2026-04-01", "rcm-cac/0.1", date(2026, 9, 10))


GAP = Gap("heart-failure-type", "I509", (PLACE,))
USUAL = found(suggestion("I509", role="first-listed"), suggestion("99214", "CPT", "procedure"), gaps=(GAP,))


def state_of(decision: commands.CaseDecision) -> CodingCase:
    assert decision.state is not None
    return decision.state


def chart(code_sets: CodeSets, result: Suggestions = USUAL, **changes: object) -> CodingCase:
    case = open_chart(code_sets, **changes)
    return state_of(suggesting.suggested(case, result, case.record_version))


def started(code_sets: CodeSets, result: Suggestions = USUAL, **changes: object) -> CodingCase:
    return state_of(commands.start(chart(code_sets, result, **changes), WHO))


def accept_all(case: CodingCase, code_sets: CodeSets) -> CodingCase:
    return state_of(
        commands.decide(case, WHO, [Decide(item.id, "accept") for item in case.assignments], [], code_sets)
    )


def test_suggestions_land_on_the_chart_and_are_counted(code_sets: CodeSets) -> None:
    case = open_chart(code_sets)
    decision = suggesting.suggested(case, USUAL, 1)
    (event,) = decision.events
    assert isinstance(event, SuggestionsProposed)
    assert (event.suggested, event.gaps, event.case_version) == (2, 1, 1)
    assert all(item.choice is Choice.SUGGESTED for item in state_of(decision).assignments)


def test_outdated_pass_is_dropped(code_sets: CodeSets) -> None:
    case = state_of(facts.documentation_amended(open_chart(code_sets), amended(2), MOMENT))
    assert suggesting.suggested(case, USUAL, 1).state is None


def test_new_pass_keeps_decisions_and_asks_again_where_support_vanished(code_sets: CodeSets) -> None:
    case = accept_all(started(code_sets), code_sets)
    case = state_of(
        suggesting.suggested(case, found(suggestion("I5022"), suggestion("99214", "CPT", "procedure")), 1)
    )
    choices = {item.code: item.choice for item in case.assignments}
    assert choices == {"I5022": Choice.SUGGESTED, "99214": Choice.ACCEPTED, "I509": Choice.SUGGESTED}


def test_start_is_repeatable_for_its_coder_and_refused_to_others(code_sets: CodeSets) -> None:
    decision = commands.start(chart(code_sets), WHO)
    assert isinstance(decision.events[0], CodingStarted)
    case = state_of(decision)
    assert commands.start(case, WHO).events == ()
    with pytest.raises(CaseTaken):
        commands.start(case, "coder-2")


def test_chart_without_documentation_cannot_start() -> None:
    with pytest.raises(CaseNotReady):
        commands.start(CodingCase(KEY, "F1"), WHO)


def test_decisions_need_a_started_chart_of_ones_own(code_sets: CodeSets) -> None:
    with pytest.raises(CaseNotStarted):
        commands.decide(chart(code_sets), WHO, [], [], code_sets)
    with pytest.raises(CaseTaken):
        commands.decide(started(code_sets), "coder-2", [], [], code_sets)


def test_accepted_codes_become_final_in_order_with_the_charge(code_sets: CodeSets) -> None:
    case = accept_all(started(code_sets), code_sets)
    case = state_of(
        facts.charges_captured(case, charged(charge("99214", 17800, revenue_code="0510")), MOMENT, code_sets)
    )
    decision = commands.finalise(case, WHO, NOW, code_sets, grouping=None)
    (event,) = decision.events
    assert isinstance(event, CodingFinalised)
    assert event.actor == WHO
    assert [(item.code, item.role, item.poa) for item in event.diagnoses] == [("I509", "first-listed", None)]
    (line,) = event.procedures
    assert (line.code, line.pointers, line.charge_cents, line.revenue_code) == ("99214", (1,), 17800, "0510")
    assert state_of(decision).state is CaseState.FINAL_CODED


def test_procedure_without_captured_charge_has_no_amount(code_sets: CodeSets) -> None:
    case = accept_all(started(code_sets), code_sets)
    _, procedures = codes_for_claim(case)
    assert procedures[0].charge_cents is None


def test_procedure_points_to_the_diagnoses_that_it_is_for(code_sets: CodeSets) -> None:
    injection = replace(suggestion("20610", "CPT", "procedure"), serves=("M1711",), modifiers=("RT",))
    visit = replace(suggestion("99213", "CPT", "procedure"), serves=("I10",), modifiers=("25",))
    result = found(suggestion("M1711", role="first-listed"), suggestion("I10"), visit, injection)
    _, procedures = codes_for_claim(accept_all(started(code_sets, result), code_sets))
    assert [(line.code, line.pointers) for line in procedures] == [("99213", (2,)), ("20610", (1,))]


def test_override_needs_a_valid_code_and_a_reason(code_sets: CodeSets) -> None:
    case = started(code_sets)
    first = case.assignments[0].id
    with pytest.raises(Refused, match="override needs"):
        commands.decide(case, WHO, [Decide(first, "override", "I5022")], [], code_sets)
    with pytest.raises(CodeNotValid) as refusal:
        commands.decide(case, WHO, [Decide(first, "override", "I50.2", "typed in the note")], [], code_sets)
    assert (refusal.value.code, refusal.value.pointer) == ("code-not-billable", "/decisions/0/code")
    case = state_of(
        commands.decide(case, WHO, [Decide(first, "override", "I50.22", "stated in the plan")], [], code_sets)
    )
    assert (case.assignments[0].code, case.assignments[0].suggested_code) == ("I5022", "I509")
    assert case.assignments[0].evidence == (PLACE,)


def test_unknown_suggestion_is_refused(code_sets: CodeSets) -> None:
    with pytest.raises(Refused) as refusal:
        commands.decide(started(code_sets), WHO, [Decide(UUID(int=1), "accept")], [], code_sets)
    assert refusal.value.code == "unknown-suggestion"


def test_added_code_needs_evidence_of_this_record_or_a_reason(code_sets: CodeSets) -> None:
    case = started(code_sets)
    with pytest.raises(EvidenceMissing):
        commands.decide(case, WHO, [], [Add("ICD-10-CM", "I10")], code_sets)
    foreign = replace(PLACE, document_id=UUID(int=99))
    with pytest.raises(Refused, match="not in this record"):
        commands.decide(case, WHO, [], [Add("ICD-10-CM", "I10", evidence=(foreign,))], code_sets)
    with pytest.raises(CodeNotValid):
        commands.decide(case, WHO, [], [Add("ICD-10-CM", "I1", reason="stated")], code_sets)
    case = state_of(commands.decide(case, WHO, [], [Add("ICD-10-CM", "I10", evidence=(PLACE,))], code_sets))
    assert case.assignments[-1].choice is Choice.ADDED


def test_query_holds_finalising_until_an_auditor_overrides(code_sets: CodeSets) -> None:
    case = accept_all(started(code_sets), code_sets)
    decision = commands.request_query(case, WHO, case.gaps[0].id, None)
    (event,) = decision.events
    assert isinstance(event, QueryRequested)
    assert (event.rule, event.provider_id, event.blocks_coding) == ("heart-failure-type", "prv-1", True)
    assert event.indicators[0].start == 3
    case = state_of(decision)
    assert case.state is CaseState.PENDING_QUERY
    with pytest.raises(QueryOpen):
        commands.finalise(case, WHO, NOW, code_sets, grouping=None)
    with pytest.raises(QueryOpen):
        commands.finalise(case, "auditor-1", NOW, code_sets, grouping=None, may_override=True)
    final = state_of(
        commands.finalise(
            case,
            "auditor-1",
            NOW,
            code_sets,
            grouping=None,
            may_override=True,
            override_reason="provider has left",
        )
    )
    assert final.final is not None
    assert final.final.override_reason == "provider has left"


def test_same_gap_is_not_asked_twice_at_once(code_sets: CodeSets) -> None:
    case = started(code_sets)
    gap = case.gaps[0].id
    case = state_of(commands.request_query(case, WHO, gap, None))
    with pytest.raises(Refused, match="already open"):
        commands.request_query(case, WHO, gap, None)
    with pytest.raises(NotFound):
        commands.request_query(case, WHO, UUID(int=3), None)


def test_query_to_a_provider_who_wrote_nothing_is_refused(code_sets: CodeSets) -> None:
    case = started(code_sets)
    with pytest.raises(ProviderNotTreating) as refusal:
        commands.request_query(case, WHO, case.gaps[0].id, "prv-2")
    assert (refusal.value.status, refusal.value.code) == (422, "provider-not-treating")
    unsigned = replace(case, documents=tuple(replace(item, author_id=None) for item in case.documents))
    for chart, provider in ((case, "prv-1"), (unsigned, "prv-2")):
        (event,) = commands.request_query(chart, WHO, chart.gaps[0].id, provider).events
        assert isinstance(event, QueryRequested)
        assert event.provider_id == provider


def test_blocking_edit_stops_finalising(code_sets: CodeSets) -> None:
    case = started(code_sets, found(suggestion("99214", "CPT", "procedure")))
    case = accept_all(case, code_sets)
    with pytest.raises(EditsBlock, match="SEQ-01"):
        commands.finalise(case, WHO, NOW, code_sets, grouping=None)
    assert blocking(commands.validate(case, code_sets).edits)


def test_inpatient_final_carries_poa_and_drg(code_sets: CodeSets) -> None:
    principal = replace(suggestion("J189", role="principal"), poa="Y")
    case = started(code_sets, found(principal), setting=Setting.INPATIENT, claim_form=ClaimForm.INSTITUTIONAL)
    case = accept_all(case, code_sets)
    decision = commands.finalise(case, WHO, NOW, code_sets, grouping=Grouping("195", "v43.1"))
    (event,) = decision.events
    assert isinstance(event, CodingFinalised)
    assert (event.drg, event.diagnoses[0].poa, event.diagnoses[0].role) == ("195", "Y", "principal")


def test_final_chart_takes_no_more_commands(code_sets: CodeSets) -> None:
    case = state_of(
        commands.finalise(accept_all(started(code_sets), code_sets), WHO, NOW, code_sets, grouping=None)
    )
    attempts: tuple[Callable[[], commands.CaseDecision], ...] = (
        lambda: commands.start(case, WHO),
        lambda: commands.decide(case, WHO, [], [], code_sets),
        lambda: commands.finalise(case, WHO, NOW, code_sets, grouping=None),
    )
    for attempt in attempts:
        with pytest.raises(CaseClosed):
            attempt()


def test_hold_and_return_keep_the_work(code_sets: CodeSets) -> None:
    case = accept_all(started(code_sets), code_sets)
    held = state_of(commands.hold(case, WHO, "waiting-for-pathology"))
    assert (held.state, held.hold_reason) == (CaseState.ON_HOLD, "waiting-for-pathology")
    again = state_of(commands.start(held, "coder-2"))
    assert (again.state, again.hold_reason, again.assignee) == (CaseState.IN_PROGRESS, None, "coder-2")
    returned = state_of(commands.give_back(again, "coder-2"))
    assert (returned.state, returned.assignee) == (CaseState.UNASSIGNED, None)
    assert returned.assignments == case.assignments


STEPS = st.lists(
    st.sampled_from(
        [
            "start",
            "other",
            "accept",
            "reject",
            "query",
            "answer",
            "amend",
            "hold",
            "return",
            "finalise",
            "recode",
        ]
    ),
    max_size=14,
)


@given(STEPS)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_sequence_of_steps_breaks_the_guards(code_sets: CodeSets, steps: list[str]) -> None:
    case = chart(code_sets)
    record_version = case.record_version
    for step in steps:
        before = case
        try:
            case, record_version = take(step, case, record_version, code_sets)
        except Refused:
            assert case == before
        assert case.version >= before.version
        if case.state is CaseState.FINAL_CODED and before.state is not CaseState.FINAL_CODED:
            assert case.final is not None
            assert not case.held_by_query
            assert blocking(case.edits) == ()
            assert all(item.supported for item in case.assignments if item.counts)
        if case.state is CaseState.PENDING_QUERY:
            assert case.held_by_query


def take(step: str, case: CodingCase, version: int, code_sets: CodeSets) -> tuple[CodingCase, int]:
    from rcm_shared.contracts.billing import RecodeRequested

    run: dict[str, Callable[[], commands.CaseDecision]] = {
        "start": lambda: commands.start(case, WHO),
        "other": lambda: commands.start(case, "coder-2"),
        "accept": lambda: commands.decide(
            case, WHO, [Decide(item.id, "accept") for item in case.assignments], [], code_sets
        ),
        "reject": lambda: commands.decide(
            case, WHO, [Decide(case.assignments[0].id, "reject")], [], code_sets
        ),
        "query": lambda: commands.request_query(case, WHO, case.gaps[0].id, None),
        "hold": lambda: commands.hold(case, WHO, "waiting"),
        "return": lambda: commands.give_back(case, WHO),
        "finalise": lambda: commands.finalise(case, WHO, NOW, code_sets, grouping=None),
        "amend": lambda: facts.documentation_amended(case, amended(version + 1), MOMENT),
        "answer": lambda: facts.documentation_amended(
            case,
            amended(
                version + 1,
                next((item.query_id for item in case.queries if item.state is QueryState.REQUESTED), None),
            ),
            MOMENT,
        ),
        "recode": lambda: facts.recode_requested(
            case, RecodeRequested(actor="b", facility_id="F1", claim_id=UUID(int=1), reasons=("X",)), MOMENT
        ),
    }
    decision = run[step]()
    return decision.state or case, version + (step in ("amend", "answer"))
