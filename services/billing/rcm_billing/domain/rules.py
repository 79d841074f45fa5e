"""The rule table. To add a rule: write one function and add one row to RULES."""

import re
from collections import Counter
from datetime import date
from functools import lru_cache

from rcm_shared.contracts.intake import ClaimForm, Setting
from rcm_shared.contracts.records import Address

from rcm_billing.domain import cob
from rcm_billing.domain.code_set import lacks_seventh
from rcm_billing.domain.document import ClaimDocument
from rcm_billing.domain.scrubbing import Check, NotEvaluatedError, Owner, Places, Rule, ScrubContext, Severity

SELF = "18"
POA = frozenset({"Y", "N", "U", "W", "1"})  # 1: exempt, sent as blank
STILL_PATIENT = "30"
INTERIM = frozenset({"2", "3"})
_TAX_ID = re.compile(r"\d{9}")
_ZIP9 = re.compile(r"\d{5}-?\d{4}")
_PO_BOX = re.compile(r"\bP\.?\s*O\.?\s*BOX\b|\bPOST OFFICE BOX\b", re.IGNORECASE)
_RELEASE_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
_FIRST_MONTH = 10  # of an ICD-10-CM year
_PCS_SURGERY = "0"  # ICD-10-PCS section Medical and Surgical


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


@lru_cache(maxsize=64)
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text)


def sub_01(claim: ClaimDocument, context: ScrubContext) -> Places:
    """Names, birth date, sex and the member id's pattern are there."""
    places = []
    for place, person in (("IL", claim.coverage.subscriber or claim.patient), ("QC", claim.patient)):
        if not person.last_name.strip() or not person.first_name.strip():
            places.append(f"NM1*{place}")
    pattern = context.payer.member_id_pattern if context.payer else "^.+$"
    if not _pattern(pattern).search(claim.coverage.member_id):
        places.append("NM109*IL")
    return places


def sub_02(claim: ClaimDocument, context: ScrubContext) -> Places:
    """The coverage is active on every date of service."""
    start, end = claim.coverage.active_from, claim.coverage.active_to
    if start is None and end is None:
        return []
    dates = [("service-from", claim.service_from), ("service-through", claim.service_through)]
    dates += [(f"line-{line.number}", line.service_date) for line in claim.lines]
    return [
        place
        for place, day in dates
        if (start is not None and day < start) or (end is not None and day > end)
    ]


def sub_03(claim: ClaimDocument, context: ScrubContext) -> Places:
    """Relationship and patient loop agree: self has no other subscriber, anybody else has one."""
    subscriber = claim.coverage.subscriber
    if claim.coverage.relationship != SELF:
        return ["2010BA"] if subscriber is None else []
    if subscriber is None:
        return []
    same = (subscriber.birth_date, subscriber.sex) == (claim.patient.birth_date, claim.patient.sex)
    return [] if same else ["SBR02"]


def sub_05(claim: ClaimDocument, context: ScrubContext) -> Places:
    """What a prior payer paid and adjusted adds up to the charge."""
    return [
        f"2320-{prior.coverage.order}"
        for prior in claim.prior_payers
        if not cob.is_balanced(prior, claim.charge_cents)
    ]


@lru_cache(maxsize=4096)
def valid_npi(npi: str) -> bool:
    """Return whether ten digits pass the Luhn check with the prefix 80840 (CMS NPI check digit)."""
    if len(npi) != 10 or not npi.isascii() or not npi.isdigit():
        return False
    total = 24  # the prefix 80840 adds 24
    for index, digit in enumerate(int(character) for character in reversed(npi)):
        doubled = digit * 2 if index % 2 else digit
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0


def prv_01(claim: ClaimDocument, context: ScrubContext) -> Places:
    """Every NPI passes its check digit."""
    places = [] if valid_npi(claim.billing.npi) else ["NM109*85"]
    for provider in claim.providers:
        if not valid_npi(provider.npi):
            places.append(f"NM109*{provider.role}")
    return places


def prv_04(claim: ClaimDocument, context: ScrubContext) -> Places:
    """The billing tax id has nine digits."""
    return [] if _TAX_ID.fullmatch(claim.billing.tax_id.replace("-", "")) else ["REF*EI"]


def prv_07(claim: ClaimDocument, context: ScrubContext) -> Places:
    """An institutional claim names its attending provider, and the operating one when there was surgery."""
    places = [] if claim.provider("attending") else ["NM1*71"]
    surgery = claim.setting is Setting.SURGERY or any(
        p.code.startswith(_PCS_SURGERY) for p in claim.procedures
    )
    if surgery and not claim.provider("operating", "surgeon"):
        places.append("NM1*72")
    return places


