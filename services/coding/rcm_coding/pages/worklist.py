"""Pages of the worklist: queues and charts in priority order, the month's end, and the pages' own style and keys."""

from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from rcm_shared import clock
from rcm_shared.auth import Principal, Role, allow
from rcm_shared.runtime import Runtime
from rcm_shared.web.app import runtime_of
from rcm_shared.web.pages import asset_of, page

from rcm_coding.api.cases import starting
from rcm_coding.api.deps import CODERS
from rcm_coding.api.worklist import sees_value, work_page
from rcm_coding.handlers import charts
from rcm_coding.repository import worklist

router = APIRouter()

LINES = 50
ASSETS = {"chart.css": "text/css", "chart.js": "text/javascript"}
Queue = Annotated[str | None, Query(pattern=r"^[A-Za-z0-9-]{1,40}$")]
Worker = Annotated[Principal, Depends(allow("coder", "auditor", "operations"))]
View = Literal["all", "free", "mine", "held"]


@router.get("/worklist")
async def show_worklist(
    request: Request,
    runtime: Annotated[Runtime, Depends(runtime_of)],
    who: Worker,
    queue: Queue = None,
    view: View = "all",
    after: Annotated[str | None, Query(max_length=60)] = None,
    empty: bool = False,
) -> HTMLResponse:
    """Show queues and a page of charts, the most pressing first."""
    lines, following = await work_page(runtime, who, queue=queue, view=view, limit=LINES, after=after)
    async with runtime.http_pool.acquire() as conn:
        queues = await worklist.count_queues(conn, now=clock.now(), facilities=who.facility_filter())
    return page(
        request,
        "worklist.html",
        queues=queues,
        queue=queue,
        view=view,
        lines=lines,
        following=following,
        now=clock.now(),
        codes=bool(who.roles & {Role.CODER, Role.AUDITOR}),
        values=sees_value(who),
        empty=empty,
    )


@router.post("/worklist/next")
async def take_next(
    runtime: Annotated[Runtime, Depends(runtime_of)],
    who: Annotated[Principal, Depends(allow(*CODERS))],
    queue: Annotated[str, Form(pattern=r"^[A-Za-z0-9-]{0,40}$")] = "",
) -> Response:
    """Take up the most pressing free chart and show it."""
    async with runtime.transaction(who.subject) as uow:
        case = await charts.take_next(uow, who, queue or None, starting(who))
    where = f"/worklist/charts/{case.encounter_id}" if case else "/worklist?view=free&empty=true"
    return RedirectResponse(where, status_code=303)


@router.get("/worklist/unfinished")
async def show_unfinished(
    request: Request,
    runtime: Annotated[Runtime, Depends(runtime_of)],
    who: Worker,
    through: date | None = None,
) -> HTMLResponse:
    """Show what is discharged and not final coded through a day."""
    now = clock.now()
    day = through or now.date()
    async with runtime.http_pool.acquire() as conn:
        lines = await worklist.unfinished(conn, through=day, now=now, facilities=who.facility_filter())
    return page(
        request,
        "worklist_unfinished.html",
        lines=lines,
        through=day,
        today=now.date(),
        values=sees_value(who),
    )


@router.get("/worklist/assets/{name}")
async def asset(name: str, _who: Worker) -> Response:
    """Give the pages' own style and keys."""
    return asset_of(Path(__file__).parent, name, ASSETS)
