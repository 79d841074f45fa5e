"""Coordination of benefits: the next payer's claim repeats what the one before decided, from that payer's
own 835.
"""

from datetime import date

from rcm_shared.contracts.records import CoverageRecord
from rcm_shared.money import Cents

from rcm_billing.domain.document import Adjustment, PriorLine, PriorPayer, ServiceLine
from rcm_billing.domain.remittance import PaidClaim, PaidLine


def prior_payer(
    paid: PaidClaim, coverage: CoverageRecord, lines: tuple[ServiceLine, ...], adjudicated_on: date
) -> PriorPayer:
    """Build the loops 2320 and 2430 of the next claim.

    Lines are matched by line control number, else by code and charge, in order; a line that matches none
    leaves its adjustments at the claim level, so that paid + all adjustments still equals the charge.
    Rule: 837 TR3, crosswalk from the 835: SVD02 + CAS(2430) = SV102; AMT*D = sum SVD02 - CAS(2320).
    """
    taken: set[int] = set()
    prior: list[PriorLine] = []
    loose: list[Adjustment] = list(paid.adjustments)
    for remitted in paid.lines:
        line = _match(remitted, lines, taken)
        if line is None:
            loose.extend(remitted.adjustments)
            continue
        taken.add(line.number)
        prior.append(
            PriorLine(
                line_number=line.number,
                paid_cents=remitted.paid_cents,
                code=remitted.code,
                revenue_code=remitted.revenue_code or line.revenue_code,
                modifiers=remitted.modifiers,
                units=remitted.units or line.units,
                adjustments=remitted.adjustments,
            )
        )
    every = [*loose, *(adjustment for line in prior for adjustment in line.adjustments)]
    remaining = sum(adjustment.cents for adjustment in every if adjustment.group == "PR")
    return PriorPayer(
        coverage=coverage,
        paid_cents=paid.paid_cents,
        remaining_cents=Cents(remaining),
        adjudicated_on=adjudicated_on,
        payer_control=paid.payer_control,
        adjustments=tuple(loose),
        lines=tuple(prior),
    )


def _match(remitted: PaidLine, lines: tuple[ServiceLine, ...], taken: set[int]) -> ServiceLine | None:
    free = [line for line in lines if line.number not in taken]
    for line in free:
        if remitted.control and line.control == remitted.control:
            return line
    for line in free:
        code = remitted.original_code or remitted.code
        if (line.code or line.revenue_code) == (code or remitted.revenue_code) and (
            line.charge_cents == remitted.charge_cents
        ):
            return line
    return None


def is_balanced(prior: PriorPayer, charge_cents: Cents) -> bool:
    """Return whether the prior payer's payment and adjustments add up to the charge."""
    adjusted: int = sum(adjustment.cents for adjustment in prior.adjustments)
    for line in prior.lines:
        adjusted += sum(adjustment.cents for adjustment in line.adjustments)
    return prior.paid_cents + adjusted == charge_cents
