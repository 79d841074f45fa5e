"""HTTP in: one chart and what a coder does with it.

A command may carry `If-Match` with the chart's version as it was read; another version is refused (412).
"""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel
from rcm_shared.auth import Principal, Role, allow
from rcm_shared.contracts.intake import Setting
from rcm_shared.errors import Poison, Refused, Transient
from rcm_shared.messaging.decide import Decision
from rcm_shared.messaging.uow import UnitOfWork
from rcm_shared.runtime import Runtime
from rcm_shared.web.app import runtime_of
from rcm_shared.web.idempotency import idempotent

from rcm_coding import repository
from rcm_coding.api.deps import CODERS, LEADS, READERS, Deps, deps_of
from rcm_coding.api.shapes import (
    AssignIn,
    CaseOut,
    CommentIn,
    CommentOut,
    DecisionsIn,
    FinaliseIn,
    HandlingOut,
    HoldIn,
    OpinionIn,
    PaymentOut,
    QueryIn,
    ReasonIn,
    ThreadOut,
    UrgencyIn,
    additions_of,
    case_out,
    decisions_of,
)
from rcm_coding.domain.case import CaseState, CodingCase, Grouping, codes_for_claim
from rcm_coding.domain.edit import Edit
from rcm_coding.domain.errors import NotCoded
from rcm_coding.domain.worklist import value_cents
from rcm_coding.handlers import charts, commands, handling, judging, prebill
from rcm_coding.handlers.charts import Act, Command
from rcm_coding.repository import history

router = APIRouter(prefix="/v1", tags=["coding"])

Coder = Annotated[Principal, Depends(allow(*CODERS))]
Lead = Annotated[Principal, Depends(allow(*LEADS))]
_ETAG = re.compile(r'(?:W/)?"(\d{1,9})"')


@router.get("/cases/{encounter_id}")
async def get_case(
    encounter_id: UUID,
    response: Response,
    runtime: Annotated[Runtime, Depends(runtime_of)],
    who: Annotated[Principal, Depends(allow(*READERS))],
) -> CaseOut:
    """Show one chart; the reading is written to the access log."""
    async with runtime.transaction(who.subject) as uow:
        case = await charts.read(uow, who, encounter_id)
    response.headers["etag"] = f'"{case.version}"'
    return case_out(case)


@router.get("/cases/{encounter_id}/handling")
async def get_handling(
    encounter_id: UUID,
    runtime: Annotated[Runtime, Depends(runtime_of)],
    who: Annotated[Principal, Depends(allow("coder", "auditor", "operations"))],
) -> HandlingOut:
    """Show who had the chart when, and every change of its state by a person."""
    async with runtime.transaction(who.subject) as uow:
        await charts.read(uow, who, encounter_id)
        return HandlingOut(handling=tuple(await history.list_handling(uow.conn, encounter_id)))


@router.get("/cases/{encounter_id}/payment")
async def get_payment(
    encounter_id: UUID, runtime: Annotated[Runtime, Depends(runtime_of)], who: Coder
) -> PaymentOut:
    """Show what a final chart is worth; later changes of its codes are flagged.

    Raises: NotCoded while the chart is not final.
    """
    async with runtime.transaction(who.subject) as uow:
        case = await charts.read(uow, who, encounter_id)
        if case.state is not CaseState.FINAL_CODED or case.final is None:
            raise NotCoded
    return PaymentOut(
        charge_cents=value_cents(case),
        drg=case.final.grouping,
        changed_after_payment=case.final.changed_after_payment,
    )


@router.post("/cases/{encounter_id}/start")
async def start_case(encounter_id: UUID, request: Request, who: Coder) -> Response:
    """Take the chart up."""
    return await run_command(request, who, encounter_id, "start", starting(who), for_coder=who.subject)


@router.post("/cases/{encounter_id}/return")
async def return_case(encounter_id: UUID, request: Request, who: Coder) -> Response:
    """Give an unfinished chart back to the worklist."""
    return await run_command(
        request, who, encounter_id, "return", lambda case, _: commands.give_back(case, who.subject)
    )


@router.post("/cases/{encounter_id}/assign")
async def assign_case(encounter_id: UUID, body: AssignIn, request: Request, who: Lead) -> Response:
    """Give the chart to a coder whose certificates fit it."""
    return await run_command(
        request,
        who,
        encounter_id,
        "assign",
        assigning(body.assignee),
        for_coder=body.assignee,
    )


@router.post("/cases/{encounter_id}/urgency")
async def set_urgency(encounter_id: UUID, body: UrgencyIn, request: Request, who: Lead) -> Response:
    """Bring the chart forward in its queue."""
    return await run_command(
        request,
        who,
        encounter_id,
        "urgency",
        lambda case, _: handling.set_urgency(case, body.urgency),
        reason=body.urgency,
    )


