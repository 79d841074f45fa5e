"""The worklist of claims, and the page of one claim: what it says, what was found, where it went, what came back."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Literal
from uuid import UUID

import asyncpg
from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from rcm_shared import clock
from rcm_shared.auth import Principal
from rcm_shared.errors import NotFound, Refused
from rcm_shared.runtime import Runtime
from rcm_shared.web.pages import page

from rcm_billing import repository
from rcm_billing.api.deps import deps_of
from rcm_billing.domain.claim import DECIDED, IN_FLIGHT, ClaimState
from rcm_billing.domain.document import ClaimDocument
from rcm_billing.domain.scrubbing import Hit, Severity, hits_of
from rcm_billing.handlers import commands
from rcm_billing.handlers.tracking import ask_now
from rcm_billing.pages.deps import LINES, Biller, Looker, Running, acts, fields_of
from rcm_billing.repository import denials, tracking, workplace

router = APIRouter(include_in_schema=False)

FILING_DAYS = timedelta(days=30)
REPLACEABLE = (DECIDED | {ClaimState.REVERSED}) - {ClaimState.APPEALED}
Word = Annotated[str | None, Query(pattern=r"^[a-z_]{0,30}$")]
PayerId = Annotated[str | None, Query(pattern=r"^[A-Za-z0-9._-]{0,80}$")]


@dataclass(frozen=True, slots=True)
class Line:
    """One claim of the worklist, with the first thing that holds it."""

    row: asyncpg.Record
    first_fix: str
    more: int


def _line(row: asyncpg.Record) -> Line:
    blocking = [hit for hit in hits_of(row["hits"]) if hit.severity != "W"]
    if not blocking:
        return Line(row, "", 0)
    first = f"{blocking[0].rule_id}: {blocking[0].fix}"
    return Line(row, first, len({(hit.rule_id, hit.fix) for hit in blocking}) - 1)


def must_correct(hits: list[Hit]) -> bool:
    """Tell whether the payer would refuse the claim, so that nobody can wave it through."""
    return any(hit.severity == Severity.REJECT for hit in hits)


def by_finding(hits: list[Hit]) -> list[tuple[Hit, list[str]]]:
    """Return each finding once, with every place where it was made."""
    found: dict[Hit, list[str]] = {}
    for hit in hits:
        found.setdefault(hit._replace(where=""), []).append(hit.where)
    return list(found.items())


@router.get("/billing/claims")
async def show_claims(
    request: Request,
    who: Looker,
    runtime: Running,
    state: Word = None,
    queue: Word = None,
    payer: PayerId = None,
    view: Literal["all", "filing"] = "all",
    after: UUID | None = None,
) -> HTMLResponse:
    """Show a page of claims; of held ones what to do, of unfiled ones the last day."""
    facilities = who.facility_filter()
    async with runtime.http_pool.acquire() as conn:
        if view == "filing":
            until = clock.now().date() + FILING_DAYS
            rows = await tracking.list_filing(conn, until=until, facilities=facilities, limit=LINES)
            lines = [Line(row, "", 0) for row in rows]
        else:
            found = await workplace.page_of_claims(
                conn,
                state=state or None,
                queue=queue or None,
                payer_id=payer or None,
                facilities=facilities,
                after=after,
                limit=LINES + 1,
            )
            lines = [_line(row) for row in found]
    following = lines[LINES - 1].row["claim_id"] if len(lines) > LINES else None
    return page(
        request,
        "billing_claims.html",
        lines=lines[:LINES],
        following=following,
        state=state,
        queue=queue,
        payer=payer,
        payers=sorted(deps_of(request).master.payers),
        view=view,
        states=[one.value for one in ClaimState if one not in (ClaimState.REPLACED, ClaimState.VOIDED)],
        today=clock.now().date(),
    )


@router.get("/billing/claims/{claim_id}")
async def show_claim(claim_id: UUID, request: Request, who: Looker, runtime: Running) -> HTMLResponse:
    """Show one claim with everything that is known of it."""
    return await _show(request, runtime, who, claim_id)


@router.post("/billing/claims/{claim_id}")
async def act_on_claim(claim_id: UUID, request: Request, who: Biller, runtime: Running) -> Response:
    """Correct, release, ask about, replace or void a claim; a refusal comes back with its reason."""
    action = (await fields_of(request)).get("action", "")
    deps = deps_of(request)
    try:
        async with runtime.transaction(who.subject) as uow:
            if action == "correct":
                await commands.correct_claim(uow, claim_id, who)
            elif action == "release":
                await commands.release_claim(uow, claim_id, who)
            elif action == "ask":
                await ask_now(uow, deps, claim_id, who)
            elif action == "replace":
                await commands.replace_claim(uow, claim_id, who)
            elif action == "void":
                await commands.void_claim(uow, claim_id, who)
            else:
                raise Refused("action-unknown", "the page offers no such action", status=422)
    except NotFound:
        raise
    except Refused as refusal:
        return await _show(request, runtime, who, claim_id, problem=str(refusal), status=refusal.status)
    return RedirectResponse(f"/billing/claims/{claim_id}?done={action}", status_code=303)


_DONE = {
    "correct": "A new version is being built from the current record.",
    "release": "The claim was released.",
    "ask": "The payer is asked; its answer appears below.",
    "replace": "A replacement is being built from the current record.",
    "void": "The payer is being told to take the claim back.",
}


async def _show(
    request: Request,
    runtime: Runtime,
    who: Principal,
    claim_id: UUID,
    *,
    problem: str = "",
    status: int = 200,
) -> HTMLResponse:
    async with runtime.transaction(who.subject) as uow:
        conn = uow.conn
        row = await repository.find_claim(conn, claim_id)
        if row is None or not who.sees(row["facility_id"]):
            raise NotFound("claim")
        encounter_id = row["encounter_id"]
        uow.record_access(encounter_id=encounter_id, subject=who.subject, purpose="claim", what="claim-page")
        stored = (await repository.get_documents(conn, [claim_id]))[claim_id]
        account = (await repository.read_accounts(conn, [encounter_id]))[encounter_id]
        context = {
            "submissions": await tracking.list_submissions(conn, claim_id),
            "answers": await tracking.list_acknowledgements(conn, claim_id),
            "inquiries": await tracking.list_inquiries(conn, claim_id),
            "denials": await denials.list_denials(
                conn, facilities=who.facility_filter(), encounter_id=encounter_id
            ),
        }
    document = ClaimDocument.model_validate_json(stored)
    claim = account.claim(claim_id)
    state = ClaimState(row["state"])
    hits = hits_of(row["hits"])
    newest = claim is not None and account.latest(claim.order) == claim
    payer = deps_of(request).master.payers.get(row["payer_id"])
    asks = state in IN_FLIGHT and payer is not None and payer.inquire_after_days is not None
    return page(
        request,
        "billing_claim.html",
        status_code=status,
        claim=row,
        document=document,
        account=account,
        versions=[one for one in account.claims if claim is not None and one.order == claim.order],
        hits=by_finding(hits),
        not_evaluated=row["not_evaluated"],
        payer=payer,
        problem=problem,
        done=_DONE.get(request.query_params.get("done", ""), ""),
        acts=acts(who),
        corrects=newest and state in (ClaimState.HELD, ClaimState.REJECTED),
        releases=newest and state is ClaimState.HELD and not must_correct(hits),
        asks=asks,
        replaces=newest and state in REPLACEABLE and bool(row["payer_control"]),
        days_left=_days_left(row["filing_last_day"]) if state.value in tracking.UNFILED else None,
        **context,
    )


def _days_left(last_day: date | None) -> int | None:
    return (last_day - clock.now().date()).days if last_day else None
