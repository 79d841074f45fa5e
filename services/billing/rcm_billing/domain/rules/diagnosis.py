"""DX: the diagnoses, by the edition of ICD-10-CM in force, and how they stand to each other."""

import re
from datetime import date
from functools import lru_cache

from rcm_shared.contracts.intake import Setting

from rcm_billing.domain.code_set import lacks_seventh
from rcm_billing.domain.document import ClaimDocument, Diagnosis
from rcm_billing.domain.reference import Table
from rcm_billing.domain.reference_rows import CodePair, PatientLimit
from rcm_billing.domain.rules.row import H, R, W, rule
from rcm_billing.domain.rules.sides import sides_of
from rcm_billing.domain.scrubbing import NotEvaluatedError, Owner, Places, ScrubContext

_RELEASE_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
_FIRST_MONTH = 10  # of an ICD-10-CM year
_EXTERNAL = frozenset("VWXY")  # chapter 20
_CATEGORY = 3  # characters
_MEDICARE = frozenset({"MA", "MB", "16"})
_SEX_EDIT_ENDED = date(2024, 10, 1)  # CMS turned the sex conflict of its claim editors off
_AMBIGUOUS_SEX = "45"  # condition code
_UNCERTAIN = re.compile(
    r"\b(probable|suspected|questionable|rule[ -]?out|r/o|likely|working diagnosis|compatible with|consistent with)\b",
    re.IGNORECASE,
)


@lru_cache(maxsize=64)
def _release_year(release: str) -> tuple[date, date] | None:
    """Return the ICD-10-CM year, October to September, that a named release belongs to."""
    found = _RELEASE_DATE.search(release)
    if not found:
        return None
    year = int(found[1]) + (int(found[2]) >= _FIRST_MONTH)
    return date(year - 1, _FIRST_MONTH, 1), date(year, _FIRST_MONTH - 1, 30)


def code_date(claim: ClaimDocument) -> date:
    """Return the date that selects the code set: discharge for inpatient, else service (45 CFR 162.1002)."""
    return claim.service_through if claim.setting is Setting.INPATIENT else claim.service_from


def _is_stay(claim: ClaimDocument) -> bool:
    return claim.setting is Setting.INPATIENT


def first_diagnosis(claim: ClaimDocument) -> tuple[int, Diagnosis] | None:
    """Return position and diagnosis that goes out first: the principal or first-listed one, else the first."""
    for number, diagnosis in enumerate(claim.diagnoses, 1):
        if diagnosis.role in ("principal", "first-listed"):
            return number, diagnosis
    return (1, claim.diagnoses[0]) if claim.diagnoses else None


def _not_billable(
    claim: ClaimDocument, context: ScrubContext
) -> tuple[list[tuple[str, str]], frozenset[str]]:
    """Return place and code of each diagnosis that the set of the claim's date lacks, and that set.

    Raises: NotEvaluatedError when no set covers the date.
    """
    code_set = context.code_sets.on(code_date(claim))
    if code_set is None:
        raise NotEvaluatedError("ICD-10-CM")
    codes = code_set.codes
    found = [(f"diagnosis-{n}", d.code) for n, d in enumerate(claim.diagnoses, 1) if d.code not in codes]
    if claim.admitting and claim.admitting not in codes:
        found.append(("admitting", claim.admitting))
    return found, codes


def dx_01(claim: ClaimDocument, context: ScrubContext) -> Places:
    """Every diagnosis is valid and billable in the release in force on the date that selects it."""
    year = _release_year(claim.release)
    if year is not None and not year[0] <= code_date(claim) <= year[1]:
        return ["release"]
    found, codes = _not_billable(claim, context)
    return [place for place, code in found if not lacks_seventh(code, codes)]


def dx_02(claim: ClaimDocument, context: ScrubContext) -> Places:
    """Every diagnosis has a 7th character that its category defines, with placeholders X before it."""
    found, codes = _not_billable(claim, context)
    return [place for place, code in found if lacks_seventh(code, codes)]


def _related(table: Table[CodePair], code: str, day: date, kind: str) -> list[str]:
    return [row.other for row in table.beginnings(code, day) if row.kind == kind]


