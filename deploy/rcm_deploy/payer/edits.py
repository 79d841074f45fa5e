"""The payer's edits in the order they are tried: what denies a claim or one of its lines. Pure."""

from dataclasses import dataclass
from datetime import date, datetime

from rcm_deploy.payer.claims import Claim, ServiceLine
from rcm_deploy.payer.rules import VISIT_CODE, Plan, Verdict


@dataclass(frozen=True, slots=True)
class Denial:
    """Why nothing is paid: group, CARC, a RARC for the line and one for the claim (MOA or MIA)."""

    group: str
    carc: str
    remark: str = ""
    claim_remark: str = ""


#: Codes the strict plan pays only under an authorisation (REF*G1).
NEEDS_AUTHORIZATION = frozenset({"27447", "29881", "70551", "72148", "74177", "J1745"})

#: (paid code, code included in it): a bypass modifier on the second one keeps them apart.
BUNDLES = frozenset(
    {
        ("20610", "99212"),
        ("20610", "99213"),
        ("20610", "99214"),
        ("17110", "99213"),
        ("47562", "49320"),
        ("80053", "80048"),
        ("93000", "93005"),
        ("93000", "93010"),
        ("25605", "29125"),
    }
)
BYPASS_MODIFIERS = frozenset({"24", "25", "57", "58", "59", "78", "79", "XE", "XP", "XS", "XU"})

#: Diagnoses, by their first characters, for which the strict plan holds a code necessary.
NECESSARY_FOR: dict[str, tuple[str, ...]] = {
    "71260": ("C34", "J", "R05", "R06", "R91"),
    "80061": ("E10", "E11", "E78", "I", "Z13"),
    "93000": ("I", "R00", "R06", "R07", "R55"),
    "20610": ("M", "S"),
    "17110": ("B07", "B08", "L82"),
}

#: First characters of codes of the strict plan that need a referring provider, and of drugs that need an NDC.
REFERRED_CODES = ("70", "71", "72", "73", "74")
DRUG_CODES = ("J",)

#: Allowed cents of the strict plan; a code that is not here is allowed at the plan's percentage.
FEE_SCHEDULE: dict[str, int] = {
    "99202": 7_310,
    "99203": 11_245,
    "99212": 5_680,
    "99213": 9_160,
    "99214": 12_985,
    "99215": 18_275,
    "20610": 6_125,
    "17110": 11_890,
    "71260": 21_450,
    "93000": 1_475,
    "80053": 1_056,
    "36415": 857,
}


def deny_claim(claim: Claim, plan: Plan, *, received: date, duplicate: bool) -> Denial | None:
    """Return what denies the whole claim: duplicate, eligibility, timely filing, order of payers."""
    if duplicate:
        return Denial("OA", "18")
    first, last = claim.service_dates()
    if plan.coverage_ended and first > plan.coverage_ended:
        return Denial(plan.coverage_group, "27")
    if plan.verdict is Verdict.DENY and not (plan.spares_first_line or plan.spares_authorized):
        return _planned(plan)
    if last and (received - _as_date(last)).days > plan.filing_days:
        return Denial("CO", "29")
    if claim.order in ("S", "T") and claim.prior is None:
        return Denial("CO", "22")
    return None


def deny_line(claim: Claim, line: ServiceLine, plan: Plan) -> Denial | None:
    """Return what denies one line: authorisation, bundling, necessity, missing information, in this order."""
    if plan.verdict is Verdict.DENY:
        if plan.spares_authorized:
            return None if claim.authorization else _planned(plan)
        return None if claim.lines and line is claim.lines[0] else _planned(plan)
    if not plan.strict:
        return None
    if line.code in NEEDS_AUTHORIZATION and not claim.authorization:
        return Denial("CO", "197")
    if _bundled(claim, line):
        return Denial("CO", "97", "N19")
    needed = NECESSARY_FOR.get(line.code)
    if needed and not any(code.startswith(needed) for code in claim.diagnoses_of(line)):
        return Denial("CO", "50", "N115")
    if line.code.startswith(REFERRED_CODES) and not any(entity == "DN" for entity, _npi in claim.npis):
        return Denial("CO", "16", "N286", "MA130")
    if line.code.startswith(DRUG_CODES) and not line.has_drug_code:
        return Denial("CO", "16", "M119", "MA130")
    return None


def allowed_cents(line: ServiceLine, plan: Plan) -> int:
    """Return what the contract allows for a line, never more than its charge."""
    if plan.strict and line.code in FEE_SCHEDULE:
        return min(FEE_SCHEDULE[line.code] * _units(line), line.charge_cents)
    return (line.charge_cents * plan.allowed_percent + 50) // 100


def lower_level(code: str) -> str:
    """Return the visit code one level below, the code itself when there is none."""
    if VISIT_CODE.fullmatch(code) and code[-1] in "345":
        return code[:-1] + str(int(code[-1]) - 1)
    return code


def _planned(plan: Plan) -> Denial:
    return Denial(plan.denial_group, plan.denial_carc, plan.denial_remark, plan.denial_claim_remark)


def _bundled(claim: Claim, line: ServiceLine) -> bool:
    if BYPASS_MODIFIERS.intersection(line.modifiers):
        return False
    return any(
        (other.code, line.code) in BUNDLES and other.date_from == line.date_from for other in claim.lines
    )


def _units(line: ServiceLine) -> int:
    return int(line.units) if line.units.isdigit() and int(line.units) else 1


def _as_date(text: str) -> date:
    return datetime.strptime(text, "%Y%m%d").date()  # noqa: DTZ007 (a calendar date, no instant)
