"""What a person may do with a chart: start, decide, ask the provider, hold, validate, finalise."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from uuid import UUID

from rcm_shared.contracts.coding import (
    CodingStarted,
    FinalDiagnosis,
    FinalProcedure,
    Indicator,
    QueryRequested,
)
from rcm_shared.contracts.intake import Setting
from rcm_shared.errors import NotFound, Refused
from rcm_shared.ids import derived_uuid
from rcm_shared.messaging.decide import Decision

from rcm_coding.domain.case import (
    CaseQuery,
    CaseState,
    Choice,
    CodeAssignment,
    CodingCase,
    FinalCodes,
    Grouping,
    QueryState,
    codes_for_claim,
)
from rcm_coding.domain.code_set import CodeSets, release_name
from rcm_coding.domain.edits import Edit, blocking, code_fault, evaluate, unevaluated
from rcm_coding.domain.errors import (
    CaseClosed,
    CaseNotReady,
    CaseNotStarted,
    CaseTaken,
    CodeNotValid,
    EditsBlock,
    EvidenceMissing,
    PrebillQaOpen,
    ProviderNotTreating,
    QueryOpen,
    SecondReviewOpen,
)
from rcm_coding.engine.evidence import Evidence
from rcm_coding.engine.tabular import plain_code
from rcm_coding.handlers.facts import finalised_event

CaseDecision = Decision[CodingCase]


@dataclass(frozen=True, slots=True)
class Decide:
    """A coder's word on one suggestion."""

    suggestion_id: UUID
    action: str  # accept, override, reject
    code: str | None = None
    reason: str | None = None
    role: str | None = None
    modifiers: tuple[str, ...] | None = None
    poa: str | None = None


