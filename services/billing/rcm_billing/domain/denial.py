"""What a payer's reason code means: post it, move it to the patient, or open a case that a person works.

A denial is never written off by itself: its amount stays open with insurance until somebody decides.
"""

from enum import StrEnum

from rcm_billing.domain.errors import IllegalTransition


class DenialState(StrEnum):
    """Where one denial case stands (domain page, denials and appeals)."""

    NEW = "new"
    APPEAL_SUBMITTED = "appeal_submitted"
    CORRECTED_RESUBMITTED = "corrected_resubmitted"
    TRANSFERRED_TO_PATIENT = "transferred_to_patient"
    OVERTURNED = "overturned"
    PARTLY_OVERTURNED = "partly_overturned"
    UPHELD = "upheld"
    REVERSED = "reversed"


D = DenialState
DENIAL_STEPS: dict[DenialState, frozenset[DenialState]] = {
    D.NEW: frozenset(
        {D.APPEAL_SUBMITTED, D.CORRECTED_RESUBMITTED, D.OVERTURNED, D.PARTLY_OVERTURNED, D.REVERSED}
    ),
    D.APPEAL_SUBMITTED: frozenset({D.OVERTURNED, D.PARTLY_OVERTURNED, D.UPHELD, D.REVERSED}),
    # upheld is not the end: the next level may be tried while its clock runs
    D.UPHELD: frozenset({D.APPEAL_SUBMITTED, D.OVERTURNED, D.PARTLY_OVERTURNED, D.REVERSED}),
    D.PARTLY_OVERTURNED: frozenset({D.APPEAL_SUBMITTED, D.REVERSED}),
    D.CORRECTED_RESUBMITTED: frozenset({D.REVERSED, D.OVERTURNED, D.PARTLY_OVERTURNED}),
    D.TRANSFERRED_TO_PATIENT: frozenset({D.REVERSED}),
    D.OVERTURNED: frozenset({D.REVERSED}),
    D.REVERSED: frozenset(),
}
OPEN = frozenset({D.NEW, D.APPEAL_SUBMITTED, D.UPHELD, D.PARTLY_OVERTURNED})


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
