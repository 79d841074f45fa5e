"""Outcomes are a function of member-id prefix, codes and order of payers, and always balance."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rcm_deploy.payer.adjudicate import Met, RemitClaim, adjudicate, reverse
from rcm_deploy.payer.claims import Adjustment, Claim, Party, PriorPayment, Provider, ServiceLine
from rcm_deploy.payer.rules import PLANS, Rules

RECEIVED = date(2026, 9, 28)


def claim_of(
    member: str, *lines: ServiceLine, order: str = "P", form: str = "837P", place: str = "11"
) -> Claim:
    party = Party("IL", "ZQDOE", "PAT", "MI", member)
    return Claim(
        control="C1",
        form=form,
        charge_cents=sum(line.charge_cents for line in lines),
        facility_type=place,
        frequency="1",
        provider=Provider("DEMO GENERAL", "1912301953", "123456789", 1),
        order=order,
        filing_indicator="CI",
        subscriber=party,
        patient=party,
        payer=Party("PR", "DEMO HEALTH PLAN", "", "PI", "DHP01"),
        prior=PriorPayment() if order != "P" else None,
        lines=list(lines),
    )


def line(code: str, cents: int, prior: PriorPayment | None = None) -> ServiceLine:
    return ServiceLine(
        1, code=code, charge_cents=cents, date_from="20260903", date_to="20260903", prior=prior, units="1"
    )


def decide(claim: Claim, *, met: int = 0, duplicate: bool = False, received: date = RECEIVED) -> RemitClaim:
    plan = Rules().plan_for(claim.subscriber.identifier)
    return adjudicate(
        claim,
        plan,
        payer_control="260928000000001",
        received=received,
        met=Met(met),
        duplicate=duplicate,
    )


def every(remit: RemitClaim) -> list[tuple[str, str, int]]:
    adjustments = [*remit.adjustments, *(one for paid in remit.lines for one in paid.adjustments)]
    return [(one.group, one.carc, one.cents) for one in adjustments]


def assert_balances(remit: RemitClaim) -> None:
    for paid in remit.lines:
        assert paid.charge_cents - sum(one.cents for one in paid.adjustments) == paid.paid_cents
    assert remit.charge_cents - sum(cents for *_, cents in every(remit)) == remit.paid_cents


def test_pd_visit_leaves_a_copay() -> None:
    remit = decide(claim_of("PD1", line("99213", 15000), line("20610", 8000)))
    assert (remit.status, remit.paid_cents, remit.patient_cents) == ("1", 15900, 2500)
    assert every(remit) == [("CO", "45", 3000), ("PR", "3", 2500), ("CO", "45", 1600)]


def test_pd_without_visit_leaves_coinsurance() -> None:
    remit = decide(claim_of("PD1", line("71260", 40000)))
    assert every(remit) == [("CO", "45", 8000), ("PR", "2", 6400)]


def test_copay_never_exceeds_what_is_allowed() -> None:
    remit = decide(claim_of("PD1", line("99211", 2000)))
    assert (remit.paid_cents, remit.patient_cents) == (0, 1600)


@pytest.mark.parametrize("member", ["PF1", "ANY1"])
def test_pf_and_unknown_prefix_pay_three_quarters(member: str) -> None:
    remit = decide(claim_of(member, line("99213", 15000)))
    assert (remit.paid_cents, remit.patient_cents, every(remit)) == (11250, 0, [("CO", "45", 3750)])


def test_sc_leaves_coinsurance_even_for_a_visit() -> None:
    remit = decide(claim_of("SC1", line("99213", 15000)))
    assert (remit.status, remit.paid_cents) == ("1", 9600)
    assert every(remit) == [("CO", "45", 3000), ("PR", "2", 2400)]


@pytest.mark.parametrize("member", ["DN1", "DNX1"])
def test_dn_denies_every_line_with_its_remark(member: str) -> None:
    remit = decide(claim_of(member, line("99213", 15000), line("20610", 8000)))
    assert (remit.status, remit.paid_cents) == ("4", 0)
    assert every(remit) == [("CO", "50", 15000), ("CO", "50", 8000)]
    assert {one.remark for one in remit.lines} == {"N115"}


def test_du_denies_as_duplicate() -> None:
    remit = decide(claim_of("DU1", line("99213", 15000)))
    assert (remit.status, every(remit)) == ("4", [("CO", "18", 15000)])


def test_original_sent_again_is_denied_oa_18() -> None:
    remit = decide(claim_of("PF1", line("99213", 15000)), duplicate=True)
    assert (remit.status, every(remit)) == ("4", [("OA", "18", 15000)])


def test_late_claim_is_denied_co_29() -> None:
    remit = decide(claim_of("PF1", line("99213", 15000)), received=date(2027, 9, 4))
    assert every(remit) == [("CO", "29", 15000)]


def test_deductible_comes_first_and_ends() -> None:
    first = decide(claim_of("DE1", line("99213", 15000)))
    assert (first.deductible_cents, first.patient_cents) == (10000, 10400)
    second = decide(claim_of("DE1", line("99213", 15000)), met=10000)
    assert (second.deductible_cents, second.patient_cents) == (0, 2400)


def test_secondary_pays_what_the_primary_left_to_the_patient() -> None:
    prior = PriorPayment(9600, [Adjustment("CO", "45", 3000), Adjustment("PR", "2", 2400)])
    remit = decide(claim_of("SS1", line("99213", 15000, prior), order="S"))
    assert (remit.status, remit.paid_cents, remit.patient_cents) == ("2", 2400, 0)
    assert every(remit) == [("OA", "23", 12600)]


def test_secondary_pays_no_more_than_its_allowed_amount() -> None:
    prior = PriorPayment(11000, [Adjustment("PR", "1", 4000)])
    remit = decide(claim_of("SS1", line("99213", 15000, prior), order="S"))
    assert (remit.paid_cents, remit.patient_cents) == (1000, 3000)
    assert every(remit) == [("OA", "23", 11000), ("PR", "2", 3000)]


def test_secondary_with_claim_level_cob_is_decided_at_claim_level() -> None:
    claim = claim_of("SS1", line("99213", 15000), order="S")
    claim.prior = PriorPayment(9600, [Adjustment("CO", "45", 3000), Adjustment("PR", "2", 2400)])
    remit = decide(claim)
    assert (remit.paid_cents, remit.lines) == (2400, ())
    assert_balances(remit)


def test_secondary_without_cob_is_denied_co_22() -> None:
    claim = claim_of("SS1", line("99213", 15000), order="S")
    claim.prior = None
    assert every(decide(claim)) == [("CO", "22", 15000)]


def test_inpatient_is_adjusted_at_claim_level() -> None:
    remit = decide(claim_of("PF1", line("", 800000), line("", 150000), form="837I"))
    assert (remit.lines, every(remit), remit.paid_cents) == ((), [("CO", "45", 237500)], 712500)


def test_reversal_negates_the_original_groups() -> None:
    remit = decide(claim_of("PD1", line("99213", 15000)))
    back = reverse(remit)
    assert (back.status, back.paid_cents, back.payer_control) == ("22", -9500, remit.payer_control)
    assert every(back) == [("CO", "45", -3000), ("PR", "3", -2500)]


amounts = st.integers(min_value=0, max_value=10_000_000)
priors = st.builds(
    PriorPayment,
    amounts,
    st.lists(st.builds(Adjustment, st.sampled_from(["CO", "PR"]), st.just("2"), amounts)),
)


@given(
    prefix=st.sampled_from(sorted(PLANS)),
    order=st.sampled_from("PST"),
    form=st.sampled_from(["837P", "837I"]),
    lines=st.lists(
        st.tuples(st.sampled_from(["99213", "99285", "71260", ""]), amounts, st.none() | priors), min_size=1
    ),
    met=amounts,
    duplicate=st.booleans(),
)
def test_every_decision_balances_and_never_pays_below_zero(
    prefix: str,
    order: str,
    form: str,
    lines: list[tuple[str, int, PriorPayment | None]],
    met: int,
    duplicate: bool,
) -> None:
    claim = claim_of(f"{prefix}1", *(line(*one) for one in lines), order=order, form=form)
    remit = decide(claim, met=met, duplicate=duplicate)
    assert_balances(remit)
    assert_balances(reverse(remit))
    assert 0 <= remit.paid_cents <= remit.charge_cents
    assert remit.patient_cents == sum(cents for group, _, cents in every(remit) if group == "PR")
