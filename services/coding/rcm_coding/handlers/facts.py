"""What follows when a fact of another service reaches the case.

Each function is pure: (case or None, event, moment) -> Decision.
"""

from dataclasses import replace
from uuid import UUID

from rcm_shared.contracts import audit, billing, intake, query
from rcm_shared.contracts.coding import (
    CodingFinalised,
    CodingReopened,
    CodingStarted,
    FinalDiagnosis,
    FinalProcedure,
)
from rcm_shared.contracts.event import Event
from rcm_shared.messaging.decide import Decision, Moment, Work

from rcm_coding.domain.case import (
    MAX_POINTERS,
    RECODE,
    SYSTEM,
    CaseQuery,
    CaseState,
    CodingCase,
    FinalCodes,
    QueryState,
    default_pointers,
    procedure_system,
    reopened,
)
from rcm_coding.domain.code_set import CodeSets, release_name
from rcm_coding.domain.edits import blocking, evaluate, unevaluated
from rcm_coding.engine.tabular import plain_code

SUGGEST = "suggest"
CaseDecision = Decision[CodingCase]


def documentation_completed(
    case: CodingCase | None, event: intake.DocumentationCompleted, moment: Moment, code_sets: CodeSets
) -> CaseDecision:
    """Open the chart: superbills are judged and finalised at once, others get a suggestion pass."""
    case = case or CodingCase(moment.key, event.facility_id)
    if case.state is CaseState.CANCELLED or event.record_version < case.record_version:
        return Decision()
    already = case.ready
    case = replace(
        case,
        facility_id=event.facility_id,
        setting=event.setting,
        claim_form=event.claim_form,
        service_from=event.service_from,
        service_through=event.service_through,
        record_version=event.record_version,
        completed_at=case.completed_at or moment.now,
        documents=event.documents,
        precoded=event.precoded,
        provider_diagnoses=tuple(plain_code(code) for code in event.diagnoses),
        state=CaseState.UNASSIGNED if case.state is CaseState.AWAITING_DOCUMENTATION else case.state,
    )
    if case.state is CaseState.FINAL_CODED and already:
        return _reopen(case, "documentation-amended")
    if case.precoded:
        return _finalise_superbill(case, moment, code_sets)
    return Decision(state=case, work=(suggest_work(case),))


def charges_captured(
    case: CodingCase | None, event: intake.ChargesCaptured, moment: Moment, code_sets: CodeSets
) -> CaseDecision:
    """Keep the whole current set of charge lines; a superbill may now be complete,
    or have changed after coding.
    """
    case = case or CodingCase(moment.key, event.facility_id)
    if case.state is CaseState.CANCELLED or (
        case.charges is not None and event.record_version < case.charges_version
    ):
        return Decision()
    changed = case.charges is not None and case.charges != event.charges
    case = replace(case, charges=event.charges, charges_version=event.record_version)
    if case.precoded and case.ready:
        if case.state is CaseState.UNASSIGNED and not case.reopen_reasons:
            return _finalise_superbill(case, moment, code_sets)
        if case.state is CaseState.FINAL_CODED and changed and not case.reopen_reasons:
            return _recode_superbill(case, moment, code_sets)
    return Decision(state=case)


def documentation_amended(
    case: CodingCase | None, event: intake.DocumentationAmended, moment: Moment
) -> CaseDecision:
    """Read the record again; a filed query answer ends the wait, a final chart is reopened."""
    case = case or CodingCase(moment.key, event.facility_id)
    if case.state is CaseState.CANCELLED or event.record_version < case.record_version:
        return Decision()
    case = replace(case, documents=event.documents, record_version=event.record_version)
    if event.query_id is not None:
        case = _with_query(case, event.query_id, QueryState.FILED)
    case = _resume(case)
    if case.state is CaseState.PREBILL_QA:  # its coder reads the record again
        case = replace(case, state=CaseState.IN_PROGRESS, assignee=case.coded_by, coded_by=None)
    if not case.ready:
        return Decision(state=case)
    work = (suggest_work(case),)
    if case.state is CaseState.FINAL_CODED:
        again = _reopen(case, "documentation-amended")
        return Decision(state=again.state, events=again.events, work=work)
    return Decision(state=case, work=work)


def coverage_verified(
    case: CodingCase | None, event: intake.CoverageVerified, moment: Moment
) -> CaseDecision:
    """Keep the primary payer: the worklist routes and dates charts by it."""
    case = case or CodingCase(moment.key, event.facility_id)
    if case.state is CaseState.CANCELLED or event.record_version < case.payer_version:
        return Decision()
    primary = min(event.coverages, key=lambda item: "PST".find(item.order), default=None)
    return Decision(
        state=replace(
            case, payer_id=primary.payer_id if primary else None, payer_version=event.record_version
        )
    )


