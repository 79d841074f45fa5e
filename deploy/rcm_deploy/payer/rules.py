"""The plans and payers the stand-in knows: an outcome is a function of these tables, the claim and a seed."""

import hashlib
import re
from dataclasses import dataclass, field
from enum import StrEnum

from rcm_deploy.payer.claims import Claim


class Verdict(StrEnum):
    """What a plan does with a clean claim."""

    PAY = "pay"
    DENY = "deny"
    REJECT = "reject"
    SILENCE = "silence"
    ASK_RECORDS = "ask-records"


class Aftermath(StrEnum):
    """How a payment is taken back TAKE_BACK_DAYS later."""

    NONE = "none"
    CORRECT = "correct"  # 22 and the corrected claim in one 835
    REVERSE_THEN_CORRECT = "reverse-then-correct"  # 22 alone, the corrected claim in a later 835
    RECOUP = "recoup"  # 22 alone, the money taken by WO from a later payment
    AUDIT = "audit"  # an audit request; the money is recouped when nobody answers it


@dataclass(frozen=True, slots=True)
class Rejection:
    """STC01 of a claim that is not taken in."""

    category: str = "A7"
    code: str = "164"
    entity: str = "IL"


@dataclass(frozen=True, slots=True)
class Plan:
    """How claims of one member-id prefix are treated. Coinsurance is a percentage of allowed."""

    verdict: Verdict = Verdict.PAY
    allowed_percent: int = 75
    coinsurance_percent: int = 0
    visit_copay_cents: int = 0
    yearly_deductible_cents: int = 0
    yearly_out_of_pocket_cents: int = 0  # 0 is no limit
    withheld_percent: int = 0
    rejection: Rejection = Rejection()
    denial_group: str = "CO"
    denial_carc: str = ""
    denial_remark: str = ""
    denial_claim_remark: str = ""
    denied_status: str = "4"
    spares_first_line: bool = False
    spares_authorized: bool = False
    coverage_ended: str = ""  # CCYYMMDD, "" is never
    coverage_group: str = "CO"
    filing_days: int = 365
    strict: bool = False  # the code tables of edits.py and its fee schedule apply
    appeal_succeeds_at: int = 0  # level, 0 is never
    appeal_answered: bool = False  # a lost appeal is told, not left open
    appeal_partly: bool = False
    interest_cents: int = 0
    interest_alone: bool = False  # in an 835 of its own that has no claim
    crosses_to: str = ""
    recodes: bool = False
    splits: bool = False
    aftermath: Aftermath = Aftermath.NONE
    hold_days: int = 0


def _denying(carc: str, remark: str = "", **more: object) -> Plan:
    return Plan(verdict=Verdict.DENY, denial_carc=carc, denial_remark=remark, **more)  # type: ignore[arg-type]


def _rejecting(category: str, code: str, entity: str = "") -> Plan:
    return Plan(verdict=Verdict.REJECT, rejection=Rejection(category, code, entity))


