"""What people do with a denial case: triage, take, resubmit, transfer, write off, close, reopen, appeal.

Refusals are told to the caller; a step that the state machine does not list is one of them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from rcm_shared.contracts.event import Event
from rcm_shared.errors import Refused
from rcm_shared.money import Cents

from rcm_billing.domain import ledger
from rcm_billing.domain.account import Account, BuildReason, Denial
from rcm_billing.domain.claim import DECIDED, ClaimState
from rcm_billing.domain.denial import DENIAL_STEPS, DenialState
from rcm_billing.domain.denial_cases import moved, walked
from rcm_billing.domain.denial_clock import next_level
from rcm_billing.domain.denial_routing import Routing
from rcm_billing.domain.errors import IllegalTransition, OutOfBalance
from rcm_billing.domain.ledger import INSURANCE, Entry, LedgerAccount, Transaction
from rcm_billing.domain.master import AppealLevel
from rcm_billing.domain.posting import close_if_settled, posted_fact
from rcm_billing.domain.submission import Step

_D = DenialState
WRITE_OFF_KIND, TRANSFER_KIND = "denial-write-off", "denial-transfer"


@dataclass(frozen=True, slots=True)
class Order:
    """Who asks, when and why (a code)."""

    actor: str
    now: datetime
    reason: str


def refuse_illegal(case: Denial, to: DenialState) -> None:
    """Raises: Refused when the case cannot go there from where it stands."""
    if to is not case.state and to not in DENIAL_STEPS[case.state]:
        raise Refused("denial-step-illegal", f"a denial that is {case.state} does not become {to}")


def _one(account: Account, case: Denial, to: DenialState, order: Order, **changes: object) -> Step:
    refuse_illegal(case, to)
    account, _, event = moved(
        account, case, to, now=order.now, actor=order.actor, reason=order.reason, **changes
    )
    return Step(account, (event,))


def triage(account: Account, case: Denial, routing: Routing, order: Order) -> Step:
    """Say what kind of denial it is and whose work; a person may say it again while nobody works on it."""
    return _one(
        account,
        case,
        _D.TRIAGED,
        order,
        category=routing.category,
        root_cause=routing.root_cause,
        owner=routing.owner,
        action=routing.action,
        assignee="",
    )


def take(account: Account, case: Denial, order: Order, assignee: str, *, take_over: bool) -> Step:
    """Start or hand over the work.

    Raises: Refused when somebody else works on it and nobody said that it is to be taken over.
    """
    if case.state is _D.NEW:
        raise Refused("denial-not-triaged", "say first what kind of denial it is")
    if case.state is _D.IN_WORK and case.assignee not in ("", assignee) and not take_over:
        raise Refused("denial-taken", "somebody else works on this denial")
    return _one(account, case, _D.IN_WORK, order, assignee=assignee)


def resubmit(account: Account, case: Denial, order: Order) -> Step:
    """Ask for a corrected claim: frequency 7 with the payer's own claim number (REF*F8).

    Raises: Refused when the payer gave no number, the chart is not final, or another version is in place.
    """
    refuse_illegal(case, _D.CORRECTED_RESUBMITTED)
    claim = account.claim(case.claim_id)
    latest = account.latest(case.order)
    if claim is None or latest is None or latest.claim_id != claim.claim_id:
        raise Refused("claim-superseded", "a newer version of this claim exists")
    if claim.state not in DECIDED | {ClaimState.REVERSED}:
        raise Refused("claim-not-decided", "only a decided claim is replaced; a rejected one is corrected")
    if not claim.payer_control:
        raise Refused("payer-control-missing", "the payer's claim number is needed for a replacement")
    if account.coding is None or account.recoding or account.cancelled or account.open_queries:
        raise Refused("chart-not-final", "the chart is not finally coded")
    step = _one(account, case, _D.CORRECTED_RESUBMITTED, order)
    asked = step.account.request_build(claim.order, BuildReason.CORRECTED, order.actor)
    return Step(asked, step.events)


def _settled(
    account: Account,
    case: Denial,
    transaction: Transaction,
    to: DenialState,
    order: Order,
    source: str,
) -> Step:
    refuse_illegal(case, to)
    if case.cents <= 0:
        raise Refused("amount-not-positive", "this case took nothing away: there is no amount to move")
    try:
        account = account.posted(transaction)
    except OutOfBalance:
        raise Refused("more-than-open", "less than this amount is open with the payer") from None
    account, case, first = moved(
        account,
        case,
        to,
        now=order.now,
        actor=order.actor,
        reason=order.reason,
        settled_by=transaction.transaction_id,
    )
    account, _, last = moved(account, case, _D.CLOSED, now=order.now, actor=order.actor, reason=order.reason)
    event = posted_fact(account, transaction, source, order.actor)
    return close_if_settled(Step(account, (event, first, last)), order.actor)


def write_off(account: Account, case: Denial, order: Order, transaction_id: UUID) -> Step:
    """Give the denied amount up: a balanced transaction, then the case is closed.

    Raises: Refused when less is open with the payer.
    """
    transaction = Transaction(
        transaction_id,
        WRITE_OFF_KIND,
        (
            Entry(LedgerAccount.WRITE_OFF, case.cents, case.group, case.carc),
            Entry(INSURANCE[case.order], Cents(-case.cents)),
        ),
        case.claim_id,
        actor=order.actor,
        reason=order.reason,
    )
    return _settled(account, case, transaction, _D.WRITTEN_OFF, order, "write-off")


def transfer(account: Account, case: Denial, order: Order, transaction_id: UUID) -> Step:
    """Move the denied amount to the patient.

    Raises: Refused for group CO, which the provider is liable for (835 TR3, CAS01), or when less is open.
    """
    if case.group == "CO":
        raise Refused("provider-liability", "an amount denied with group CO may not be billed to the patient")
    transaction = Transaction(
        transaction_id,
        TRANSFER_KIND,
        (
            Entry(LedgerAccount.PATIENT, case.cents, case.group, case.carc),
            Entry(INSURANCE[case.order], Cents(-case.cents)),
        ),
        case.claim_id,
        actor=order.actor,
        reason=order.reason,
    )
    return _settled(account, case, transaction, _D.TRANSFERRED_TO_PATIENT, order, "transfer")


def close(account: Account, case: Denial, order: Order) -> Step:
    """Put a case away that needs nothing more.

    Raises: Refused while its amount is open with the payer.
    """
    undecided = case.state in (_D.UPHELD, _D.PARTLY_OVERTURNED, _D.REOPENED, _D.CORRECTED_RESUBMITTED)
    if undecided and account.totals.open_with(case.order) > 0:
        raise Refused("amount-open", "this amount is open: appeal, transfer or write it off first")
    return _one(account, case, _D.CLOSED, order)


def reopen(
    account: Account, case: Denial, order: Order, undone: Transaction | None, transaction_id: UUID
) -> Step:
    """Take a case up again; a write-off or transfer of it is undone by its exact inverse first.

    Raises: Refused when the patient already paid a part of what was transferred.
    """
    refuse_illegal(case, _D.REOPENED)
    events: list[Event] = []
    if undone is not None:
        inverse = ledger.inverse(transaction_id, undone)
        try:
            account = account.posted(inverse).but(closed=False)
        except OutOfBalance:
            raise Refused("more-than-open", "the patient already paid a part of this amount") from None
        events.append(posted_fact(account, inverse, "undo", order.actor))
    step = _one(account, case, _D.REOPENED, order, settled_by=None, outcome="")
    return Step(step.account, (*events, *step.events))


def appealable(case: Denial, levels: tuple[AppealLevel, ...], now: datetime) -> AppealLevel:
    """Return the level that an appeal would be of.

    Raises: Refused when no level is left, the time limit is over, or the amount is below the level's floor.
    """
    level = next_level(case, levels)
    if level is None:
        raise Refused("no-further-level", "this payer knows no further level of appeal")
    if case.deadline_at is not None and now > case.deadline_at:
        raise Refused("appeal-deadline-passed", "the payer's time limit for this appeal is over")
    if case.cents < level.floor_cents:
        raise Refused("below-amount-floor", "the amount is below what this level of appeal asks for")
    return level


#: The way to an appeal from where a case stands: one request of a person may take several steps.
_TO_DRAFT: dict[DenialState, tuple[DenialState, ...]] = {
    _D.NEW: (_D.TRIAGED, _D.IN_WORK, _D.APPEAL_DRAFTED),
    _D.TRIAGED: (_D.IN_WORK, _D.APPEAL_DRAFTED),
    _D.REOPENED: (_D.IN_WORK, _D.APPEAL_DRAFTED),
    _D.IN_WORK: (_D.APPEAL_DRAFTED,),
    _D.UPHELD: (_D.APPEAL_DRAFTED,),
    _D.PARTLY_OVERTURNED: (_D.APPEAL_DRAFTED,),
}


def draft(account: Account, case: Denial, order: Order) -> Step:
    """Take the steps to a drafted appeal.

    Raises: Refused when the case cannot be appealed from where it stands.
    """
    path = _TO_DRAFT.get(case.state)
    if path is None:
        raise Refused("denial-not-appealable", f"a denial that is {case.state} cannot be appealed")
    case = case.but(assignee=case.assignee or order.actor)
    account, _, events = walked(account, case, path, now=order.now, actor=order.actor, reason=order.reason)
    return Step(account, tuple(events))


def submit(account: Account, case: Denial, order: Order) -> Step:
    """File the drafted appeal: its level counts up and the claim stands as appealed.

    Raises: Refused when nothing is drafted or the claim was replaced meanwhile.
    """
    claim = account.claim(case.claim_id)
    if case.state is not _D.APPEAL_DRAFTED or claim is None:
        raise Refused("denial-not-appealable", f"a denial that is {case.state} has no drafted appeal")
    try:
        appealed = claim.move(ClaimState.APPEALED)
    except IllegalTransition:
        raise Refused("claim-superseded", "this claim is not the one that stands with the payer") from None
    step = _one(account, case, _D.APPEAL_SUBMITTED, order, level=case.level + 1)
    return Step(step.account.with_claim(appealed), step.events)


Act = Callable[[Account, Denial, Order], Step]
