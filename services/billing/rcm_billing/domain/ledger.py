"""Double entry: every transaction sums to zero, nothing is changed, a mistake is undone by its exact inverse.

Debits are positive, credits negative. Charging debits the primary payer's receivable and credits revenue; a
payment debits cash and credits the receivable; a share of the patient moves from one receivable to another.
"""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from rcm_shared.money import Cents

from rcm_billing.domain.errors import OutOfBalance


class LedgerAccount(StrEnum):
    """The chart of accounts."""

    REVENUE = "charge_revenue"
    INSURANCE_P = "insurance_receivable_p"
    INSURANCE_S = "insurance_receivable_s"
    INSURANCE_T = "insurance_receivable_t"
    PATIENT = "patient_receivable"
    CASH = "cash"  # what the bank or the patient's payment showed
    DEPOSIT = "deposit_expected"  # a payer's 835 announced it, the bank has not shown it yet
    UNAPPLIED = "unapplied_payment"  # received, and nobody knows yet for which claim
    CONTRACTUAL = "contractual_adjustment"  # CO
    OTHER = "other_adjustment"  # OA
    PAYER_INITIATED = "payer_initiated_adjustment"  # PI
    WRITE_OFF = "write_off"
    PROVIDER_LEVEL = "provider_level_adjustment"  # PLB: belongs to no encounter


