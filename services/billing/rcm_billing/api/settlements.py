"""HTTP in: an account's ledger and what people do to it: undo, write off, refund, variances, statements."""

import json
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field
from rcm_shared.errors import NotFound
from rcm_shared.messaging.uow import UnitOfWork
from rcm_shared.money import Cents
from rcm_shared.web.idempotency import idempotent

from rcm_billing import repository
from rcm_billing.api.accounts import AccountOut, account_out
from rcm_billing.api.deps import Biller, Body, Limit, Reader, Running, deps_of
from rcm_billing.domain.statement import StatementLine
from rcm_billing.handlers import settlements
from rcm_billing.handlers.settlements import Asked
from rcm_billing.repository import ledger, statements, variances
from rcm_billing.repository import settlements as requests
from rcm_billing.repository.settlements import SettlementRow

router = APIRouter(prefix="/v1", tags=["billing"])
Reason = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,59}$")]
Receivable = Literal["patient", "P", "S", "T"]
State = Annotated[str | None, Query(pattern="^[a-z]{1,20}$")]


class ReasonIn(Body):
    """Why, as a code of the facility's own."""

    reason: Reason


class EntryOut(Body):
    """One ledger entry; debits above zero. `receivable_cents` is what the account has open after it."""

    transaction_id: UUID
    kind: str
    position: int
    account: str
    group: str
    code: str
    cents: int
    receivable_cents: int
    claim_id: UUID | None
    reverses: UUID | None
    actor: str
    reason: str
    posted_at: datetime


class AccountLedgerOut(Body):
    """Every entry of an encounter in the order of posting."""

    encounter_id: UUID
    entries: tuple[EntryOut, ...]


class SettlementIn(Body):
    """What is written off or refunded, of which receivable."""

    receivable: Receivable = "patient"
    cents: Annotated[int, Field(gt=0, le=10**12)]
    reason: Reason


class WriteOffIn(SettlementIn):
    category: Literal["small-balance", "bad-debt", "charity", "administrative"]


class SettlementOut(Body):
    """A refund or write-off: posted, or waiting for another person."""

    request_id: UUID
    encounter_id: UUID
    kind: str
    category: str
    receivable: str
    cents: int
    reason: str
    state: str
    requested_by: str
    requested_at: datetime


class SettlementList(Body):
    requests: tuple[SettlementOut, ...]


class VarianceOut(Body):
    """A line (0: the stay) whose allowed amount is not the contract's; `held_cents` stay open until it is decided."""

    variance_id: UUID
    encounter_id: UUID
    claim_id: UUID
    payer_id: str
    line: int
    basis: str
    expected_cents: int
    allowed_cents: int
    held_cents: int
    state: str
    reason: str
    found_at: datetime


class VarianceList(Body):
    variances: tuple[VarianceOut, ...]


class VarianceMoveIn(Body):
    state: Literal["open", "disputed", "accepted", "recovered"]
    reason: Reason


class VarianceStateOut(Body):
    variance_id: UUID
    state: str


class StatementOut(Body):
    """One statement as it was issued; it names no person."""

    statement_id: UUID
    serial: int
    final: bool
    issued_on: date
    due_on: date
    service_from: date | None
    service_through: date | None
    charged_cents: int
    insurance_paid_cents: int
    adjusted_cents: int
    lines: tuple[StatementLine, ...]
    open_cents: int


class StatementList(Body):
    statements: tuple[StatementOut, ...]


def _settlement(row: SettlementRow | Any, state: str) -> SettlementOut:
    return SettlementOut(
        request_id=row.request_id,
        encounter_id=row.encounter_id,
        kind=row.kind,
        category=row.category,
        receivable=row.receivable,
        cents=row.cents,
        reason=row.reason,
        state=state,
        requested_by=row.requested_by,
        requested_at=row.requested_at,
    )


async def _seen(encounter_id: UUID, who: Reader, runtime: Running) -> None:
    account = (await repository.read_accounts(runtime.http_pool, [encounter_id])).get(encounter_id)
    if account is None or not who.sees(account.facility_id):
        raise NotFound("account")


@router.get("/accounts/{encounter_id}/ledger")
async def get_ledger(encounter_id: UUID, who: Reader, runtime: Running) -> AccountLedgerOut:
    """Show every entry of an account with what is open after it."""
    await _seen(encounter_id, who, runtime)
    entries: list[EntryOut] = []
    open_cents = 0
    for row in await ledger.list_entries(runtime.http_pool, encounter_id):
        if "receivable" in row["account"]:
            open_cents += row["cents"]
        entries.append(
            EntryOut(
                transaction_id=row["transaction_id"],
                kind=row["kind"],
                position=row["position"],
                account=row["account"],
                group=row["group_code"],
                code=row["reason_code"],
                cents=row["cents"],
                receivable_cents=open_cents,
                claim_id=row["claim_id"],
                reverses=row["reverses"],
                actor=row["actor"],
                reason=row["reason"],
                posted_at=row["posted_at"],
            )
        )
    return AccountLedgerOut(encounter_id=encounter_id, entries=tuple(entries))


