"""Bodies in and out of the chart's routes."""

from dataclasses import replace
from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints
from rcm_shared.contracts.coding import FinalDiagnosis, FinalProcedure
from rcm_shared.contracts.intake import ClaimForm, DocumentRef, Setting

from rcm_coding.api.deps import Body
from rcm_coding.domain.case import (
    CaseQuery,
    CaseState,
    Choice,
    CodeAssignment,
    CodingCase,
    Grouping,
    OpenGap,
    SecondReview,
    SuppressedCode,
    codes_for_claim,
)
from rcm_coding.domain.edits import Edit
from rcm_coding.domain.worklist import Urgency
from rcm_coding.engine.evidence import Alternative, Evidence, Finding
from rcm_coding.handlers import commands
from rcm_coding.repository.history import Handling

Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.]{3,9}$")]
Modifier = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{2}$")]
Reason = Annotated[str, StringConstraints(min_length=3, max_length=500)]
Subject = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9@._:-]{1,80}$")]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000)]


class AssignmentOut(Body):
    """One code on the chart. `evidence` are places in the documents (characters);
    the texts stay with intake.
    """

    suggestion_id: UUID
    system: str
    code: str
    description: str
    role: str
    decision: Choice
    source: str
    score: float
    tier: str
    modifiers: tuple[str, ...]
    units: int
    poa: str | None
    service_date: date | None
    pointers: tuple[int, ...]
    evidence: tuple[Evidence, ...]
    alternatives: tuple[Alternative, ...]
    rules: tuple[str, ...]
    suggested_code: str | None
    reason: str | None
    decided_by: str | None


class GapOut(Body):
    gap_id: UUID
    rule: str
    code: str
    indicators: tuple[Evidence, ...]


class FinalOut(Body):
    """The final codes in claim order."""

    diagnoses: tuple[FinalDiagnosis, ...]
    procedures: tuple[FinalProcedure, ...]
    release: str
    finalised_by: str
    finalised_at: datetime
    not_evaluated: tuple[str, ...]
    override_reason: str | None
    changed_after_payment: bool


class CaseOut(Body):
    """One chart with everything that coding knows of it; no note text and no demographics."""

    encounter_id: UUID
    facility_id: str
    state: CaseState
    version: int
    setting: Setting
    claim_form: ClaimForm
    service_from: date
    service_through: date
    record_version: int
    assignee: str | None
    hold_reason: str | None
    hold_owner: str | None
    lock_until: datetime | None
    urgency: str | None
    payer_id: str | None
    previous_coder: str | None
    second_review: SecondReview | None
    precoded: bool
    documents: tuple[DocumentRef, ...]
    suggested: bool  # whether the suggestions are of the record as it stands
    suggestions: tuple[AssignmentOut, ...]
    suppressed: tuple[SuppressedCode, ...]
    gaps: tuple[GapOut, ...]
    queries: tuple[CaseQuery, ...]
    edits: tuple[Edit, ...]
    findings: tuple[Finding, ...]  # missed, too vague, too aggressive: for a person to look at
    diagnoses: tuple[FinalDiagnosis, ...]  # the codes chosen so far, in claim order
    procedures: tuple[FinalProcedure, ...]
    drg: Grouping | None
    final: FinalOut | None
    release: str
    engine: str
    reopen_reasons: tuple[str, ...]
    recode_requested: bool  # billing, a payer or audit sent it back and it is not final again
    coded_by: str | None  # of a chart that waits for its check before billing
    not_evaluated: tuple[str, ...]


class DecideIn(Body):
    """A coder's word on one suggestion. An override needs `code` and `reason`."""

    suggestion_id: UUID
    action: Literal["accept", "override", "reject"]
    code: Code | None = None
    reason: Reason | None = None
    role: (
        Literal["principal", "first-listed", "secondary", "external-cause", "admitting", "reason-for-visit"]
        | None
    ) = None
    modifiers: Annotated[tuple[Modifier, ...], Field(max_length=4)] | None = None
    poa: Literal["Y", "N", "U", "W", "1"] | None = None


class EvidenceIn(Body):
    document_id: UUID
    version: Annotated[int, Field(ge=1)]
    start: Annotated[int, Field(ge=0)]
    end: Annotated[int, Field(ge=1)]
    section: Annotated[str, StringConstraints(max_length=40)] = ""
    role: Annotated[str, StringConstraints(max_length=40)] = "diagnosis"


class AddIn(Body):
    """A code that the coder adds: with the words that support it, or a reason."""

    system: Literal["ICD-10-CM", "CPT", "HCPCS", "ICD-10-PCS"]
    code: Code
    role: Literal[
        "principal",
        "first-listed",
        "secondary",
        "external-cause",
        "admitting",
        "reason-for-visit",
        "procedure",
    ] = "secondary"
    poa: Literal["Y", "N", "U", "W", "1"] | None = None
    modifiers: Annotated[tuple[Modifier, ...], Field(max_length=4)] = ()
    units: Annotated[int, Field(ge=1, le=9999)] = 1
    service_date: date | None = None
    pointers: Annotated[tuple[int, ...], Field(max_length=4)] = ()
    evidence: Annotated[tuple[EvidenceIn, ...], Field(max_length=20)] = ()
    reason: Reason | None = None


