"""The check before billing: off by default, by somebody else, back to the coder, gone when the record changes."""

from dataclasses import replace

import pytest
from rcm_coding.domain.case import CaseState, CodingCase
from rcm_coding.domain.code_set import CodeSets
from rcm_coding.domain.errors import CaseNotStarted, OwnCheck, PrebillQaOpen
from rcm_coding.domain.worklist import DEFAULT_POLICY, OPEN_STATES
from rcm_coding.handlers import commands, facts, handling, prebill
from rcm_shared.contracts.coding import CodingFinalised
from rcm_shared.errors import Refused
from unit.coding.charts import MOMENT, NOW, amended
from unit.coding.handlers.test_commands import WHO, accept_all, started, state_of

CHECKER = "lead-1"


def coded(code_sets: CodeSets) -> CodingCase:
    ready = accept_all(started(code_sets), code_sets)
    decision = commands.finalise(ready, WHO, NOW, code_sets, grouping=None, check=True)
    assert decision.events == ()  # nothing is published before the check
    return state_of(decision)


def test_check_is_off_unless_the_rules_name_the_work_type(code_sets: CodeSets) -> None:
    case = accept_all(started(code_sets), code_sets)
    assert not prebill.is_checked(case, DEFAULT_POLICY)
    assert prebill.is_checked(case, replace(DEFAULT_POLICY, prebill_qa=("professional",)))
    assert not prebill.is_checked(case, replace(DEFAULT_POLICY, prebill_qa=("inpatient",)))


def test_coded_chart_waits_for_somebody_else(code_sets: CodeSets) -> None:
    case = coded(code_sets)
    assert (case.state, case.coded_by, case.assignee, case.final) == (CaseState.PREBILL_QA, WHO, None, None)
    assert case.state in OPEN_STATES
    with pytest.raises(PrebillQaOpen):
        commands.start(case, "coder-2")
    with pytest.raises(PrebillQaOpen):
        handling.assign(case, "coder-2", NOW, DEFAULT_POLICY.lock)
    with pytest.raises(CaseNotStarted):
        commands.decide(case, WHO, [], [], code_sets)
    with pytest.raises(OwnCheck):
        prebill.pass_check(case, WHO, NOW, code_sets, grouping=None)
    with pytest.raises(OwnCheck):
        prebill.return_check(case, WHO)


def test_passed_check_makes_the_same_codes_final(code_sets: CodeSets) -> None:
    case = coded(code_sets)
    decision = prebill.pass_check(case, CHECKER, NOW, code_sets, grouping=None)
    (event,) = decision.events
    assert isinstance(event, CodingFinalised)
    after = state_of(decision)
    assert (after.state, after.coded_by, after.previous_coder) == (CaseState.FINAL_CODED, None, WHO)
    assert after.final is not None
    assert after.final.finalised_by == CHECKER


def test_returned_check_gives_the_chart_back_to_its_coder(code_sets: CodeSets) -> None:
    after = state_of(prebill.return_check(coded(code_sets), CHECKER))
    assert (after.state, after.assignee, after.coded_by) == (CaseState.IN_PROGRESS, WHO, None)
    with pytest.raises(Refused, match="waits for no check"):
        prebill.return_check(after, CHECKER)
    again = state_of(commands.finalise(after, WHO, NOW, code_sets, grouping=None, check=True))
    assert again.state is CaseState.PREBILL_QA


def test_changed_record_ends_the_wait(code_sets: CodeSets) -> None:
    after = facts.documentation_amended(coded(code_sets), amended(), MOMENT).state
    assert after is not None
    assert (after.state, after.assignee) == (CaseState.IN_PROGRESS, WHO)
