"""Apply one claim payment of an 835, a reversal or a patient's payment to the account."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from rcm_shared.contracts.billing import (
    AccountClosed,
    AppliedAdjustment,
    ClaimAdjudicated,
    ClaimDenied,
    PaymentPosted,
)
from rcm_shared.contracts.event import Event
from rcm_shared.errors import Refused
from rcm_shared.ids import derived_uuid
from rcm_shared.money import Cents

from rcm_billing.domain import ledger
from rcm_billing.domain.account import Account, BuildReason, Claim, Denial
from rcm_billing.domain.claim import DECIDED, UNSENT, AttemptState, ClaimState
from rcm_billing.domain.denial import OPEN, DenialState
from rcm_billing.domain.errors import OutOfBalance
from rcm_billing.domain.ledger import Transaction
from rcm_billing.domain.remittance import (
    DENIED,
    FORWARDED,
    ORDER_OF_STATUS,
    POSTABLE,
    REVERSAL,
    DeniedAmount,
    PaidClaim,
    Posting,
    negates,
    plan_posting,
)
from rcm_billing.domain.submission import SYSTEM, Step


@dataclass(frozen=True, slots=True)
class Posted:
    """A former posting that a reversal may undo."""

    order: str
    paid: PaidClaim
    transaction: Transaction | None
    remitted_id: UUID = field(default_factory=lambda: UUID(int=0))


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
) -> Step:
    """Post a decision (CLP02 1, 2, 3, 4, 19, 20, 21); what may not be posted comes back as a problem."""
    if paid.status not in POSTABLE or paid.status == REVERSAL:
        return Step(account, problem="status-not-postable")
    if claim.state in UNSENT:
        return Step(account, problem="claim-not-sent")
    if claim.state in (ClaimState.REPLACED, ClaimState.VOIDED):
        return Step(account, problem="superseded-claim")
    if paid.charge_cents != claim.charge_cents:
        return Step(account, problem="charge-mismatch")
    order = order_of(account, claim, paid.status)
    next_order = account.next_order(order)
    posting = plan_posting(
        paid, transaction_id=transaction_id, claim_id=claim.claim_id, order=order, next_order=next_order
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
    account, denials = _open_denials(
        account, claim, order, posting.denied, transaction_id, now, now + timedelta(days=appeal_days)
    )
    events += denials
    account = _settle_appeals(account, claim, order, posting.denied, transaction_id)
    if next_order and posting.shared_cents > 0 and paid.status not in FORWARDED:
        account = account.request_build(next_order, BuildReason.SECONDARY, SYSTEM)
    elif account.rebuild_after_answer and account.ready_to_build():
        account = account.but(rebuild_after_answer=False).request_build(
            claim.order, BuildReason.RECODED, SYSTEM
        )
    return close_if_settled(Step(account, tuple(events)))


def _state_after(account: Account, paid: PaidClaim, posting: Posting, order: str) -> ClaimState:
    open_denied = any(not denied.to_patient for denied in posting.denied)
    if paid.status in FORWARDED:
        return ClaimState.CROSSED_OVER
    if paid.status == DENIED or (open_denied and posting.settled_cents == 0):
        return ClaimState.DENIED
    if open_denied or account.totals.open_with(order) > 0:
        return ClaimState.PARTIALLY_PAID
    return ClaimState.PAID if paid.paid_cents else ClaimState.PAID_ZERO


def _open_denials(
    account: Account,
    claim: Claim,
    order: str,
    denied: tuple[DeniedAmount, ...],
    transaction_id: UUID,
    now: datetime,
    deadline_at: datetime,
) -> tuple[Account, list[Event]]:
    """Open a case per line and CARC; a repeated denial under appeal is no new case."""
    events: list[Event] = []
    for amount in denied:
        known = any(
            d.claim_id == claim.claim_id
            and (d.order, d.line, d.group, d.carc) == (order, amount.line, amount.group, amount.carc)
            and d.state in OPEN
            for d in account.denials
        )
        if known:
            continue
        case = Denial(
            denial_id=derived_uuid(transaction_id, f"denial-{amount.line}-{amount.group}-{amount.carc}"),
            claim_id=claim.claim_id,
            order=order,
            line=amount.line,
            group=amount.group,
            carc=amount.carc,
            category=amount.category,
            cents=amount.cents,
            state=DenialState.TRANSFERRED_TO_PATIENT if amount.to_patient else DenialState.NEW,
            denied_at=now,
            deadline_at=deadline_at,
            remarks=amount.remarks,
        )
        account = account.with_denial(case)
        events.append(
            ClaimDenied(
                actor=SYSTEM,
                facility_id=account.facility_id,
                claim_id=claim.claim_id,
                denial_id=case.denial_id,
                group=case.group,
                carc=case.carc,
                denied_cents=case.cents,
                category=case.category,
            )
        )
    return account, events


def _settle_appeals(
    account: Account, claim: Claim, order: str, denied: tuple[DeniedAmount, ...], transaction_id: UUID
) -> Account:
    """Close earlier cases of this claim by the new decision: denied again is upheld, gone is overturned."""
    again = {(amount.line, amount.group, amount.carc): amount.cents for amount in denied}
    for case in account.denials:
        fresh = case.denial_id == derived_uuid(transaction_id, f"denial-{case.line}-{case.group}-{case.carc}")
        if case.claim_id != claim.claim_id or case.order != order or case.state not in OPEN or fresh:
            continue
        cents = again.get((case.line, case.group, case.carc))
        if cents is None:
            account = account.with_denial(case.but(state=DenialState.OVERTURNED))
        elif case.state is DenialState.APPEAL_SUBMITTED:
            state = DenialState.UPHELD if cents == case.cents else DenialState.PARTLY_OVERTURNED
            account = account.with_denial(case.but(state=state, cents=cents))
    return account


def post_reversal(
    account: Account, claim: Claim, paid: PaidClaim, *, original: Posted | None, transaction_id: UUID
) -> Step:
    """Undo a former posting exactly (CLP02 22); without its original, or with other amounts, a person
    decides.
    """
    if original is None:
        return Step(account, problem="reversal-without-original")
    if not negates(paid, original.paid):
        return Step(account, problem="reversal-differs")
    events: list[Event] = []
    if original.transaction is not None:
        undo = ledger.inverse(transaction_id, original.transaction)
        try:
            account = account.posted(undo)
        except OutOfBalance as error:
            return Step(account, problem=error.code)
        events.append(
            PaymentPosted(
                actor=SYSTEM,
                facility_id=account.facility_id,
                transaction_id=transaction_id,
                source="reversal",
                paid_cents=paid.paid_cents,
                adjustments=tuple(
                    AppliedAdjustment(entry.group, entry.reason, entry.cents)
                    for entry in undo.entries
                    if entry.account in ledger.ADJUSTMENTS
                ),
                to_patient_cents=Cents(
                    sum(e.cents for e in undo.entries if e.account is ledger.LedgerAccount.PATIENT)
                ),
            )
        )
    if claim.state in DECIDED:
        account = account.with_claim(claim.move(ClaimState.REVERSED))
    for case in account.denials:
        if case.claim_id == claim.claim_id and case.order == original.order:
            # an appeal stays open until the corrected decision says how it ended
            settled = case.state in (DenialState.APPEAL_SUBMITTED, DenialState.REVERSED)
            account = account if settled else account.with_denial(case.but(state=DenialState.REVERSED))
    return Step(account.but(closed=False), tuple(events))


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
