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
    CASH = "cash"
    CONTRACTUAL = "contractual_adjustment"  # CO
    OTHER = "other_adjustment"  # OA
    PAYER_INITIATED = "payer_initiated_adjustment"  # PI
    PROVIDER_LEVEL = "provider_level_adjustment"  # PLB: belongs to no encounter


ZERO = Cents(0)
INSURANCE = {"P": LedgerAccount.INSURANCE_P, "S": LedgerAccount.INSURANCE_S, "T": LedgerAccount.INSURANCE_T}
ADJUSTMENTS = frozenset({LedgerAccount.CONTRACTUAL, LedgerAccount.OTHER, LedgerAccount.PAYER_INITIATED})
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
    """A balanced set of entries. `kind` is charge, remittance, patient-payment, reversal or
    provider-level.
    """

    transaction_id: UUID
    kind: str
    entries: tuple[Entry, ...]
    claim_id: UUID | None = None
    reverses: UUID | None = None

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
            Cents(self.paid + sums.get(LedgerAccount.CASH, 0)),
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
    return Transaction(transaction_id, "provider-level", (*entries, Entry(LedgerAccount.CASH, Cents(-total))))


def inverse(transaction_id: UUID, original: Transaction) -> Transaction:
    """Undo a transaction: the same entries with every sign turned."""
    entries = tuple(
        Entry(entry.account, Cents(-entry.cents), entry.group, entry.reason) for entry in original.entries
    )
    return Transaction(
        transaction_id, "reversal", entries, original.claim_id, reverses=original.transaction_id
    )
