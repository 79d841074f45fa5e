"""HTTP in: the worklist, one chart and what a coder does with it; code sets for those who judge by them."""

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from rcm_shared.auth import Principal, Role, allow
from rcm_shared.contracts.coding import FinalDiagnosis, FinalProcedure
from rcm_shared.contracts.intake import ClaimForm, DocumentRef, Setting
from rcm_shared.errors import NotFound, Poison, Refused, Transient
from rcm_shared.messaging.decide import Decision, Moment, record
from rcm_shared.messaging.uow import UnitOfWork
from rcm_shared.runtime import Runtime
from rcm_shared.web.app import runtime_of
from rcm_shared.web.idempotency import idempotent

from rcm_coding import repository
from rcm_coding.domain.case import (
    CaseQuery,
    CaseState,
    Choice,
    CodeAssignment,
    CodingCase,
    Grouping,
    OpenGap,
    SuppressedCode,
    codes_for_claim,
)
from rcm_coding.domain.code_set import CodeSets
from rcm_coding.domain.edits import Edit
from rcm_coding.engine.evidence import Alternative, Evidence
from rcm_coding.gateways.grouper import Group
from rcm_coding.gateways.intake import Intake
from rcm_coding.gateways.releases import billable_codes
from rcm_coding.handlers import commands

router = APIRouter(prefix="/v1", tags=["coding"])

READERS = ("coder", "auditor", "service")
CODERS = ("coder", "auditor")
MAX_LINES = 200
ICD10CM = "ICD-10-CM"

Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.]{3,9}$")]
Modifier = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{2}$")]
Reason = Annotated[str, StringConstraints(min_length=3, max_length=500)]


@dataclass(frozen=True, slots=True)
class Deps:
    """What the routes need beside the database; built in app.py."""

    code_sets: Callable[[], CodeSets]
    intake: Intake
    group: Group


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class CaseLineOut(_Body):
    """One chart in the worklist."""

    encounter_id: UUID
    facility_id: str
    state: CaseState
    setting: Setting
    assignee: str | None
    service_through: date
    completed_at: datetime | None
    version: int


class CaseList(_Body):
    cases: tuple[CaseLineOut, ...]


class AssignmentOut(_Body):
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


class GapOut(_Body):
    gap_id: UUID
    rule: str
    code: str
    indicators: tuple[Evidence, ...]


class FinalOut(_Body):
    """The final codes in claim order."""

    diagnoses: tuple[FinalDiagnosis, ...]
    procedures: tuple[FinalProcedure, ...]
    release: str
    finalised_by: str
    finalised_at: datetime
    not_evaluated: tuple[str, ...]
    override_reason: str | None


class CaseOut(_Body):
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
    precoded: bool
    documents: tuple[DocumentRef, ...]
    suggested: bool  # whether the suggestions are of the record as it stands
    suggestions: tuple[AssignmentOut, ...]
    suppressed: tuple[SuppressedCode, ...]
    gaps: tuple[GapOut, ...]
    queries: tuple[CaseQuery, ...]
    edits: tuple[Edit, ...]
    diagnoses: tuple[FinalDiagnosis, ...]  # the codes chosen so far, in claim order
    procedures: tuple[FinalProcedure, ...]
    drg: Grouping | None
    final: FinalOut | None
    release: str
    engine: str
    reopen_reasons: tuple[str, ...]
    not_evaluated: tuple[str, ...]


class DecideIn(_Body):
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


class EvidenceIn(_Body):
    document_id: UUID
    version: Annotated[int, Field(ge=1)]
    start: Annotated[int, Field(ge=0)]
    end: Annotated[int, Field(ge=1)]
    section: Annotated[str, StringConstraints(max_length=40)] = ""
    role: Annotated[str, StringConstraints(max_length=40)] = "diagnosis"


class AddIn(_Body):
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


class DecisionsIn(_Body):
    decisions: Annotated[tuple[DecideIn, ...], Field(max_length=200)] = ()
    add: Annotated[tuple[AddIn, ...], Field(max_length=100)] = ()


class QueryIn(_Body):
    gap_id: UUID
    provider_id: Annotated[str, StringConstraints(max_length=80)] | None = None


class HoldIn(_Body):
    reason: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{2,40}$")]


class FinaliseIn(_Body):
    """`override_reason`: why an auditor finalises although a query is open."""

    override_reason: Reason | None = None


class ReleaseOut(_Body):
    """One loaded code-set release. `active`: a chart whose date lies in its years is coded by it."""

    system: str
    edition: str
    effective_from: date
    effective_to: date
    sha256: str
    active: bool


class ReleaseList(_Body):
    codesets: tuple[ReleaseOut, ...]


