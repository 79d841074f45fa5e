"""HTTP in: the worklist: pages in priority order, the next chart, shifts, month end."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, Field
from rcm_shared import clock
from rcm_shared.auth import Principal, Role, allow
from rcm_shared.contracts.intake import Setting
from rcm_shared.errors import Refused
from rcm_shared.messaging.uow import UnitOfWork
from rcm_shared.runtime import Runtime
from rcm_shared.web.app import runtime_of
from rcm_shared.web.idempotency import idempotent

from rcm_coding import repository
from rcm_coding.api.cases import assigning, starting
from rcm_coding.api.deps import CODERS, LEADS, Body
from rcm_coding.api.shapes import CaseOut, Subject, case_out
from rcm_coding.domain.case import CaseState
from rcm_coding.domain.worklist import OPEN_STATES, Urgency
from rcm_coding.handlers import charts, commands
from rcm_coding.handlers.charts import Command
from rcm_coding.repository import worklist
from rcm_coding.repository.worklist import QueueCount, WorkLine

router = APIRouter(prefix="/v1", tags=["coding"])

MAX_LINES = 200
MAX_SHIFT = 500  # charts given back or handed over at once
_CURSOR = re.compile(r"(\d{1,17})\.([0-9a-f-]{36})")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Queue = Annotated[str, Query(pattern=r"^[A-Za-z0-9-]{1,40}$")]
View = Literal["all", "free", "mine", "held"]
Worker = Annotated[Principal, Depends(allow("coder", "auditor", "operations"))]
Coder = Annotated[Principal, Depends(allow(*CODERS))]
Lead = Annotated[Principal, Depends(allow(*LEADS))]


class CaseLineOut(Body):
    """One chart in the worklist."""

    encounter_id: UUID
    facility_id: str
    state: CaseState
    setting: Setting
    assignee: str | None
    service_through: date
    completed_at: datetime | None
    version: int


class CaseList(Body):
    cases: tuple[CaseLineOut, ...]


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
            states=[item.value for item in state or OPEN_STATES],
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


class WorkLineOut(Body):
    """One chart in its queue. `charge_cents` only for those who do not code."""

    encounter_id: UUID
    facility_id: str
    state: CaseState
    setting: Setting
    queue: str
    work_type: str
    urgency: Urgency
    payer_id: str | None
    assignee: str | None
    lock_until: datetime | None
    hold_owner: str | None
    hold_reason: str | None
    returned: bool
    service_through: date
    completed_at: datetime | None
    due_at: datetime | None
    filing_deadline: date | None
    charge_cents: int | None
    version: int


class WorkPage(Body):
    """A page in priority order; `next` is the cursor of the page after it."""

    charts: tuple[WorkLineOut, ...]
    next: str | None


class QueueList(Body):
    queues: tuple[QueueCount, ...]


class NextIn(Body):
    queue: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,40}$")] | None = None


class NextOut(Body):
    """The chart that was taken up, or None when nothing is free."""

    case: CaseOut | None


class HandOverIn(Body):
    """`encounter_ids` None: everything that the coder holds."""

    to: Subject
    encounter_ids: Annotated[tuple[UUID, ...], Field(max_length=MAX_SHIFT)] | None = None


class ShiftOut(Body):
    """Charts that went back or over, and those that stayed with the code of the reason."""

    moved: tuple[UUID, ...]
    stayed: tuple[tuple[UUID, str], ...]


class UnfinishedOut(Body):
    """Discharged and not final coded through a day. Values only for those who do not code."""

    through: date
    charts: int
    charge_cents: int | None
    lines: tuple["UnfinishedLine", ...]


class UnfinishedLine(Body):
    queue: str
    state: CaseState
    charts: int
    charge_cents: int | None
    oldest: date
    over_goal: int


@router.get("/worklist")
async def page_worklist(
    runtime: Annotated[Runtime, Depends(runtime_of)],
    who: Worker,
    queue: Queue | None = None,
    view: View = "all",
    state: Annotated[list[CaseState] | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_LINES)] = 50,
    after: Annotated[str | None, Query(max_length=60)] = None,
) -> WorkPage:
    """Show a page of open charts, the most pressing first."""
    lines, following = await work_page(
        runtime, who, queue=queue, view=view, states=state, limit=limit, after=after
    )
    return WorkPage(charts=tuple(line_out(item, who) for item in lines), next=following)


async def work_page(
    runtime: Runtime,
    who: Principal,
    *,
    queue: str | None,
    view: View,
    limit: int,
    after: str | None,
    states: list[CaseState] | None = None,
) -> tuple[list[WorkLine], str | None]:
    """Return a page and the cursor of the next one.

    Raises: Refused for a cursor that no page gave.
    """
    if view == "held":
        states = [CaseState.ON_HOLD]
    async with runtime.http_pool.acquire() as conn:
        lines = await worklist.page_of(
            conn,
            now=clock.now(),
            facilities=who.facility_filter(),
            limit=limit + 1,
            after=_read_cursor(after) if after else None,
            queue=queue,
            assignee=who.subject if view == "mine" else None,
            states=[item.value for item in states] if states else None,
            free=view == "free",
        )
    following = _cursor(lines[limit - 1]) if len(lines) > limit else None
    return lines[:limit], following


@router.get("/worklist/queues")
async def list_queues(runtime: Annotated[Runtime, Depends(runtime_of)], who: Worker) -> QueueList:
    """Count the open, free and overdue charts of every queue."""
    async with runtime.http_pool.acquire() as conn:
        found = await worklist.count_queues(conn, now=clock.now(), facilities=who.facility_filter())
    return QueueList(queues=tuple(found))


@router.post("/worklist/next")
async def take_next(body: NextIn, request: Request, who: Coder) -> Response:
    """Take up the most pressing free chart that fits the coder's certificates."""

    async def run(uow: UnitOfWork) -> tuple[int, BaseModel]:
        case = await charts.take_next(uow, who, body.queue, starting(who))
        return 200, NextOut(case=case_out(case) if case else None)

    return await idempotent(request, who, run)


