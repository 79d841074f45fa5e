"""What a payer owes by its contract, and when its decision differs from it."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rcm_billing.domain.contract import (
    Services,
    contract_of,
    expected_for_claim,
    expected_for_line,
    find_variances,
    held_by_line,
)
from rcm_billing.domain.contract_terms import Contract, FeeRow, Method
from rcm_billing.domain.document import Adjustment
from rcm_billing.domain.remittance import PaidClaim, PaidLine
from rcm_shared.money import Cents

DAY = date(2026, 9, 2)
VISIT = Services(DAY, "837P")


def a_contract(method: Method = Method.FEE_SCHEDULE, **changes: object) -> Contract:
    values: dict[str, object] = {"contract_id": "K1", "effective_from": date(2026, 1, 1), "method": method}
    return Contract.model_validate(values | changes)


def a_line(*adjustments: tuple[str, str, int], charge: int = 10000, code: str = "99213") -> PaidLine:
    found = tuple(Adjustment(group=g, code=c, cents=Cents(cents)) for g, c, cents in adjustments)
    paid = charge - sum(a.cents for a in found)
    return PaidLine(code, Cents(charge), Cents(paid), units=1, service_date=DAY, adjustments=found, number=1)


def a_decision(*lines: PaidLine) -> PaidClaim:
    charge, paid = sum(line.charge_cents for line in lines), sum(line.paid_cents for line in lines)
    return PaidClaim(1, "C1", "1", Cents(charge), Cents(paid), Cents(0), lines=lines)


FEES = a_contract(
    fees=(
        FeeRow(code="99213", allowed_cents=Cents(8000), effective_to=date(2026, 6, 30)),
        FeeRow(code="99213", allowed_cents=Cents(9000), effective_from=date(2026, 7, 1)),
        FeeRow(code="99213", modifiers=("25",), allowed_cents=Cents(9500)),
    )
)


@pytest.mark.parametrize(
    ("code", "modifiers", "day", "expected"),
    [
        ("99213", (), date(2026, 6, 30), 8000),
        ("99213", (), date(2026, 7, 1), 9000),
        ("99213", ("25", "GC"), date(2026, 7, 1), 9500),
        ("99214", (), date(2026, 7, 1), None),
    ],
)
def test_fee_schedule_prices_by_code_modifier_and_date(
    code: str, modifiers: tuple[str, ...], day: date, expected: int | None
) -> None:
    line = PaidLine(code, Cents(20000), Cents(0), modifiers, units=1, service_date=day)
    assert expected_for_line(FEES, line, DAY) == expected


def test_fee_is_per_unit_and_never_above_the_charge() -> None:
    line = PaidLine("99213", Cents(15000), Cents(0), units=2, service_date=DAY)
    assert expected_for_line(FEES, line, DAY) == 15000


def test_code_outside_the_schedule_falls_back_to_a_share_of_the_charge() -> None:
    contract = FEES.model_copy(update={"percent_bp": 4500})
    assert expected_for_line(contract, a_line(code="99999"), DAY) == 4500


@pytest.mark.parametrize(
    ("changes", "services", "expected"),
    [
        ({"method": Method.PER_DIEM, "per_diem_cents": 150000}, Services(DAY, "837I", days=4), 600000),
        (
            {"method": Method.DRG, "base_rate_cents": 600000, "weights_bp": {"193": 13334}},
            Services(DAY, "837I", drg="193"),
            800040,
        ),
        (
            {"method": Method.DRG, "base_rate_cents": 600000, "weights_bp": {}},
            Services(DAY, "837I", drg="193"),
            None,
        ),
        ({"method": Method.PERCENT, "percent_bp": 6000}, VISIT, None),
    ],
)
def test_stay_is_priced_by_day_or_by_drg(
    changes: dict[str, object], services: Services, expected: int | None
) -> None:
    contract = a_contract().model_copy(update=changes)
    assert expected_for_claim(contract, 10**6, services) == expected


def test_contract_in_force_on_the_day_and_for_the_form_counts() -> None:
    old = a_contract(contract_id="OLD", effective_from=date(2025, 1, 1), effective_to=date(2025, 12, 31))
    stay = a_contract(contract_id="STAY", forms=("837I",))
    visit = a_contract(contract_id="VISIT")
    found = contract_of((old, stay, visit), VISIT)
    assert found is visit
    assert contract_of((old,), VISIT) is None


def test_underpaid_line_holds_the_reduction_beyond_the_contract() -> None:
    (found,) = find_variances(FEES, a_decision(a_line(("CO", "45", 4000), ("PR", "3", 1000))), VISIT)
    assert (found.expected_cents, found.allowed_cents, found.held_cents) == (9000, 6000, 3000)
    assert found.underpaid
    assert held_by_line((found,)) == {1: 3000}


@pytest.mark.parametrize(
    "adjustments",
    [
        (("CO", "45", 1000),),
        (("CO", "45", 1100),),  # within the tolerance of one dollar
        (("CO", "45", 1000), ("PR", "1", 9000)),
        (("CO", "50", 10000),),  # a denial is its own case
    ],
)
def test_decision_as_the_contract_says_or_denied_is_no_variance(
    adjustments: tuple[tuple[str, str, int], ...],
) -> None:
    assert find_variances(FEES, a_decision(a_line(*adjustments)), VISIT) == ()


def test_more_than_the_contract_is_a_variance_that_holds_nothing() -> None:
    (found,) = find_variances(FEES, a_decision(a_line()), VISIT)
    assert (found.underpaid, found.held_cents) == (False, 0)


def test_whole_stay_is_compared_as_one() -> None:
    contract = a_contract(Method.PER_DIEM, per_diem_cents=Cents(5000))
    stay = Services(DAY, "837I", days=2)
    decision = a_decision(a_line(("CO", "45", 4000)), a_line(("CO", "45", 4000)))
    assert find_variances(contract, decision, stay)[0].expected_cents == 10000
    assert find_variances(contract, a_decision(a_line(("CO", "45", 0))), stay) == ()
    assert find_variances(contract, a_decision(a_line(("CO", "50", 10000))), stay) == ()


@given(cut=st.integers(0, 10000), share=st.integers(0, 3000), fee=st.integers(0, 12000))
def test_held_amount_is_never_more_than_the_reduction_or_the_difference(
    cut: int, share: int, fee: int
) -> None:
    contract = a_contract(fees=(FeeRow(code="99213", allowed_cents=Cents(fee)),))
    decision = a_decision(a_line(("CO", "45", cut), ("PR", "2", min(share, 10000 - cut))))
    for one in find_variances(contract, decision, VISIT):
        assert 0 <= one.held_cents <= cut
        assert one.held_cents <= max(one.expected_cents - one.allowed_cents, 0)
