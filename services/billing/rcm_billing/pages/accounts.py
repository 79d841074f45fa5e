"""Aged receivables, the accounts behind them, and one account's ledger to its balance."""

from dataclasses import dataclass
from typing import Annotated, Literal
from uuid import UUID

import asyncpg
from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import ValidationError
from rcm_shared import clock
from rcm_shared.auth import Principal
from rcm_shared.errors import NotFound, Refused
from rcm_shared.messaging.uow import UnitOfWork
from rcm_shared.money import Cents
from rcm_shared.runtime import Runtime
from rcm_shared.web.pages import page

from rcm_billing import repository
from rcm_billing.api.accounts import PaymentIn
from rcm_billing.api.deps import deps_of
from rcm_billing.api.settlements import ReasonIn, SettlementIn, WriteOffIn
from rcm_billing.handlers import commands, settlements
from rcm_billing.handlers.deps import Deps
from rcm_billing.handlers.settlements import Asked
from rcm_billing.pages.deps import LINES, Biller, Looker, Running, acts, fields_of, said_of
from rcm_billing.repository import denials, ledger, statements, workplace
from rcm_billing.repository import settlements as requests

router = APIRouter(include_in_schema=False)

ORDERS = {"p": "primary", "s": "secondary", "t": "tertiary"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One ledger entry with what is open on the account after it."""

    row: asyncpg.Record
    first: bool  # of its transaction
    open_cents: int

    @property
    def account(self) -> str:
        """Return the ledger account in words."""
        name = str(self.row["account"])
        words, _, order = name.rpartition("_")
        if order in ORDERS and words == "insurance_receivable":
            return f"insurance receivable, {ORDERS[order]}"
        return name.replace("_", " ")


@router.get("/billing/receivables")
async def show_receivables(
    request: Request,
    who: Looker,
    runtime: Running,
    debtor: Annotated[Literal["insurance", "patient"], Query()] = "insurance",
    after: UUID | None = None,
) -> HTMLResponse:
    """Show what is open by debtor and age, then the accounts one by one."""
    return await _show_receivables(request, runtime, who, debtor=debtor, after=after)


@router.post("/billing/receivables")
async def decide(request: Request, who: Biller, runtime: Running) -> Response:
    """Approve or refuse a refund or write-off that another person asked for."""
    form = await fields_of(request)
    action = form.get("action", "")
    try:
        if action not in ("approve", "refuse"):
            raise Refused("action-unknown", "the page offers no such action", status=422)
        request_id = UUID(form.get("item", ""))
        async with runtime.transaction(who.subject) as uow:
            await settlements.decide_request(
                uow, deps_of(request).policy, request_id, approve=action == "approve", who=who
            )
    except ValueError:
        return await _show_receivables(
            request, runtime, who, problem="this is not complete: item", status=422
        )
    except Refused as refusal:
        return await _show_receivables(request, runtime, who, problem=str(refusal), status=refusal.status)
    return RedirectResponse("/billing/receivables#requests", status_code=303)


async def _show_receivables(
    request: Request,
    runtime: Runtime,
    who: Principal,
    *,
    debtor: str = "insurance",
    after: UUID | None = None,
    problem: str = "",
    status: int = 200,
) -> HTMLResponse:
    facilities = who.facility_filter()
    async with runtime.http_pool.acquire() as conn:
        aged = await workplace.aged_receivables(conn, today=clock.now().date(), facilities=facilities)
        rows = await workplace.open_accounts_of(
            conn, facilities=facilities, patient=debtor == "patient", after=after, limit=LINES + 1
        )
        waiting = await requests.list_requests(conn, state="requested", facilities=facilities, limit=LINES)
        denied = await denials.list_write_offs(conn, facilities=facilities, limit=LINES)
    totals = [sum(one.buckets[n] for one in aged) for n in range(len(workplace.BUCKETS))]
    return page(
        request,
        "billing_receivables.html",
        status_code=status,
        aged=aged,
        buckets=list(workplace.BUCKETS),
        totals=totals,
        rows=rows[:LINES],
        following=rows[LINES - 1]["encounter_id"] if len(rows) > LINES else None,
        debtor=debtor,
        requests=waiting,
        denied=denied,
        me=who.subject,
        acts=acts(who),
        problem=problem,
    )


@router.get("/billing/accounts/{encounter_id}")
async def show_account(encounter_id: UUID, request: Request, who: Looker, runtime: Running) -> HTMLResponse:
    """Show one account's ledger."""
    return await _show(request, runtime, who, encounter_id)


@router.post("/billing/accounts/{encounter_id}")
async def act_on_account(encounter_id: UUID, request: Request, who: Biller, runtime: Running) -> Response:
    """Take a payment, ask for a refund, write off or undo; a refusal comes back with its reason."""
    form = dict(await fields_of(request))
    action = form.pop("action", "")
    try:
        async with runtime.transaction(who.subject) as uow:
            await _do(deps_of(request), uow, who, encounter_id, action, form)
    except NotFound:
        raise
    except Refused as refusal:
        return await _show(request, runtime, who, encounter_id, problem=str(refusal), status=refusal.status)
    except ValidationError as fault:
        return await _show(request, runtime, who, encounter_id, problem=said_of(fault), status=422)
    except ValueError:
        said = "an amount is written as dollars and cents, such as 12.50"
        return await _show(request, runtime, who, encounter_id, problem=said, status=422)
    return RedirectResponse(f"/billing/accounts/{encounter_id}?done={action}", status_code=303)


def cents_of(text: str) -> int:
    """Read an amount in dollars, such as "12.50".

    Raises: ValueError when it is none.
    """
    whole, _, rest = text.strip().removeprefix("$").partition(".")
    if not (whole.isascii() and whole.isdigit() and (not rest or (rest.isdigit() and len(rest) == 2))):
        raise ValueError("amount")
    return int(whole) * 100 + int(rest or 0)


async def _do(
    deps: Deps, uow: UnitOfWork, who: Principal, encounter_id: UUID, action: str, form: dict[str, str]
) -> None:
    amount = cents_of(form.pop("amount", "")) if action in ("pay", "refund", "write-off") else 0
    match action:
        case "pay":
            paid = PaymentIn(amount_cents=amount).amount_cents
            await commands.take_payment(uow, encounter_id, paid, who)
        case "refund":
            refund = SettlementIn.model_validate({**form, "cents": amount})
            asked = Asked(refund.receivable, "credit-balance", Cents(refund.cents), refund.reason)
            await settlements.request_refund(uow, encounter_id, asked, who)
        case "write-off":
            wish = WriteOffIn.model_validate({**form, "cents": amount})
            asked = Asked(wish.receivable, wish.category, Cents(wish.cents), wish.reason)
            await settlements.request_write_off(uow, deps.policy, encounter_id, asked, who)
        case "undo":
            reason = ReasonIn(reason=form.get("reason", "")).reason
            await settlements.undo(uow, deps.policy, UUID(form.get("transaction", "")), reason, who)
        case _:
            raise Refused("action-unknown", "the page offers no such action", status=422)


_DONE = {
    "pay": "The payment was posted.",
    "refund": "Another person has to approve the refund.",
    "write-off": "It was posted, or another person has to approve it.",
    "undo": "The transaction was undone by its counter-entry.",
}


async def _show(
    request: Request,
    runtime: Runtime,
    who: Principal,
    encounter_id: UUID,
    *,
    problem: str = "",
    status: int = 200,
) -> HTMLResponse:
    async with runtime.http_pool.acquire() as conn:
        account = (await repository.read_accounts(conn, [encounter_id])).get(encounter_id)
        if account is None or not who.sees(account.facility_id):
            raise NotFound("account")
        rows = await ledger.list_entries(conn, encounter_id)
        issued = await statements.list_statements(conn, encounter_id)
    entries: list[Entry] = []
    open_cents, last = 0, None
    for row in rows:
        if "receivable" in row["account"]:
            open_cents += row["cents"]
        entries.append(Entry(row, row["transaction_id"] != last, open_cents))
        last = row["transaction_id"]
    return page(
        request,
        "billing_account.html",
        status_code=status,
        account=account,
        entries=entries,
        statements=issued,
        acts=acts(who),
        problem=problem,
        done=_DONE.get(request.query_params.get("done", ""), ""),
    )