@router.post("/cases/{encounter_id}/hold")
async def hold_case(encounter_id: UUID, body: HoldIn, request: Request, who: Coder) -> Response:
    """Put the chart aside with a reason and whoever must act."""
    return await run_command(
        request,
        who,
        encounter_id,
        "hold",
        lambda case, _: commands.hold(case, who.subject, body.reason, body.owner),
        reason=body.reason,
    )


@router.post("/cases/{encounter_id}/reopen")
async def reopen_case(encounter_id: UUID, body: ReasonIn, request: Request, who: Coder) -> Response:
    """Open a final chart again; what was coded becomes decided codes to work on."""
    return await run_command(
        request,
        who,
        encounter_id,
        "reopen",
        lambda case, _: handling.reopen(case, who.subject, lead=charts.is_lead(who)),
        reason=body.reason,
    )


@router.post("/cases/{encounter_id}/decisions")
async def decide_case(encounter_id: UUID, body: DecisionsIn, request: Request, who: Coder) -> Response:
    """Accept, override or reject suggestions, and add codes; all of it or nothing."""
    decisions, additions = decisions_of(body), additions_of(body)
    deps = deps_of(request)
    return await run_command(
        request,
        who,
        encounter_id,
        "decide",
        lambda case, _: commands.decide(case, who.subject, decisions, additions, deps.code_sets()),
    )


@router.post("/cases/{encounter_id}/query")
async def query_provider(encounter_id: UUID, body: QueryIn, request: Request, who: Coder) -> Response:
    """Ask the provider about a gap; the chart waits for the answer."""
    return await run_command(
        request,
        who,
        encounter_id,
        "query",
        lambda case, _: commands.request_query(case, who.subject, body.gap_id, body.provider_id),
    )


@router.get("/cases/{encounter_id}/thread")
async def get_thread(
    encounter_id: UUID, runtime: Annotated[Runtime, Depends(runtime_of)], who: Coder
) -> ThreadOut:
    """Show the second-opinion thread that is kept with the chart."""
    async with runtime.transaction(who.subject) as uow:
        case = await charts.read(uow, who, encounter_id)
        comments = await history.list_comments(uow.conn, encounter_id)
    return ThreadOut(
        open=case.second_review,
        comments=tuple(
            CommentOut(**{name: getattr(item, name) for name in CommentOut.model_fields}) for item in comments
        ),
    )


@router.post("/cases/{encounter_id}/opinion/ask")
async def ask_opinion(encounter_id: UUID, body: OpinionIn, request: Request, who: Coder) -> Response:
    """Ask a colleague about a hard case; the chart waits, and nobody can finalise it meanwhile."""
    return await run_command(
        request,
        who,
        encounter_id,
        "ask-opinion",
        lambda case, now: handling.ask_opinion(case, who.subject, body.colleague, now.now),
        words=("question", body.body),
    )


@router.post("/cases/{encounter_id}/opinion/give")
async def give_opinion(encounter_id: UUID, body: CommentIn, request: Request, who: Coder) -> Response:
    """Answer a colleague; the chart goes back to who asked."""
    return await run_command(
        request,
        who,
        encounter_id,
        "give-opinion",
        lambda case, _: handling.give_opinion(case, who.subject),
        words=("opinion", body.body),
    )


@router.post("/cases/{encounter_id}/opinion/withdraw")
async def withdraw_opinion(encounter_id: UUID, body: CommentIn, request: Request, who: Coder) -> Response:
    """Go on without the opinion."""
    return await run_command(
        request,
        who,
        encounter_id,
        "withdraw-opinion",
        lambda case, _: handling.withdraw_opinion(case, who.subject),
        words=("withdrawn", body.body),
    )


@router.post("/cases/{encounter_id}/validate")
async def validate_case(encounter_id: UUID, request: Request, who: Coder) -> Response:
    """Evaluate the edits of the codes chosen so far, group an inpatient stay, and keep both with the chart."""
    deps = deps_of(request)
    grouping = await grouping_of(runtime_of(request), who, encounter_id, deps, required=False)
    return await run_command(
        request, who, encounter_id, "validate", validating(deps, grouping), quiet=True, judges=True
    )


@router.post("/cases/{encounter_id}/finalise")
async def finalise_case(encounter_id: UUID, body: FinaliseIn, request: Request, who: Coder) -> Response:
    """Make the decision final: group an inpatient stay, refuse what an edit or an open query stops."""
    deps = deps_of(request)
    grouping = await grouping_of(runtime_of(request), who, encounter_id, deps)
    return await run_command(
        request,
        who,
        encounter_id,
        "finalise",
        finalising(who, deps, grouping, body.override_reason),
        reason=body.override_reason,
        for_coder=who.subject,
        judges=True,
    )