def dx_03(claim: ClaimDocument, context: ScrubContext) -> Places:
    """No two diagnoses exclude each other (Excludes1)."""
    if len(claim.diagnoses) < 2:
        return []
    day = code_date(claim)
    table = context.reference.diagnosis_pairs.need(day)
    found: set[int] = set()
    for number, diagnosis in enumerate(claim.diagnoses, 1):
        excluded = _related(table, diagnosis.code, day, "excludes1")
        for other, second in enumerate(claim.diagnoses, 1):
            if other != number and any(second.code.startswith(code) for code in excluded):
                found |= {number, other}
    return [f"diagnosis-{n}" for n in sorted(found)]


def dx_04(claim: ClaimDocument, context: ScrubContext) -> Places:
    """A manifestation stands after its underlying disease, an additional code after the one that asks for it."""
    day = code_date(claim)
    table = context.reference.diagnosis_pairs.need(day)
    codes = [diagnosis.code for diagnosis in claim.diagnoses]
    places: Places = []
    for number, code in enumerate(codes, 1):
        causes = _related(table, code, day, "code-first")
        before = codes[: number - 1]
        late = causes and not any(earlier.startswith(cause) for earlier in before for cause in causes)
        additional = _related(table, code, day, "use-additional")
        early = additional and any(earlier.startswith(extra) for earlier in before for extra in additional)
        if late or early:
            places.append(f"diagnosis-{number}")
    return places


def dx_05(claim: ClaimDocument, context: ScrubContext) -> Places:
    """No diagnosis is unspecified where the claim itself, or an inpatient record, says more."""
    day = code_date(claim)
    table = context.reference.unspecified.need(day)
    listed = [(n, d) for n, d in enumerate(claim.diagnoses, 1) if table.has(d.code, day)]
    if not listed or _is_stay(claim):
        return [f"diagnosis-{n}" for n, _ in listed]
    vague = {n for n, _ in listed}
    sided = {p for line in claim.lines if sides_of(line.modifiers) for p in line.pointers}
    precise = {d.code[:_CATEGORY] for n, d in enumerate(claim.diagnoses, 1) if n not in vague}
    return [f"diagnosis-{n}" for n, d in listed if n in sided or d.code[:_CATEGORY] in precise]


def dx_06(claim: ClaimDocument, context: ScrubContext) -> Places:
    """A line that names a side is for a diagnosis of that side."""
    sided = [(line, sides) for line in claim.lines if (sides := sides_of(line.modifiers))]
    if not sided:
        return []
    day = code_date(claim)
    table = context.reference.diagnosis_sides.need(day)
    of = {
        n: row.side
        for n, d in enumerate(claim.diagnoses, 1)
        if (row := table.longest(d.code, day)) is not None
    }
    places: Places = []
    for line, sides in sided:
        named = {of[n] for n in (line.pointers or of) if n in of}
        if named and "B" not in named and not sides & named:
            places.append(f"line-{line.number}")
    return places


@lru_cache(maxsize=8192)
def age_on(birth: date, day: date) -> int:
    """Return the completed years of life on a day."""
    return day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))


def _limits(claim: ClaimDocument, context: ScrubContext) -> list[tuple[str, PatientLimit]]:
    day = code_date(claim)
    table = context.reference.diagnosis_limits.need(day)
    found = [(f"diagnosis-{n}", table.longest(d.code, day)) for n, d in enumerate(claim.diagnoses, 1)]
    if claim.admitting:
        found.append(("admitting", table.longest(claim.admitting, day)))
    return [(place, limit) for place, limit in found if limit is not None]


def dx_07(claim: ClaimDocument, context: ScrubContext) -> Places:
    """Every diagnosis is possible at the patient's age."""
    age = age_on(claim.patient.birth_date, claim.service_from)
    return [
        place
        for place, limit in _limits(claim, context)
        if (limit.age_from is not None and age < limit.age_from)
        or (limit.age_to is not None and age > limit.age_to)
    ]


def dx_08(claim: ClaimDocument, context: ScrubContext) -> Places:
    """Every diagnosis is possible for the patient's sex, where the payer still asks."""
    if claim.patient.sex == "U" or _AMBIGUOUS_SEX in claim.facts.condition_codes:
        return []
    if claim.coverage.filing_indicator in _MEDICARE and claim.service_through >= _SEX_EDIT_ENDED:
        return []
    return [place for place, limit in _limits(claim, context) if limit.sex and limit.sex != claim.patient.sex]


