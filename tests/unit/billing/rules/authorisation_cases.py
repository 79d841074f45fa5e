"""Cases of AUT."""

from datetime import date

from rcm_billing.domain import reference_rows as rows
from rcm_shared.contracts.intake import Setting
from unit.billing.rules.claims import Make, clean, hit, office, unknown
from unit.billing.rules.services import billed, knowing, medicare, sold

RULE = rows.AuthorisationRule(payer="DHP01", code="712", settings=frozenset({"office"}))
GIVEN = rows.Approval(
    payer="DHP01",
    number="A1",
    codes=frozenset({"7126*"}),
    units=1,
    npi="1245319599",
    effective_from=date(2026, 8, 1),
    effective_to=date(2026, 9, 30),
)
EXPIRED = rows.Approval(
    payer="DHP01", number="A0", codes=frozenset({"71260"}), effective_to=date(2026, 8, 31)
)
SOMEBODY = rows.Approval(payer="DHP01", number="A2", codes=frozenset({"71260"}), npi="1234567893")
KNOWN = knowing(authorisation_rules=[RULE], approvals=[GIVEN, EXPIRED, SOMEBODY])
SCAN = billed(sold("71260"))


def numbered(number: str, make: Make = SCAN) -> Make:
    """Return the claim with an authorisation number, to the same payer."""
    return medicare(make, payer_id="DHP01", filing_indicator="CI", authorization=number)


CASES = (
    hit("AUT-01", "none", SCAN, "line-1", **KNOWN),
    hit("AUT-01", "expired", numbered("A0"), "line-1", **KNOWN),
    hit("AUT-01", "unknown number", numbered("A9"), "line-1", **KNOWN),
    hit("AUT-01", "another provider", numbered("A2"), "line-1", **KNOWN),
    hit(
        "AUT-01",
        "too many units",
        numbered("A1", billed(sold("71260"), sold("71260", "76"))),
        "line-2",
        **KNOWN,
    ),
    hit("AUT-01", "another code", numbered("A1", billed(sold("71250"))), "line-1", **KNOWN),
    clean("AUT-01", "given", numbered("A1"), **KNOWN),
    clean("AUT-01", "not wanted for the code", office, **KNOWN),
    clean("AUT-01", "another payer", medicare(SCAN), **KNOWN),
    clean("AUT-01", "another setting", billed(sold("71260"), setting=Setting.IMAGING), **KNOWN),
    unknown("AUT-01", "no list", office),
    unknown("AUT-01", "no approvals", numbered("A1"), **knowing(authorisation_rules=[RULE])),
)