@lru_cache(maxsize=64)
def _release_year(release: str) -> tuple[date, date] | None:
    """Return the ICD-10-CM year, October to September, that a named release belongs to."""
    found = _RELEASE_DATE.search(release)
    if not found:
        return None
    year = int(found[1]) + (int(found[2]) >= _FIRST_MONTH)
    return date(year - 1, _FIRST_MONTH, 1), date(year, _FIRST_MONTH - 1, 30)


def _code_date(claim: ClaimDocument) -> date:
    """The date that selects the code set: discharge for inpatient, else service (45 CFR 162.1002; CMS)."""
    return claim.service_through if claim.setting is Setting.INPATIENT else claim.service_from


def _not_billable(
    claim: ClaimDocument, context: ScrubContext
) -> tuple[list[tuple[str, str]], frozenset[str]]:
    """Return place and code of each diagnosis that the set of the claim's date lacks, and that set.

    Raises: NotEvaluatedError when no set covers the date.
    """
    code_set = context.code_sets.on(_code_date(claim))
    if code_set is None:
        raise NotEvaluatedError
    codes = code_set.codes
    found = [(f"diagnosis-{n}", d.code) for n, d in enumerate(claim.diagnoses, 1) if d.code not in codes]
    if claim.admitting and claim.admitting not in codes:
        found.append(("admitting", claim.admitting))
    return found, codes


def dx_01(claim: ClaimDocument, context: ScrubContext) -> Places:
    """Every diagnosis is valid and billable in the release in force on the date that selects it."""
    year = _release_year(claim.release)
    if year is not None and not year[0] <= _code_date(claim) <= year[1]:
        return ["release"]
    found, codes = _not_billable(claim, context)
    return [place for place, code in found if not lacks_seventh(code, codes)]


def dx_02(claim: ClaimDocument, context: ScrubContext) -> Places:
    """Every diagnosis has a 7th character that its category defines, with placeholders X before it."""
    found, codes = _not_billable(claim, context)
    return [place for place, code in found if lacks_seventh(code, codes)]


def ip_01(claim: ClaimDocument, context: ScrubContext) -> Places:
    """Every diagnosis of an inpatient claim says whether it was present on admission."""
    if claim.setting is not Setting.INPATIENT:
        return []
    return [f"diagnosis-{n}" for n, diagnosis in enumerate(claim.diagnoses, 1) if diagnosis.poa not in POA]


def ip_03(claim: ClaimDocument, context: ScrubContext) -> Places:
    """The discharge status has two digits; still-a-patient goes with an interim bill only."""
    status = claim.discharge_status
    if not status:
        return []  # FMT-01 says so
    if len(status) != 2 or not status.isdigit():
        return ["CL1-3"]
    return ["CL1-3"] if status == STILL_PATIENT and claim.frequency not in INTERIM else []


def px_17(claim: ClaimDocument, context: ScrubContext) -> Places:
    """Every line has at least one unit."""
    return [f"line-{line.number}" for line in claim.lines if line.units < 1]


def dat_01(claim: ClaimDocument, context: ScrubContext) -> Places:
    """Dates are in order, not in the future and not before birth."""
    places = []
    if claim.service_from > claim.service_through:
        places.append("service-from")
    if claim.service_through > context.today:
        places.append("service-through")
    if claim.service_from < claim.patient.birth_date:
        places.append("DMG02")
    places += [
        f"line-{line.number}"
        for line in claim.lines
        if not claim.service_from <= line.service_date <= claim.service_through
    ]
    return places


def tf_01(claim: ClaimDocument, context: ScrubContext) -> Places:
    """The claim is filed within the payer's limit."""
    if context.payer is None:
        raise NotEvaluatedError
    start = claim.service_through if claim.form is ClaimForm.INSTITUTIONAL else claim.service_from
    return ["service-date"] if (context.today - start).days > context.payer.timely_filing_days else []


def dup_01(claim: ClaimDocument, context: ScrubContext) -> Places:
    """No other open or paid claim of the patient carries the same lines, and no line stands twice."""
    places = ["claim"] if context.duplicate else []
    seen = Counter(
        (line.code, line.modifiers, line.service_date, line.units, line.charge_cents)
        for line in claim.lines
        if line.code
    )
    for line in claim.lines:
        key = (line.code, line.modifiers, line.service_date, line.units, line.charge_cents)
        if line.code and seen[key] > 1:
            places.append(f"line-{line.number}")
    return places


def cdi_01(claim: ClaimDocument, context: ScrubContext) -> Places:
    """No query that affects coding is open and the chart is not back with the coder."""
    places = ["query"] if context.open_queries else []
    if context.recoding:
        places.append("coding")
    return places


def chg_01(claim: ClaimDocument, context: ScrubContext) -> Places:
    """Every captured charge that needs a coder's decision is on the claim."""
    return ["charges"] * bool(claim.unbilled)


