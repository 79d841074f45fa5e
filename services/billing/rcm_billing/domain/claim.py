"""The three axes of a claim, kept apart: the claim's lifecycle, one submission attempt, the receivable.

A step that a table below does not list is refused.
"""

import hashlib
from enum import StrEnum
from uuid import UUID

from rcm_shared.ids import derived_uuid

from rcm_billing.domain.errors import IllegalTransition

#: CLM05-3: an original, the replacement and the void of what a payer has decided.
ORIGINAL, REPLACEMENT, VOID = "1", "7", "8"


class ClaimState(StrEnum):
    """Where one claim version stands."""

    HELD = "held"
    READY = "ready"
    SUBMITTED = "submitted"
    ACCEPTED = "accepted"
    PENDED = "pended"  # with the payer, who waits for something (277 P and R)
    REJECTED = "rejected"  # refused before adjudication: not filed, no appeal right
    PAID = "paid"
    PARTIALLY_PAID = "partially_paid"
    PAID_ZERO = "paid_zero"
    DENIED = "denied"
    APPEALED = "appealed"
    CROSSED_OVER = "crossed_over"
    REVERSED = "reversed"
    REPLACED = "replaced"
    VOIDED = "voided"


class AttemptState(StrEnum):
    """Where one submission attempt stands."""

    BUILT = "built"
    SENT = "sent"
    RECEIVED = "received"  # TA1, 999 or 277CA A0/A1 without a decision on the claim
    ACCEPTED = "accepted"  # 277CA A2
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"  # never left: the gate refused the file
    ADJUDICATED = "adjudicated"


class ReceivableState(StrEnum):
    """Who owes what is open."""

    UNBILLED = "unbilled"
    INSURANCE = "insurance"
    SECONDARY = "secondary"
    PATIENT = "patient"
    CLOSED = "closed"


S = ClaimState
UNSENT = frozenset({S.HELD, S.READY})
IN_FLIGHT = frozenset({S.SUBMITTED, S.ACCEPTED, S.PENDED})
DECIDED = frozenset({S.PAID, S.PARTIALLY_PAID, S.PAID_ZERO, S.DENIED, S.APPEALED, S.CROSSED_OVER})
LIVE = UNSENT | IN_FLIGHT | DECIDED | {S.REVERSED}

CLAIM_STEPS: dict[ClaimState, frozenset[ClaimState]] = {
    S.HELD: frozenset({S.READY, S.REPLACED, S.VOIDED}),
    S.READY: frozenset({S.SUBMITTED, S.HELD, S.REPLACED, S.VOIDED}),
    # HELD and READY again only when the gate refused the file, so that it never left
    # and VOIDED when the payer reversed what this claim (frequency 8) took back
    S.SUBMITTED: frozenset({S.ACCEPTED, S.PENDED, S.REJECTED, S.HELD, S.READY, S.VOIDED})
    | DECIDED - {S.APPEALED},
    S.ACCEPTED: frozenset({S.PENDED, S.REJECTED, S.VOIDED}) | DECIDED - {S.APPEALED},
    S.PENDED: frozenset({S.ACCEPTED, S.REJECTED, S.VOIDED}) | DECIDED - {S.APPEALED},
    S.REJECTED: frozenset({S.REPLACED, S.VOIDED}) | DECIDED - {S.APPEALED},
    S.PAID: frozenset({S.REVERSED, S.REPLACED, S.VOIDED}) | DECIDED,
    S.PARTIALLY_PAID: frozenset({S.REVERSED, S.REPLACED, S.VOIDED}) | DECIDED,
    S.PAID_ZERO: frozenset({S.REVERSED, S.REPLACED, S.VOIDED}) | DECIDED,
    S.DENIED: frozenset({S.REVERSED, S.REPLACED, S.VOIDED}) | DECIDED,
    S.APPEALED: frozenset({S.REVERSED, S.REPLACED, S.VOIDED}) | DECIDED,
    S.CROSSED_OVER: frozenset({S.REVERSED, S.REPLACED, S.VOIDED}) | DECIDED,
    S.REVERSED: frozenset({S.REPLACED, S.VOIDED}) | DECIDED,
    S.REPLACED: frozenset(),
    S.VOIDED: frozenset(),
}

A = AttemptState
ATTEMPT_STEPS: dict[AttemptState, frozenset[AttemptState]] = {
    # an answer may overtake our own mark that the file was sent
    A.BUILT: frozenset({A.SENT, A.WITHDRAWN, A.RECEIVED, A.ACCEPTED, A.REJECTED, A.ADJUDICATED}),
    A.SENT: frozenset({A.RECEIVED, A.ACCEPTED, A.REJECTED, A.ADJUDICATED}),
    A.RECEIVED: frozenset({A.ACCEPTED, A.REJECTED, A.ADJUDICATED}),
    A.ACCEPTED: frozenset({A.REJECTED, A.ADJUDICATED}),
    A.REJECTED: frozenset({A.ADJUDICATED}),
    A.WITHDRAWN: frozenset(),
    A.ADJUDICATED: frozenset(),
}

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford base 32: no letter that reads as a digit


def move_claim(state: ClaimState, to: ClaimState) -> ClaimState:
    """Return `to` when the table allows the step (staying is always allowed).

    Raises: IllegalTransition (permanent).
    """
    if to is not state and to not in CLAIM_STEPS[state]:
        raise IllegalTransition(f"claim-{state}-to-{to}")
    return to


def move_attempt(state: AttemptState, to: AttemptState) -> AttemptState:
    """Return `to` when the table allows the step (staying is always allowed).

    Raises: IllegalTransition (permanent).
    """
    if to is not state and to not in ATTEMPT_STEPS[state]:
        raise IllegalTransition(f"attempt-{state}-to-{to}")
    return to


def claim_id_of(encounter_id: UUID, order: str, version: int) -> UUID:
    """Return the id of one claim version: the same for a repeated build."""
    return derived_uuid(encounter_id, f"claim-{order}-{version}")


def claim_control_of(claim_id: UUID) -> str:
    """Return CLM01 of a claim version: "C" and 15 base-32 characters (75 bits) of a digest, 16 in all.

    Rule: 837 TR3, CLM01 at most 20 characters; 17 is the length that every clearinghouse keeps.
    """
    number = int.from_bytes(hashlib.sha256(claim_id.bytes).digest()[:10], "big") >> 5
    digits = ["C"]
    for shift in range(70, -1, -5):
        digits.append(_ALPHABET[number >> shift & 31])
    return "".join(digits)
