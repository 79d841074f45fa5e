"""What payers before this one decided: loops 2320, 2330 and 2430, the same in both 837 guides."""

from collections.abc import Sequence

from rcm_shared.contracts.intake import ClaimForm

from rcm_billing.domain.document import Adjustment, ClaimDocument, PriorPayer
from rcm_billing.domain.errors import WireRefused
from rcm_billing.x12.claim_parties import address, payer, person
from rcm_billing.x12.segment import amount, composite, day, identifier, segment

SELF = "18"
REASONS_IN_CAS = 6
MAX_CAS = 5  # segments in one loop
MAX_PAYERS = 10  # loop 2320


def adjustments(found: Sequence[Adjustment]) -> str:
    """Write CAS segments, one per group, at most six reasons each; a seventh starts another.

    Raises: WireRefused when they need more segments than the guide's loop holds.
    Wire: CAS*PR*1*10**2*5~
    """
    groups: dict[str, list[Adjustment]] = {}
    for adjustment in found:
        groups.setdefault(adjustment.group, []).append(adjustment)
    parts = []
    for group, members in groups.items():
        for start in range(0, len(members), REASONS_IN_CAS):
            elements: list[str] = []
            for adjustment in members[start : start + REASONS_IN_CAS]:
                elements += [identifier(adjustment.code, "CAS02", 5), amount(adjustment.cents), ""]
            parts.append(segment("CAS", identifier(group, "CAS01", 2), *elements))
    if len(parts) > MAX_CAS:
        raise WireRefused("element-CAS")
    return "".join(parts)


def prior_payers(claim: ClaimDocument) -> str:
    """Write loops 2320, 2330A and 2330B of every payer that decided before, first to last."""
    if len(claim.prior_payers) > MAX_PAYERS:
        raise WireRefused("element-SBR")
    return "".join(_prior_payer(claim, prior) for prior in claim.prior_payers)


def _prior_payer(claim: ClaimDocument, prior: PriorPayer) -> str:
    coverage = prior.coverage
    own = coverage.relationship == SELF
    subscriber = coverage.subscriber if not own and coverage.subscriber else claim.patient
    return "".join(
        (
            segment(
                "SBR",
                identifier(coverage.order, "SBR01", 1),
                identifier(coverage.relationship, "SBR02", 2),
                identifier(coverage.group_number, "SBR03", 50),
                "",
                "",
                "",
                "",
                "",
                identifier(coverage.filing_indicator, "SBR09", 2),
            ),
            adjustments(prior.adjustments),
            segment("AMT", "D", amount(prior.paid_cents)),
            segment("AMT", "EAF", amount(prior.remaining_cents)),
            segment("OI", "", "", "Y", "", "", "Y"),
            person("IL", subscriber, identifier(coverage.member_id, "NM109")),
            address(subscriber.address),
            payer(coverage),
            segment("DTP", "573", "D8", day(prior.adjudicated_on)) if not prior.lines else "",
            segment("REF", "F8", identifier(prior.payer_control, "REF02", 50)) if prior.payer_control else "",
        )
    )


def prior_lines(claim: ClaimDocument, number: int) -> str:
    """Write loop 2430 of one service line for every prior payer that decided on it."""
    parts = []
    institutional = claim.form is ClaimForm.INSTITUTIONAL
    for prior in claim.prior_payers:
        for line in prior.lines:
            if line.line_number != number:
                continue
            procedure = ""
            if line.code:
                modifiers = (identifier(modifier, "SVD03-3", 2) for modifier in line.modifiers)
                procedure = composite("HC", identifier(line.code, "SVD03-2", 48), *modifiers)
            parts += [
                segment(
                    "SVD",
                    identifier(prior.coverage.payer_id, "SVD01"),
                    amount(line.paid_cents),
                    procedure,
                    identifier(line.revenue_code, "SVD04", 4) if institutional else "",
                    str(line.units),
                ),
                adjustments(line.adjustments),
                segment("DTP", "573", "D8", day(prior.adjudicated_on)),
            ]
    return "".join(parts)