@dataclass(frozen=True, slots=True)
class Add:
    """A code that a coder adds."""

    system: str
    code: str
    role: str = "secondary"
    poa: str | None = None
    modifiers: tuple[str, ...] = ()
    units: int = 1
    service_date: date | None = None
    pointers: tuple[int, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    reason: str | None = None


def start(
    case: CodingCase, who: str, now: datetime | None = None, lock: timedelta | None = None
) -> CaseDecision:
    """Take the chart up. Doing it again changes nothing but the lock; a chart that another coder holds is
    refused until that coder's lock has run out.
    """
    _refuse_closed(case)
    mine = case.assignee == who
    holds = case.assignee is not None and case.state is not CaseState.ON_HOLD
    if holds and not mine and not lock_expired(case, now):
        raise CaseTaken
    if case.state is CaseState.SECOND_REVIEW:
        raise SecondReviewOpen
    if case.state is CaseState.PREBILL_QA:
        raise PrebillQaOpen
    until = now + lock if now and lock else None
    if case.state is CaseState.IN_PROGRESS and mine:
        return Decision(state=replace(case, lock_until=until or case.lock_until))
    if case.state is CaseState.PENDING_QUERY:
        return Decision(state=replace(case, assignee=who, lock_until=until))
    state = CaseState.PENDING_QUERY if case.held_by_query else CaseState.IN_PROGRESS
    case = replace(
        case,
        state=state,
        assignee=who,
        started=True,
        hold_reason=None,
        hold_owner=None,
        lock_until=until,
        version=case.version + 1,
    )
    event = CodingStarted(actor=who, facility_id=case.facility_id, case_version=case.version)
    return Decision(state=case, events=(event,))


def lock_expired(case: CodingCase, now: datetime | None) -> bool:
    """Tell whether the holder has let the chart lie so long that another coder may take it."""
    return now is not None and case.lock_until is not None and now >= case.lock_until


def give_back(case: CodingCase, who: str) -> CaseDecision:
    """Return an unfinished chart to the worklist with everything decided so far."""
    _refuse_closed(case)
    if case.state not in (CaseState.ASSIGNED, CaseState.IN_PROGRESS, CaseState.PENDING_QUERY):
        _refuse_not_mine(case, who)
    if case.assignee != who:
        raise CaseTaken
    state = case.state if case.state is CaseState.PENDING_QUERY else CaseState.UNASSIGNED
    return Decision(
        state=replace(case, state=state, assignee=None, lock_until=None, version=case.version + 1)
    )


def hold(case: CodingCase, who: str, reason: str, owner: str | None = None) -> CaseDecision:
    """Put the chart aside with a reason and whoever must act (its coder, when nobody is named);
    starting it again takes it off hold.
    """
    _refuse_not_mine(case, who)
    return Decision(
        state=replace(
            case,
            state=CaseState.ON_HOLD,
            hold_reason=reason,
            hold_owner=owner or who,
            lock_until=None,
            version=case.version + 1,
        )
    )


def decide(
    case: CodingCase, who: str, decisions: Sequence[Decide], additions: Sequence[Add], code_sets: CodeSets
) -> CaseDecision:
    """Accept, override or reject suggestions and add codes.

    Raises: CodeNotValid, EvidenceMissing, Refused; nothing changes unless all of it can be done.
    """
    _refuse_not_mine(case, who)
    edition = code_sets.on(case.day)
    by_id = {item.id: item for item in case.assignments}
    for at, choice in enumerate(decisions):
        pointer = f"/decisions/{at}"
        current = by_id.get(choice.suggestion_id)
        if current is None:
            raise Refused(
                "unknown-suggestion", "no such suggestion on this chart", status=422, pointer=pointer
            )
        by_id[current.id] = _decided(current, choice, who, pointer)
        if by_id[current.id].counts:
            fault = code_fault(by_id[current.id].system, by_id[current.id].code, edition)
            if fault:
                raise CodeNotValid(fault, f"{pointer}/code")
    position = len(by_id)
    for at, addition in enumerate(additions):
        pointer = f"/add/{at}"
        code = plain_code(addition.code)
        fault = code_fault(addition.system, code, edition)
        if fault:
            raise CodeNotValid(fault, f"{pointer}/code")
        if not addition.evidence and not addition.reason:
            raise EvidenceMissing(pointer)
        _refuse_foreign_evidence(case, addition.evidence, pointer)
        identity = derived_uuid(
            case.encounter_id,
            f"added:{addition.system}:{code}:{','.join(addition.modifiers)}:{addition.service_date}",
        )
        by_id[identity] = CodeAssignment(
            id=identity,
            system=addition.system,
            code=code,
            description=edition.title(code) if edition and addition.system == "ICD-10-CM" else "",
            role=addition.role if addition.system == "ICD-10-CM" else "procedure",
            choice=Choice.ADDED,
            source="coder",
            evidence=addition.evidence,
            modifiers=addition.modifiers,
            units=addition.units,
            poa=addition.poa,
            service_date=addition.service_date,
            pointers=addition.pointers,
            reason=addition.reason,
            decided_by=who,
            position=position + at,
        )
    return Decision(
        state=replace(case, assignments=tuple(by_id.values()), edits=(), version=case.version + 1)
    )


def request_query(case: CodingCase, who: str, asked_gap: UUID, provider_id: str | None) -> CaseDecision:
    """Ask the provider about a gap; the chart waits for the answer.

    Raises: ProviderNotTreating when the chart's documents have authors and the provider is none of them.
    """
    _refuse_not_mine(case, who)
    gap = case.gap(asked_gap)
    if gap is None:
        raise NotFound("gap")
    if any(item.rule == gap.rule and item.holds for item in case.queries):
        raise Refused("query-open", "a query about this gap is already open")
    query_id = derived_uuid(case.encounter_id, f"query:{gap.rule}:{case.record_version}:{len(case.queries)}")
    authors = [item.author_id for item in case.documents if item.author_id]
    if provider_id is None:
        provider_id = next(iter(authors), None)
    elif authors and provider_id not in authors:
        raise ProviderNotTreating("/provider_id")
    event = QueryRequested(
        actor=who,
        facility_id=case.facility_id,
        query_id=query_id,
        rule=gap.rule,
        indicators=tuple(
            Indicator(place.document_id, place.version, place.start, place.end) for place in gap.indicators
        ),
        provider_id=provider_id,
        blocks_coding=True,
    )
    case = replace(
        case,
        state=CaseState.PENDING_QUERY,
        version=case.version + 1,
        queries=(*case.queries, CaseQuery(query_id, gap.rule, QueryState.REQUESTED)),
    )
    return Decision(state=case, events=(event,))


def validate(case: CodingCase, code_sets: CodeSets, stay_edits: tuple[Edit, ...] | None = None) -> CodingCase:
    """Return the case with the edits of its chosen codes as they stand.

    `stay_edits`: what the Medicare Code Editor says of an inpatient stay; None when it was not asked.
    """
    diagnoses, procedures = codes_for_claim(case)
    edits = evaluate(
        diagnoses,
        procedures,
        setting=case.setting,
        day=case.day,
        edition=code_sets.on(case.day),
        without_evidence=[item.code for item in case.assignments if item.counts and not item.supported],
        tables=code_sets.tables,
        pcs=code_sets.procedures(case.day) if case.setting is Setting.INPATIENT else None,
        form=case.claim_form,
        stay_edits=stay_edits,
    )
    return replace(case, edits=edits, validated=True)


def finalise(
    case: CodingCase,
    who: str,
    now: datetime,
    code_sets: CodeSets,
    *,
    grouping: Grouping | None,
    override_reason: str | None = None,
    may_override: bool = False,
    payment_seen: bool = False,
    stay_edits: tuple[Edit, ...] | None = None,
    check: bool = False,
) -> CaseDecision:
    """Make the person's decision final, or (`check`) leave it coded until a second person has looked at it.

    Raises: QueryOpen while a query that affects coding is open (an auditor may override with a reason),
    EditsBlock with the rules that stop it. `payment_seen`: somebody has seen what earlier final codes pay; other
    codes are then flagged.
    """
    _refuse_closed(case)
    if case.state is CaseState.SECOND_REVIEW:
        raise SecondReviewOpen
    if case.state not in (CaseState.IN_PROGRESS, CaseState.PENDING_QUERY):
        raise CaseNotStarted
    if case.assignee != who and not may_override:
        raise CaseTaken
    if case.held_by_query and not (may_override and override_reason):
        raise QueryOpen
    case = validate(case, code_sets, stay_edits)
    stops: tuple[Edit, ...] = blocking(case.edits)
    if stops:
        raise EditsBlock(tuple(dict.fromkeys(edit.rule for edit in stops)))
    if check:
        coded = replace(case, state=CaseState.PREBILL_QA, coded_by=who, assignee=None, lock_until=None)
        return Decision(state=replace(coded, working=grouping, version=case.version + 1))
    diagnoses, procedures = codes_for_claim(case)
    edition = code_sets.on(case.day)
    silent = [*unevaluated(case.edits)]
    if grouping is not None and grouping.drg is None:
        silent.append("MS-DRG")
    final = FinalCodes(
        diagnoses=diagnoses,
        procedures=procedures,
        release=release_name(edition),
        finalised_by=who,
        finalised_at=now,
        grouping=grouping,
        not_evaluated=tuple(silent),
        override_reason=override_reason if case.held_by_query else None,
        changed_after_payment=payment_seen and differs(case.final, diagnoses, procedures),
    )
    case = replace(
        case,
        state=CaseState.FINAL_CODED,
        version=case.version + 1,
        final=final,
        release=final.release,
        lock_until=None,
        working=grouping,
    )
    return Decision(state=case, events=(finalised_event(case, final),))


def differs(
    earlier: FinalCodes | None,
    diagnoses: tuple[FinalDiagnosis, ...],
    procedures: tuple[FinalProcedure, ...],
) -> bool:
    """Tell whether final codes differ from earlier ones in anything that may change a payment."""
    if earlier is None:
        return False

    def lines(found: tuple[FinalProcedure, ...]) -> list[tuple[object, ...]]:
        return [(item.system, item.code, item.units, item.modifiers) for item in found]

    return earlier.diagnoses != diagnoses or lines(earlier.procedures) != lines(procedures)


def _decided(current: CodeAssignment, choice: Decide, who: str, pointer: str) -> CodeAssignment:
    changed = replace(
        current,
        decided_by=who,
        reason=choice.reason or current.reason,
        role=choice.role or current.role,
        modifiers=current.modifiers if choice.modifiers is None else choice.modifiers,
        poa=choice.poa or current.poa,
    )
    if choice.action == "accept":
        if not current.supported:
            raise EvidenceMissing(pointer)
        return replace(changed, choice=Choice.ACCEPTED)
    if choice.action == "reject":
        return replace(changed, choice=Choice.REJECTED)
    if not choice.code or not choice.reason:
        raise Refused(
            "override-incomplete", "an override needs a code and a reason", status=422, pointer=pointer
        )
    return replace(
        changed,
        choice=Choice.OVERRIDDEN,
        code=plain_code(choice.code),
        description="",
        suggested_code=current.suggested_code or current.code,
    )


def _refuse_foreign_evidence(case: CodingCase, evidence: tuple[Evidence, ...], pointer: str) -> None:
    known = {(item.document_id, item.version) for item in case.documents}
    for place in evidence:
        if (place.document_id, place.version) not in known or not 0 <= place.start < place.end:
            raise Refused(
                "evidence-unknown",
                "the cited place is not in this record",
                status=422,
                pointer=f"{pointer}/evidence",
            )


def _refuse_closed(case: CodingCase) -> None:
    if not case.ready:
        raise CaseNotReady
    if case.state in (CaseState.FINAL_CODED, CaseState.CANCELLED):
        raise CaseClosed(case.state.value)


def _refuse_not_mine(case: CodingCase, who: str) -> None:
    _refuse_closed(case)
    if case.state is CaseState.SECOND_REVIEW:
        raise SecondReviewOpen
    if case.state not in (CaseState.IN_PROGRESS, CaseState.PENDING_QUERY):
        raise CaseNotStarted
    if case.assignee != who:
        raise CaseTaken
