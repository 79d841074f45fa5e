"""A payer's 835 in our words: does it balance, and what does one claim payment post to the ledger."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from uuid import UUID

from rcm_shared.money import Cents

from rcm_billing.domain.denial import Treatment, category_of, treat
from rcm_billing.domain.document import Adjustment
from rcm_billing.domain.errors import OutOfBalance
from rcm_billing.domain.ledger import BY_GROUP, INSURANCE, Entry, LedgerAccount, Transaction

REVERSAL = "22"
DENIED = "4"
FORWARDED = frozenset({"19", "20", "21"})
#: CLP02 -> which payer order decided. 1/2/3 processed, 19/20/21 processed and forwarded, 4 denied, 22
# reversal.
ORDER_OF_STATUS = {"1": "P", "2": "S", "3": "T", "19": "P", "20": "S", "21": "T"}
CONTRACTUAL_REDUCTION = ("CO", "45")
_NOTHING_HELD: Mapping[int, Cents] = MappingProxyType({})
POSTABLE = frozenset({"1", "2", "3", DENIED, "19", "20", "21", REVERSAL})


@dataclass(frozen=True, slots=True)
class PaidLine:
    """One SVC loop. `control` is REF*6R; `remarks` are the RARC of LQ*HE; `original_code` is SVC06."""

    code: str
    charge_cents: Cents
    paid_cents: Cents
    modifiers: tuple[str, ...] = ()
    revenue_code: str = ""
    units: int | None = None
    original_code: str = ""
    service_date: date | None = None
    control: str = ""
    adjustments: tuple[Adjustment, ...] = ()
    remarks: tuple[str, ...] = ()
    number: int = 0  # of our line, once it is known


@dataclass(frozen=True, slots=True)
class PaidClaim:
    """One CLP loop; `ordinal` is its position in the transaction, from 1."""

    ordinal: int
    claim_control: str
    status: str
    charge_cents: Cents
    paid_cents: Cents
    patient_cents: Cents
    filing_indicator: str = ""
    payer_control: str = ""
    adjustments: tuple[Adjustment, ...] = ()
    lines: tuple[PaidLine, ...] = ()
    remarks: tuple[str, ...] = ()
    crossover_payer: str = ""
    member_id: str = ""
    service_date: date | None = None


@dataclass(frozen=True, slots=True)
class ProviderAdjustment:
    """One PLB reason with its amount; positive reduces the payment."""

    reason: str
    reference: str
    cents: Cents


@dataclass(frozen=True, slots=True)
class Payment:
    """One 835 transaction set without its claims.

    `key` tells the same payment apart from another (TRN03, TRN02, BPR16, BPR02); `content` is a digest of what the
    set says, so that the same payment with other claims is noticed.
    """

    key: str
    payment_cents: Cents
    method: str
    trace: str
    payer_trace_id: str
    paid_on: date | None
    provider_adjustments: tuple[ProviderAdjustment, ...] = ()
    claim_count: int = 0
    content: str = ""


@dataclass(frozen=True, slots=True)
class Remittance(Payment):
    """One 835 transaction set with its claims."""

    claims: tuple[PaidClaim, ...] = ()


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a payment may not be posted: a code, the segment where it shows, and the rule that it breaks."""

    code: str
    segment: str
    rule: str


LINE_RULE = "SVC02 - CAS = SVC03"
CLAIM_RULE = "CLP03 - CAS = CLP04"
CHARGE_RULE = "sum of SVC02 = CLP03"
TRANSACTION_RULE = "sum of CLP04 - PLB = BPR02, which is not below 0"


def claim_fault(claim: PaidClaim) -> tuple[str, str] | None:
    """Return (code, rule) of the first equation of one claim that does not hold, or None.

    Rule: 835 TR3 005010X221A1, Balancing: SVC02 - CAS = SVC03; CLP03 - all CAS = CLP04.
    """
    adjusted: int = sum(adjustment.cents for adjustment in claim.adjustments)
    charged = 0
    for number, line in enumerate(claim.lines, 1):
        on_line = sum(adjustment.cents for adjustment in line.adjustments)
        if line.charge_cents - on_line != line.paid_cents:
            return f"line-{claim.ordinal}-{number}", LINE_RULE
        adjusted += on_line
        charged += line.charge_cents
    if claim.charge_cents - adjusted != claim.paid_cents:
        return f"claim-{claim.ordinal}", CLAIM_RULE
    if claim.lines and charged != claim.charge_cents:
        return f"claim-charge-{claim.ordinal}", CHARGE_RULE
    return None


def payment_balances(payment: Payment, paid_cents: int) -> bool:
    """Return whether BPR02 = sum of CLP04 (`paid_cents`) - PLB and is not below zero."""
    held_back = sum(adjustment.cents for adjustment in payment.provider_adjustments)
    return paid_cents - held_back == payment.payment_cents and payment.payment_cents >= 0


