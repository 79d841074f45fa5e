"""Screens one claim before adjudication: a 277CA status, accepted (A2) or rejected (A3, A6, A7, A8). Pure."""

import re
from dataclasses import dataclass

from rcm_deploy.payer.claims import Claim, ServiceLine
from rcm_deploy.payer.rules import Rules, Verdict

DIAGNOSIS = re.compile(r"[A-Z]\d[0-9A-Z][0-9A-Z]{0,4}")

#: Prefix that makes a ten-digit NPI a card number for the Luhn check.
NPI_PREFIX = "80840"


@dataclass(frozen=True, slots=True)
class ClaimStatus:
    """STC01 of a claim: category, status code and, where the status needs one, the entity at fault."""

    category: str
    code: str
    entity: str = ""

    @property
    def accepted(self) -> bool:
        return self.category == "A2"


ACCEPTED = ClaimStatus("A2", "20")


def screen(claim: Claim, rules: Rules, *, original_known: bool) -> ClaimStatus:
    """Return the 277CA status of a claim.

    `original_known`: REF*F8 names a claim this payer has adjudicated; it counts for frequency 7 and 8.
    """
    if rules.payer(claim.payer.identifier) is None:
        return ClaimStatus("A3", "116")
    for entity, npi in claim.npis:
        if not is_npi(npi):
            return ClaimStatus("A7", "562", entity)
    plan = rules.plan_of(claim)
    if plan.verdict is Verdict.REJECT:
        return ClaimStatus(plan.rejection.category, plan.rejection.code, plan.rejection.entity)
    if not all(DIAGNOSIS.fullmatch(code) for code in claim.diagnoses):
        return ClaimStatus("A7", "255")
    if claim.form == "837I" and not any(entity == "71" for entity, _npi in claim.npis):
        return ClaimStatus("A6", "562", "71")
    if claim.statement_from and not all(_within_statement(claim, line) for line in claim.lines):
        return ClaimStatus("A8", "187")
    if claim.frequency in ("7", "8"):
        if not claim.payer_control:
            return ClaimStatus("A7", "464")
        if not original_known:
            return ClaimStatus("A3", "464")
    return ACCEPTED


def _within_statement(claim: Claim, line: ServiceLine) -> bool:
    if not line.date_from:
        return True
    return claim.statement_from <= line.date_from and line.date_to <= claim.statement_to


def is_npi(text: str) -> bool:
    """Tell whether the text is ten digits with a valid check digit (Luhn over 80840 and the number)."""
    if len(text) != 10 or not (text.isascii() and text.isdigit()):
        return False
    total = 0
    for at, digit in enumerate(reversed(NPI_PREFIX + text)):
        value = int(digit) * (2 if at % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0
