"""HTTP in: payments and their deposits, payers' files, what could not be applied and what a person does about it."""

from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, Field
from rcm_shared.auth import Principal, allow
from rcm_shared.messaging.uow import UnitOfWork
from rcm_shared.money import Cents
from rcm_shared.web.idempotency import idempotent

from rcm_billing import repository
from rcm_billing.api.deps import Biller, Body, Limit, Running, deps_of
from rcm_billing.domain.document import Adjustment
from rcm_billing.domain.remittance import PaidClaim, PaidLine, ProviderAdjustment
from rcm_billing.handlers import unmatched
from rcm_billing.handlers.deposits import DepositRecord, record_deposit
from rcm_billing.handlers.unmatched import ManualRemittance
from rcm_billing.repository import deposits, ledger, payer_files, remittances

router = APIRouter(prefix="/v1", tags=["billing"])
Money = Annotated[Principal, Depends(allow("biller", "auditor", "operations"))]
Sender = Annotated[Principal, Depends(allow("biller", "integration", "operations"))]
Amount = Annotated[int, Field(ge=-(10**15), le=10**15)]
Reason = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,59}$")]
State = Annotated[str | None, Query(pattern="^[a-z]{1,20}$")]


class LedgerOut(Body):
    """`sum_cents` is 0 when the books balance."""

    sum_cents: int
    transactions: int
    accounts: dict[str, int]


class RemittanceOut(Body):
    """One payment; `waiting` of its claim payments are in the unmatched queue."""

    trace: str
    payment_cents: int
    method: str
    paid_on: date | None
    source: str
    deposit_state: str
    claims: int
    posted: int
    waiting: int
    received_at: datetime


class RemittanceList(Body):
    remittances: tuple[RemittanceOut, ...]


class DepositOut(Body):
    """One deposit at the bank."""

    deposit_id: str
    payer_id: str
    trace: str
    amount_cents: int
    effective_on: date | None
    state: str


class DepositList(Body):
    deposits: tuple[DepositOut, ...]


class DepositIn(Body):
    """A deposit; `trace` is the TRN02 of its 835, `originator` its TRN03 when the bank names it."""

    deposit_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,80}$")]
    payer_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{0,80}$")] = ""
    originator: Annotated[str, Field(pattern=r"^[A-Za-z0-9._ -]{0,50}$")] = ""
    trace: Annotated[str, Field(pattern=r"^[\x21-\x7e]{1,50}$")]
    amount_cents: Annotated[int, Field(gt=0, le=10**15)]
    effective_on: date | None = None


class DepositStateOut(Body):
    deposit_id: str
    state: str


class ProviderAdjustmentOut(Body):
    """One PLB reason of a payment: FB, WO, 72, L6 and others; above zero it reduced the payment."""

    trace: str
    paid_on: date | None
    reason: str
    reference: str
    cents: int


class ProviderAdjustmentList(Body):
    adjustments: tuple[ProviderAdjustmentOut, ...]


class AdjustmentIn(Body):
    group: Annotated[str, Field(pattern="^(CO|PR|OA|PI)$")]
    code: Annotated[str, Field(pattern="^[A-Z0-9]{1,5}$")]
    cents: Amount


class ManualLineIn(Body):
    """One line of a paper remittance; charge less adjustments is what is paid."""

    code: Annotated[str, Field(pattern="^[A-Z0-9]{0,8}$")]
    charge_cents: Amount
    paid_cents: Amount
    modifiers: Annotated[tuple[str, ...], Field(max_length=4)] = ()
    revenue_code: Annotated[str, Field(pattern="^[0-9]{0,4}$")] = ""
    service_date: date | None = None
    control: Annotated[str, Field(max_length=30)] = ""
    adjustments: Annotated[tuple[AdjustmentIn, ...], Field(max_length=99)] = ()
    remarks: Annotated[tuple[str, ...], Field(max_length=9)] = ()


class ManualClaimIn(Body):
    """One claim of a paper remittance; `status` is what CLP02 would be."""

    claim_control: Annotated[str, Field(max_length=38)]
    status: Annotated[str, Field(pattern="^[0-9]{1,2}$")]
    charge_cents: Amount
    paid_cents: Amount
    payer_control: Annotated[str, Field(max_length=50)] = ""
    adjustments: Annotated[tuple[AdjustmentIn, ...], Field(max_length=99)] = ()
    lines: Annotated[tuple[ManualLineIn, ...], Field(max_length=999)] = ()


class ProviderAdjustmentIn(Body):
    reason: Annotated[str, Field(pattern="^[A-Z0-9]{2}$")]
    reference: Annotated[str, Field(max_length=50)] = ""
    cents: Amount


class ManualIn(Body):
    """A paper remittance: the payment is the sum of its claims less its provider adjustments."""

    payer_trace_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,30}$")]
    trace: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,50}$")]
    method: Annotated[str, Field(pattern="^(CHK|ACH|NON|FWT)$")] = "CHK"
    paid_on: date
    payment_cents: Annotated[int, Field(ge=0, le=10**15)]
    claims: Annotated[tuple[ManualClaimIn, ...], Field(max_length=200)]
    provider_adjustments: Annotated[tuple[ProviderAdjustmentIn, ...], Field(max_length=50)] = ()


