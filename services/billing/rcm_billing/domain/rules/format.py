"""FMT and FRQ: the claim has what its guide requires, in the counts and sums that it allows."""

import re
from collections import Counter
from functools import lru_cache

from rcm_shared.contracts.intake import ClaimForm, Setting
from rcm_shared.contracts.records import Address

from rcm_billing.domain.document import ClaimDocument
from rcm_billing.domain.rules.row import PROFESSIONAL, TR3, R, rule
from rcm_billing.domain.scrubbing import Owner, Places, ScrubContext

SELF = "18"
_ZIP9 = re.compile(r"\d{5}-?\d{4}")
_PO_BOX = re.compile(r"\bP\.?\s*O\.?\s*BOX\b|\bPOST OFFICE BOX\b", re.IGNORECASE)


def fmt_01(claim: ClaimDocument, context: ScrubContext) -> Places:
    """Every element that the guide requires is there."""
    missing = [f"missing:{gap}" for gap in claim.gaps]
    if context.payer is None:
        missing.append("missing:payer")
    if not claim.facility_code:
        missing.append("missing:CLM05-1")
    if not claim.diagnoses:
        missing.append("missing:HI")
    if not claim.lines:
        missing.append("missing:LX")
    billing = claim.billing
    if not billing.name:
        missing.append("missing:NM1*85")
    address = billing.address
    if billing.name and not (address.line and address.city and address.state):
        missing.append("missing:N3-N4*85")
    subscriber = claim.coverage.subscriber or claim.patient
    if subscriber.address is None and claim.coverage.relationship == SELF:
        missing.append("missing:N3-N4*IL")
    if claim.coverage.relationship != SELF and claim.patient.address is None:
        missing.append("missing:N3-N4*QC")
    if claim.form is ClaimForm.INSTITUTIONAL:
        if not claim.discharge_status:
            missing.append("missing:CL1-3")
        if claim.setting is Setting.INPATIENT and (claim.stay is None or claim.stay.admitted_at is None):
            missing.append("missing:DTP*435")
    return missing


def fmt_02(claim: ClaimDocument, context: ScrubContext) -> Places:
    """The claim's total is the sum of its lines."""
    return [] if claim.charge_cents == sum(line.charge_cents for line in claim.lines) else ["CLM02"]


def fmt_03(claim: ClaimDocument, context: ScrubContext) -> Places:
    """No line is negative and the claim is above zero."""
    places = [f"line-{line.number}" for line in claim.lines if line.charge_cents < 0]
    if claim.charge_cents <= 0:
        places.append("CLM02")
    return places


def fmt_04(claim: ClaimDocument, context: ScrubContext) -> Places:
    """Counts stay within what the guide repeats."""
    professional = claim.form is ClaimForm.PROFESSIONAL
    places = []
    if len(claim.diagnoses) > (12 if professional else 25):
        places.append("HI")
    if len(claim.procedures) > 25:
        places.append("HI*BBR")
    if len(claim.lines) > (50 if professional else 999):
        places.append("LX")
    places += [f"line-{line.number}" for line in claim.lines if len(line.modifiers) > 4]
    return places


def fmt_05(claim: ClaimDocument, context: ScrubContext) -> Places:
    """The claim's control number is 1-20 characters and its lines' are unique."""
    places = [] if 1 <= len(claim.claim_control) <= 20 else ["CLM01"]
    controls = [line.control for line in claim.lines]
    if len(set(controls)) != len(controls):
        places.append("REF*6R")
    return places


def fmt_06(claim: ClaimDocument, context: ScrubContext) -> Places:
    """Every professional line points to one to four diagnoses that exist."""
    count = len(claim.diagnoses)
    return [
        f"line-{line.number}"
        for line in claim.lines
        if not 1 <= len(line.pointers) <= 4
        or len(set(line.pointers)) != len(line.pointers)
        or any(not 1 <= pointer <= count for pointer in line.pointers)
    ]


def fmt_07(claim: ClaimDocument, context: ScrubContext) -> Places:
    """No diagnosis stands twice."""
    codes = [diagnosis.code for diagnosis in claim.diagnoses]
    if len(set(codes)) == len(codes):
        return []
    seen = Counter(codes)
    return [f"diagnosis-{n}" for n, code in enumerate(codes, 1) if seen[code] > 1]


@lru_cache(maxsize=256)
def _street(address: Address) -> tuple[str, ...]:
    places = []
    if _PO_BOX.search(address.line):
        places.append("N3*85")
    if not _ZIP9.fullmatch(address.postal_code):
        places.append("N403*85")
    return tuple(places)


def fmt_08(claim: ClaimDocument, context: ScrubContext) -> Places:
    """The billing address is a street with a nine-digit ZIP."""
    return list(_street(claim.billing.address))


def frq_01(claim: ClaimDocument, context: ScrubContext) -> Places:
    """The frequency is legal for the form; 7 and 8 name the payer's control number, 1 does not."""
    legal = ("1", "7", "8") if claim.form is ClaimForm.PROFESSIONAL else ("1", "2", "3", "4", "7", "8")
    if claim.frequency not in legal:
        return ["CLM05-3"]
    return [] if (claim.frequency in ("7", "8")) == bool(claim.original_reference) else ["REF*F8"]


RULES = (
    rule(
        "FMT-01",
        R,
        Owner.BILLER,
        TR3,
        "Complete the missing element in the record or the master data.",
        fmt_01,
    ),
    rule("FMT-02", R, Owner.BILLER, TR3, "Make the total the sum of the lines.", fmt_02),
    rule("FMT-03", R, Owner.BILLER, TR3, "Price the line; a claim must be above zero.", fmt_03),
    rule(
        "FMT-04",
        R,
        Owner.CODER,
        TR3,
        "Reduce diagnoses, procedures, modifiers or lines to the limit.",
        fmt_04,
    ),
    rule(
        "FMT-05", R, Owner.BILLER, TR3, "Give the claim and every line a control number of its own.", fmt_05
    ),
    rule(
        "FMT-06",
        R,
        Owner.CODER,
        TR3,
        "Point every line to one to four diagnoses of this claim.",
        fmt_06,
        form=PROFESSIONAL,
    ),
    rule("FMT-07", R, Owner.CODER, TR3, "Remove the repeated diagnosis.", fmt_07),
    rule(
        "FMT-08",
        R,
        Owner.BILLER,
        TR3,
        "Use a street address with a nine-digit ZIP in the master data.",
        fmt_08,
    ),
    rule(
        "FRQ-01",
        R,
        Owner.BILLER,
        TR3,
        "Use a legal frequency; name the payer's claim number for 7 and 8.",
        frq_01,
    ),
)