#: The longest matching prefix of the member id wins; a member id with no known prefix is paid like PF.
PLANS: dict[str, Plan] = {
    "": Plan(),
    "PF": Plan(),
    "PD": Plan(allowed_percent=80, coinsurance_percent=20, visit_copay_cents=2500),
    "SC": Plan(allowed_percent=80, coinsurance_percent=20),
    "SS": Plan(allowed_percent=80),
    "DE": Plan(allowed_percent=80, coinsurance_percent=20, yearly_deductible_cents=10_000),
    "OP": Plan(
        allowed_percent=80,
        coinsurance_percent=50,
        yearly_deductible_cents=10_000,
        yearly_out_of_pocket_cents=15_000,
    ),
    "ZP": Plan(yearly_deductible_cents=100_000_000),
    "WH": Plan(allowed_percent=80, withheld_percent=10),
    "DN": _denying("50", "N115"),
    "DNX": _denying("50", "N115", appeal_succeeds_at=1),
    "DNY": _denying("50", "N115", appeal_succeeds_at=2, appeal_answered=True),
    "DNP": _denying("50", "N115", appeal_succeeds_at=1, appeal_answered=True, appeal_partly=True),
    "DNU": _denying("50", "N115", appeal_answered=True),
    "DU": _denying("18"),
    "EL": Plan(coverage_ended="20000101"),
    "ELP": Plan(coverage_ended="20000101", coverage_group="PR"),
    "NI": _denying("31"),
    "NIP": _denying("31", denial_group="PR"),
    "TL": Plan(filing_days=0),
    "AU": _denying("197", spares_authorized=True),
    "BU": _denying("97", "N19", spares_first_line=True),
    "MI": _denying("16", "N290", denial_claim_remark="MA130"),
    "NO": _denying("109", denial_group="OA", denied_status="23"),
    "ST": Plan(
        strict=True,
        allowed_percent=80,
        coinsurance_percent=20,
        visit_copay_cents=2500,
        yearly_deductible_cents=10_000,
        yearly_out_of_pocket_cents=100_000,
    ),
    "RJ": _rejecting("A7", "164", "IL"),
    "RJM": _rejecting("A3", "33", "IL"),
    "RJN": _rejecting("A7", "562", "82"),
    "RJD": _rejecting("A7", "255"),
    "RJF": _rejecting("A7", "464"),
    "RJT": _rejecting("A3", "718"),
    "RJU": _rejecting("A3", "54"),
    "RJI": _rejecting("A6", "297"),
    "RJR": _rejecting("A8", "187"),
    "NR": Plan(verdict=Verdict.SILENCE),
    "MR": Plan(verdict=Verdict.ASK_RECORDS),
    "AR": Plan(aftermath=Aftermath.AUDIT),
    "IN": Plan(interest_cents=137),
    "IP": Plan(interest_cents=137, interest_alone=True),
    "XO": Plan(allowed_percent=80, coinsurance_percent=20, crosses_to="SUP01"),
    "CC": Plan(allowed_percent=80, recodes=True),
    "LS": Plan(allowed_percent=80, coinsurance_percent=20, splits=True),
    "TB": Plan(allowed_percent=80, aftermath=Aftermath.CORRECT),
    "TC": Plan(allowed_percent=80, aftermath=Aftermath.REVERSE_THEN_CORRECT),
    "TW": Plan(allowed_percent=80, aftermath=Aftermath.RECOUP),
    "LT": Plan(hold_days=90),
}

#: A member id with this prefix is treated like one of MIX, drawn by seed, member id and first code.
MIXED = "MX"
MIX = ("PF", "PD", "DE", "WH", "DN", "AU", "BU", "MI", "EL", "IN", "CC", "LS", "ZP", "RJ", "RJM", "NR")

#: What a successful appeal and an answered request for records pay.
APPEAL_PLAN = PLANS["PF"]

TAKE_BACK_DAYS = 14
REQUEST_DAYS = 30

#: Codes whose visits carry a copay (office and emergency department visits).
VISIT_CODE = re.compile(r"99(20|21|28)\d")


@dataclass(frozen=True, slots=True)
class Payer:
    """One payer as it names itself in a remittance; every number is made up."""

    payer_id: str
    name: str
    tax_id: str = "999000001"
    street: str = "1 PLAN PLAZA"
    city: str = "SPRINGFIELD"
    state: str = "IL"
    postal_code: str = "627010001"
    phone: str = "8005550100"


def _default_payers() -> dict[str, Payer]:
    known = (
        Payer("DHP01", "DEMO HEALTH PLAN", tax_id="999000001"),
        Payer("DMC01", "DEMO MEDICARE", tax_id="999000002"),
        Payer("SUP01", "DEMO SUPPLEMENT", tax_id="999000003"),
    )
    return {payer.payer_id: payer for payer in known}


@dataclass(frozen=True, slots=True)
class Rules:
    """The tables one run of the stand-in works with."""

    payers: dict[str, Payer] = field(default_factory=_default_payers)
    plans: dict[str, Plan] = field(default_factory=lambda: PLANS)
    seed: int = 0
    any_payer: bool = False

    def payer(self, payer_id: str) -> Payer | None:
        """Return a payer by its id; with `any_payer` every id is known, under itself as name."""
        made_up = Payer(payer_id, payer_id) if self.any_payer and payer_id else None
        return self.payers.get(payer_id, made_up)

    def plan_for(self, member_id: str, code: str = "") -> Plan:
        """Return the plan of the longest prefix the member id starts with."""
        if member_id.startswith(MIXED):
            drawn = hashlib.sha256(f"{self.seed}|{member_id}|{code}".encode()).digest()
            return self.plans[MIX[int.from_bytes(drawn[:4], "big") % len(MIX)]]
        longest = max((prefix for prefix in self.plans if member_id.startswith(prefix)), key=len)
        return self.plans[longest]

    def plan_of(self, claim: Claim) -> Plan:
        """Return the plan that decides a claim."""
        return self.plan_for(claim.subscriber.identifier, claim.first_code)
