"""IP: the stay, its dates, its statuses and its DRG."""

from datetime import timedelta

from rcm_shared.contracts.intake import Setting

from rcm_billing.domain.document import ClaimDocument
from rcm_billing.domain.rules.diagnosis import code_date
from rcm_billing.domain.rules.row import INSTITUTIONAL, H, R, rule
from rcm_billing.domain.scrubbing import NotEvaluatedError, Owner, Places, ScrubContext

POA = frozenset({"Y", "N", "U", "W"})
POA_EXEMPT = "1"  # sent as blank
STILL_PATIENT = "30"
INTERIM = frozenset({"2", "3"})  # frequencies of a stay that goes on
PAYMENT_WINDOW_DAYS = 3  # before admission
_NEWBORN = "4"
_ADMISSION_TYPES = frozenset("123459")
_ORIGINS = frozenset("1245689DEFG")
_NEWBORN_ORIGINS = frozenset("56")
#: Patient discharge status codes in use (UB-04 FL 17).
DISCHARGE_STATUSES = frozenset(
    "01 02 03 04 05 06 07 09 20 21 30 40 41 42 43 50 51 61 62 63 64 65 66 69 70"
    " 81 82 83 84 85 86 87 88 89 90 91 92 93 94 95".split()
)
_PCS_LENGTH = 7
_COVERED, _NOT_COVERED = "80", "81"  # value codes: days
_MEDICARE_A = "MA"


def _is_stay(claim: ClaimDocument) -> bool:
    return claim.setting is Setting.INPATIENT


def ip_01(claim: ClaimDocument, context: ScrubContext) -> Places:
    """Every diagnosis of a stay says whether it was present on admission, exempt ones excepted."""
    if not _is_stay(claim):
        return []
    places: Places = []
    exempt: list[tuple[str, str]] = []
    for number, diagnosis in enumerate(claim.diagnoses, 1):
        if diagnosis.poa == POA_EXEMPT:
            exempt.append((f"diagnosis-{number}", diagnosis.code))
        elif diagnosis.poa not in POA:
            places.append(f"diagnosis-{number}")
    if exempt:
        day = code_date(claim)
        table = context.reference.poa_exempt.need(day, places)
        places += [f"{place}@{table.name}" for place, code in exempt if not table.has(code, day)]
    return places


def ip_02(claim: ClaimDocument, context: ScrubContext) -> Places:
    """Type of admission and point of origin are codes in use that go together; a newborn has its own origins."""
    kind, origin = claim.admission_type, claim.admission_source
    places: Places = []
    if kind not in _ADMISSION_TYPES and (kind or _is_stay(claim)):
        places.append("CL1-1")
    legal = _NEWBORN_ORIGINS if kind == _NEWBORN else _ORIGINS
    if origin not in legal and (origin or _is_stay(claim)):
        places.append("CL1-2")
    return places


def ip_03(claim: ClaimDocument, context: ScrubContext) -> Places:
    """The discharge status is a code in use; still-a-patient goes with an interim bill only, and only it with one."""
    status = claim.discharge_status
    if not status:
        return []  # FMT-01 says so
    if status not in DISCHARGE_STATUSES:
        return ["CL1-3"]
    goes_on = claim.frequency in INTERIM
    return ["CL1-3"] if (status == STILL_PATIENT) != goes_on and (goes_on or _is_stay(claim)) else []


def ip_04(claim: ClaimDocument, context: ScrubContext) -> Places:
    """The discharge hour is on the final bill of a stay and only there; admission and discharge are in order."""
    stay = claim.stay
    if not _is_stay(claim) or stay is None:
        return []
    places: Places = []
    goes_on = claim.frequency in INTERIM or claim.discharge_status == STILL_PATIENT
    if goes_on == (stay.discharged_at is not None):
        places.append("DTP*096")
    if stay.admitted_at is not None:
        late = stay.discharged_at is not None and stay.discharged_at < stay.admitted_at
        if late or stay.admitted_at.date() > claim.service_through:
            places.append("DTP*435")
    return places


def ip_05(claim: ClaimDocument, context: ScrubContext) -> Places:
    """ICD-10-PCS codes stand on the facility's inpatient claim only, in their own list."""
    places = [
        f"line-{line.number}" for line in claim.lines if len(line.code) == _PCS_LENGTH and line.code.isalnum()
    ]
    if claim.procedures and not (_is_stay(claim) and claim.form is INSTITUTIONAL):
        places += [f"procedure-{n}" for n in range(1, len(claim.procedures) + 1)]
    elif any(len(p.code) != _PCS_LENGTH for p in claim.procedures):
        places += [f"procedure-{n}" for n, p in enumerate(claim.procedures, 1) if len(p.code) != _PCS_LENGTH]
    return places