@dataclass(frozen=True, slots=True)
class StayRules:
    """What needs the facts of an inpatient stay: its DRG, and what the Medicare Code Editor says."""

    group: Callable[[CodingCase], Grouping]
    edit: Callable[[CodingCase], tuple[Edit, ...]]


def starting(who: Principal) -> Act:
    """Take up for oneself."""
    return lambda case, now: commands.start(case, who.subject, now.now, now.policy.lock)


def assigning(assignee: str, from_holder: str | None = None) -> Act:
    """Give to a coder for a shift."""
    return lambda case, now: handling.assign(
        case, assignee, now.now, timedelta(hours=now.policy.assigned_hours), from_holder=from_holder
    )


def validating(deps: Deps, grouping: StayRules | None) -> Act:
    """Compute edits and the DRG without finalising."""

    def act(case: CodingCase, now: charts.Circumstances) -> commands.CaseDecision:
        state = commands.validate(case, deps.code_sets().beside(now.tables), edited(case, grouping))
        findings = judging.findings_of(state, deps.code_sets())
        working = grouped(case, grouping)
        if working is not None:  # payment stays hidden until the chart is coded
            working = replace(working, weight=None, weight_release="")
        return Decision(state=replace(state, working=working, findings=findings))

    return act


def finalising(who: Principal, deps: Deps, grouping: StayRules | None, override_reason: str | None) -> Act:
    """Make final."""
    return lambda case, now: commands.finalise(
        case,
        who.subject,
        now.now,
        deps.code_sets().beside(now.tables),
        grouping=grouped(case, grouping),
        stay_edits=edited(case, grouping),
        override_reason=override_reason,
        may_override=Role.AUDITOR in who.roles,
        payment_seen=now.payment_seen,
        check=prebill.is_checked(case, now.policy),
    )


def grouped(case: CodingCase, stay: StayRules | None) -> Grouping | None:
    """Return the DRG of an inpatient chart's codes as they stand."""
    return stay.group(case) if stay and case.setting is Setting.INPATIENT else None


def edited(case: CodingCase, stay: StayRules | None) -> tuple[Edit, ...] | None:
    """Return what the Medicare Code Editor says of an inpatient chart's codes as they stand; None: not asked."""
    return stay.edit(case) if stay and case.setting is Setting.INPATIENT else None


async def grouping_of(
    runtime: Runtime, who: Principal, encounter_id: UUID, deps: Deps, *, required: bool = True
) -> StayRules | None:
    """Fetch what grouping needs of an inpatient stay before the transaction; other settings need nothing.

    Raises: Refused when `required` and the stay's facts cannot be had.
    """
    async with runtime.http_pool.acquire() as conn:
        case = await repository.find_case(conn, encounter_id)
    if case is None or not who.sees(case.facility_id) or case.setting is not Setting.INPATIENT:
        return None
    try:
        stay = await asyncio.wait_for(deps.intake.stay(encounter_id), 10)
    except (Transient, Poison, TimeoutError):
        if not required:
            return None
        raise Refused("intake-unavailable", "the stay's facts cannot be read now", status=503) from None
    if stay is None:
        raise Refused("stay-unknown", "intake knows no such stay", status=409)

    await asyncio.to_thread(deps.code_sets().procedures, case.day)  # the first look-up of a year is slow
    return StayRules(
        lambda current: deps.weigh(deps.group(*codes_for_claim(current), stay), stay.discharged_on),
        lambda current: deps.edit_stay(*codes_for_claim(current), stay),
    )


async def run_command(
    request: Request,
    who: Principal,
    encounter_id: UUID,
    action: str,
    act: Act,
    *,
    reason: str | None = None,
    for_coder: str | None = None,
    quiet: bool = False,
    judges: bool = False,
    words: tuple[str, str] | None = None,
) -> Response:
    """Run one command on a locked case and answer with the case as it stands then."""
    command = Command(action, act, expected_version(request), reason, for_coder, quiet, judges)

    async def run(uow: UnitOfWork) -> tuple[int, BaseModel]:
        after = await charts.change(uow, who, encounter_id, command)
        if words:
            await charts.say(uow, who, after, *words)
        return 200, case_out(after)

    return await idempotent(request, who, run)


def expected_version(request: Request) -> int | None:
    """Return the version of `If-Match`, or None when any will do.

    Raises: Refused for a header that names no version.
    """
    header = request.headers.get("if-match")
    if header is None or header.strip() == "*":
        return None
    found = _ETAG.fullmatch(header.strip())
    if found is None:
        raise Refused("if-match-invalid", "If-Match is the version in quotes, as ETag gives it", status=400)
    return int(found.group(1))
