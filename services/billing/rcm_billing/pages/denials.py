"""The worklist of denials by deadline or value, and the page of one case with its history, letter and appeal."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import ValidationError
from rcm_shared import clock
from rcm_shared.auth import Principal
from rcm_shared.errors import NotFound, Refused
from rcm_shared.messaging.uow import UnitOfWork
from rcm_shared.runtime import Runtime
from rcm_shared.web.pages import page

from rcm_billing.api.denials import TakeIn, TriageIn, WishIn
from rcm_billing.api.deps import deps_of
from rcm_billing.domain.denial import DENIAL_STEPS, DenialState
from rcm_billing.domain.denial_routing import Routing
from rcm_billing.handlers import appealing, denying
from rcm_billing.handlers.appealing import Letter
from rcm_billing.handlers.deps import Deps
from rcm_billing.pages.deps import LINES, Biller, Looker, Running, acts, fields_of, said_of
from rcm_billing.repository import appeals, denials
from rcm_billing.repository.denials import Page

router = APIRouter(include_in_schema=False)

Word = Annotated[str | None, Query(pattern=r"^([a-z][a-z_-]{0,39})?$")]
OWNERS = ("biller", "coder", "registration", "provider")


@router.get("/billing/denials")
async def show_denials(
    request: Request,
    who: Looker,
    runtime: Running,
    state: Word = "open",
    owner: Word = None,
    mine: bool = False,
    sort: Literal["deadline", "value"] = "deadline",
    after: UUID | None = None,
    value: Annotated[str, Query(max_length=40)] = "",
) -> HTMLResponse:
    """Show a page of cases, the nearest time limit or the most money first."""
    async with runtime.http_pool.acquire() as conn:
        rows = await denials.list_denials(
            conn,
            facilities=who.facility_filter(),
            state=state or None,
            owner=owner or None,
            assignee=who.subject if mine else None,
            sort=sort,
            after=Page(value, after) if after and value else None,
            limit=LINES + 1,
        )
    following = None
    if len(rows) > LINES:
        last = rows[LINES - 1]
        shown = last["denied_cents"] if sort == "value" else (last["deadline_at"] or "infinity")
        following = (str(shown if isinstance(shown, int | str) else shown.isoformat()), last["denial_id"])
    return page(
        request,
        "billing_denials.html",
        rows=rows[:LINES],
        following=following,
        state=state,
        owner=owner,
        mine=mine,
        sort=sort,
        owners=OWNERS,
        now=clock.now(),
    )


@router.get("/billing/denials/{denial_id}")
async def show_denial(denial_id: UUID, request: Request, who: Looker, runtime: Running) -> HTMLResponse:
    """Show one case."""
    return await _show(request, runtime, who, denial_id)


@router.post("/billing/denials/{denial_id}")
async def act_on_denial(denial_id: UUID, request: Request, who: Biller, runtime: Running) -> Response:
    """Do what a form of the page asks; a refused one comes back with the reason and nothing changed."""
    form = dict(await fields_of(request))
    action = form.pop("action", "")
    try:
        async with runtime.transaction(who.subject) as uow:
            await _do(deps_of(request), uow, who, denial_id, action, form)
    except NotFound:
        raise
    except Refused as refusal:
        return await _show(request, runtime, who, denial_id, problem=str(refusal), status=refusal.status)
    except ValidationError as fault:
        return await _show(request, runtime, who, denial_id, problem=said_of(fault), status=422)
    return RedirectResponse(f"/billing/denials/{denial_id}", status_code=303)


async def _do(
    deps: Deps, uow: UnitOfWork, who: Principal, denial_id: UUID, action: str, form: dict[str, str]
) -> None:
    if action == "triage":
        # the form's own "action" is what it does; the first thing to do has another name there
        first = form.pop("action_first", "")
        triage = TriageIn.model_validate({**form, "action": first})
        routing = Routing(triage.category, triage.root_cause, triage.owner, triage.action)
        await denying.triage(deps, uow, triage.wish(denial_id), who, routing)
        return
    if action == "take":
        take = TakeIn.model_validate(form)
        await denying.take(
            deps, uow, take.wish(denial_id), who, take.assignee or who.subject, take_over=take.take_over
        )
        return
    if action in ("approve", "refuse"):
        await denying.decide_write_off(deps, uow, denial_id, who, approve=action == "approve")
        return
    wish = WishIn.model_validate(form).wish(denial_id)
    match action:
        case "resubmit":
            await denying.resubmit(deps, uow, wish, who)
        case "recode":
            await denying.recode(deps, uow, wish, who)
        case "transfer":
            await denying.transfer(deps, uow, wish, who)
        case "write-off":
            await denying.write_off(deps, uow, wish, who)
        case "close":
            await denying.close(deps, uow, wish, who)
        case "reopen":
            await denying.reopen(deps, uow, wish, who)
        case "draft":
            await appealing.draft_appeal(deps, uow, wish, who, Letter())
        case "withdraw":
            await appealing.withdraw_draft(deps, uow, wish, who)
        case "appeal":
            await appealing.file_appeal(deps, uow, wish, who)
        case _:
            raise Refused("action-unknown", "the page offers no such action", status=422)


#: What the page offers where the case may go to the state: action -> (words, state).
ACTS = {
    "resubmit": ("Send a corrected claim", DenialState.CORRECTED_RESUBMITTED),
    "draft": ("Draft the appeal", DenialState.APPEAL_DRAFTED),
    "appeal": ("File the appeal", DenialState.APPEAL_SUBMITTED),
    "withdraw": ("Put the draft away", DenialState.IN_WORK),
    "transfer": ("Move to the patient", DenialState.TRANSFERRED_TO_PATIENT),
    "write-off": ("Write off", DenialState.WRITTEN_OFF),
    "close": ("Close the case", DenialState.CLOSED),
    "reopen": ("Reopen", DenialState.REOPENED),
}


async def _show(
    request: Request,
    runtime: Runtime,
    who: Principal,
    denial_id: UUID,
    *,
    problem: str = "",
    status: int = 200,
) -> HTMLResponse:
    async with runtime.transaction(who.subject) as uow:
        row = await denials.get_denial(uow.conn, denial_id)
        if row is None or not who.sees(row["facility_id"]):
            raise NotFound("denial")
        moves = await denials.list_moves(uow.conn, denial_id)
        filed = await appeals.list_appeals(uow.conn, denial_id)
        drafted = await appeals.find_drafted(uow.conn, denial_id)
        waiting = await denials.get_write_off(uow.conn, denial_id)
        letter = await appeals.get_letter(uow.conn, drafted["appeal_id"]) if drafted else None
        uow.record_access(
            encounter_id=row["encounter_id"], subject=who.subject, purpose="claim", what="denial-page"
        )
    state = DenialState(row["state"])
    drafting = state is DenialState.APPEAL_DRAFTED
    offered = [
        (name, words)
        for name, (words, to) in ACTS.items()
        if to in DENIAL_STEPS[state] and (drafting or name != "withdraw")
    ]
    return page(
        request,
        "billing_denial.html",
        status_code=status,
        case=row,
        moves=moves,
        appeals=filed,
        letter=letter,
        waiting=waiting,
        me=who.subject,
        offered=offered,
        takes=(DenialState.IN_WORK in DENIAL_STEPS[state] and not drafting)
        or (state is DenialState.IN_WORK and row["assignee"] != who.subject),
        triages=state is DenialState.TRIAGED or DenialState.TRIAGED in DENIAL_STEPS[state],
        owners=OWNERS,
        acts=acts(who),
        problem=problem,
        now=clock.now(),
    )