def ip_06(claim: ClaimDocument, context: ScrubContext) -> Places:
    """Every procedure was done during the stay or in the three days before it."""
    if not _is_stay(claim):
        return []
    admitted = claim.stay.admitted_at.date() if claim.stay and claim.stay.admitted_at else claim.service_from
    first = min(admitted, claim.service_from) - timedelta(days=PAYMENT_WINDOW_DAYS)
    return [
        f"procedure-{n}"
        for n, procedure in enumerate(claim.procedures, 1)
        if not first <= procedure.service_date <= claim.service_through
    ]


def days_of(claim: ClaimDocument) -> int:
    """Return the days of the statement period; the day of discharge does not count, unless it is the only one."""
    nights = (claim.service_through - claim.service_from).days
    return nights + 1 if claim.discharge_status == STILL_PATIENT else max(nights, 1)


def ip_07(claim: ClaimDocument, context: ScrubContext) -> Places:
    """Covered and non-covered days and the days of room and board agree with the dates of the stay."""
    if not _is_stay(claim):
        return []
    days = days_of(claim)
    places: Places = []
    reported = [v.hundredths for v in claim.facts.values if v.code in (_COVERED, _NOT_COVERED)]
    if reported:
        if sum(reported) != days * 100:
            places.append("HI*BE")
    elif claim.coverage.filing_indicator == _MEDICARE_A:
        places.append("HI*BE")
    board = [line.units for line in claim.lines if line.basis == "DA"]
    if board and sum(board) != days:
        places.append("SV205")
    return places


def ip_08(claim: ClaimDocument, context: ScrubContext) -> Places:
    """The DRG recomputes to the stored one from the claim's own codes, age, sex and discharge status."""
    if not _is_stay(claim):
        return []
    found = context.regroup(claim) if context.regroup and claim.drg else None
    if found is None:
        raise NotEvaluatedError("grouper")
    return [] if found.drg == claim.drg else [f"HI*DR@{found.version}"]


RULES = (
    rule(
        "IP-01",
        R,
        Owner.CODER,
        "CMS POA reporting",
        "Set the present-on-admission indicator of the diagnosis: Y, N, U or W.",
        ip_01,
        form=INSTITUTIONAL,
        needs=("poa_exempt",),
    ),
    rule(
        "IP-02",
        R,
        Owner.REGISTRATION,
        "NUBC, type of admission and point of origin",
        "Correct the type of admission or the point of origin; type 4 goes with origin 5 or 6.",
        ip_02,
        form=INSTITUTIONAL,
    ),
    rule(
        "IP-03",
        R,
        Owner.REGISTRATION,
        "NUBC, patient discharge status",
        "Correct the discharge status; 30 goes with an interim bill.",
        ip_03,
        form=INSTITUTIONAL,
    ),
    rule(
        "IP-04",
        R,
        Owner.REGISTRATION,
        "837I TR3 DTP*096; NUBC",
        "Enter the discharge time of a finished stay, or take it off an interim bill; put the times in order.",
        ip_04,
        form=INSTITUTIONAL,
    ),
    rule(
        "IP-05",
        R,
        Owner.CODER,
        "45 CFR 162.1002, HIPAA code sets",
        "Use ICD-10-PCS for the facility's inpatient procedures and CPT or HCPCS elsewhere.",
        ip_05,
    ),
    rule(
        "IP-06",
        R,
        Owner.CODER,
        "CMS Claims Processing Manual ch. 25, FL 74; 42 CFR 412.2(c)(5)",
        "Correct the date of the procedure; it lies outside the stay.",
        ip_06,
        form=INSTITUTIONAL,
    ),
    rule(
        "IP-07",
        R,
        Owner.BILLER,
        "NUBC, value codes 80 and 81",
        "Make covered and non-covered days, room and board and the dates of the stay agree.",
        ip_07,
        form=INSTITUTIONAL,
    ),
    rule(
        "IP-08",
        H,
        Owner.CODER,
        "CMS MS-DRG definitions",
        "Group the stay again: codes, discharge status or the patient's data changed since it was coded.",
        ip_08,
        form=INSTITUTIONAL,
        needs=("grouper",),
    ),
)
