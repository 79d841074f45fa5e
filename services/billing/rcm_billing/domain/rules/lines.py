"""What the rules on procedures ask of a line: what kind of service it is, who gave it, what else is on its day."""

from datetime import date, timedelta

from rcm_shared.contracts.intake import ClaimForm

from rcm_billing.domain.document import ClaimDocument, ServiceLine
from rcm_billing.domain.history import YEARS, PriorService

MEDICARE = frozenset({"MA", "MB", "16"})  # SBR09: Part A, Part B, a Medicare risk plan
#: Modifiers that say a service was distinct (NCCI policy manual, chapter I, E); the second group names a place.
DISTINCT = frozenset({"24", "25", "27", "57", "58", "59", "78", "79", "91", "XE", "XS", "XP", "XU"})
ANATOMIC = frozenset(
    "LT RT E1 E2 E3 E4 FA F1 F2 F3 F4 F5 F6 F7 F8 F9 TA T1 T2 T3 T4 T5 T6 T7 T8 T9 LC LD RC LM RI".split()
)
SEPARATE = frozenset({"59", "XE", "XS", "XP", "XU"})
NOT_COVERED = frozenset({"GA", "GX", "GY", "GZ"})
_VISITS = (
    ("99202", "99215"),
    ("99221", "99239"),
    ("99242", "99255"),
    ("99281", "99285"),
    ("99291", "99291"),
    ("99304", "99316"),
    ("99341", "99350"),
    ("99381", "99397"),
    ("92002", "92014"),
)
_NEW = (("99202", "99205"), ("99341", "99345"), ("99381", "99387"), ("92002", "92004"))
_NO_ANAESTHESIA_TIME = frozenset({"01953", "01996"})  # counted by area and by day


def procedures(claim: ClaimDocument) -> list[ServiceLine]:
    """Return the lines that carry a procedure code."""
    return [line for line in claim.lines if line.code]


def is_medicare(claim: ClaimDocument) -> bool:
    """Tell whether Medicare's own policies bind the claim's payer."""
    return claim.coverage.filing_indicator in MEDICARE


def is_professional(claim: ClaimDocument) -> bool:
    """Tell whether the claim is an 837P."""
    return claim.form is ClaimForm.PROFESSIONAL


def _within(code: str, ranges: tuple[tuple[str, str], ...]) -> bool:
    return len(code) == 5 and any(first <= code <= last for first, last in ranges)


def is_visit(code: str) -> bool:
    """Tell whether a code is an evaluation and management visit of its own (no add-on, no prolonged time)."""
    return code[:2] in ("99", "92") and _within(code, _VISITS)


def is_new_patient_visit(code: str) -> bool:
    """Tell whether a code is for a patient whom the specialty did not see for three years."""
    return code[:2] in ("99", "92") and _within(code, _NEW)


def is_anaesthesia(code: str) -> bool:
    """Tell whether a code is anaesthesia that is paid by the minute."""
    return (
        code.startswith("0")
        and code.isdigit()
        and "00100" <= code <= "01999"
        and code not in _NO_ANAESTHESIA_TIME
    )


def is_face_to_face(code: str) -> bool:
    """Tell whether a service means that the provider saw the patient: no laboratory, no image reading."""
    return code.isdigit() and not "70000" <= code <= "89999" and not code.startswith("0")


def provider_of(claim: ClaimDocument, line: ServiceLine) -> tuple[str, str]:
    """Return NPI and taxonomy of who gave a line; empty where the claim names nobody."""
    found = line.rendering or claim.provider("rendering", "attending")
    return (found.npi, found.taxonomy) if found else ("", "")


def same_specialty(claim: ClaimDocument, line: ServiceLine, prior: PriorService, billing_npi: str) -> bool:
    """Tell whether the same person, or one of the same specialty and group, gave a prior service."""
    npi, specialty = provider_of(claim, line)
    if npi and npi == prior.npi:
        return True
    return bool(specialty) and specialty == prior.specialty and billing_npi == claim.billing.npi


def pointed(claim: ClaimDocument, line: ServiceLine) -> list[str]:
    """Return the diagnoses of a line, the claim's where it points to none."""
    codes = [claim.diagnoses[at - 1].code for at in line.pointers if 0 < at <= len(claim.diagnoses)]
    return codes or [diagnosis.code for diagnosis in claim.diagnoses]


def years_before(day: date, years: int = YEARS) -> date:
    """Return the same day some years earlier; 29 February becomes the 28th."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)


def months_before(day: date, months: int) -> date:
    """Return the same day some months earlier, or that month's last."""
    month = day.year * 12 + day.month - 1 - months
    first = date(month // 12, month % 12 + 1, 1)
    last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return min(last, first + timedelta(days=day.day - 1))


def age_on(born: date, day: date) -> int:
    """Return the age in whole years."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))
