"""What payers paid, what of it found no claim, and where they paid less than the contract says."""

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import ValidationError
from rcm_shared.auth import Principal
from rcm_shared.errors import NotFound, Refused
from rcm_shared.messaging.uow import UnitOfWork
from rcm_shared.runtime import Runtime
from rcm_shared.web.pages import page

from rcm_billing import repository
from rcm_billing.api.deps import deps_of
from rcm_billing.api.settlements import VarianceMoveIn
from rcm_billing.api.unmatched import MatchIn, ReasonIn
from rcm_billing.handlers import settlements, unmatched
from rcm_billing.handlers.deps import Deps
from rcm_billing.pages.deps import LINES, Biller, Looker, Running, acts, fields_of, said_of
from rcm_billing.repository import remittances, variances, workplace

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Aside:
    """One thing that was put aside, with the claims that it may belong to."""

    row: asyncpg.Record
    candidates: list[dict[str, Any]]


def _aside(row: asyncpg.Record, controls: dict[UUID, str]) -> Aside:
    """Return it with the candidates that the person may know of."""
    found = json.loads(row["candidates"])
    known = [one | {"control": controls.get(UUID(one["claim_id"]), "")} for one in found]
    return Aside(row, [one for one in known if one["control"]])


@router.get("/billing/remittances")
async def show_remittances(request: Request, who: Looker, runtime: Running) -> HTMLResponse:
    """Show payments, what is unmatched, and variances."""
    return await _show(request, runtime, who)


@router.post("/billing/remittances")
async def act_on_remittances(request: Request, who: Biller, runtime: Running) -> Response:
    """Match, dismiss, or move a variance; a refusal comes back with its reason and nothing changed."""
    form = dict(await fields_of(request))
    action, item = form.pop("action", ""), form.pop("item", "")
    try:
        async with runtime.transaction(who.subject) as uow:
            await _do(deps_of(request), uow, who, action, UUID(item), form)
    except ValidationError as fault:
        return await _show(request, runtime, who, problem=said_of(fault), status=422)
    except ValueError:
        return await _show(request, runtime, who, problem="this is not complete: item", status=422)
    except NotFound as missing:
        return await _show(request, runtime, who, problem=f"{missing}", status=404)
    except Refused as refusal:
        return await _show(request, runtime, who, problem=str(refusal), status=refusal.status)
    where = "variances" if action == "variance" else "unmatched"
    return RedirectResponse(f"/billing/remittances?done={action}#{where}", status_code=303)


async def _do(
    deps: Deps, uow: UnitOfWork, who: Principal, action: str, item: UUID, form: dict[str, str]
) -> None:
    match action:
        case "match":
            await unmatched.attach(deps, uow, item, MatchIn.model_validate(form).claim_id, who)
        case "dismiss":
            await unmatched.dismiss(uow, item, ReasonIn.model_validate(form).reason, who)
        case "variance":
            move = VarianceMoveIn.model_validate(form)
            await settlements.move_variance(uow, deps.policy, item, move.state, move.reason, who)
        case _:
            raise Refused("action-unknown", "the page offers no such action", status=422)


_DONE = {
    "match": "The payment was posted on that claim.",
    "dismiss": "It was taken off the queue.",
    "variance": "The variance was moved.",
}


async def _show(
    request: Request, runtime: Runtime, who: Principal, *, problem: str = "", status: int = 200
) -> HTMLResponse:
    async with runtime.http_pool.acquire() as conn:
        payments = await remittances.list_remittances(conn, deposit_state=None, limit=LINES)
        aside = await repository.list_unmatched(conn, LINES)
        named = {UUID(one["claim_id"]) for row in aside for one in json.loads(row["candidates"])}
        controls = await workplace.find_controls(conn, named, who.facility_filter())
        open_variances = [
            row
            for state in ("open", "disputed")
            for row in await variances.list_variances(
                conn, state=state, facilities=who.facility_filter(), limit=LINES
            )
        ]
    return page(
        request,
        "billing_remittances.html",
        status_code=status,
        payments=payments,
        aside=[_aside(row, controls) for row in aside],
        variances=open_variances,
        acts=acts(who),
        problem=problem,
        done=_DONE.get(request.query_params.get("done", ""), ""),
    )
