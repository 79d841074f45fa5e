"""What people do to an account's money: undo, write off, refund, accept a payer's larger reduction.

Each is one balanced transaction with its actor and reason; what may not be is refused with the reason.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from rcm_shared.errors import Refused
from rcm_shared.money import Cents

from rcm_billing.domain import ledger
from rcm_billing.domain.account import Account
from rcm_billing.domain.denial import OPEN
from rcm_billing.domain.errors import OutOfBalance
from rcm_billing.domain.ledger import INSURANCE, LedgerAccount, Transaction
from rcm_billing.domain.posting import Posted, close_if_settled, posted_fact, take_back
from rcm_billing.domain.submission import Step


class WriteOff(StrEnum):
    """Why a receivable is given up."""

    SMALL_BALANCE = "small-balance"
    BAD_DEBT = "bad-debt"
    CHARITY = "charity"
    ADMINISTRATIVE = "administrative"


@dataclass(frozen=True, slots=True)
class Limits:
    """Up to which amount one person may act alone; a small balance is at most `small_balance_cents`."""

    alone_cents: int = 2_500
    small_balance_cents: int = 1_000


PATIENT_ONLY = frozenset({WriteOff.SMALL_BALANCE, WriteOff.BAD_DEBT, WriteOff.CHARITY})
#: Kinds of transactions that a person may undo; a charge follows its claim, an undo is repaired by posting again.
UNDOABLE = frozenset({"remittance", "patient-payment", "write-off", "refund", "contractual"})
_OWN_GROUP = "WO"


def receivable_of(name: str) -> LedgerAccount:
    """Return the account of "patient", "P", "S" or "T"."""
    return LedgerAccount.PATIENT if name == "patient" else INSURANCE[name]


def open_of(account: Account, receivable: str) -> Cents:
    """Return what is open there; below zero is a credit."""
    totals = account.totals
    return totals.patient if receivable == "patient" else totals.open_with(receivable)


def check_write_off(
    account: Account, receivable: str, category: WriteOff, cents: int, limits: Limits
) -> None:
    """Check a write-off against the account.

    Raises: Refused when it is more than open, not of this kind, or a denial of that payer is open: a denied amount is
    given up in its denial case, by a person who works it.
    """
    if category is WriteOff.SMALL_BALANCE and cents > limits.small_balance_cents:
        raise Refused(
            "not-a-small-balance", "the amount is above the limit of a small balance", pointer="/cents"
        )
    if category in PATIENT_ONLY and receivable != "patient":
        raise Refused("patient-only", "only the patient's balance is written off so", pointer="/receivable")
    if receivable != "patient" and any(d.order == receivable and d.state in OPEN for d in account.denials):
        raise Refused("denial-open", "a denial of this payer is open; decide it in its own case")
    if cents > open_of(account, receivable):
        raise Refused("more-than-open", "less than this amount is open there", pointer="/cents")


def write_off(
    account: Account,
    receivable: str,
    category: WriteOff,
    cents: Cents,
    *,
    transaction_id: UUID,
    actor: str,
    reason: str,
) -> Step:
    """Post a write-off that was checked."""
    transaction = ledger.write_off(transaction_id, cents, receivable_of(receivable), category, actor, reason)
    return _post(account, transaction, "write-off", actor)


def check_refund(account: Account, receivable: str, cents: int) -> None:
    """Check a refund against the credit there.

    Raises: Refused when there is none or a smaller one.
    """
    credit = -open_of(account, receivable)
    if credit <= 0:
        raise Refused("no-credit", "nothing is overpaid there", pointer="/receivable")
    if cents > credit:
        raise Refused("more-than-credit", "the credit is smaller than this amount", pointer="/cents")


def refund(
    account: Account, receivable: str, cents: Cents, *, transaction_id: UUID, actor: str, reason: str
) -> Step:
    """Post a refund that was checked and approved."""
    transaction = ledger.refund(transaction_id, cents, receivable_of(receivable), actor, reason)
    return _post(account, transaction, "refund", actor)


def accept_reduction(
    account: Account, claim_id: UUID, order: str, cents: Cents, *, transaction_id: UUID, actor: str
) -> Step:
    """Post the part of a contractual reduction that was held because it goes beyond the contract."""
    transaction = ledger.contractual(transaction_id, cents, order, claim_id, actor)
    return _post(account, transaction, "write-off", actor)


def _post(account: Account, transaction: Transaction, source: str, actor: str) -> Step:
    try:
        posted = account.posted(transaction)
    except OutOfBalance:
        raise Refused("more-than-open", "less than this amount is open there") from None
    event = posted_fact(posted, transaction, source, actor)
    if source == "refund" and event.to_patient_cents:
        event = event.model_copy(update={"to_patient_cents": Cents(0)})  # a patient's payment taken back
    return close_if_settled(Step(posted, (event,)), actor)


def undo(
    account: Account,
    original: Transaction,
    decision: Posted | None,
    *,
    transaction_id: UUID,
    actor: str,
    reason: str,
    now: datetime,
) -> Step:
    """Undo a transaction by its counter-entry; a decision of a payer takes the claim and its denials back with it.

    `decision` is the claim payment that the transaction posted, if it did. Its money is then unapplied again.
    Raises: Refused when this kind is not undone so, or when the account went on since.
    """
    if original.kind not in UNDOABLE:
        raise Refused("kind-not-undone", f"a {original.kind} transaction is not undone by itself")
    if original.kind == "write-off" and any(e.group not in ("", _OWN_GROUP) for e in original.entries):
        raise Refused("denial-decided", "a denied amount was given up; reopen its denial case instead")
    if original.kind == "remittance":
        claim = account.claim(original.claim_id) if original.claim_id else None
        if claim is None or decision is None:
            raise Refused("decision-reversed", "the payer's decision was already taken back")
        inverse = ledger.inverse(
            transaction_id, original, "undo", actor=actor, reason=reason, money=LedgerAccount.UNAPPLIED
        )
        step = take_back(account, claim, decision, inverse, source="undo", now=now, actor=actor)
        if step.problem:
            raise Refused(step.problem, "a later posting used this amount; undo that one first")
        return step
    inverse = ledger.inverse(transaction_id, original, "undo", actor=actor, reason=reason)
    try:
        posted = account.posted(inverse, patient_credit=True)
    except OutOfBalance as error:
        raise Refused(error.code, "a later posting used this amount; undo that one first") from None
    posted = posted.but(closed=False)
    return close_if_settled(Step(posted, (posted_fact(posted, inverse, "undo", actor),)), actor)
