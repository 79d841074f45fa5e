"""The plans and payers the stand-in knows: an outcome is a function of these tables and the claim alone."""

import re
from dataclasses import dataclass, field
from enum import StrEnum


class Verdict(StrEnum):
    """What a plan does with a clean claim."""

    PAY = "pay"
    DENY = "deny"
    REJECT = "reject"
    SILENCE = "silence"


@dataclass(frozen=True, slots=True)
class Plan:
    """How claims of one member-id prefix are treated. Coinsurance is a percentage of allowed."""

    verdict: Verdict = Verdict.PAY
    allowed_percent: int = 75
    coinsurance_percent: int = 0
    visit_copay_cents: int = 0
    yearly_deductible_cents: int = 0
    denial_group: str = "CO"
    denial_carc: str = ""
    denial_remark: str = ""
    appeal_succeeds: bool = False


#: The longest matching prefix of the member id wins; a member id with no known prefix is paid like PF.
PLANS: dict[str, Plan] = {
    "": Plan(),
    "PF": Plan(),
    "PD": Plan(allowed_percent=80, coinsurance_percent=20, visit_copay_cents=2500),
    "SC": Plan(allowed_percent=80, coinsurance_percent=20),
    "SS": Plan(allowed_percent=80),
    "DE": Plan(allowed_percent=80, coinsurance_percent=20, yearly_deductible_cents=10_000),
    "DN": Plan(verdict=Verdict.DENY, denial_carc="50", denial_remark="N115"),
    "DNX": Plan(verdict=Verdict.DENY, denial_carc="50", denial_remark="N115", appeal_succeeds=True),
    "DU": Plan(verdict=Verdict.DENY, denial_carc="18"),
    "RJ": Plan(verdict=Verdict.REJECT),
    "NR": Plan(verdict=Verdict.SILENCE),
}

#: What a successful appeal pays.
APPEAL_PLAN = PLANS["PF"]

#: Days from the last date of service to receipt; one calendar year as Medicare counts it, kept simple.
TIMELY_FILING_DAYS = 365

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

    def plan_for(self, member_id: str) -> Plan:
        """Return the plan of the longest prefix the member id starts with."""
        longest = max((prefix for prefix in self.plans if member_id.startswith(prefix)), key=len)
        return self.plans[longest]