def dx_09(claim: ClaimDocument, context: ScrubContext) -> Places:
    """An external cause is never the first or principal diagnosis."""
    first = first_diagnosis(claim)
    return [f"diagnosis-{first[0]}"] if first and first[1].code[:1] in _EXTERNAL else []


def dx_10(claim: ClaimDocument, context: ScrubContext) -> Places:
    """The first diagnosis may stand first: no manifestation, and for a stay none of the unacceptable ones."""
    first = first_diagnosis(claim)
    if first is None:
        return []
    day = code_date(claim)
    limits = context.reference.principal_limits.need(day).of(first[1].code, day)
    barred = any(row.kind == "manifestation" or _is_stay(claim) for row in limits)
    return [f"diagnosis-{first[0]}"] if barred else []


def dx_11(claim: ClaimDocument, context: ScrubContext) -> Places:
    """Outside a stay no diagnosis is coded as confirmed that the record only suspects."""
    if _is_stay(claim):
        return []
    places = [f"diagnosis-{n}" for n, d in enumerate(claim.diagnoses, 1) if d.uncertain]
    if _UNCERTAIN.search(claim.facts.note):
        places.append("NTE")
    if any(diagnosis.uncertain is None for diagnosis in claim.diagnoses):
        raise NotEvaluatedError("certainty", places)
    return places


_GUIDELINES = "ICD-10-CM Official Guidelines"
_MCE = "CMS Medicare Code Editor"

RULES = (
    rule(
        "DX-01",
        R,
        Owner.CODER,
        "CDC/NCHS ICD-10-CM release",
        "Choose a code valid on the date.",
        dx_01,
        needs=("ICD-10-CM",),
    ),
    rule(
        "DX-02",
        R,
        Owner.CODER,
        f"{_GUIDELINES} I.A.4, I.A.5",
        "Add the 7th character, with placeholders X before it.",
        dx_02,
        needs=("ICD-10-CM",),
    ),
    rule(
        "DX-03",
        H,
        Owner.CODER,
        f"{_GUIDELINES} I.A.12.a",
        "Keep one of the two codes, or record that the two conditions are not related.",
        dx_03,
        needs=("diagnosis_pairs",),
    ),
    rule(
        "DX-04",
        H,
        Owner.CODER,
        f"{_GUIDELINES} I.A.13",
        "Put the underlying disease before its manifestation, and the additional code after.",
        dx_04,
        needs=("diagnosis_pairs",),
    ),
    rule(
        "DX-05",
        W,
        Owner.CODER,
        f"{_GUIDELINES} I.B.18; {_MCE} 20",
        "Choose the code with the site, side or acuity that the record states.",
        dx_05,
        needs=("unspecified",),
    ),
    rule(
        "DX-06",
        R,
        Owner.CODER,
        f"{_GUIDELINES} I.B.13",
        "Make the side of the diagnosis and of the modifier agree.",
        dx_06,
        needs=("diagnosis_sides",),
    ),
    rule(
        "DX-07",
        H,
        Owner.CODER,
        f"{_MCE} 4; IOCE 2",
        "Check the birth date and the code; one of them is wrong.",
        dx_07,
        needs=("diagnosis_limits",),
    ),
    rule(
        "DX-08",
        W,
        Owner.CODER,
        f"{_MCE} 5; IOCE 3",
        "Check the registered sex and the code; condition code 45 tells the payer that both are right.",
        dx_08,
        needs=("diagnosis_limits",),
    ),
    rule(
        "DX-09",
        R,
        Owner.CODER,
        f"{_GUIDELINES} I.C.20.a; {_MCE} 2",
        "Put the injury or condition first and the external cause after it.",
        dx_09,
    ),
    rule(
        "DX-10",
        R,
        Owner.CODER,
        f"{_GUIDELINES} I.A.13; {_MCE} 6, 9",
        "Choose the condition that explains the visit as the first diagnosis.",
        dx_10,
        needs=("principal_limits",),
    ),
    rule(
        "DX-11",
        H,
        Owner.CODER,
        f"{_GUIDELINES} IV.H",
        "Code the sign or symptom, or get the diagnosis confirmed in the record.",
        dx_11,
        needs=("certainty",),
    ),
)
