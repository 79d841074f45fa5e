"""Moves of denial cases on the account: opened and settled by what the payer decides, worked by people.

Every move goes through `moved`: the state machine is asked, the step is kept for the append-only history and
published. The caller saves the account.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from rcm_shared.contracts.billing import ClaimDenied, DenialMoved
from rcm_shared.contracts.event import Event
from rcm_shared.ids import derived_uuid

from rcm_billing.domain.account import Account, Claim, Denial
from rcm_billing.domain.claim import ClaimState
from rcm_billing.domain.denial import OPEN, OUTCOMES, DenialMove, DenialState, move_denial
from rcm_billing.domain.remittance import DeniedAmount

SYSTEM = "system:billing"
_D = DenialState
#: What the next decision of the payer answers.
_STANDING = OPEN | {_D.CORRECTED_RESUBMITTED}
#: A later decision of the payer says nothing about these: a person ended them, or nothing is left to say.
_OUT_OF_REACH = frozenset({_D.WRITTEN_OFF, _D.CLOSED, _D.REVERSED, _D.OVERTURNED, _D.TRANSFERRED_TO_PATIENT})


def moved(
    account: Account,
    case: Denial,
    to: DenialState,
    *,
    now: datetime,
    actor: str,
    reason: str,
    **changes: object,
) -> tuple[Account, Denial, DenialMoved]:
    """Return the account, the case and the fact after one step.

    Raises: IllegalTransition when the table does not list it.
    """
    after = case.but(state=move_denial(case.state, to), **changes)
    if to in OUTCOMES:
        after = after.but(outcome=to.value)
    step = DenialMove(
        case.denial_id, case.claim_id, case.state.value, to.value, after.level, now, actor, reason
    )
    account = account.with_denial(after).but(moves=(*account.moves, step))
    event = DenialMoved(
        actor=actor,
        facility_id=account.facility_id,
        claim_id=case.claim_id,
        denial_id=case.denial_id,
        state=to.value,
        level=after.level,
        reason=reason,
    )
    return account, after, event


def walked(
    account: Account, case: Denial, path: Iterable[DenialState], *, now: datetime, actor: str, reason: str
) -> tuple[Account, Denial, list[Event]]:
    """Return what several steps in a row lead to.

    Raises: IllegalTransition at the first step that the table does not list.
    """
    events: list[Event] = []
    for to in path:
        account, case, event = moved(account, case, to, now=now, actor=actor, reason=reason)
        events.append(event)
    return account, case, events


def _case_id(transaction_id: UUID, line: int, group: str, carc: str) -> UUID:
    return derived_uuid(transaction_id, f"denial-{line}-{group}-{carc}")


def open_cases(
    account: Account,
    claim: Claim,
    order: str,
    denied: Sequence[DeniedAmount],
    *,
    transaction_id: UUID,
    now: datetime,
    deadline_at: datetime,
) -> tuple[Account, list[Event]]:
    """Open a case per line and CARC; a repeated denial of an open case is no new case."""
    events: list[Event] = []
    known = {
        (d.line, d.group, d.carc)
        for d in account.denials
        if d.claim_id == claim.claim_id and d.order == order and d.state in _STANDING
    }
    for amount in denied:
        if (amount.line, amount.group, amount.carc) in known:
            continue
        state = _D.TRANSFERRED_TO_PATIENT if amount.to_patient else _D.NEW
        case = Denial(
            denial_id=_case_id(transaction_id, amount.line, amount.group, amount.carc),
            claim_id=claim.claim_id,
            order=order,
            line=amount.line,
            group=amount.group,
            carc=amount.carc,
            category=amount.category,
            cents=amount.cents,
            state=state,
            denied_at=now,
            deadline_at=deadline_at,
            remarks=amount.remarks,
            outcome=state.value if amount.to_patient else "",
        )
        opened = DenialMove(case.denial_id, case.claim_id, "", state.value, 0, now, SYSTEM, "denied")
        account = account.with_denial(case).but(moves=(*account.moves, opened))
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


def resubmit_cases(
    account: Account, claim_id: UUID, *, now: datetime, actor: str
) -> tuple[Account, list[Event]]:
    """Note that a claim is being replaced: what somebody works on of it is resubmitted with the new version."""
    events: list[Event] = []
    for case in account.denials:
        if case.claim_id == claim_id and case.state is _D.IN_WORK:
            account, _, event = moved(
                account, case, _D.CORRECTED_RESUBMITTED, now=now, actor=actor, reason="claim-replaced"
            )
            events.append(event)
    return account, events


def adopt_cases(account: Account, claim: Claim) -> Account:
    """Let the cases of the versions that a claim replaced go on with it: its decision is about the same services."""
    replaced = {c.claim_id for c in account.claims_of(claim.order) if c.state is ClaimState.REPLACED}
    for case in account.denials:
        if case.claim_id in replaced and case.state in _STANDING:
            account = account.with_denial(case.but(claim_id=claim.claim_id))
    return account


def settle_cases(
    account: Account,
    claim: Claim,
    order: str,
    denied: Sequence[DeniedAmount],
    *,
    transaction_id: UUID,
    now: datetime,
) -> tuple[Account, list[Event]]:
    """Apply a new decision to the earlier cases of its claim: gone is overturned.

    Denied again after an appeal or a corrected claim is upheld, less than before partly overturned.
    """
    again = {(amount.line, amount.group, amount.carc): amount.cents for amount in denied}
    events: list[Event] = []
    for case in account.denials:
        place = (case.line, case.group, case.carc)
        fresh = case.denial_id == _case_id(transaction_id, *place)
        if case.claim_id != claim.claim_id or case.order != order or case.state not in _STANDING or fresh:
            continue
        cents = again.get(place)
        changes: dict[str, object] = {}
        if cents is None:
            to = _D.OVERTURNED
        elif case.state in (_D.APPEAL_SUBMITTED, _D.CORRECTED_RESUBMITTED):
            to = _D.UPHELD if cents == case.cents else _D.PARTLY_OVERTURNED
            changes = {"cents": cents, "clock_level": -1}
        else:
            continue
        account, _, event = moved(
            account, case, to, now=now, actor=SYSTEM, reason="payer-decision", **changes
        )
        events.append(event)
    return account, events


def reverse_cases(
    account: Account, claim: Claim, order: str, *, now: datetime
) -> tuple[Account, list[Event]]:
    """Apply a reversal: the cases of the decision that was taken back are moot.

    An appeal stays open until the corrected decision says how it ended; what a person ended by a ledger
    transaction of its own stands.
    """
    events: list[Event] = []
    for case in account.denials:
        if case.claim_id != claim.claim_id or case.order != order or case.settled_by is not None:
            continue
        by_posting = case.state in (_D.TRANSFERRED_TO_PATIENT, _D.OVERTURNED)
        if case.state is _D.APPEAL_SUBMITTED or (case.state in _OUT_OF_REACH and not by_posting):
            continue
        account, _, event = moved(account, case, _D.REVERSED, now=now, actor=SYSTEM, reason="payer-reversal")
        events.append(event)
    return account, events


def answer_appeal(
    account: Account, claim: Claim, *, level: int, now: datetime, reason: str
) -> tuple[Account, list[Event]]:
    """Apply a payer's letter that it upholds its denial: the claim's appealed cases of this level are upheld.

    The claim stands as denied again when no other appeal of it is open.
    """
    events: list[Event] = []
    for case in account.denials:
        if case.claim_id != claim.claim_id or case.level != level or case.state is not _D.APPEAL_SUBMITTED:
            continue
        account, _, event = moved(account, case, _D.UPHELD, now=now, actor=SYSTEM, reason=reason)
        events.append(event)
    appealed = any(d.claim_id == claim.claim_id and d.state is _D.APPEAL_SUBMITTED for d in account.denials)
    if events and not appealed and claim.state is ClaimState.APPEALED:
        state = ClaimState.PARTIALLY_PAID if account.totals.paid else ClaimState.DENIED
        account = account.with_claim(claim.move(state))
    return account, events