class BillableOut(_Body):
    """The codes of one release that may stand on a claim, one a line, without dots and with 7th characters.

    `sha256` names the release; `codes_sha256` is over `codes` in UTF-8, for the reader to verify.
    """

    system: str
    edition: str
    effective_from: date
    effective_to: date
    sha256: str
    codes_sha256: str
    count: int
    codes: str


def case_out(case: CodingCase) -> CaseOut:
    """Show a case as the API does."""
    diagnoses, procedures = codes_for_claim(case)
    final = case.final
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
        precoded=case.precoded,
        documents=case.documents,
        suggested=case.suggested_version == case.record_version,
        suggestions=tuple(map(_assignment_out, case.assignments)),
        suppressed=case.suppressed,
        gaps=tuple(map(_gap_out, case.gaps)),
        queries=case.queries,
        edits=case.edits,
        diagnoses=diagnoses,
        procedures=procedures,
        drg=final.grouping if final else None,
        final=FinalOut(
            diagnoses=final.diagnoses,
            procedures=final.procedures,
            release=final.release,
            finalised_by=final.finalised_by,
            finalised_at=final.finalised_at,
            not_evaluated=final.not_evaluated,
            override_reason=final.override_reason,
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


@router.get("/cases")
async def list_cases(
    runtime: Annotated[Runtime, Depends(runtime_of)],
    who: Annotated[Principal, Depends(allow("coder", "auditor", "operations", "service"))],
    state: Annotated[list[CaseState] | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_LINES)] = 50,
) -> CaseList:
    """List charts, the longest waiting first; without `state` those that still need work."""
    async with runtime.http_pool.acquire() as conn:
        lines = await repository.list_cases(
            conn,
            states=[item.value for item in state or repository.OPEN_STATES],
            facilities=who.facility_filter(),
            limit=limit,
        )
    return CaseList(
        cases=tuple(
            CaseLineOut(
                encounter_id=line.encounter_id,
                facility_id=line.facility_id,
                state=CaseState(line.state),
                setting=Setting(line.setting),
                assignee=line.assignee,
                service_through=line.service_through,
                completed_at=line.completed_at,
                version=line.version,
            )
            for line in lines
        )
    )


@router.get("/cases/{encounter_id}")
async def get_case(
    encounter_id: UUID,
    runtime: Annotated[Runtime, Depends(runtime_of)],
    who: Annotated[Principal, Depends(allow(*READERS))],
) -> CaseOut:
    """Show one chart; the reading is written to the access log."""
    async with runtime.transaction(who.subject) as uow:
        case = await repository.find_case(uow.conn, encounter_id)
        if case is None or not who.sees(case.facility_id):
            raise NotFound("case")
        uow.record_access(encounter_id=encounter_id, subject=who.subject, purpose="coding", what="chart")
    return case_out(case)


@router.post("/cases/{encounter_id}/start")
async def start_case(
    encounter_id: UUID, request: Request, who: Annotated[Principal, Depends(allow(*CODERS))]
) -> Response:
    """Take the chart up."""
    return await _command(request, who, encounter_id, lambda case, _now: commands.start(case, who.subject))


@router.post("/cases/{encounter_id}/return")
async def return_case(
    encounter_id: UUID, request: Request, who: Annotated[Principal, Depends(allow(*CODERS))]
) -> Response:
    """Give an unfinished chart back to the worklist."""
    return await _command(
        request, who, encounter_id, lambda case, _now: commands.give_back(case, who.subject)
    )


@router.post("/cases/{encounter_id}/hold")
async def hold_case(
    encounter_id: UUID, body: HoldIn, request: Request, who: Annotated[Principal, Depends(allow(*CODERS))]
) -> Response:
    """Put the chart aside with a reason."""
    return await _command(
        request, who, encounter_id, lambda case, _now: commands.hold(case, who.subject, body.reason)
    )


