"""Who has a chart: assigning, handing over, urgency, the second opinion, reopening, closing by rule."""

from dataclasses import replace
from datetime import datetime, timedelta

from rcm_shared.contracts.coding import CodingReopened, CodingStarted
from rcm_shared.errors import Refused
from rcm_shared.messaging.decide import Decision

from rcm_coding.domain.case import (
    SYSTEM,
    CaseState,
    Choice,
    CodingCase,
    FinalCodes,
    SecondReview,
    codes_for_claim,
    reopened,
)
from rcm_coding.domain.code_set import CodeSets, release_name
from rcm_coding.domain.edits import Severity, unevaluated
from rcm_coding.domain.errors import (
    CaseClosed,
    CaseNotReady,
    CaseTaken,
    OwnOpinion,
    PrebillQaOpen,
    SecondReviewOpen,
)
from rcm_coding.domain.worklist import AutoClose, AutoCloseMode
from rcm_coding.handlers.commands import CaseDecision, lock_expired, validate
from rcm_coding.handlers.facts import finalised_event


def assign(
    case: CodingCase, assignee: str, now: datetime, shift: timedelta, *, from_holder: str | None = None
) -> CaseDecision:
    """Give an open chart to a coder. An unstarted one falls back to all when the shift is over.

    `from_holder`: the colleague who hands it over, the only one it may be taken from while the lock holds.

    Raises: CaseTaken while another coder works on it.
    """
    _refuse_closed(case)
    if case.state is CaseState.SECOND_REVIEW:
        raise SecondReviewOpen
    if case.state is CaseState.PREBILL_QA:
        raise PrebillQaOpen
    if case.assignee == assignee and case.state is not CaseState.UNASSIGNED:
        return Decision(state=case)
    working = case.state in (CaseState.IN_PROGRESS, CaseState.PENDING_QUERY) and case.assignee is not None
    if working and case.assignee != from_holder and not lock_expired(case, now):
        raise CaseTaken
    kept = (CaseState.PENDING_QUERY, CaseState.ON_HOLD)
    return Decision(
        state=replace(
            case,
            state=case.state if case.state in kept else CaseState.ASSIGNED,
            assignee=assignee,
            lock_until=now + shift,
            version=case.version + 1,
        )
    )


def set_urgency(case: CodingCase, urgency: str) -> CaseDecision:
    """Bring a chart forward, whoever has it."""
    _refuse_closed(case)
    return Decision(state=replace(case, urgency=urgency, version=case.version + 1))


def ask_opinion(case: CodingCase, who: str, asked: str | None, now: datetime) -> CaseDecision:
    """Ask a colleague about a hard case; the chart stays its coder's and waits.

    Raises: CaseTaken, OwnOpinion.
    """
    _refuse_closed(case)
    if case.state is CaseState.SECOND_REVIEW:
        raise SecondReviewOpen
    if case.state not in (CaseState.IN_PROGRESS, CaseState.PENDING_QUERY) or case.assignee != who:
        raise CaseTaken
    if asked == who:
        raise OwnOpinion
    return Decision(
        state=replace(
            case,
            state=CaseState.SECOND_REVIEW,
            second_review=SecondReview(who, asked, now),
            lock_until=None,
            version=case.version + 1,
        )
    )


def give_opinion(case: CodingCase, who: str) -> CaseDecision:
    """Answer, which gives the chart back to who asked.

    Raises: OwnOpinion, CaseTaken when somebody else was asked.
    """
    review = _review(case)
    if who == review.asked_by:
        raise OwnOpinion
    if review.asked not in (None, who):
        raise CaseTaken
    return _back_to_coder(case)


def withdraw_opinion(case: CodingCase, who: str) -> CaseDecision:
    """Go on without the opinion. Raises: CaseTaken unless by who asked."""
    if _review(case).asked_by != who:
        raise CaseTaken
    return _back_to_coder(case)


