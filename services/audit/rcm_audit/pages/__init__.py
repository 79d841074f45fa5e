"""The operations console: flow by state, services, set-aside events, and the timeline of one case."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse
from rcm_shared.auth import Principal, allow
from rcm_shared.clock import now as business_now
from rcm_shared.runtime import Runtime
from rcm_shared.web.app import runtime_of
from rcm_shared.web.pages import page

from rcm_audit import repository
from rcm_audit.domain.encounter_view import TERMINAL, Waiting
from rcm_audit.gateways.operations import OperationsGateway
from rcm_audit.handlers.cases import encounter_out, load_timeline

router = APIRouter(include_in_schema=False)

OPERATIONS = "operations"  # where the service's setup puts the gateway to the other services
TRACE_URL = "trace_url"
LIST_LIMIT = 200

Operator = Annotated[Principal, Depends(allow("operations", "auditor", "admin"))]
RunningService = Annotated[Runtime, Depends(runtime_of)]


async def _flow(who: Principal, runtime: Runtime) -> dict[str, Any]:
    async with runtime.http_pool.acquire() as conn:
        counts = await repository.count_by_state(conn, who.facility_filter(), business_now())
        money = await repository.sum_money(conn, who.facility_filter())
    by_state = {count.waiting: count for count in counts}
    shown = [
        (state.value, state in TERMINAL, by_state[state.value]) for state in Waiting if state in by_state
    ]
    return {"flow": shown, "money": money}


async def _services(runtime: Runtime) -> dict[str, Any]:
    gateway: OperationsGateway = runtime.state[OPERATIONS]
    return {"reports": await gateway.reports()}


@router.get("/operations")
async def operations(request: Request, who: Operator, runtime: RunningService) -> HTMLResponse:
    """Show flow, services and set-aside events on one page."""
    return page(request, "operations.html", **await _flow(who, runtime), **await _services(runtime))


@router.get("/operations/flow")
async def flow(request: Request, who: Operator, runtime: RunningService) -> HTMLResponse:
    """Render the flow table alone, for its refresh."""
    return page(request, "operations_flow.html", **await _flow(who, runtime))


@router.get("/operations/services")
async def services(request: Request, _who: Operator, runtime: RunningService) -> HTMLResponse:
    """Render the services' tables alone, for their refresh."""
    return page(request, "operations_services.html", **await _services(runtime))


@router.get("/operations/encounters")
async def encounters(
    request: Request,
    who: Operator,
    runtime: RunningService,
    waiting_for: Waiting | None = None,
    stuck: bool = False,
    limit: Annotated[int, Query(ge=1, le=LIST_LIMIT)] = LIST_LIMIT,
) -> HTMLResponse:
    """List the encounters behind a number of the flow table."""
    now = business_now()
    async with runtime.http_pool.acquire() as conn:
        views = await repository.list_views(
            conn,
            facilities=who.facility_filter(),
            waiting=waiting_for.value if waiting_for else None,
            stuck_at=now if stuck else None,
            limit=limit,
        )
    return page(
        request,
        "operations_encounters.html",
        encounters=[encounter_out(view, now) for view in views],
        waiting_for=waiting_for.value if waiting_for else "",
        stuck=stuck,
        limit=limit,
    )


@router.get("/operations/encounters/{encounter_id}")
async def encounter(
    encounter_id: UUID, request: Request, who: Operator, runtime: RunningService
) -> HTMLResponse:
    """Show one case: where it stands, its money, and everything that happened."""
    async with runtime.transaction(who.subject) as uow:
        view, rows = await load_timeline(uow, who, encounter_id)
    numbers = {row.event_id: number for number, row in enumerate(rows, 1) if row.event_id}
    return page(
        request,
        "operations_encounter.html",
        encounter=encounter_out(view, business_now()),
        rows=rows,
        numbers=numbers,
        trace_url=runtime.state[TRACE_URL],
    )