@router.post("/cases/{encounter_id}/decisions")
async def decide_case(
    encounter_id: UUID,
    body: DecisionsIn,
    request: Request,
    who: Annotated[Principal, Depends(allow(*CODERS))],
) -> Response:
    """Accept, override or reject suggestions, and add codes; all of it or nothing."""
    decisions = [
        commands.Decide(
            item.suggestion_id, item.action, item.code, item.reason, item.role, item.modifiers, item.poa
        )
        for item in body.decisions
    ]
    additions = [
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
    deps = _deps(request)
    return await _command(
        request,
        who,
        encounter_id,
        lambda case, _now: commands.decide(case, who.subject, decisions, additions, deps.code_sets()),
        log=True,
    )


@router.post("/cases/{encounter_id}/query")
async def query_provider(
    encounter_id: UUID, body: QueryIn, request: Request, who: Annotated[Principal, Depends(allow(*CODERS))]
) -> Response:
    """Ask the provider about a gap; the chart waits for the answer."""
    return await _command(
        request,
        who,
        encounter_id,
        lambda case, _now: commands.request_query(case, who.subject, body.gap_id, body.provider_id),
    )


@router.post("/cases/{encounter_id}/validate")
async def validate_case(
    encounter_id: UUID, request: Request, who: Annotated[Principal, Depends(allow(*CODERS))]
) -> Response:
    """Evaluate the edits of the codes chosen so far and keep the result with the chart."""
    deps = _deps(request)
    return await _command(
        request,
        who,
        encounter_id,
        lambda case, _now: Decision(state=commands.validate(case, deps.code_sets())),
    )


@router.post("/cases/{encounter_id}/finalise")
async def finalise_case(
    encounter_id: UUID, body: FinaliseIn, request: Request, who: Annotated[Principal, Depends(allow(*CODERS))]
) -> Response:
    """Make the decision final: group an inpatient stay, refuse what an edit or an open query stops."""
    deps = _deps(request)
    grouping = await _grouping(request, who, encounter_id, deps)
    return await _command(
        request,
        who,
        encounter_id,
        lambda case, now: commands.finalise(
            case,
            who.subject,
            now,
            deps.code_sets(),
            grouping=grouping(case) if grouping and case.setting is Setting.INPATIENT else None,
            override_reason=body.override_reason,
            may_override=Role.AUDITOR in who.roles,
        ),
    )


@router.get("/codesets")
async def list_codesets(
    request: Request,
    _who: Annotated[Principal, Depends(allow("service", "coder", "biller", "auditor"))],
) -> ReleaseList:
    """List the code-set releases that this service codes by."""
    code_sets = _deps(request).code_sets()
    return ReleaseList(
        codesets=tuple(
            ReleaseOut(
                system=ICD10CM,
                edition=edition.edition,
                effective_from=edition.effective_from,
                effective_to=edition.effective_to,
                sha256=edition.sha256,
                active=code_sets.on(edition.effective_to) is edition,
            )
            for edition in code_sets.editions
        )
    )


@router.get("/codesets/{sha256}/billable")
async def get_billable(
    sha256: Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")],
    request: Request,
    _who: Annotated[Principal, Depends(allow("service"))],
) -> BillableOut:
    """Give another service the billable codes of one release."""
    found = (edition for edition in _deps(request).code_sets().editions if edition.sha256 == sha256)
    edition = next(found, None)
    if edition is None:
        raise NotFound("code set")
    codes = await asyncio.to_thread(billable_codes, edition)
    return BillableOut(
        system=ICD10CM,
        edition=edition.edition,
        effective_from=edition.effective_from,
        effective_to=edition.effective_to,
        sha256=edition.sha256,
        codes_sha256=hashlib.sha256(codes.encode()).hexdigest(),
        count=edition.billable_count,
        codes=codes,
    )


async def _grouping(
    request: Request, who: Principal, encounter_id: UUID, deps: Deps
) -> Callable[[CodingCase], Grouping] | None:
    """Fetch what grouping needs of an inpatient stay before the transaction; other settings need nothing."""
    runtime = runtime_of(request)
    async with runtime.http_pool.acquire() as conn:
        case = await repository.find_case(conn, encounter_id)
    if case is None or not who.sees(case.facility_id) or case.setting is not Setting.INPATIENT:
        return None
    try:
        stay = await asyncio.wait_for(deps.intake.stay(encounter_id), 10)
    except (Transient, Poison, TimeoutError):
        raise Refused("intake-unavailable", "the stay's facts cannot be read now", status=503) from None
    if stay is None:
        raise Refused("stay-unknown", "intake knows no such stay", status=409)

    def group(current: CodingCase) -> Grouping:
        return deps.group(*codes_for_claim(current), stay)

    return group


async def _command(
    request: Request,
    who: Principal,
    encounter_id: UUID,
    decide: Callable[[CodingCase, datetime], Decision[CodingCase]],
    *,
    log: bool = False,
) -> Response:
    """Run one command on a locked case and answer with the case as it stands then."""

    async def run(uow: UnitOfWork) -> tuple[int, BaseModel]:
        case = (await repository.load_cases(uow.conn, [encounter_id])).get(encounter_id)
        if case is None or not who.sees(case.facility_id):
            raise NotFound("case")
        decision = decide(case, uow.now)
        record(uow, Moment(uow.now, encounter_id), decision)
        after = decision.state or case
        if after != case:
            await repository.save_cases(uow.conn, {encounter_id: after})
        if log:
            before = {item.id: item for item in case.assignments}
            changed = [item for item in after.assignments if before.get(item.id) != item]
            await repository.log_decisions(uow.conn, after, who.subject, uow.now, changed)
        uow.record_access(encounter_id=encounter_id, subject=who.subject, purpose="coding", what="chart")
        return 200, case_out(after)

    return await idempotent(request, who, run)


def _deps(request: Request) -> Deps:
    deps: Deps = runtime_of(request).state["deps"]
    return deps
