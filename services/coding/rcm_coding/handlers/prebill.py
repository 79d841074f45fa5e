"""The check before billing: a second person looks at a coded chart. Off unless the rules ask for it."""

from dataclasses import replace
from datetime import datetime

from rcm_shared.errors import Refused
from rcm_shared.messaging.decide import Decision

from rcm_coding.domain.case import CaseState, CodingCase, Grouping
from rcm_coding.domain.code_set import CodeSets
from rcm_coding.domain.edit import Edit
from rcm_coding.domain.errors import OwnCheck
from rcm_coding.domain.worklist import Policy, route
from rcm_coding.handlers.commands import CaseDecision, finalise


def is_checked(case: CodingCase, policy: Policy) -> bool:
    """Tell whether a chart's work type is checked before it is final."""
    return route(case, policy).work_type in policy.prebill_qa


def pass_check(
    case: CodingCase,
    who: str,
    now: datetime,
    code_sets: CodeSets,
    *,
    grouping: Grouping | None,
    stay_edits: tuple[Edit, ...] | None = None,
    payment_seen: bool = False,
) -> CaseDecision:
    """Make a checked chart final: judged once more, by the sets in force now.

    Raises: OwnCheck for its own coder; EditsBlock, QueryOpen as finalising does.
    """
    _refuse(case, who)
    ready = replace(case, state=CaseState.IN_PROGRESS, assignee=who)
    done = finalise(
        ready,
        who,
        now,
        code_sets,
        grouping=grouping,
        stay_edits=stay_edits,
        payment_seen=payment_seen,
    )
    assert done.state is not None  # noqa: S101 — finalise always returns a state
    return replace(done, state=replace(done.state, previous_coder=case.coded_by, coded_by=None))


def return_check(case: CodingCase, who: str) -> CaseDecision:
    """Give the chart back to its coder; the reason is kept with the chart's handling.

    Raises: OwnCheck for its own coder.
    """
    _refuse(case, who)
    back = CaseState.PENDING_QUERY if case.held_by_query else CaseState.IN_PROGRESS
    return Decision(
        state=replace(case, state=back, assignee=case.coded_by, coded_by=None, version=case.version + 1)
    )


def _refuse(case: CodingCase, who: str) -> None:
    if case.state is not CaseState.PREBILL_QA:
        raise Refused("no-check-open", "this chart waits for no check")
    if case.coded_by == who:
        raise OwnCheck