def encounter_cancelled(
    case: CodingCase | None, event: intake.EncounterCancelled, moment: Moment
) -> CaseDecision:
    """Close the chart; nothing of it may be coded."""
    case = case or CodingCase(moment.key, event.facility_id)
    if case.state is CaseState.CANCELLED:
        return Decision()
    return Decision(state=replace(case, state=CaseState.CANCELLED, version=case.version + 1))


def encounters_merged(
    case: CodingCase | None, event: intake.EncountersMerged, moment: Moment
) -> CaseDecision:
    """Close the chart that was merged away; the surviving one gets its documents from intake as an amendment."""
    case = case or CodingCase(moment.key, event.facility_id)
    if moment.key != event.merged_id or case.state is CaseState.CANCELLED:
        return Decision()
    return Decision(state=replace(case, state=CaseState.CANCELLED, version=case.version + 1))


def query_sent(case: CodingCase | None, event: query.QuerySent, moment: Moment) -> CaseDecision:
    """A query about this chart is out, whoever asked for it; a blocking one puts the chart aside."""
    if case is None or case.state is CaseState.CANCELLED:
        return Decision()
    known = next((item for item in case.queries if item.query_id == event.query_id), None)
    if known is None:
        added = CaseQuery(event.query_id, event.rule, QueryState.SENT, event.blocks_coding)
        case = replace(case, queries=(*case.queries, added))
        if added.blocks_coding and case.state is CaseState.IN_PROGRESS:
            case = replace(case, state=CaseState.PENDING_QUERY)
        return Decision(state=case)
    if known.state is not QueryState.REQUESTED:
        return Decision()
    return Decision(state=_with_query(case, event.query_id, QueryState.SENT))


def query_answered(case: CodingCase | None, event: query.QueryAnswered, moment: Moment) -> CaseDecision:
    """The provider answered; coding goes on when the answer is part of the record."""
    if case is None:
        return Decision()
    known = next((item for item in case.queries if item.query_id == event.query_id), None)
    state = QueryState.FILED if known and known.state is QueryState.FILED else QueryState.ANSWERED
    return Decision(state=_resume(_with_query(case, event.query_id, state, event.outcome)))


def query_expired(case: CodingCase | None, event: query.QueryExpired, moment: Moment) -> CaseDecision:
    """Nobody answered: code what the record supports."""
    return _query_ended(case, event.query_id, QueryState.EXPIRED)


def query_retracted(case: CodingCase | None, event: query.QueryRetracted, moment: Moment) -> CaseDecision:
    """The query was withdrawn: the wait is over."""
    return _query_ended(case, event.query_id, QueryState.RETRACTED)


def recode_requested(
    case: CodingCase | None, event: billing.RecodeRequested | audit.AuditRecodeRequested, moment: Moment
) -> CaseDecision:
    """A scrubber hit, a denial or an audit finding sends a final chart back."""
    if case is None or case.state is CaseState.CANCELLED:
        return Decision()
    if case.state is not CaseState.FINAL_CODED:
        return Decision(state=replace(case, reopen_reasons=(*case.reopen_reasons, *event.reasons)))
    decision = _reopen(case, RECODE)
    assert decision.state is not None  # noqa: S101 — _reopen always returns a state
    state = replace(decision.state, reopen_reasons=(*decision.state.reopen_reasons, *event.reasons))
    return Decision(state=state, events=decision.events)


def suggest_work(case: CodingCase) -> Work:
    """Describe the suggestion pass over the record as it stands: ids and dates only."""
    return Work(
        SUGGEST,
        {
            "record_version": case.record_version,
            "setting": case.setting.value,
            "claim_form": case.claim_form.value,
            "day": case.day.isoformat(),
            "facility": case.facility_id,
            "documents": [[str(item.document_id), item.version] for item in case.documents if item.signed],
        },
    )


def _reopen(case: CodingCase, reason: str) -> CaseDecision:
    again = reopened(case, reason)
    event = CodingReopened(
        actor=SYSTEM, facility_id=case.facility_id, case_version=again.version, reason=reason
    )
    return Decision(state=again, events=(event,))


def _query_ended(case: CodingCase | None, query_id: UUID, state: QueryState) -> CaseDecision:
    if case is None:
        return Decision()
    return Decision(state=_resume(_with_query(case, query_id, state)))


