"""HTTP in: rules that repeated denials propose, with what each would have done to past claims."""

import json
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field
from rcm_shared.auth import Principal, allow
from rcm_shared.clock import today
from rcm_shared.errors import NotFound, Refused
from rcm_shared.messaging.uow import UnitOfWork
from rcm_shared.web.idempotency import idempotent

from rcm_billing.api.deps import Body, Limit, Running, deps_of
from rcm_billing.domain.rule_proposal import MIN_DENIALS
from rcm_billing.handlers import proposing
from rcm_billing.handlers.proposing import Search
from rcm_billing.repository import rule_proposals

router = APIRouter(prefix="/v1", tags=["denials"])
Lead = Annotated[Principal, Depends(allow("biller", "admin"))]


class RunIn(Body):
    """Denials of which days to look at, and how often one must repeat."""

    since: date
    until: date
    at_least: Annotated[int, Field(ge=2, le=1000)] = MIN_DENIALS


class BackTestOut(Body):
    """What the rule would have done to past claims of this payer: `caught` of `denied`, `held_paid` of `paid`."""

    claims: int
    denied: int
    caught: int
    paid: int
    held_paid: int
    not_judged: int
    caught_ids: tuple[UUID, ...]
    held_paid_ids: tuple[UUID, ...]


class ProposalOut(Body):
    """A proposed rule. It judges nothing: accepting makes a draft, another person activates that."""

    proposal_id: UUID
    facility_id: str
    payer_id: str
    carc: str
    rarc: str
    code: str
    modifiers: str
    diagnosis: str
    expression: str
    denied: int
    denied_cents: int
    back_test: BackTestOut
    state: str
    rule_id: str
    owner: str
    since: date
    until: date
    created_by: str
    created_at: datetime
    decided_by: str | None
    decided_at: datetime | None


class ProposalList(Body):
    proposals: tuple[ProposalOut, ...]


class AcceptedOut(Body):
    """The draft that a proposal became."""

    proposal_id: UUID
    rule_id: str
    version: int


def _out(row: Any) -> ProposalOut:
    return ProposalOut.model_validate(dict(row) | {"back_test": json.loads(row["back_test"])})


@router.post("/rule-proposals/run")
async def run_proposals(body: RunIn, request: Request, who: Lead) -> Response:
    """Look for repeated denials, try a rule for each on past claims, and store what is worth a look."""
    if body.until < body.since or (body.until - body.since).days > 800:
        raise Refused("period-invalid", "a period has 0 to 800 days", status=422)
    search = Search(body.since, body.until, body.at_least)
    found = await proposing.find_proposals(deps_of(request), search, who, today())

    async def run(uow: UnitOfWork) -> tuple[int, BaseModel]:
        rows = await proposing.keep_proposals(uow, found, search, who)
        return 200, ProposalList(proposals=tuple(_out(row) for row in rows))

    return await idempotent(request, who, run)


@router.get("/rule-proposals")
async def list_proposals(
    who: Lead,
    runtime: Running,
    state: Literal["proposed", "accepted", "dismissed"] | None = None,
    limit: Limit = 100,
) -> ProposalList:
    """List proposals, the highest denied amount first."""
    rows = await rule_proposals.list_proposals(
        runtime.http_pool, state=state, facilities=who.facility_filter(), limit=limit
    )
    return ProposalList(proposals=tuple(_out(row) for row in rows))


@router.get("/rule-proposals/{proposal_id}")
async def get_proposal(proposal_id: UUID, who: Lead, runtime: Running) -> ProposalOut:
    """Show one proposal with the claims behind its back-test."""
    row = await rule_proposals.find_proposal(runtime.http_pool, proposal_id)
    if row is None or not who.sees(row["facility_id"]):
        raise NotFound("proposal")
    return _out(row)


@router.post("/rule-proposals/{proposal_id}/accept")
async def accept(proposal_id: UUID, request: Request, who: Lead) -> Response:
    """Make it a draft of a payer rule."""

    async def run(uow: UnitOfWork) -> tuple[int, BaseModel]:
        drafted = await proposing.accept(uow, proposal_id, who)
        return 201, AcceptedOut(proposal_id=proposal_id, rule_id=drafted.rule_id, version=drafted.version)

    return await idempotent(request, who, run)


@router.post("/rule-proposals/{proposal_id}/dismiss")
async def dismiss(proposal_id: UUID, request: Request, who: Lead) -> Response:
    """Put it away; it does not come back."""

    async def run(uow: UnitOfWork) -> tuple[int, BaseModel]:
        return 200, _out(await proposing.dismiss(uow, proposal_id, who))

    return await idempotent(request, who, run)
