"""HTTP in: denial cases by deadline or value, their history, and what people do with them."""

import base64
import binascii
import json
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, Field
from rcm_shared.auth import Principal, allow
from rcm_shared.errors import NotFound, Refused
from rcm_shared.messaging.uow import UnitOfWork
from rcm_shared.web.idempotency import idempotent

from rcm_billing.api.accounts import AccountOut, account_out
from rcm_billing.api.deps import Biller, Body, Limit, Reader, Running, deps_of
from rcm_billing.domain.denial import DenialState
from rcm_billing.domain.denial_routing import Routing
from rcm_billing.handlers import denying
from rcm_billing.handlers.denying import Wish
from rcm_billing.repository import denials
from rcm_billing.repository.denials import Page

router = APIRouter(prefix="/v1", tags=["denials"])
Worker = Annotated[Principal, Depends(allow("biller", "coder"))]
Code = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
Word = Annotated[str | None, Query(pattern="^[a-z][a-z_-]{0,39}$")]
Subject = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[\x21-\x7e]+$")]


class DenialOut(Body):
    """One denial case with where it goes, whose it is and whom it is attributed to."""

    denial_id: UUID
    encounter_id: UUID
    claim_id: UUID
    payer_id: str
    payer_order: str
    line: int
    state: str
    group: str
    carc: str
    remarks: tuple[str, ...]
    category: str
    root_cause: str
    owner: str
    action: str
    assignee: str
    level: int
    outcome: str
    denied_cents: int
    denied_at: datetime
    deadline_at: datetime | None
    warned: bool
    expired: bool
    code: str
    modifiers: tuple[str, ...]
    coder: str
    provider_id: str
    rules: tuple[str, ...]
    route_version: int | None


class DenialList(Body):
    """One page; `next` is the cursor of the page after it, null on the last."""

    denials: tuple[DenialOut, ...]
    next: str | None = None


class MoveOut(Body):
    """One step of a case."""

    was: str
    state: str
    level: int
    at: datetime
    actor: str
    reason: str


class DenialDetail(DenialOut):
    """A case with every step that it took."""

    moves: tuple[MoveOut, ...]


class WishIn(Body):
    """Why, as a code of the facility's own; `seen_state` refuses the request when the case moved meanwhile."""

    reason: Code
    seen_state: DenialState | None = None

    def wish(self, denial_id: UUID) -> Wish:
        """Return it for one case."""
        return Wish(denial_id, self.reason, self.seen_state)


class TriageIn(WishIn):
    """What kind of denial it is, why it happened, whose work it is and what is done first."""

    category: Code
    root_cause: Code
    owner: Literal["coder", "biller", "registration", "provider"]
    action: Code


class TakeIn(WishIn):
    """Who works on it, oneself when nobody is named; `take_over` takes it out of somebody else's hands."""

    assignee: Subject | None = None
    take_over: bool = False


class WriteOffOut(Body):
    """What became of a request to write off; above the limit it waits for another person."""

    written_off: bool
    account: AccountOut


class WaitingOut(Body):
    """A write-off that waits for another person."""

    denial_id: UUID
    encounter_id: UUID
    cents: int
    reason: str
    asked_by: str
    asked_at: datetime


class WaitingList(Body):
    write_offs: tuple[WaitingOut, ...]


def denial_out(row: Any) -> DenialOut:
    """Show one row."""
    return DenialOut(**_shown(row))


def _shown(row: Any) -> dict[str, Any]:
    shown = dict(row)
    del shown["facility_id"]
    shown["group"] = shown.pop("group_code")
    shown["owner"] = shown.pop("owner_queue")
    return shown


def _cursor(row: Any, sort: str) -> str:
    value = str(row["denied_cents"]) if sort == "value" else _deadline(row)
    return base64.urlsafe_b64encode(json.dumps([sort, value, str(row["denial_id"])]).encode()).decode()


def _deadline(row: Any) -> str:
    return row["deadline_at"].isoformat() if row["deadline_at"] else ""


def _page(cursor: str | None, sort: str) -> Page | None:
    """Read a cursor.

    Raises: Refused when it is not one of ours, or of another order.
    """
    if cursor is None:
        return None
    try:
        kind, value, denial_id = json.loads(base64.urlsafe_b64decode(cursor.encode()))
        page = Page(str(value), UUID(denial_id))
        if kind != sort or (sort == "value" and int(value) < 0):
            raise ValueError
        if sort == "deadline" and value:
            datetime.fromisoformat(value)
    except (ValueError, TypeError, AttributeError, binascii.Error):
        raise Refused("cursor-invalid", "take the cursor from the page before", status=422) from None
    return page


@router.get("/denials")
async def list_denials(
    who: Reader,
    runtime: Running,
    state: Word = None,
    owner: Word = None,
    category: Word = None,
    assignee: Annotated[str | None, Query(max_length=200)] = None,
    encounter_id: UUID | None = None,
    sort: Literal["deadline", "value"] = "deadline",
    after: Annotated[str | None, Query(max_length=400)] = None,
    limit: Limit = 100,
) -> DenialList:
    """List denial cases by deadline or by value; state `open` means all that need somebody."""
    rows = await denials.list_denials(
        runtime.http_pool,
        facilities=who.facility_filter(),
        state=state,
        owner=owner,
        category=category,
        assignee=assignee,
        encounter_id=encounter_id,
        sort=sort,
        after=_page(after, sort),
        limit=limit + 1,
    )
    shown = rows[:limit]
    return DenialList(
        denials=tuple(denial_out(row) for row in shown),
        next=_cursor(shown[-1], sort) if len(rows) > limit else None,
    )