def check_balance(remittance: Remittance) -> None:
    """Check the three equations of the 835.

    Raises: OutOfBalance with "line-<claim>-<line>", "claim-<claim>" or "transaction" (permanent; work queue).
    """
    for claim in remittance.claims:
        fault = claim_fault(claim)
        if fault is not None:
            raise OutOfBalance(fault[0])
    if not payment_balances(remittance, sum(claim.paid_cents for claim in remittance.claims)):
        raise OutOfBalance("transaction")


@dataclass(frozen=True, slots=True)
class DeniedAmount:
    """One denied amount of one line (0: the whole claim) with its CARC, RARC and category."""

    line: int
    group: str
    carc: str
    cents: Cents
    category: str
    remarks: tuple[str, ...] = ()
    to_patient: bool = False


@dataclass(frozen=True, slots=True)
class Posting:
    """What one claim payment does: a balanced transaction (None when nothing moves) and the denied
    amounts.
    """

    transaction: Transaction | None
    denied: tuple[DeniedAmount, ...]
    adjustments: tuple[Adjustment, ...]  # posted ones
    paid_cents: Cents
    shared_cents: Cents  # PR: moved to the patient or to the next payer
    settled_cents: Cents  # taken off the payer's receivable


def plan_posting(
    claim: PaidClaim,
    *,
    transaction_id: UUID,
    claim_id: UUID,
    order: str,
    next_order: str | None,
    money: LedgerAccount = LedgerAccount.DEPOSIT,
    held: Mapping[int, Cents] = _NOTHING_HELD,
) -> Posting:
    """Turn one balanced claim payment into ledger entries against the receivable of `order`.

    The patient's share (PR) goes to the next payer when there is one, else to the patient. Denied amounts
    and what a prior payer decided (OA 23) post nothing. `held` is what of a line's CO 45 goes beyond the contract: it
    stays open until a person decides. `money` is where the payment stands: expected at the bank, or received already
    without a claim.
    """
    entries: dict[tuple[LedgerAccount, str, str], int] = {}
    denied: dict[tuple[int, str, str], DeniedAmount] = {}
    shared = 0
    settled: int = claim.paid_cents
    share_account = INSURANCE[next_order] if next_order else LedgerAccount.PATIENT
    if claim.paid_cents:
        entries[money, "", ""] = claim.paid_cents
    left = dict(held)
    sources = [(0, claim.adjustments, claim.remarks)]
    sources += [
        (line.number or position, line.adjustments, line.remarks)
        for position, line in enumerate(claim.lines, 1)
    ]
    for number, adjustments, remarks in sources:
        for adjustment in adjustments:
            how = treat(adjustment.group, adjustment.code)
            cents: int = adjustment.cents
            if how is Treatment.POST:
                if left.get(number) and (adjustment.group, adjustment.code) == CONTRACTUAL_REDUCTION:
                    cents -= min(cents, left.pop(number))
                key = (BY_GROUP[adjustment.group], adjustment.group, adjustment.code)
                entries[key] = entries.get(key, 0) + cents
                settled += cents
            elif how is Treatment.PATIENT:
                key = (share_account, adjustment.group, adjustment.code)
                entries[key] = entries.get(key, 0) + cents
                settled += cents
                shared += cents
            category = category_of(adjustment.group, adjustment.code)
            if category is not None and cents != 0:
                place = (number, adjustment.group, adjustment.code)
                before = denied.get(place)
                denied[place] = DeniedAmount(
                    *place,
                    Cents(cents + (before.cents if before else 0)),
                    category,
                    tuple(dict.fromkeys((*(before.remarks if before else ()), *remarks))),
                    to_patient=how is Treatment.PATIENT,
                )
    booked = [Entry(account, Cents(cents), *why) for (account, *why), cents in entries.items() if cents]
    posted = tuple(
        Adjustment(group=group, code=code, cents=Cents(cents))
        for (account, group, code), cents in entries.items()
        if group and cents and account is not share_account
    )
    transaction = None
    if booked:
        booked.append(Entry(INSURANCE[order], Cents(-settled)))
        transaction = Transaction(transaction_id, "remittance", tuple(booked), claim_id)
    return Posting(
        transaction, tuple(denied.values()), posted, claim.paid_cents, Cents(shared), Cents(settled)
    )


def negates(reversal: PaidClaim, original: PaidClaim) -> bool:
    """Return whether a CLP02 22 repeats the original with every amount negated (X12 RFI 1147)."""

    def sums(claim: PaidClaim) -> dict[tuple[str, str], int]:
        found: dict[tuple[str, str], int] = {}
        for adjustments in (claim.adjustments, *(line.adjustments for line in claim.lines)):
            for adjustment in adjustments:
                key = (adjustment.group, adjustment.code)
                found[key] = found.get(key, 0) + adjustment.cents
        return {key: cents for key, cents in found.items() if cents}

    return (
        reversal.charge_cents == -original.charge_cents
        and reversal.paid_cents == -original.paid_cents
        and sums(reversal) == {key: -cents for key, cents in sums(original).items()}
    )
