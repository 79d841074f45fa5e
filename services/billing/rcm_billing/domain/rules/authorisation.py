"""AUT: the authorisation that the payer wants before a service."""

from collections import defaultdict

from rcm_billing.domain.document import ClaimDocument
from rcm_billing.domain.reference_rows import among
from rcm_billing.domain.rules.lines import procedures, provider_of
from rcm_billing.domain.rules.row import H, rule
from rcm_billing.domain.scrubbing import Owner, Places, ScrubContext


def aut_01(claim: ClaimDocument, context: ScrubContext) -> Places:
    """A service that needs an authorisation has one, in its dates, for its code, units and provider."""
    places: Places = []
    payer, number = claim.coverage.payer_id, claim.coverage.authorization
    used: dict[str, int] = defaultdict(int)
    for line in procedures(claim):
        day = line.service_date
        rules = context.reference.authorisation_rules.need(day, places)
        wanted = any(
            row.payer in ("", payer) and (not row.settings or claim.setting.value in row.settings)
            for row in rules.beginnings(line.code, day)
        )
        if not wanted:
            continue
        if not number:
            places.append(f"line-{line.number}")
            continue
        given = context.reference.approvals.need(day, places)
        people = ("", claim.billing.npi, provider_of(claim, line)[0])
        approvals = [
            row
            for row in given.of(f"{payer} {number}", day)
            if among(line.code, row.codes) and row.npi in people
        ]
        used[line.code] += line.units
        if not any(row.units == 0 or used[line.code] <= row.units for row in approvals):
            places.append(f"line-{line.number}")
    return places


RULES = (
    rule(
        "AUT-01",
        H,
        Owner.BILLER,
        "the payer's list; 278",
        "Ask the payer for the authorisation, or correct its number, dates, units or provider.",
        aut_01,
        needs=("authorisation_rules", "approvals"),
    ),
)