ZERO = Cents(0)
INSURANCE = {"P": LedgerAccount.INSURANCE_P, "S": LedgerAccount.INSURANCE_S, "T": LedgerAccount.INSURANCE_T}
ADJUSTMENTS = frozenset(
    {
        LedgerAccount.CONTRACTUAL,
        LedgerAccount.OTHER,
        LedgerAccount.PAYER_INITIATED,
        LedgerAccount.WRITE_OFF,
    }
)
#: Where money that was received for an encounter may stand.
MONEY = frozenset({LedgerAccount.CASH, LedgerAccount.DEPOSIT, LedgerAccount.UNAPPLIED})
BY_GROUP = {
    "CO": LedgerAccount.CONTRACTUAL,
    "OA": LedgerAccount.OTHER,
    "PI": LedgerAccount.PAYER_INITIATED,
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One side of a transaction; `reason` is the CARC or PLB reason where there is one."""

    account: LedgerAccount
    cents: Cents
    group: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Transaction:
    """A balanced set of entries.

    `kind` is charge, remittance, patient-payment, reversal, provider-level, unapplied, deposit, contractual, write-off,
    refund, transfer or undo; `actor` and `reason` say who asked for it and why.
    """

    transaction_id: UUID
    kind: str
    entries: tuple[Entry, ...]
    claim_id: UUID | None = None
    reverses: UUID | None = None
    actor: str = ""
    reason: str = ""
    reference: str = ""

    def __post_init__(self) -> None:
        if sum(entry.cents for entry in self.entries) != 0:
            raise OutOfBalance("ledger-transaction")


@dataclass(frozen=True, slots=True)
class Totals:
    """What the entries of one encounter add up to: charged = paid + adjusted + patient + insurance,
    always.
    """

    charged: Cents = ZERO
    paid: Cents = ZERO
    adjusted: Cents = ZERO
    patient: Cents = ZERO
    insurance_p: Cents = ZERO
    insurance_s: Cents = ZERO
    insurance_t: Cents = ZERO

    @property
    def insurance(self) -> Cents:
        """Return what is open with all payers together."""
        return Cents(self.insurance_p + self.insurance_s + self.insurance_t)

    def open_with(self, order: str) -> Cents:
        """Return what is open with the payer of one order (P, S, T)."""
        return {"P": self.insurance_p, "S": self.insurance_s, "T": self.insurance_t}[order]

    def plus(self, entries: tuple[Entry, ...]) -> "Totals":
        """Return the totals after the entries."""
        sums: dict[LedgerAccount, int] = {}
        for entry in entries:
            sums[entry.account] = sums.get(entry.account, 0) + entry.cents
        adjusted = sum(sums.get(account, 0) for account in ADJUSTMENTS)
        return Totals(
            Cents(self.charged - sums.get(LedgerAccount.REVENUE, 0)),
            Cents(self.paid + sum(sums.get(account, 0) for account in MONEY)),
            Cents(self.adjusted + adjusted),
            Cents(self.patient + sums.get(LedgerAccount.PATIENT, 0)),
            Cents(self.insurance_p + sums.get(LedgerAccount.INSURANCE_P, 0)),
            Cents(self.insurance_s + sums.get(LedgerAccount.INSURANCE_S, 0)),
            Cents(self.insurance_t + sums.get(LedgerAccount.INSURANCE_T, 0)),
        )

    def balanced(self) -> bool:
        """Return whether the identity holds."""
        return self.charged == self.paid + self.adjusted + self.patient + self.insurance


def charge(transaction_id: UUID, cents: Cents, claim_id: UUID) -> Transaction:
    """Book a charge against the primary payer."""
    return Transaction(
        transaction_id,
        "charge",
        (Entry(LedgerAccount.INSURANCE_P, cents), Entry(LedgerAccount.REVENUE, Cents(-cents))),
        claim_id,
    )


def patient_payment(transaction_id: UUID, cents: Cents) -> Transaction:
    """Book money that the patient paid."""
    return Transaction(
        transaction_id,
        "patient-payment",
        (Entry(LedgerAccount.CASH, cents), Entry(LedgerAccount.PATIENT, Cents(-cents))),
    )


def provider_level(transaction_id: UUID, adjustments: tuple[tuple[str, Cents], ...]) -> Transaction:
    """Book the PLB segment of a remittance; a positive amount reduces the payment (835 TR3, PLB04)."""
    entries = [Entry(LedgerAccount.PROVIDER_LEVEL, cents, "PLB", reason) for reason, cents in adjustments]
    total = sum(cents for _, cents in adjustments)
    return Transaction(
        transaction_id, "provider-level", (*entries, Entry(LedgerAccount.DEPOSIT, Cents(-total)))
    )


def unapplied(transaction_id: UUID, cents: Cents, reference: str) -> Transaction:
    """Book what a payer paid for a claim that nobody knows yet."""
    return Transaction(
        transaction_id,
        "unapplied",
        (Entry(LedgerAccount.DEPOSIT, cents), Entry(LedgerAccount.UNAPPLIED, Cents(-cents))),
        reference=reference,
    )


def deposited(transaction_id: UUID, cents: Cents, reference: str) -> Transaction:
    """Book that the bank shows what an 835 announced."""
    return Transaction(
        transaction_id,
        "deposit",
        (Entry(LedgerAccount.CASH, cents), Entry(LedgerAccount.DEPOSIT, Cents(-cents))),
        reference=reference,
    )


def contractual(transaction_id: UUID, cents: Cents, order: str, claim_id: UUID, actor: str) -> Transaction:
    """Book the part of a contractual reduction (CO 45) that was held back until a person accepted it."""
    return Transaction(
        transaction_id,
        "contractual",
        (Entry(LedgerAccount.CONTRACTUAL, cents, "CO", "45"), Entry(INSURANCE[order], Cents(-cents))),
        claim_id,
        actor=actor,
    )


def write_off(
    transaction_id: UUID, cents: Cents, receivable: LedgerAccount, category: str, actor: str, reason: str
) -> Transaction:
    """Give up a part of a receivable."""
    return Transaction(
        transaction_id,
        "write-off",
        (Entry(LedgerAccount.WRITE_OFF, cents, "WO", category), Entry(receivable, Cents(-cents))),
        actor=actor,
        reason=reason,
    )


def refund(
    transaction_id: UUID, cents: Cents, receivable: LedgerAccount, actor: str, reason: str
) -> Transaction:
    """Give money back from a receivable that is below zero."""
    return Transaction(
        transaction_id,
        "refund",
        (Entry(receivable, cents), Entry(LedgerAccount.CASH, Cents(-cents))),
        actor=actor,
        reason=reason,
    )


def inverse(
    transaction_id: UUID,
    original: Transaction,
    kind: str = "reversal",
    *,
    actor: str = "",
    reason: str = "",
    money: LedgerAccount | None = None,
) -> Transaction:
    """Undo a transaction: the same entries with every sign turned; `money` names where the money goes back to."""
    entries = tuple(
        Entry(
            money if money is not None and entry.account in MONEY else entry.account,
            Cents(-entry.cents),
            entry.group,
            entry.reason,
        )
        for entry in original.entries
    )
    return Transaction(
        transaction_id,
        kind,
        entries,
        original.claim_id,
        reverses=original.transaction_id,
        actor=actor,
        reason=reason,
    )
