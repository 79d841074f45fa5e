"""Apply one claim payment of an 835, a reversal or a patient's payment to the account."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from uuid import UUID

from rcm_shared.contracts.billing import (
    AccountClosed,
    AppliedAdjustment,
    ClaimAdjudicated,
    PaymentPosted,
)
from rcm_shared.contracts.event import Event
from rcm_shared.errors import Refused
from rcm_shared.ids import derived_uuid
from rcm_shared.money import Cents

from rcm_billing.domain import denial_cases, ledger
from rcm_billing.domain.account import Account, BuildReason, Claim, book_charge
from rcm_billing.domain.claim import DECIDED, IN_FLIGHT, UNSENT, VOID, AttemptState, ClaimState
from rcm_billing.domain.errors import OutOfBalance
from rcm_billing.domain.ledger import LedgerAccount, Transaction
from rcm_billing.domain.remittance import (
    DENIED,
    FORWARDED,
    ORDER_OF_STATUS,
    POSTABLE,
    REVERSAL,
    PaidClaim,
    Posting,
    negates,
    plan_posting,
)
from rcm_billing.domain.submission import SYSTEM, Step

NO_ORIGINAL = "reversal-without-original"


@dataclass(frozen=True, slots=True)
class Posted:
    """A former posting that a reversal may undo, with what was posted because of it."""

    order: str
    paid: PaidClaim
    transaction: Transaction | None
    remitted_id: UUID = field(default_factory=lambda: UUID(int=0))
    accepted: tuple[Transaction, ...] = ()  # held reductions that a person accepted afterwards


def order_of(account: Account, claim: Claim, status: str) -> str:
    """Return which payer decided: the claim's own, or a later one that the first payer forwarded the claim
    to.
    """
    named = ORDER_OF_STATUS.get(status, claim.order)
    return named if named > claim.order and account.coverage_of(named) else claim.order


def post_payment(
    account: Account,
    claim: Claim,
    paid: PaidClaim,
    *,
    transaction_id: UUID,
    now: datetime,
    appeal_days: int,
    payer_id: str,
    money: LedgerAccount = LedgerAccount.DEPOSIT,
    held: Mapping[int, Cents] = MappingProxyType({}),
) -> Step:
    """Post a decision (CLP02 1, 2, 3, 4, 19, 20, 21); what may not be posted comes back as a problem.

    `money` and `held` are those of `plan_posting`.
    """
    if paid.status not in POSTABLE or paid.status == REVERSAL:
        return Step(account, problem="status-not-postable")
    if claim.state in UNSENT:
        return Step(account, problem="claim-not-sent")
    if claim.state in (ClaimState.REPLACED, ClaimState.VOIDED):
        return Step(account, problem="superseded-claim")
    if paid.charge_cents != claim.charge_cents and not _is_part(paid, claim):
        return Step(account, problem="charge-mismatch")
    order = order_of(account, claim, paid.status)
    next_order = account.next_order(order)
    posting = plan_posting(
        paid,
        transaction_id=transaction_id,
        claim_id=claim.claim_id,
        order=order,
        next_order=next_order,
        money=money,
        held=held,
    )
    if posting.transaction is not None:
        try:
            account = account.posted(posting.transaction)
        except OutOfBalance as error:
            return Step(account, problem=error.code)
    changes = {
        "payer_control": paid.payer_control or claim.payer_control,
        "attempts": tuple(
            a.but(state=AttemptState.ADJUDICATED) if a.attempt_id == claim.attempts[-1].attempt_id else a
            for a in claim.attempts
        ),
        "reasons": (),
        "owner_queue": "",
    }
    state = _state_after(account, paid, posting, order)
    account = account.with_claim(claim.move(state, **changes))
    events: list[Event] = [
        ClaimAdjudicated(
            actor=SYSTEM,
            facility_id=account.facility_id,
            claim_id=claim.claim_id,
            payer_id=payer_id,
            status=paid.status,
            payer_control=paid.payer_control,
            charge_cents=paid.charge_cents,
            paid_cents=paid.paid_cents,
            patient_cents=paid.patient_cents,
        )
    ]
    if posting.transaction is not None:
        events.append(
            PaymentPosted(
                actor=SYSTEM,
                facility_id=account.facility_id,
                transaction_id=transaction_id,
                source="835",
                paid_cents=paid.paid_cents,
                adjustments=tuple(AppliedAdjustment(a.group, a.code, a.cents) for a in posting.adjustments),
                to_patient_cents=Cents(0) if next_order else posting.shared_cents,
            )
        )
    account, opened = denial_cases.open_cases(
        denial_cases.adopt_cases(account, claim),
        claim,
        order,
        posting.denied,
        transaction_id=transaction_id,
        now=now,
        deadline_at=now + timedelta(days=appeal_days),
    )
    account, settled = denial_cases.settle_cases(
        account, claim, order, posting.denied, transaction_id=transaction_id, now=now
    )
    events += [*opened, *settled]
    if next_order and posting.shared_cents > 0 and paid.status not in FORWARDED:
        account = account.request_build(next_order, BuildReason.SECONDARY, SYSTEM)
    elif account.rebuild_after_answer and account.ready_to_build():
        account = account.but(rebuild_after_answer=False).request_build(
            claim.order, BuildReason.RECODED, SYSTEM
        )
    return close_if_settled(Step(account, tuple(events)))


def _is_part(paid: PaidClaim, claim: Claim) -> bool:
    """Return whether a payer decided some lines of the claim on their own: each is known, each once."""
    numbers = [line.number for line in paid.lines]
    known = all(numbers) and len(set(numbers)) == len(numbers)
    return bool(numbers) and known and 0 < paid.charge_cents < claim.charge_cents


def _state_after(account: Account, paid: PaidClaim, posting: Posting, order: str) -> ClaimState:
    open_denied = any(not denied.to_patient for denied in posting.denied)
    if paid.status in FORWARDED:
        return ClaimState.CROSSED_OVER
    if paid.status == DENIED or (open_denied and posting.settled_cents == 0):
        return ClaimState.DENIED
    if open_denied or account.totals.open_with(order) > 0:
        return ClaimState.PARTIALLY_PAID
    return ClaimState.PAID if paid.paid_cents else ClaimState.PAID_ZERO


def post_reversal(
    account: Account,
    claim: Claim,
    paid: PaidClaim,
    *,
    original: Posted | None,
    transaction_id: UUID,
    now: datetime,
    money: LedgerAccount = LedgerAccount.DEPOSIT,
    payer_id: str = "",
) -> Step:
    """Undo a former posting exactly (CLP02 22); without its original it waits, with other amounts a person decides.

    What the patient already paid of the share that is taken back becomes a credit.
    """
    if original is None:
        return Step(account, problem=NO_ORIGINAL)
    if not negates(paid, original.paid):
        return Step(account, problem="reversal-differs")
    inverse = None
    if original.transaction is not None:
        inverse = ledger.inverse(transaction_id, original.transaction, money=money)
    step = take_back(account, claim, original, inverse, source="reversal", now=now, actor=SYSTEM)
    if step.problem:
        return step
    taken = ClaimAdjudicated(
        actor=SYSTEM,
        facility_id=account.facility_id,
        claim_id=claim.claim_id,
        payer_id=payer_id or claim.payer_id,
        status=paid.status,
        payer_control=paid.payer_control,
        charge_cents=paid.charge_cents,
        paid_cents=paid.paid_cents,
        patient_cents=Cents(-original.paid.patient_cents),
    )
    account, events = _voided(step.account, claim, transaction_id)
    return Step(account, (taken, *step.events, *events))


def _voided(account: Account, claim: Claim, transaction_id: UUID) -> tuple[Account, tuple[Event, ...]]:
    """Take the charge back when the payer reversed its decision because we voided the claim."""
    void = account.latest(claim.order)
    if void is None or void.frequency != VOID or void.state not in IN_FLIGHT:
        return account, ()
    account = account.with_claim(void.move(ClaimState.VOIDED))
    charged = account.totals.charged
    if claim.order != "P" or not charged or account.totals.open_with("P") != charged:
        return account, ()
    account, event = take_charge_back(account, derived_uuid(transaction_id, "charge-voided"), void.claim_id)
    return account, (event,)


def take_charge_back(account: Account, transaction_id: UUID, claim_id: UUID) -> tuple[Account, PaymentPosted]:
    """Book the charge of an account whose claims are all void back to nothing."""
    charged = account.totals.charged
    account = book_charge(account, transaction_id, Cents(0), claim_id)
    event = PaymentPosted(
        actor=SYSTEM,
        facility_id=account.facility_id,
        transaction_id=transaction_id,
        source="reversal",
        paid_cents=Cents(0),
        charged_cents=Cents(-charged),
    )
    return account, event


def take_back(
    account: Account,
    claim: Claim,
    original: Posted,
    inverse: Transaction | None,
    *,
    source: str,
    now: datetime,
    actor: str,
) -> Step:
    """Post the inverse of a decision and put the claim and its denials back to undecided.

    What a person accepted of its reduction goes back with it.
    """
    before = account
    events: list[Event] = []
    accepted = [
        ledger.inverse(derived_uuid(one.transaction_id, "undo"), one, "undo", actor=actor)
        for one in original.accepted
    ]
    for transaction, why in [*((one, "undo") for one in accepted), *([(inverse, source)] if inverse else ())]:
        try:
            account = account.posted(transaction, patient_credit=True)
        except OutOfBalance as error:
            return Step(before, problem=error.code)
        events.append(posted_fact(account, transaction, why, actor))
    if claim.state in DECIDED:
        account = account.with_claim(claim.move(ClaimState.REVERSED))
    account, moot = denial_cases.reverse_cases(account, claim, original.order, now=now)
    events += moot
    return Step(account.but(closed=False), tuple(events))


def posted_fact(account: Account, transaction: Transaction, source: str, actor: str) -> PaymentPosted:
    """Return what others are told of a transaction: `to_patient_cents` is how the patient's receivable changes."""
    entries = transaction.entries
    return PaymentPosted(
        actor=actor,
        facility_id=account.facility_id,
        transaction_id=transaction.transaction_id,
        source=source,
        paid_cents=Cents(sum(entry.cents for entry in entries if entry.account in ledger.MONEY)),
        adjustments=tuple(
            AppliedAdjustment(entry.group, entry.reason, entry.cents)
            for entry in entries
            if entry.account in ledger.ADJUSTMENTS
        ),
        to_patient_cents=Cents(sum(e.cents for e in entries if e.account is LedgerAccount.PATIENT)),
    )