class PostedOut(Body):
    """What became of the claim payments of one remittance."""

    trace: str
    payment_cents: int
    claims: int
    posted: int
    waiting: int


@router.get("/ledger/summary")
async def ledger_summary(
    who: Annotated[Principal, Depends(allow("biller", "auditor", "operations", "service"))], runtime: Running
) -> LedgerOut:
    """Show the sum over the whole ledger and the balance of each of its accounts."""
    cents, transactions = await repository.ledger_summary(runtime.http_pool)
    accounts = await ledger.sum_by_account(runtime.http_pool)
    return LedgerOut(sum_cents=cents, transactions=transactions, accounts=accounts)


@router.get("/remittances")
async def list_remittances(
    who: Money, runtime: Running, deposit_state: State = None, limit: Limit = 100
) -> RemittanceList:
    """List payments, newest first."""
    rows = await remittances.list_remittances(runtime.http_pool, deposit_state=deposit_state, limit=limit)
    return RemittanceList(
        remittances=tuple(
            RemittanceOut(**{name: row[name] for name in RemittanceOut.model_fields}) for row in rows
        )
    )


@router.post("/remittances/manual")
async def enter_remittance(body: ManualIn, request: Request, who: Biller) -> Response:
    """Post a remittance that came on paper; it must balance as an 835 does."""

    async def run(uow: UnitOfWork) -> tuple[int, BaseModel]:
        posted = await unmatched.enter_remittance(deps_of(request), uow, _manual(body), who)
        places = [claim.ordinal for claim in posted.claims]
        aside = await payer_files.list_aside_of(uow.conn, posted.key, places)
        return 201, PostedOut(
            trace=posted.trace,
            payment_cents=posted.payment_cents,
            claims=posted.claim_count,
            posted=posted.claim_count - len(aside),
            waiting=len(aside),
        )

    return await idempotent(request, who, run)


@router.get("/provider-adjustments")
async def list_provider_adjustments(
    who: Money, runtime: Running, limit: Limit = 100
) -> ProviderAdjustmentList:
    """List what payers settled on the provider's account."""
    rows = await ledger.list_provider_adjustments(runtime.http_pool, limit)
    return ProviderAdjustmentList(
        adjustments=tuple(
            ProviderAdjustmentOut(**{name: row[name] for name in ProviderAdjustmentOut.model_fields})
            for row in rows
        )
    )


@router.get("/deposits")
async def list_deposits(who: Money, runtime: Running, state: State = None, limit: Limit = 100) -> DepositList:
    """List deposits, newest first."""
    rows = await deposits.list_deposits(runtime.http_pool, state=state, limit=limit)
    return DepositList(
        deposits=tuple(DepositOut(**{name: row[name] for name in DepositOut.model_fields}) for row in rows)
    )


@router.post("/deposits")
async def take_deposit(body: DepositIn, request: Request, who: Sender) -> Response:
    """Report a deposit; it meets the 835 with the same trace."""

    async def run(uow: UnitOfWork) -> tuple[int, BaseModel]:
        state = await record_deposit(uow, DepositRecord(**body.model_dump()))
        return 201, DepositStateOut(deposit_id=body.deposit_id, state=state)

    return await idempotent(request, who, run)


def _manual(body: ManualIn) -> ManualRemittance:
    return ManualRemittance(
        body.payer_trace_id,
        body.trace,
        body.method,
        body.paid_on,
        Cents(body.payment_cents),
        tuple(_claim(ordinal, claim) for ordinal, claim in enumerate(body.claims, 1)),
        tuple(
            ProviderAdjustment(one.reason, one.reference, Cents(one.cents))
            for one in body.provider_adjustments
        ),
    )


def _claim(ordinal: int, claim: ManualClaimIn) -> PaidClaim:
    lines = tuple(
        PaidLine(
            line.code,
            Cents(line.charge_cents),
            Cents(line.paid_cents),
            line.modifiers,
            line.revenue_code,
            service_date=line.service_date,
            control=line.control,
            adjustments=_adjustments(line.adjustments),
            remarks=line.remarks,
        )
        for line in claim.lines
    )
    every = (*claim.adjustments, *(a for line in claim.lines for a in line.adjustments))
    return PaidClaim(
        ordinal,
        claim.claim_control,
        claim.status,
        Cents(claim.charge_cents),
        Cents(claim.paid_cents),
        Cents(sum(a.cents for a in every if a.group == "PR")),
        payer_control=claim.payer_control,
        adjustments=_adjustments(claim.adjustments),
        lines=lines,
    )


def _adjustments(found: tuple[AdjustmentIn, ...]) -> tuple[Adjustment, ...]:
    return tuple(Adjustment(group=one.group, code=one.code, cents=Cents(one.cents)) for one in found)