def reopen(case: CodingCase, who: str, *, lead: bool) -> CaseDecision:
    """Open a final chart again: by its coder or a lead.

    Raises: CaseTaken for others; Refused when the chart is not final.
    """
    if case.state is not CaseState.FINAL_CODED or case.final is None:
        raise Refused("case-not-final", "only a final chart can be opened again")
    if case.final.finalised_by != who and not lead:
        raise CaseTaken
    again = reopened(case, "coder")
    event = CodingReopened(
        actor=who, facility_id=case.facility_id, case_version=again.version, reason="coder"
    )
    return Decision(state=again, events=(event,))


def would_close(case: CodingCase, rules: AutoClose, work_type: str, code_sets: CodeSets) -> CodingCase | None:
    """Return the chart with every suggestion accepted when it may be closed by rule, else None.

    Asked of it: an allowed work type, nothing open, every suggestion above the score, and no edit of any kind
    except those sets that the rules tolerate as not evaluated.
    """
    quiet = not (case.gaps or case.queries or case.reopen_reasons or case.precoded)
    fresh = case.state is CaseState.UNASSIGNED and case.suggested_version == case.record_version
    sure = bool(case.assignments) and all(
        item.choice is Choice.SUGGESTED
        and item.source == "cac"
        and item.score >= rules.min_score
        and item.evidence
        for item in case.assignments
    )
    if rules.mode is AutoCloseMode.OFF or work_type not in rules.work_types or not (quiet and fresh and sure):
        return None
    judged = validate(accepted(case), code_sets)
    tolerated = set(rules.tolerate_not_evaluated)
    for edit in judged.edits:
        if edit.severity is not Severity.NOT_EVALUATED or not {edit.rule, edit.authority} & tolerated:
            return None
    _, procedures = codes_for_claim(judged)
    return judged if procedures else None


def accepted(case: CodingCase) -> CodingCase:
    """Return the chart as it is when every suggestion is accepted."""
    decided = (replace(item, choice=Choice.ACCEPTED, decided_by=SYSTEM) for item in case.assignments)
    return replace(case, assignments=tuple(decided))


def close_by_rule(case: CodingCase, now: datetime, code_sets: CodeSets) -> CaseDecision:
    """Make a chart final that `would_close` gave back."""
    diagnoses, procedures = codes_for_claim(case)
    final = FinalCodes(
        diagnoses=diagnoses,
        procedures=procedures,
        release=release_name(code_sets.on(case.day)),
        finalised_by=SYSTEM,
        finalised_at=now,
        not_evaluated=unevaluated(case.edits),
    )
    started = replace(case, started=True, version=case.version + 1)
    done = replace(
        started,
        state=CaseState.FINAL_CODED,
        version=started.version + 1,
        final=final,
        release=final.release,
    )
    return Decision(
        state=done,
        events=(
            CodingStarted(actor=SYSTEM, facility_id=case.facility_id, case_version=started.version),
            finalised_event(done, final),
        ),
    )


def claim_codes(case: CodingCase) -> list[str]:
    """Return the codes that pay, in claim order: what a trial is compared by."""
    diagnoses, procedures = codes_for_claim(case)
    return [item.code for item in diagnoses] + [
        "-".join((item.code, *item.modifiers)) + f"x{item.units}" for item in procedures
    ]


def _review(case: CodingCase) -> SecondReview:
    _refuse_closed(case)
    if case.state is not CaseState.SECOND_REVIEW or case.second_review is None:
        raise Refused("no-opinion-asked", "nobody has asked for a second opinion")
    return case.second_review


def _back_to_coder(case: CodingCase) -> CaseDecision:
    state = CaseState.PENDING_QUERY if case.held_by_query else CaseState.IN_PROGRESS
    return Decision(state=replace(case, state=state, second_review=None, version=case.version + 1))


def _refuse_closed(case: CodingCase) -> None:
    if not case.ready:
        raise CaseNotReady
    if case.state in (CaseState.FINAL_CODED, CaseState.CANCELLED):
        raise CaseClosed(case.state.value)
