"""One claim's way to the payer and what comes back before adjudication: frozen, sent or withdrawn,
acknowledged.
"""

from dataclasses import dataclass
from uuid import UUID

from rcm_shared.contracts.billing import (
    ClaimAcknowledged,
    ClaimHeld,
    ClaimRejected,
    ClaimReleased,
    ClaimSubmitted,
)
from rcm_shared.contracts.event import Event

from rcm_billing.domain.account import Account, Attempt, BuildReason, Claim
from rcm_billing.domain.acknowledgement import Acknowledgement, Effect
from rcm_billing.domain.claim import ATTEMPT_STEPS, IN_FLIGHT, AttemptState, ClaimState, move_attempt

SYSTEM = "system:billing"
GATE_RULE = "X12-GATE"
_NEXT = {
    Effect.NOTED: AttemptState.RECEIVED,
    Effect.ACCEPTED: AttemptState.ACCEPTED,
    Effect.REJECTED: AttemptState.REJECTED,
}


@dataclass(frozen=True, slots=True)
class Step:
    """The account after a step, the facts to publish, and what could not be applied (empty: all was)."""

    account: Account
    events: tuple[Event, ...] = ()
    problem: str = ""


def submitted(account: Account, claim: Claim, attempt_id: UUID, interchange_control: str) -> Step:
    """Record that the claim's bytes are frozen in an interchange.

    Raises: IllegalTransition when the claim is not ready.
    """
    attempt = Attempt(attempt_id=attempt_id, interchange_control=interchange_control)
    moved = claim.move(ClaimState.SUBMITTED, attempts=(*claim.attempts, attempt))
    event = ClaimSubmitted(
        actor=SYSTEM,
        facility_id=account.facility_id,
        claim_id=claim.claim_id,
        version=claim.version,
        attempt_id=attempt_id,
        claim_control=claim.claim_control,
        interchange_control=interchange_control,
    )
    return Step(account.with_claim(moved), (event,))


def withdrawn(account: Account, claim: Claim, attempt_id: UUID, *, faulty: bool) -> Step:
    """Record that the gate refused the file: the faulty claim is held, its neighbours go back to be
    batched again.
    """
    attempts = tuple(
        a.but(state=move_attempt(a.state, AttemptState.WITHDRAWN)) if a.attempt_id == attempt_id else a
        for a in claim.attempts
    )
    if faulty:
        moved = claim.move(ClaimState.HELD, attempts=attempts, reasons=(GATE_RULE,), owner_queue="biller")
        event: Event = ClaimHeld(
            actor=SYSTEM,
            facility_id=account.facility_id,
            claim_id=claim.claim_id,
            reasons=(GATE_RULE,),
            owner_queue="biller",
        )
    else:
        moved = claim.move(ClaimState.READY, attempts=attempts)
        event = ClaimReleased(
            actor=SYSTEM, facility_id=account.facility_id, claim_id=claim.claim_id, version=claim.version
        )
    return Step(account.with_claim(moved), (event,))


def acknowledged(account: Account, claim_id: UUID, attempt_id: UUID, ack: Acknowledgement) -> Step:
    """Apply an acknowledgement, whenever it comes; a repeated one changes nothing.

    An answer to an attempt that a later one replaced is kept on that attempt and moves nothing else.
    """
    claim = account.claim(claim_id)
    attempt = next((a for a in claim.attempts if a.attempt_id == attempt_id), None) if claim else None
    if claim is None or attempt is None:
        return Step(account, problem="unknown-attempt")
    if ack.effect is Effect.ILLEGAL:
        return Step(account, problem="illegal-category")
    if ack.label in attempt.acknowledgements:
        return Step(account)
    problem = ""
    step = _NEXT[ack.effect]
    if step in ATTEMPT_STEPS[attempt.state]:
        state = step
    else:
        state = attempt.state
        if ack.effect is Effect.ACCEPTED and state is AttemptState.REJECTED:
            problem = "accepted-after-rejection"
        elif ack.effect is Effect.REJECTED and state is AttemptState.ADJUDICATED:
            problem = "rejected-after-decision"
    noted = attempt.but(state=state, acknowledgements=(*attempt.acknowledgements, ack.label))
    changes: dict[str, object] = {
        "attempts": tuple(noted if a.attempt_id == attempt_id else a for a in claim.attempts),
        "payer_control": claim.payer_control or ack.payer_control,
    }
    events: list[Event] = [
        ClaimAcknowledged(
            actor=SYSTEM,
            facility_id=account.facility_id,
            claim_id=claim_id,
            attempt_id=attempt_id,
            acknowledgement=ack.label,
        )
    ]
    newest = claim.attempts[-1].attempt_id == attempt_id
    moved = claim.but(**changes)
    if newest and not problem and claim.state in IN_FLIGHT:
        if ack.effect is Effect.ACCEPTED and claim.state is ClaimState.SUBMITTED:
            moved = claim.move(ClaimState.ACCEPTED, **changes)
        elif ack.effect is Effect.REJECTED:
            moved = claim.move(
                ClaimState.REJECTED, **changes, reasons=(ack.label, *ack.status_codes), owner_queue="biller"
            )
            events.append(
                ClaimRejected(
                    actor=SYSTEM,
                    facility_id=account.facility_id,
                    claim_id=claim_id,
                    attempt_id=attempt_id,
                    acknowledgement=ack.label,
                    status_codes=ack.status_codes,
                )
            )
    account = account.with_claim(moved)
    if moved.state is ClaimState.REJECTED and account.rebuild_after_answer and account.ready_to_build():
        account = account.but(rebuild_after_answer=False).request_build(
            claim.order, BuildReason.RECODED, SYSTEM
        )
    return Step(account, tuple(events), problem)
