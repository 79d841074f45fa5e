"""Which claim a payment belongs to: no number is enough alone, two equal claims are nobody's."""

from dataclasses import replace
from datetime import date
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rcm_billing.domain.document import ServiceLine
from rcm_billing.domain.matching import (
    THRESHOLD,
    Candidate,
    Tier,
    choose,
    control_of_line,
    knows_its_lines,
    score,
    with_line_numbers,
)
from rcm_billing.domain.remittance import PaidClaim, PaidLine
from rcm_shared.money import Cents

DAY = date(2026, 9, 2)


def a_line(number: int, code: str = "99213", cents: int = 12500, **changes: object) -> ServiceLine:
    values = {"number": number, "control": f"C1L{number}", "code": code, "charge_cents": Cents(cents)}
    return ServiceLine.model_validate({**values, "service_date": DAY, **changes})


CLAIM = Candidate(
    UUID(int=1), UUID(int=9), "C1", "ICN1", 12500, DAY, True, member_id="PD-1", lines=(a_line(1),)
)


def a_payment(**changes: object) -> PaidClaim:
    line = PaidLine("99213", Cents(12500), Cents(10000), service_date=DAY)
    plain = PaidClaim(1, "X", "1", Cents(12500), Cents(10000), Cents(0), lines=(line,))
    return replace(plain, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "tier", "sure"),
    [
        ({"claim_control": "C1"}, Tier.CONTROL, True),
        ({"claim_control": "C1", "charge_cents": Cents(5), "lines": ()}, Tier.CONTROL, False),
        ({"claim_control": "C1", "charge_cents": Cents(5), "payer_control": "ICN1"}, Tier.CONTROL, True),
        ({"payer_control": "ICN1"}, Tier.PAYER_CONTROL, True),
        ({"payer_control": "ICN1", "charge_cents": Cents(5), "lines": ()}, Tier.PAYER_CONTROL, False),
        ({"payer_control": "ICN1", "member_id": "OTHER", "lines": ()}, Tier.PAYER_CONTROL, False),
        ({"member_id": "PD1"}, Tier.SERVICES, True),
        ({}, Tier.SERVICES, True),
        ({"member_id": "OTHER"}, Tier.SERVICES, False),
        ({"lines": ()}, Tier.SERVICES, False),
        ({"charge_cents": Cents(-12500), "claim_control": "C1"}, Tier.CONTROL, True),
    ],
)
def test_number_needs_another_fact_that_agrees(changes: dict[str, object], tier: Tier, sure: bool) -> None:
    match = score(a_payment(**changes), CLAIM)
    assert (match.tier, match.score >= THRESHOLD) == (tier, sure)


def test_line_control_of_ours_finds_the_claim() -> None:
    line = PaidLine("00000", Cents(12500), Cents(10000), control="C1L1")
    match = score(a_payment(lines=(line,)), replace(CLAIM, lines=()))
    assert (match.tier, match.score) == (Tier.LINE_CONTROL, 80)


def test_two_claims_that_fit_equally_are_left_to_a_person_unless_our_own_number_decides() -> None:
    twin = replace(CLAIM, claim_id=UUID(int=2), claim_control="C2", payer_control="ICN2")
    found, shown = choose(a_payment(), [CLAIM, twin])
    assert found is None
    assert {match.candidate.claim_id for match in shown} == {CLAIM.claim_id, twin.claim_id}
    own, _ = choose(a_payment(claim_control="C2"), [CLAIM, twin])
    assert own is not None
    assert own.candidate is twin


def test_version_in_force_goes_before_a_replaced_one_with_the_same_payer_number() -> None:
    replaced = replace(CLAIM, claim_id=UUID(int=3), claim_control="C0", live=False)
    found, _ = choose(a_payment(payer_control="ICN1"), [replaced, CLAIM])
    assert found is not None
    assert found.candidate is CLAIM


def test_our_own_number_goes_before_a_payers_number_that_names_another_claim() -> None:
    other = replace(CLAIM, claim_id=UUID(int=9), claim_control="C9", payer_control="ICN9")
    paid = a_payment(claim_control="C1", payer_control="ICN9", member_id="PD-1")
    found, _ = choose(paid, [other, replace(CLAIM, member_id="", lines=(), service_from=None)])
    assert found is not None
    assert (found.candidate.claim_control, found.tier) == ("C1", Tier.CONTROL)


def test_nothing_known_shows_nobody() -> None:
    assert choose(a_payment(), []) == (None, ())


@given(
    control=st.sampled_from(["C1", "X"]),
    icn=st.sampled_from(["", "ICN1", "Z"]),
    charge=st.sampled_from([12500, 999]),
    member=st.sampled_from(["", "PD-1", "OTHER"]),
    lined=st.booleans(),
)
@settings(max_examples=80, deadline=None)
def test_score_is_within_its_scale_and_never_sure_on_one_fact(
    control: str, icn: str, charge: int, member: str, lined: bool
) -> None:
    changes: dict[str, object] = {"claim_control": control, "payer_control": icn, "member_id": member}
    paid = a_payment(**changes, charge_cents=Cents(charge))
    if not lined:
        paid = replace(paid, lines=())
    match = score(paid, CLAIM)
    agreeing = [control == "C1", icn == "ICN1", charge == 12500, member == "PD-1", lined]
    assert 0 <= match.score <= 100
    assert match.score < THRESHOLD or sum(agreeing) >= 2


def test_lines_are_numbered_by_our_control_else_by_code_date_and_charge() -> None:
    lines = (
        a_line(1, "99213", 5000),
        a_line(2, "20610", 5000, modifiers=("RT",)),
        a_line(3, "20610", 5000, modifiers=("LT",)),
        a_line(4, "", 700, revenue_code="0250"),
    )
    paid = a_payment(
        lines=(
            PaidLine("20610", Cents(5000), Cents(0), ("LT",), service_date=DAY),
            PaidLine("20610", Cents(5000), Cents(0), service_date=DAY),
            PaidLine("G0463", Cents(5000), Cents(0), original_code="99213", service_date=DAY),
            PaidLine("", Cents(700), Cents(0), revenue_code="0250"),
            PaidLine("20610", Cents(1), Cents(0), control="C1L2"),
            PaidLine("36415", Cents(1), Cents(0)),
        )
    )
    numbered = with_line_numbers(paid, "C1", lines)
    assert [line.number for line in numbered.lines] == [3, 2, 1, 4, 2, 0]
    assert not knows_its_lines(paid, "C1")


@pytest.mark.parametrize(
    ("control", "claim"), [("C1L1", "C1"), ("CLL12", "CL"), ("", ""), ("C1", ""), ("C1LX", ""), ("L1", "")]
)
def test_line_control_names_its_claim(control: str, claim: str) -> None:
    assert control_of_line(control) == claim