def _with_query(
    case: CodingCase, query_id: UUID, state: QueryState, outcome: str | None = None
) -> CodingCase:
    """Move a query on; an unknown one is kept too, so that order between topics does not matter."""
    known = next((item for item in case.queries if item.query_id == query_id), None)
    if known is None:
        return replace(case, queries=(*case.queries, CaseQuery(query_id, "", state, True, outcome)))
    moved = replace(known, state=state, outcome=outcome or known.outcome)
    return replace(case, queries=tuple(moved if item.query_id == query_id else item for item in case.queries))


def _resume(case: CodingCase) -> CodingCase:
    if case.state is not CaseState.PENDING_QUERY or case.held_by_query:
        return case
    state = CaseState.IN_PROGRESS if case.assignee else CaseState.UNASSIGNED
    return replace(case, state=state, version=case.version + 1)


def _finalise_superbill(case: CodingCase, moment: Moment, code_sets: CodeSets) -> CaseDecision:
    """Finalise what a provider coded when diagnoses and charge lines are both there and no edit blocks.

    The evidence is the signed superbill itself. What an edit stops waits for a person.
    """
    if case.charges is None or case.state is not CaseState.UNASSIGNED:
        return Decision(state=case)
    edition = code_sets.on(case.day)
    diagnoses, procedures = superbill_codes(case)
    edits = evaluate(
        diagnoses,
        procedures,
        setting=case.setting,
        day=case.day,
        edition=edition,
        tables=code_sets.tables,
        pcs=code_sets.procedures(case.day) if case.setting is intake.Setting.INPATIENT else None,
        form=case.claim_form,
    )
    if blocking(edits) or not procedures:
        return Decision(state=replace(case, edits=edits))
    final = FinalCodes(
        diagnoses=diagnoses,
        procedures=procedures,
        release=release_name(edition),
        finalised_by=SYSTEM,
        finalised_at=moment.now,
        not_evaluated=unevaluated(edits),
    )
    events: list[Event] = []
    if not case.started:
        case = replace(case, started=True, version=case.version + 1)
        events.append(CodingStarted(actor=SYSTEM, facility_id=case.facility_id, case_version=case.version))
    case = replace(
        case,
        state=CaseState.FINAL_CODED,
        version=case.version + 1,
        final=final,
        edits=edits,
        release=final.release,
    )
    events.append(finalised_event(case, final))
    return Decision(state=case, events=tuple(events))


def _recode_superbill(case: CodingCase, moment: Moment, code_sets: CodeSets) -> CaseDecision:
    """The provider's lines changed after coding: open the chart and judge them anew."""
    version = case.version + 1
    event = CodingReopened(
        actor=SYSTEM, facility_id=case.facility_id, case_version=version, reason="documentation-amended"
    )
    again = _finalise_superbill(replace(case, state=CaseState.UNASSIGNED, version=version), moment, code_sets)
    return Decision(state=again.state, events=(event, *again.events))


def superbill_codes(case: CodingCase) -> tuple[tuple[FinalDiagnosis, ...], tuple[FinalProcedure, ...]]:
    """Return a superbill's codes in claim order;
    lines point to the diagnoses that the source linked to them.
    """
    listed = list(dict.fromkeys(case.provider_diagnoses))
    for line in case.charges or ():
        listed.extend(code for code in map(plain_code, line.diagnoses) if code not in listed)
    diagnoses = tuple(
        FinalDiagnosis(
            code=code,
            role="first-listed" if at == 0 else "external-cause" if code[:1] in "VWXY" else "secondary",
        )
        for at, code in enumerate(listed)
        if code
    )
    default = default_pointers(diagnoses)
    place = {item.code: at for at, item in enumerate(diagnoses, 1)}
    procedures = tuple(
        FinalProcedure(
            system=procedure_system(line.code),
            code=line.code,
            service_date=line.service_date,
            units=line.units,
            modifiers=line.modifiers,
            pointers=tuple(place[plain_code(code)] for code in line.diagnoses if plain_code(code) in place)[
                :MAX_POINTERS
            ]
            or default,
            charge_cents=line.charge_cents,
            revenue_code=line.revenue_code,
        )
        for line in case.charges or ()
        if line.code
    )
    return diagnoses, procedures


def finalised_event(case: CodingCase, final: FinalCodes) -> CodingFinalised:
    """Make the fact that billing builds the claim from."""
    return CodingFinalised(
        actor=final.finalised_by,
        facility_id=case.facility_id,
        case_version=case.version,
        setting=case.setting,
        claim_form=case.claim_form,
        service_from=case.service_from,
        service_through=case.service_through,
        release=final.release,
        diagnoses=final.diagnoses,
        procedures=final.procedures,
        drg=final.grouping.drg if final.grouping else None,
        edits_not_evaluated=final.not_evaluated,
        automatic=final.finalised_by == SYSTEM and not case.precoded,
    )
