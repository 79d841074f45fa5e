"""PAY: whether the payer takes our claims and sends us its answers."""

from rcm_billing.domain.document import ClaimDocument
from rcm_billing.domain.rules.row import H, rule
from rcm_billing.domain.scrubbing import Owner, Places, ScrubContext

_REMITTANCE = "835"


def pay_01(claim: ClaimDocument, context: ScrubContext) -> Places:
    """The billing provider is enrolled with the payer for this claim form and for the remittance."""
    day = claim.service_through
    table = context.reference.enrolments.need(day)
    known = f"{claim.coverage.payer_id} {claim.billing.npi}"
    return [
        f"NM109*85:{transaction}"
        for transaction in (claim.form.value, _REMITTANCE)
        if not table.has(f"{known} {transaction}", context.today)
    ]


RULES = (
    rule(
        "PAY-01",
        H,
        Owner.BILLER,
        "the payer's enrolment",
        "Enrol the billing provider with the payer for the claim and for the remittance.",
        pay_01,
        needs=("enrolments",),
    ),
)