@router.post("/worklist/return-all")
async def return_all(request: Request, who: Coder) -> Response:
    """End a shift: everything unfinished goes back to the worklist. Charts on hold or under review stay."""

    async def run(uow: UnitOfWork) -> tuple[int, BaseModel]:
        held = await worklist.held_by(uow.conn, who.subject, who.facility_filter())
        act = Command("return", lambda case, _: commands.give_back(case, who.subject), reason="end-of-shift")
        return 200, await _each(uow, who, held[:MAX_SHIFT], act)

    return await idempotent(request, who, run)


@router.post("/worklist/hand-over")
async def hand_over(body: HandOverIn, request: Request, who: Coder) -> Response:
    """Hand a shift's charts to a colleague whose certificates fit them."""

    async def run(uow: UnitOfWork) -> tuple[int, BaseModel]:
        held = await worklist.held_by(uow.conn, who.subject, who.facility_filter())
        chosen = (
            held if body.encounter_ids is None else [key for key in held if key in set(body.encounter_ids)]
        )
        act = Command(
            "hand-over", assigning(body.to, from_holder=who.subject), reason="shift", for_coder=body.to
        )
        return 200, await _each(uow, who, chosen[:MAX_SHIFT], act)

    return await idempotent(request, who, run)


async def _each(uow: UnitOfWork, who: Principal, keys: list[UUID], command: Command) -> ShiftOut:
    moved: list[UUID] = []
    stayed: list[tuple[UUID, str]] = []
    for key in keys:
        try:
            await charts.change(uow, who, key, command)
            moved.append(key)
        except Refused as refusal:
            stayed.append((key, refusal.code))
    return ShiftOut(moved=tuple(moved), stayed=tuple(stayed))


@router.get("/worklist/unfinished")
async def show_unfinished(
    runtime: Annotated[Runtime, Depends(runtime_of)], who: Worker, through: date | None = None
) -> UnfinishedOut:
    """Show what is discharged and not final coded (DNFC) through a day; without one, of the month so far."""
    async with runtime.http_pool.acquire() as conn:
        now = clock.now()
        day = through or now.date()
        found = await worklist.unfinished(conn, through=day, now=now, facilities=who.facility_filter())
    values = sees_value(who)
    return UnfinishedOut(
        through=day,
        charts=sum(item.charts for item in found),
        charge_cents=sum(item.charge_cents for item in found) if values else None,
        lines=tuple(
            UnfinishedLine(
                queue=item.queue,
                state=CaseState(item.state),
                charts=item.charts,
                charge_cents=item.charge_cents if values else None,
                oldest=item.oldest,
                over_goal=item.over_goal,
            )
            for item in found
        ),
    )


def sees_value(who: Principal) -> bool:
    """Tell whether someone may see charges of charts that are not coded yet: nobody who codes."""
    return Role.CODER not in who.roles


def line_out(line: WorkLine, who: Principal) -> WorkLineOut:
    """Show a chart's line."""
    values = {name: getattr(line, name) for name in WorkLineOut.model_fields}
    return WorkLineOut(**{**values, "charge_cents": line.charge_cents if sees_value(who) else None})


def _cursor(line: WorkLine) -> str:
    return f"{(line.priority_at - _EPOCH) // timedelta(microseconds=1)}.{line.encounter_id}"


def _read_cursor(cursor: str) -> tuple[datetime, UUID]:
    found = _CURSOR.fullmatch(cursor)
    if found is None:
        raise Refused("cursor-invalid", "the cursor is not one of ours", status=400)
    try:
        return _EPOCH + timedelta(microseconds=int(found.group(1))), UUID(found.group(2))
    except (ValueError, OverflowError):
        raise Refused("cursor-invalid", "the cursor is not one of ours", status=400) from None