def _rule(
    rule_id: str,
    severity: Severity,
    owner: Owner,
    authority: str,
    fix: str,
    check: Check,
    form: ClaimForm | None = None,
) -> Rule:
    return Rule(rule_id, 1, _START, None, severity, owner, authority, fix, check, form)


_START = date(2020, 1, 1)
_R, _H, _W = Severity.REJECT, Severity.HOLD, Severity.WARN
_P, _I = ClaimForm.PROFESSIONAL, ClaimForm.INSTITUTIONAL
_TR3 = "837 TR3 005010X222A1/X223A2"

#: Every rule with its severity, owner, authority and fix; run in this order.
RULES: tuple[Rule, ...] = (
    _rule(
        "FMT-01",
        _R,
        Owner.BILLER,
        _TR3,
        "Complete the missing element in the record or the master data.",
        fmt_01,
    ),
    _rule("FMT-02", _R, Owner.BILLER, _TR3, "Make the total the sum of the lines.", fmt_02),
    _rule("FMT-03", _R, Owner.BILLER, _TR3, "Price the line; a claim must be above zero.", fmt_03),
    _rule(
        "FMT-04",
        _R,
        Owner.CODER,
        _TR3,
        "Reduce diagnoses, procedures, modifiers or lines to the limit.",
        fmt_04,
    ),
    _rule(
        "FMT-05", _R, Owner.BILLER, _TR3, "Give the claim and every line a control number of its own.", fmt_05
    ),
    _rule(
        "FMT-06",
        _R,
        Owner.CODER,
        _TR3,
        "Point every line to one to four diagnoses of this claim.",
        fmt_06,
        _P,
    ),
    _rule("FMT-07", _R, Owner.CODER, _TR3, "Remove the repeated diagnosis.", fmt_07),
    _rule(
        "FMT-08",
        _R,
        Owner.BILLER,
        _TR3,
        "Use a street address with a nine-digit ZIP in the master data.",
        fmt_08,
    ),
    _rule(
        "FRQ-01",
        _R,
        Owner.BILLER,
        _TR3,
        "Use a legal frequency; name the payer's claim number for 7 and 8.",
        frq_01,
    ),
    _rule("SUB-01", _R, Owner.REGISTRATION, _TR3, "Correct name or member id at registration.", sub_01),
    _rule(
        "SUB-02",
        _H,
        Owner.REGISTRATION,
        "payer eligibility (271)",
        "Verify the coverage for the dates.",
        sub_02,
    ),
    _rule("SUB-03", _R, Owner.REGISTRATION, _TR3, "Correct the relationship or the subscriber.", sub_03),
    _rule(
        "SUB-05",
        _R,
        Owner.BILLER,
        _TR3,
        "Post the prior payer's remittance completely, then rebuild.",
        sub_05,
    ),
    _rule("PRV-01", _R, Owner.BILLER, "CMS NPI check digit", "Correct the NPI.", prv_01),
    _rule("PRV-04", _R, Owner.BILLER, _TR3, "Correct the tax id in the master data.", prv_04),
    _rule(
        "PRV-07",
        _R,
        Owner.REGISTRATION,
        _TR3,
        "Name the attending, and for surgery the operating.",
        prv_07,
        _I,
    ),
    _rule("DX-01", _R, Owner.CODER, "CDC/NCHS ICD-10-CM release", "Choose a code valid on the date.", dx_01),
    _rule(
        "DX-02",
        _R,
        Owner.CODER,
        "ICD-10-CM guidelines I.A.4, I.A.5",
        "Add the 7th character, with placeholders X before it.",
        dx_02,
    ),
    _rule(
        "IP-01", _R, Owner.CODER, "CMS POA reporting", "Set the POA indicator of every diagnosis.", ip_01, _I
    ),
    _rule(
        "IP-03", _R, Owner.REGISTRATION, "NUBC, patient discharge status", "Correct the status.", ip_03, _I
    ),
    _rule("PX-17", _R, Owner.CODER, "CMS claims processing", "Set the units of the line.", px_17),
    _rule("DAT-01", _R, Owner.REGISTRATION, _TR3, "Correct the dates of service or birth.", dat_01),
    _rule(
        "TF-01",
        _R,
        Owner.BILLER,
        "42 CFR 424.44 or the payer's contract",
        "Attach proof of timely filing.",
        tf_01,
    ),
    _rule(
        "DUP-01",
        _H,
        Owner.BILLER,
        "CARC 18",
        "Confirm a repeat service with a modifier, or void one.",
        dup_01,
    ),
    _rule("CDI-01", _H, Owner.CODER, "facility policy", "Wait for the answer and the final codes.", cdi_01),
    _rule(
        "CHG-01",
        _W,
        Owner.CODER,
        "charge audit",
        "A captured charge has no final code; bill or cancel it.",
        chg_01,
    ),
)
