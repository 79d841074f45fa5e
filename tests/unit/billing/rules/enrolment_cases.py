"""Cases of PAY."""

from datetime import date

from rcm_billing.domain import reference_rows as rows
from unit.billing.rules.claims import clean, hit, office, unknown
from unit.billing.rules.services import knowing


def enrolled(transaction: str, ends: date | None = None) -> rows.Enrolment:
    """Return the billing provider's enrolment."""
    return rows.Enrolment(payer="DHP01", npi="1912301953", transaction=transaction, effective_to=ends)


CASES = (
    hit("PAY-01", "no remittance", office, "NM109*85:835", **knowing(enrolments=[enrolled("837P")])),
    hit(
        "PAY-01",
        "ended",
        office,
        "NM109*85:837P",
        **knowing(enrolments=[enrolled("837P", ends=date(2026, 9, 27)), enrolled("835")]),
    ),
    clean("PAY-01", "both", office, **knowing(enrolments=[enrolled("837P"), enrolled("835")])),
    unknown("PAY-01", "no list", office),
)
