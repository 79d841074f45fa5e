"""Cash is expected until the bank shows it: deposits meet the 835 that explains them by trace and amount."""

from datetime import date

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from rcm_shared.errors import Refused
from rcm_shared.ids import uuid7
from rcm_shared.messaging.uow import UnitOfWork
from rcm_shared.money import Cents

from rcm_billing import repository
from rcm_billing.domain import ledger
from rcm_billing.domain.errors import Unreadable
from rcm_billing.domain.remittance import Payment
from rcm_billing.handlers.deps import Deps
from rcm_billing.handlers.submitting import Begin
from rcm_billing.repository import deposits
from rcm_billing.repository.deposits import Deposit

DEPOSITS = ".deposit.json"
RECONCILED, DIFFERS, WAITING = "reconciled", "differs", "waiting"


class DepositRecord(BaseModel):
    """A deposit as a bank or payer reports it; `trace` is the TRN02 of its 835."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    deposit_id: str = Field(pattern=r"^[A-Za-z0-9._-]{1,80}$")
    payer_id: str = Field(default="", pattern=r"^[A-Za-z0-9._-]{0,80}$")
    originator: str = Field(default="", pattern=r"^[A-Za-z0-9._ -]{0,50}$")
    trace: str = Field(pattern=r"^[\x21-\x7e]{1,50}$")
    amount_cents: int = Field(gt=0, le=10**15)
    effective_on: date | None = None


async def take_deposit_file(_deps: Deps, begin: Begin, data: bytes) -> None:
    """Take in a deposit file of the exchange; the same one again changes nothing.

    Raises: Unreadable when it is none, Refused when it contradicts what was reported (both to a person).
    """
    try:
        record = DepositRecord.model_validate_json(data)
    except ValidationError:
        raise Unreadable("deposit-record") from None
    async with begin() as uow:
        await record_deposit(uow, record)
        await repository.mark_inbound(uow.conn, repository.digest_of(data), "applied")


async def record_deposit(uow: UnitOfWork, record: DepositRecord) -> str:
    """Record a deposit and reconcile it when its 835 is there.

    Raises: Refused when the same deposit was reported with another amount or trace.
    """
    deposit = Deposit(
        record.deposit_id,
        record.payer_id,
        record.originator,
        record.trace,
        record.amount_cents,
        record.effective_on,
    )
    await deposits.lock_trace(uow.conn, record.trace)
    known = await deposits.insert_deposit(uow.conn, deposit)
    if known is not None:
        if (known["trace"], known["amount_cents"]) != (record.trace, record.amount_cents):
            raise Refused("deposit-known-with-other-values", "this deposit was reported with other values")
        state: str = known["state"]
        return state
    waiting = await deposits.find_expected(uow.conn, record.trace, record.originator)
    if waiting is None:
        return WAITING
    return await _settle(uow, deposit, waiting["remit_key"], waiting["payment_cents"])


async def reconcile_payment(uow: UnitOfWork, payment: Payment) -> None:
    """Meet a new 835 with its deposit when that came first."""
    if not payment.payment_cents:
        return
    await deposits.lock_trace(uow.conn, payment.trace)
    deposit = await deposits.find_waiting(uow.conn, payment.trace, payment.payer_trace_id)
    if deposit is not None:
        await _settle(uow, deposit, payment.key, payment.payment_cents)


async def _settle(uow: UnitOfWork, deposit: Deposit, remit_key: str, expected_cents: int) -> str:
    """Move the money from expected to cash; another amount than announced is booked by nobody but a person."""
    state = RECONCILED if deposit.amount_cents == expected_cents else DIFFERS
    await deposits.mark(uow.conn, deposit.deposit_id, remit_key, state)
    if state == RECONCILED:
        transaction = ledger.deposited(
            uuid7(),
            Cents(deposit.amount_cents),
            deposit.trace[:50],
        )
        await repository.insert_transactions(uow.conn, [(None, "", transaction)])
    return state