@router.get("/denials/write-offs")
async def list_write_offs(who: Biller, runtime: Running, limit: Limit = 100) -> WaitingList:
    """List write-offs that wait for another person, oldest first."""
    rows = await denials.list_write_offs(runtime.http_pool, facilities=who.facility_filter(), limit=limit)
    return WaitingList(
        write_offs=tuple(WaitingOut(**{name: row[name] for name in WaitingOut.model_fields}) for row in rows)
    )


@router.get("/denials/{denial_id}")
async def get_denial(denial_id: UUID, who: Reader, runtime: Running) -> DenialDetail:
    """Show one case with its history."""
    row = await denials.get_denial(runtime.http_pool, denial_id)
    if row is None or not who.sees(row["facility_id"]):
        raise NotFound("denial")
    moves = await denials.list_moves(runtime.http_pool, denial_id)
    return DenialDetail(**_shown(row), moves=tuple(MoveOut(**dict(move)) for move in moves))


@router.post("/denials/{denial_id}/triage")
async def triage(denial_id: UUID, body: TriageIn, request: Request, who: Worker) -> Response:
    """Say what kind of denial it is and whose work."""
    routing = Routing(body.category, body.root_cause, body.owner, body.action)

    async def run(uow: UnitOfWork) -> tuple[int, BaseModel]:
        found = await denying.triage(deps_of(request), uow, body.wish(denial_id), who, routing)
        return 200, account_out(found)

    return await idempotent(request, who, run)


@router.post("/denials/{denial_id}/take")
async def take(denial_id: UUID, body: TakeIn, request: Request, who: Worker) -> Response:
    """Start or hand over the work on a case."""

    async def run(uow: UnitOfWork) -> tuple[int, BaseModel]:
        found = await denying.take(
            deps_of(request),
            uow,
            body.wish(denial_id),
            who,
            body.assignee or who.subject,
            take_over=body.take_over,
        )
        return 200, account_out(found)

    return await idempotent(request, who, run)


@router.post("/denials/{denial_id}/resubmit")
async def resubmit(denial_id: UUID, body: WishIn, request: Request, who: Biller) -> Response:
    """Send a corrected claim: frequency 7 with the payer's claim number."""

    async def run(uow: UnitOfWork) -> tuple[int, BaseModel]:
        return 202, account_out(await denying.resubmit(deps_of(request), uow, body.wish(denial_id), who))

    return await idempotent(request, who, run)


@router.post("/denials/{denial_id}/recode")
async def recode(denial_id: UUID, body: WishIn, request: Request, who: Biller) -> Response:
    """Send the chart back to its coder."""

    async def run(uow: UnitOfWork) -> tuple[int, BaseModel]:
        return 202, account_out(await denying.recode(deps_of(request), uow, body.wish(denial_id), who))

    return await idempotent(request, who, run)


@router.post("/denials/{denial_id}/transfer")
async def transfer(denial_id: UUID, body: WishIn, request: Request, who: Biller) -> Response:
    """Move the denied amount to the patient."""

    async def run(uow: UnitOfWork) -> tuple[int, BaseModel]:
        return 200, account_out(await denying.transfer(deps_of(request), uow, body.wish(denial_id), who))

    return await idempotent(request, who, run)


@router.post("/denials/{denial_id}/write-off")
async def write_off(denial_id: UUID, body: WishIn, request: Request, who: Biller) -> Response:
    """Write the denied amount off; above the limit another person has to approve."""

    async def run(uow: UnitOfWork) -> tuple[int, BaseModel]:
        account, done = await denying.write_off(deps_of(request), uow, body.wish(denial_id), who)
        return (200 if done else 202), WriteOffOut(written_off=done, account=account_out(account))

    return await idempotent(request, who, run)


@router.post("/denials/{denial_id}/write-off/{decision}")
async def decide_write_off(
    denial_id: UUID, decision: Literal["approve", "refuse"], request: Request, who: Biller
) -> Response:
    """Approve or refuse a write-off that another person asked for."""

    async def run(uow: UnitOfWork) -> tuple[int, BaseModel]:
        approve = decision == "approve"
        account = await denying.decide_write_off(deps_of(request), uow, denial_id, who, approve=approve)
        return 200, WriteOffOut(written_off=approve, account=account_out(account))

    return await idempotent(request, who, run)


@router.post("/denials/{denial_id}/close")
async def close(denial_id: UUID, body: WishIn, request: Request, who: Biller) -> Response:
    """Put a case away that needs nothing more."""

    async def run(uow: UnitOfWork) -> tuple[int, BaseModel]:
        return 200, account_out(await denying.close(deps_of(request), uow, body.wish(denial_id), who))

    return await idempotent(request, who, run)


@router.post("/denials/{denial_id}/reopen")
async def reopen(denial_id: UUID, body: WishIn, request: Request, who: Biller) -> Response:
    """Take a case up again; its write-off or transfer is undone first."""

    async def run(uow: UnitOfWork) -> tuple[int, BaseModel]:
        return 200, account_out(await denying.reopen(deps_of(request), uow, body.wish(denial_id), who))

    return await idempotent(request, who, run)