@router.post("/ledger/{transaction_id}/undo")
async def undo(transaction_id: UUID, body: ReasonIn, request: Request, who: Biller) -> Response:
    """Undo a transaction by its counter-entry."""

    async def run(uow: UnitOfWork) -> tuple[int, BaseModel]:
        account = await settlements.undo(uow, deps_of(request).policy, transaction_id, body.reason, who)
        answer: AccountOut = account_out(account)
        return 201, answer

    return await idempotent(request, who, run)


@router.post("/accounts/{encounter_id}/write-offs")
async def write_off(encounter_id: UUID, body: WriteOffIn, request: Request, who: Biller) -> Response:
    """Write off a part of a receivable: posted at once up to the limit, else left to another person."""

    async def run(uow: UnitOfWork) -> tuple[int, BaseModel]:
        asked = Asked(body.receivable, body.category, Cents(body.cents), body.reason)
        _, row = await settlements.request_write_off(uow, deps_of(request).policy, encounter_id, asked, who)
        return 201 if row.state == "posted" else 202, _settlement(row, row.state)

    return await idempotent(request, who, run)


@router.post("/accounts/{encounter_id}/refunds")
async def refund(encounter_id: UUID, body: SettlementIn, request: Request, who: Biller) -> Response:
    """Ask for the refund of a credit; another person approves it."""

    async def run(uow: UnitOfWork) -> tuple[int, BaseModel]:
        asked = Asked(body.receivable, "credit-balance", Cents(body.cents), body.reason)
        _, row = await settlements.request_refund(uow, encounter_id, asked, who)
        return 202, _settlement(row, row.state)

    return await idempotent(request, who, run)


@router.get("/settlement-requests")
async def list_requests(
    who: Reader, runtime: Running, state: State = None, limit: Limit = 100
) -> SettlementList:
    """List refunds and write-offs, oldest first."""
    rows = await requests.list_requests(
        runtime.http_pool, state=state, facilities=who.facility_filter(), limit=limit
    )
    return SettlementList(
        requests=tuple(
            SettlementOut(**{name: row[name] for name in SettlementOut.model_fields}) for row in rows
        )
    )


@router.post("/settlement-requests/{request_id}/{decision}")
async def decide_request(
    request_id: UUID, decision: Literal["approve", "refuse"], request: Request, who: Biller
) -> Response:
    """Approve or refuse what another person asked for."""

    async def run(uow: UnitOfWork) -> tuple[int, BaseModel]:
        approve = decision == "approve"
        _, row = await settlements.decide_request(
            uow, deps_of(request).policy, request_id, approve=approve, who=who
        )
        return 200, _settlement(row, "posted" if approve else "refused")

    return await idempotent(request, who, run)


@router.get("/variances")
async def list_variances(
    who: Reader, runtime: Running, state: State = None, limit: Limit = 100
) -> VarianceList:
    """List variances from the contract, the largest difference first."""
    rows = await variances.list_variances(
        runtime.http_pool, state=state, facilities=who.facility_filter(), limit=limit
    )
    return VarianceList(
        variances=tuple(VarianceOut(**{name: row[name] for name in VarianceOut.model_fields}) for row in rows)
    )


@router.post("/variances/{variance_id}/move")
async def move_variance(variance_id: UUID, body: VarianceMoveIn, request: Request, who: Biller) -> Response:
    """Dispute, accept or close a variance; accepting posts the reduction that was held."""

    async def run(uow: UnitOfWork) -> tuple[int, BaseModel]:
        policy = deps_of(request).policy
        await settlements.move_variance(uow, policy, variance_id, body.state, body.reason, who)
        return 200, VarianceStateOut(variance_id=variance_id, state=body.state)

    return await idempotent(request, who, run)


@router.get("/accounts/{encounter_id}/statements")
async def list_statements(encounter_id: UUID, who: Reader, runtime: Running) -> StatementList:
    """List the statements of an account, oldest first."""
    await _seen(encounter_id, who, runtime)
    rows = await statements.list_statements(runtime.http_pool, encounter_id)
    return StatementList(
        statements=tuple(
            StatementOut(statement_id=row["statement_id"], **json.loads(row["body"])) for row in rows
        )
    )
