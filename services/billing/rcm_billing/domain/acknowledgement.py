"""What an acknowledgement does to an attempt: received, accepted, rejected, or nothing that moves it.

TA1 speaks of the interchange, 999 of a transaction set, 277CA of one claim. Any may be missing, late or
repeated.
"""

from dataclasses import dataclass
from enum import StrEnum


class Effect(StrEnum):
    """How an acknowledgement moves the claim."""

    NOTED = "noted"  # kept, moves nothing but the attempt's mark that somebody received it
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    ILLEGAL = "illegal"  # a category that may not stand in a batch 277CA: to a person


#: 277CA claim status categories in a batch (X12 RFI 1942: only the A family is legal).
CATEGORY_EFFECTS: dict[str, Effect] = {
    "A0": Effect.NOTED,  # forwarded
    "A1": Effect.NOTED,  # received
    "A2": Effect.ACCEPTED,  # accepted into adjudication
    "A3": Effect.REJECTED,  # returned as unprocessable
    "A4": Effect.NOTED,  # not found
    "A5": Effect.NOTED,  # split
    "A6": Effect.REJECTED,  # missing information
    "A7": Effect.REJECTED,  # invalid information
    "A8": Effect.REJECTED,  # relational field in error
}
#: TA104, and IK501/AK901 of a 999.
SYNTAX_EFFECTS: dict[str, Effect] = {
    "A": Effect.NOTED,
    "E": Effect.NOTED,
    "P": Effect.NOTED,
    "R": Effect.REJECTED,
    "M": Effect.REJECTED,
    "W": Effect.REJECTED,
    "X": Effect.REJECTED,
}
_SEVERITY = {Effect.NOTED: 0, Effect.ACCEPTED: 1, Effect.ILLEGAL: 2, Effect.REJECTED: 3}


@dataclass(frozen=True, slots=True)
class ClaimStatus:
    """One STC status: category, status code, entity."""

    category: str
    code: str = ""
    entity: str = ""


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """What to record on an attempt: `label` as people see it ("277CA:A2") and what it does."""

    label: str
    effect: Effect
    status_codes: tuple[str, ...] = ()
    payer_control: str = ""


def of_syntax(kind: str, code: str, notes: tuple[str, ...] = ()) -> Acknowledgement:
    """Read a TA1 or 999 verdict; an unknown letter moves nothing."""
    return Acknowledgement(f"{kind}:{code}", SYNTAX_EFFECTS.get(code, Effect.ILLEGAL), notes)


def of_statuses(statuses: tuple[ClaimStatus, ...], payer_control: str = "") -> Acknowledgement:
    """Read the STC statuses of one claim; the gravest category decides."""
    worst = max(statuses, key=lambda s: _SEVERITY[CATEGORY_EFFECTS.get(s.category, Effect.ILLEGAL)])
    effect = CATEGORY_EFFECTS.get(worst.category, Effect.ILLEGAL)
    codes = tuple(dict.fromkeys(status.code for status in statuses if status.code))
    return Acknowledgement(f"277CA:{worst.category}", effect, codes, payer_control)
