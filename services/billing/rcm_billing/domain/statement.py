"""When the patient is told what is open, how often, and what a statement says; it names no person."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from pydantic import BaseModel, ConfigDict
from rcm_shared.money import Cents

from rcm_billing.domain.account import Account
from rcm_billing.domain.ledger import LedgerAccount, Transaction


@dataclass(frozen=True, slots=True)
class Cycle:
    """Days until the first statement, days between two, how many at most, and days until one is due."""

    first_days: int = 5
    every_days: int = 30
    at_most: int = 3
    due_days: int = 21


class StatementLine(BaseModel):
    """One thing that changed what the patient owes, in cents: above zero adds, below zero lowers."""

    model_config = ConfigDict(frozen=True)

    posted_on: date
    what: str  # insurance-share, payment, refund, write-off, correction
    cents: int


class Statement(BaseModel):
    """What one statement says."""

    model_config = ConfigDict(frozen=True)

    serial: int
    final: bool  # the last of its cycle
    issued_on: date
    due_on: date
    service_from: date | None
    service_through: date | None
    charged_cents: int
    insurance_paid_cents: int
    adjusted_cents: int
    lines: tuple[StatementLine, ...]
    open_cents: int


_WHAT = {
    "patient-payment": "payment",
    "remittance": "insurance-share",
    "reversal": "correction",
    "undo": "correction",
    "write-off": "write-off",
    "refund": "refund",
    "transfer": "insurance-share",
}


def write_statement(
    account: Account,
    postings: Sequence[tuple[date, Transaction]],
    *,
    serial: int,
    cycle: Cycle,
    on: date,
) -> Statement:
    """Return the statement of an account; its lines add up to what is open with the patient."""
    lines: list[StatementLine] = []
    by_patient = 0
    for day, transaction in postings:
        moved = sum(e.cents for e in transaction.entries if e.account is LedgerAccount.PATIENT)
        if moved:
            what = _WHAT.get(transaction.kind, "correction")
            lines.append(StatementLine(posted_on=day, what=what, cents=moved))
        if transaction.kind in ("patient-payment", "refund"):
            by_patient += sum(e.cents for e in transaction.entries if e.account is LedgerAccount.CASH)
    coding = account.coding
    totals = account.totals
    return Statement(
        serial=serial,
        final=serial >= cycle.at_most,
        issued_on=on,
        due_on=on + timedelta(days=cycle.due_days),
        service_from=coding.service_from if coding else None,
        service_through=coding.service_through if coding else None,
        charged_cents=totals.charged,
        insurance_paid_cents=Cents(totals.paid - by_patient),
        adjusted_cents=totals.adjusted,
        lines=tuple(lines),
        open_cents=totals.patient,
    )
