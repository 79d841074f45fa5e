"""What a payer owes by contract or fee schedule, and where its decision differs from that."""

from dataclasses import dataclass
from datetime import date

from rcm_shared.money import Cents

from rcm_billing.domain.contract_terms import BASIS_POINTS, Contract, FeeRow, Method
from rcm_billing.domain.denial import category_of
from rcm_billing.domain.remittance import CONTRACTUAL_REDUCTION, PaidClaim, PaidLine


@dataclass(frozen=True, slots=True)
class Services:
    """What the expectation rests on besides the lines: the first day, the days of the stay, the DRG, the form."""

    day: date
    form: str
    days: int = 1
    drg: str = ""


@dataclass(frozen=True, slots=True)
class Variance:
    """One line (0: the whole claim) whose allowed amount is not the expected one beyond the tolerance.

    `held_cents` is what of the contractual reduction is not posted until a person decides.
    """

    line: int
    basis: str
    expected_cents: Cents
    allowed_cents: Cents
    held_cents: Cents

    @property
    def underpaid(self) -> bool:
        """Whether the payer allowed less than expected."""
        return self.allowed_cents < self.expected_cents


def contract_of(contracts: tuple[Contract, ...], services: Services) -> Contract | None:
    """Return the contract in force on the first day of service for the claim's form."""
    for contract in contracts:
        in_force = contract.effective_from <= services.day and (
            contract.effective_to is None or services.day <= contract.effective_to
        )
        if in_force and (not contract.forms or services.form in contract.forms):
            return contract
    return None


def expected_for_line(contract: Contract, line: PaidLine, day: date) -> Cents | None:
    """Return what the contract allows for a line, never more than its charge; None when it says nothing."""
    if contract.method is Method.PERCENT and contract.percent_bp is not None:
        return _share(line.charge_cents, contract.percent_bp)
    if contract.method is Method.FEE_SCHEDULE:
        row = _fee(contract, line.code, line.modifiers, line.service_date or day)
        if row is not None:
            return Cents(min(row.allowed_cents * max(line.units or 1, 1), line.charge_cents))
        if contract.percent_bp is not None:
            return _share(line.charge_cents, contract.percent_bp)
    return None


def expected_for_claim(contract: Contract, charge_cents: int, services: Services) -> Cents | None:
    """Return what a contract that prices the whole stay allows; None when it prices lines or lacks the DRG."""
    if contract.method is Method.PER_DIEM and contract.per_diem_cents is not None:
        return Cents(contract.per_diem_cents * max(services.days, 1))
    if contract.method is Method.DRG and contract.base_rate_cents is not None:
        weight = contract.weights_bp.get(services.drg)
        return None if weight is None else _share(contract.base_rate_cents, weight)
    return None


def find_variances(contract: Contract, paid: PaidClaim, services: Services) -> tuple[Variance, ...]:
    """Compare a decision with the contract, line by line or for the whole stay.

    Lines with a denied amount are left to their denial case. Allowed is what is paid or shared with the patient: the
    charge less what the payer's own reasons (CO, OA, PI) took off.
    """
    whole = expected_for_claim(contract, paid.charge_cents, services)
    if whole is not None:
        if _denied(paid):
            return ()
        allowed = paid.charge_cents - _taken_off(paid)
        return _compare(contract, 0, whole, allowed, 0)
    found: list[Variance] = []
    for position, line in enumerate(paid.lines, 1):
        if any(category_of(a.group, a.code) and a.group != "PR" for a in line.adjustments):
            continue
        expected = expected_for_line(contract, line, services.day)
        if expected is None:
            continue
        taken = sum(a.cents for a in line.adjustments if a.group != "PR")
        reduced = sum(a.cents for a in line.adjustments if (a.group, a.code) == CONTRACTUAL_REDUCTION)
        found += _compare(contract, line.number or position, expected, line.charge_cents - taken, reduced)
    return tuple(found)


def held_by_line(variances: tuple[Variance, ...]) -> dict[int, Cents]:
    """Return how much of each line's contractual reduction is not posted."""
    return {one.line: one.held_cents for one in variances if one.held_cents}


def _compare(
    contract: Contract, line: int, expected: int, allowed: int, reduced: int
) -> tuple[Variance, ...]:
    tolerance = max(contract.tolerance_cents, expected * contract.tolerance_bp // BASIS_POINTS)
    if abs(expected - allowed) <= tolerance:
        return ()
    held = min(max(expected - allowed, 0), max(reduced, 0))
    return (Variance(line, contract.contract_id, Cents(expected), Cents(allowed), Cents(held)),)


def _share(cents: int, basis_points: int) -> Cents:
    """Return the share, half a cent rounded up."""
    return Cents((cents * basis_points + BASIS_POINTS // 2) // BASIS_POINTS)


def _fee(contract: Contract, code: str, modifiers: tuple[str, ...], on: date) -> FeeRow | None:
    rows = [
        row
        for row in contract.fees
        if row.code == code
        and set(row.modifiers) <= set(modifiers)
        and (row.effective_from is None or row.effective_from <= on)
        and (row.effective_to is None or on <= row.effective_to)
    ]
    return max(rows, key=lambda row: len(row.modifiers), default=None)


def _denied(paid: PaidClaim) -> bool:
    every = (*paid.adjustments, *(a for line in paid.lines for a in line.adjustments))
    return any(a.group != "PR" and category_of(a.group, a.code) for a in every)


def _taken_off(paid: PaidClaim) -> int:
    every = (*paid.adjustments, *(a for line in paid.lines for a in line.adjustments))
    return sum(a.cents for a in every if a.group != "PR")
