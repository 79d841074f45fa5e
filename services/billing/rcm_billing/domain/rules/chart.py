"""CDI and CHG: what the chart still waits for, and what it says that nobody charged."""

from rcm_billing.domain.document import ClaimDocument
from rcm_billing.domain.reference import NotEvaluatedError
from rcm_billing.domain.reference_rows import among
from rcm_billing.domain.rules.lines import procedures
from rcm_billing.domain.rules.row import H, W, rule
from rcm_billing.domain.scrubbing import Owner, Places, ScrubContext


def cdi_01(claim: ClaimDocument, context: ScrubContext) -> Places:
    """No query that affects coding is open and the chart is not back with the coder."""
    places = ["query"] if context.open_queries else []
    if context.recoding:
        places.append("coding")
    return places


def cdi_02(claim: ClaimDocument, context: ScrubContext) -> Places:
    """Every accepted code has evidence, and codes that no person looked at are on the facility's allow-list."""
    if claim.automatic is None:
        raise NotEvaluatedError("coding decisions")
    places = [
        f"diagnosis-{n}" for n, diagnosis in enumerate(claim.diagnoses, 1) if diagnosis.supported is False
    ]
    places += [f"line-{line.number}" for line in claim.lines if line.supported is False]
    if not claim.automatic:
        return places
    day = claim.service_through
    allowed = context.reference.automatic_codes.need(day, places)
    places += [
        f"diagnosis-{number}"
        for number, diagnosis in enumerate(claim.diagnoses, 1)
        if diagnosis.supported is not False and not allowed.has(diagnosis.code, day)
    ]
    places += [
        f"line-{line.number}"
        for line in procedures(claim)
        if line.supported is not False and not allowed.has(line.code, day)
    ]
    return places


def chg_01(claim: ClaimDocument, context: ScrubContext) -> Places:
    """Every charge that needs a coder is on the claim, and no procedure lacks the supply, device or drug it takes."""
    places = ["charges"] * bool(claim.unbilled)
    day = claim.service_through
    services = [(f"line-{line.number}", line.code) for line in claim.lines if line.code]
    services += [(f"procedure-{number}", item.code) for number, item in enumerate(claim.procedures, 1)]
    if not services:
        return places
    table = context.reference.companions.need(day, places)
    present: set[str] | None = None
    for place, code in services:
        for row in table.beginnings(code, day):
            if present is None:
                present = {code for _, code in services} | {line.revenue_code for line in claim.lines}
            if not any(among(other, row.needs) for other in present):
                places.append(place)
                break
    return places


RULES = (
    rule("CDI-01", H, Owner.CODER, "facility policy", "Wait for the answer and the final codes.", cdi_01),
    rule(
        "CDI-02",
        H,
        Owner.CODER,
        "facility policy",
        "Show the words of the record that support the code, or take it off.",
        cdi_02,
        needs=("coding decisions", "automatic_codes"),
    ),
    rule(
        "CHG-01",
        W,
        Owner.CODER,
        "charge audit",
        "Bill or cancel the captured charge; charge the supply that the procedure takes.",
        chg_01,
        needs=("companions",),
    ),
)