class DecisionsIn(Body):
    decisions: Annotated[tuple[DecideIn, ...], Field(max_length=200)] = ()
    add: Annotated[tuple[AddIn, ...], Field(max_length=100)] = ()


class QueryIn(Body):
    gap_id: UUID
    provider_id: Annotated[str, StringConstraints(max_length=80)] | None = None


class HoldIn(Body):
    """`owner`: a person or a role that must act; its coder when none is named."""

    reason: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{2,40}$")]
    owner: Subject | None = None


class AssignIn(Body):
    assignee: Subject


class UrgencyIn(Body):
    urgency: Urgency


class ReasonIn(Body):
    reason: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{2,40}$")]


class CommentIn(Body):
    body: Words


class OpinionIn(Body):
    """A question to a colleague; without `colleague` any qualified one may answer."""

    body: Words
    colleague: Subject | None = None


class CommentOut(Body):
    id: UUID
    author: str
    kind: str
    body: str
    at: datetime


class ThreadOut(Body):
    open: SecondReview | None
    comments: tuple[CommentOut, ...]


class HandlingOut(Body):
    handling: tuple[Handling, ...]


class PaymentOut(Body):
    charge_cents: int
    drg: Grouping | None
    changed_after_payment: bool


class FinaliseIn(Body):
    """`override_reason`: why an auditor finalises although a query is open."""

    override_reason: Reason | None = None


def case_out(case: CodingCase) -> CaseOut:
    """Show a case as the API does. What it pays is hidden until it is coded."""
    diagnoses, procedures = codes_for_claim(case)
    final = case.final
    if case.state is not CaseState.FINAL_CODED:
        procedures = tuple(replace(item, charge_cents=None) for item in procedures)
    return CaseOut(
        encounter_id=case.encounter_id,
        facility_id=case.facility_id,
        state=case.state,
        version=case.version,
        setting=case.setting,
        claim_form=case.claim_form,
        service_from=case.service_from,
        service_through=case.service_through,
        record_version=case.record_version,
        assignee=case.assignee,
        hold_reason=case.hold_reason,
        hold_owner=case.hold_owner,
        lock_until=case.lock_until,
        urgency=case.urgency,
        payer_id=case.payer_id,
        previous_coder=case.previous_coder,
        second_review=case.second_review,
        recode_requested=case.recode_requested,
        coded_by=case.coded_by,
        precoded=case.precoded,
        documents=case.documents,
        suggested=case.suggested_version == case.record_version,
        suggestions=tuple(map(_assignment_out, case.assignments)),
        suppressed=case.suppressed,
        gaps=tuple(map(_gap_out, case.gaps)),
        queries=case.queries,
        edits=case.edits,
        findings=case.findings,
        diagnoses=diagnoses,
        procedures=procedures,
        drg=final.grouping if final else case.working,
        final=FinalOut(
            diagnoses=final.diagnoses,
            procedures=final.procedures,
            release=final.release,
            finalised_by=final.finalised_by,
            finalised_at=final.finalised_at,
            not_evaluated=final.not_evaluated,
            override_reason=final.override_reason,
            changed_after_payment=final.changed_after_payment,
        )
        if final
        else None,
        release=case.release,
        engine=case.engine,
        reopen_reasons=case.reopen_reasons,
        not_evaluated=case.not_evaluated,
    )


def _assignment_out(item: CodeAssignment) -> AssignmentOut:
    return AssignmentOut(
        suggestion_id=item.id,
        system=item.system,
        code=item.code,
        description=item.description,
        role=item.role,
        decision=item.choice,
        source=item.source,
        score=item.score,
        tier="high" if item.score >= 0.8 else "review" if item.score >= 0.5 else "possible",
        modifiers=item.modifiers,
        units=item.units,
        poa=item.poa,
        service_date=item.service_date,
        pointers=item.pointers,
        evidence=item.evidence,
        alternatives=item.alternatives,
        rules=item.rules,
        suggested_code=item.suggested_code,
        reason=item.reason,
        decided_by=item.decided_by,
    )


def _gap_out(gap: OpenGap) -> GapOut:
    return GapOut(gap_id=gap.id, rule=gap.rule, code=gap.code, indicators=gap.indicators)


def decisions_of(body: DecisionsIn) -> list[commands.Decide]:
    """Return what the coder said of suggestions."""
    return [
        commands.Decide(
            item.suggestion_id, item.action, item.code, item.reason, item.role, item.modifiers, item.poa
        )
        for item in body.decisions
    ]


def additions_of(body: DecisionsIn) -> list[commands.Add]:
    """Return the codes that the coder adds."""
    return [
        commands.Add(
            system=item.system,
            code=item.code,
            role=item.role,
            poa=item.poa,
            modifiers=item.modifiers,
            units=item.units,
            service_date=item.service_date,
            pointers=item.pointers,
            evidence=tuple(
                Evidence(place.document_id, place.version, place.start, place.end, place.section, place.role)
                for place in item.evidence
            ),
            reason=item.reason,
        )
        for item in body.add
    ]
