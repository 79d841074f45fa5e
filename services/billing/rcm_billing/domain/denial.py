"""What a payer's reason code means: post it, move it to the patient, or open a case that a person works.

A denial is never written off by itself: its amount stays open with insurance until somebody decides.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from rcm_billing.domain.errors import IllegalTransition


class DenialState(StrEnum):
    """Where one denial case stands (domain page, denials and appeals)."""

    NEW = "new"
    TRIAGED = "triaged"
    IN_WORK = "in_work"
    CORRECTED_RESUBMITTED = "corrected_resubmitted"
    APPEAL_DRAFTED = "appeal_drafted"
    APPEAL_SUBMITTED = "appeal_submitted"
    OVERTURNED = "overturned"
    PARTLY_OVERTURNED = "partly_overturned"
    UPHELD = "upheld"
    TRANSFERRED_TO_PATIENT = "transferred_to_patient"
    WRITTEN_OFF = "written_off"
    REVERSED = "reversed"  # the payer took the decision back that denied it
    CLOSED = "closed"
    REOPENED = "reopened"


D = DenialState
#: What a payer's own decision may do to a case that somebody works on.
_DECIDED = frozenset({D.OVERTURNED, D.PARTLY_OVERTURNED, D.REVERSED})
_ENDED_BY_PERSON = frozenset({D.TRANSFERRED_TO_PATIENT, D.WRITTEN_OFF})
DENIAL_STEPS: dict[DenialState, frozenset[DenialState]] = {
    D.NEW: frozenset({D.TRIAGED}) | _DECIDED,
    D.TRIAGED: frozenset({D.IN_WORK}) | _DECIDED,
    D.IN_WORK: frozenset({D.TRIAGED, D.CORRECTED_RESUBMITTED, D.APPEAL_DRAFTED})
    | _ENDED_BY_PERSON
    | _DECIDED,
    D.APPEAL_DRAFTED: frozenset({D.IN_WORK, D.APPEAL_SUBMITTED}) | _DECIDED,
    D.APPEAL_SUBMITTED: frozenset({D.UPHELD}) | _DECIDED,
    # upheld is not the end: the next level may be tried while its clock runs
    D.UPHELD: frozenset({D.IN_WORK, D.APPEAL_DRAFTED, D.CLOSED}) | _ENDED_BY_PERSON | _DECIDED,
    D.PARTLY_OVERTURNED: frozenset({D.IN_WORK, D.APPEAL_DRAFTED, D.OVERTURNED, D.REVERSED, D.CLOSED})
    | _ENDED_BY_PERSON,
    D.CORRECTED_RESUBMITTED: frozenset({D.IN_WORK, D.UPHELD, D.CLOSED}) | _DECIDED,
    D.TRANSFERRED_TO_PATIENT: frozenset({D.CLOSED, D.REOPENED, D.REVERSED}),
    D.WRITTEN_OFF: frozenset({D.CLOSED, D.REOPENED}),
    D.OVERTURNED: frozenset({D.CLOSED, D.REOPENED, D.REVERSED}),
    D.REVERSED: frozenset({D.CLOSED, D.REOPENED}),
    D.CLOSED: frozenset({D.REOPENED}),
    D.REOPENED: frozenset({D.TRIAGED, D.IN_WORK, D.CLOSED}) | _DECIDED,
}
#: The amount is open with the payer and somebody has to do something, or waits for an appeal.
OPEN = frozenset(
    {
        D.NEW,
        D.TRIAGED,
        D.IN_WORK,
        D.APPEAL_DRAFTED,
        D.APPEAL_SUBMITTED,
        D.UPHELD,
        D.PARTLY_OVERTURNED,
        D.REOPENED,
    }
)
#: The payer's time limit for the next appeal runs.
CLOCKED = OPEN - {D.APPEAL_SUBMITTED}
#: How a case ended, or stands between two levels.
OUTCOMES = frozenset(
    {D.OVERTURNED, D.PARTLY_OVERTURNED, D.UPHELD, D.TRANSFERRED_TO_PATIENT, D.WRITTEN_OFF, D.REVERSED}
)


@dataclass(frozen=True, slots=True)
class DenialMove:
    """One step of one case: from where to where, when, by whom and why (a code). Stored once, never changed."""

    denial_id: UUID
    claim_id: UUID
    was: str  # empty when the case was opened
    now: str
    level: int
    at: datetime
    actor: str
    reason: str


class Treatment(StrEnum):
    """What posting does with one adjustment."""

    POST = "post"  # an adjustment that ends the claim on this amount
    PATIENT = "patient"  # moves to the patient, or to the next payer
    DENIED = "denied"  # stays open with the payer, opens a case
    PRIOR = "prior"  # repeats what an earlier payer already decided (OA 23): nothing to post


UNCLASSIFIED = "unclassified"

#: CARC -> category, for the groups CO, OA and PI. Numbers only; the texts are X12's.
CATEGORIES: dict[str, str] = {
    code: category
    for category, codes in {
        "eligibility": "26 27 31 32 33 177 200 109",
        "coordination-of-benefits": "19 20 21 22 276",
        "authorisation": "15 39 197 198 210 243 284 287 288 296",
        "timely-filing": "29 286 B4",
        "duplicate": "18 B13",
        "missing-information": "16 163 206 207 208 226 227 250 251 252",
        "bundling": "97 231 234 236 B10 B15",
        "coding": "4 5 6 7 9 10 11 58 146 181 182 189 199 282",
        "medical-necessity": "50 55 56 150 151 152 153 154 167 249 272 273",
        "non-covered": "35 49 51 96 119 149 204",
        "provider-enrolment": "8 147 170 171 172 183 184 185 242 279 B7",
    }.items()
    for code in codes.split()
}

#: CARC that reduce the payment by contract or by law and end there.
CONTRACTUAL = frozenset(
    [
        "24",
        "42",
        "44",
        "45",
        "59",
        "89",
        "90",
        "91",
        "94",
        "101",
        "104",
        "105",
        "118",
        "130",
        "131",
        "137",
        "144",
        "161",
        "223",
        "225",
        "237",
        "245",
        "253",
        "A2",
    ]
)
PATIENT_SHARE = frozenset({"1", "2", "3"})
PRIOR_PAYER = "23"


def treat(group: str, carc: str) -> Treatment:
    """Decide by group and CARC together; an unknown reason is a case for a person, never a write-off."""
    if group == "PR":
        return Treatment.PATIENT
    if group == "OA" and carc == PRIOR_PAYER:
        return Treatment.PRIOR
    if carc in CONTRACTUAL and group in ("CO", "OA", "PI"):
        return Treatment.POST
    return Treatment.DENIED


def category_of(group: str, carc: str) -> str | None:
    """Return the denial category, or None when (group, CARC) is no denial."""
    if group == "PR":
        return None if carc in PATIENT_SHARE else CATEGORIES.get(carc)
    if treat(group, carc) is not Treatment.DENIED:
        return None
    return CATEGORIES.get(carc, UNCLASSIFIED)


def move_denial(state: DenialState, to: DenialState) -> DenialState:
    """Return `to` when the table allows the step (staying is always allowed).

    Raises: IllegalTransition (permanent).
    """
    if to is not state and to not in DENIAL_STEPS[state]:
        raise IllegalTransition(f"denial-{state}-to-{to}")
    return to