def post_patient_payment(account: Account, cents: Cents, *, transaction_id: UUID, actor: str) -> Step:
    """Post money from the patient.

    Raises: Refused when it is not above zero or more than the patient owes.
    """
    if cents <= 0:
        raise Refused(
            "amount-not-positive", "the amount must be above zero", status=422, pointer="/amount_cents"
        )
    if cents > account.totals.patient:
        raise Refused("more-than-open", "the patient owes less than this amount", pointer="/amount_cents")
    account = account.posted(ledger.patient_payment(transaction_id, cents))
    event = PaymentPosted(
        actor=actor,
        facility_id=account.facility_id,
        transaction_id=transaction_id,
        source="patient",
        paid_cents=cents,
    )
    return close_if_settled(Step(account, (event,)), actor)


def close_if_settled(step: Step, actor: str = SYSTEM) -> Step:
    """Close the account when nothing is open with any payer or the patient and a payer has decided."""
    account = step.account
    totals = account.totals
    settled = totals.insurance == 0 and totals.patient == 0 and totals.charged > 0
    if account.closed or not settled or not any(claim.state in DECIDED for claim in account.claims):
        return step
    event = AccountClosed(
        actor=actor,
        facility_id=account.facility_id,
        charged_cents=totals.charged,
        paid_cents=totals.paid,
        adjusted_cents=totals.adjusted,
    )
    return Step(account.but(closed=True, build=None), (*step.events, event), step.problem)
