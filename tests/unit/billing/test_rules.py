"""Every scrubber rule, once where it must fire and once where it must not."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from rcm_billing.domain.code_set import NO_CODE_SETS, CodeSet, CodeSets
from rcm_billing.domain.document import ClaimDocument, Diagnosis
from rcm_billing.domain.rules import RULES, valid_npi
from rcm_billing.domain.scrubbing import ScrubContext, Severity, scrub
from rcm_shared.contracts.intake import Setting
from rcm_shared.contracts.records import ProviderRecord
from rcm_shared.money import Cents
from unit.billing import cases
from unit.billing.test_claim_837 import a_dependent_claim, a_secondary_claim

CODES = frozenset({"D225", "J189", "J9601", "E119", "S52532A", "W010XXA"})
EDITION = CodeSet("2026-04-01", date(2025, 10, 1), date(2026, 9, 30), CODES)


def a_context(**changes: Any) -> ScrubContext:
    """Return what the rules know; nothing is wrong with it."""
    values: dict[str, Any] = {
        "today": cases.TODAY,
        "payer": cases.MASTER.payers["DHP01"],
        "code_sets": CodeSets((EDITION,)),
    }
    return ScrubContext(**(values | changes))


def office(**changes: Any) -> ClaimDocument:
    """Return the office claim with changes."""
    return cases.a_claim().model_copy(update=changes)


def inpatient(**changes: Any) -> ClaimDocument:
    """Return the inpatient claim with changes."""
    claim = cases.a_claim(cases.an_inpatient_record(), cases.an_inpatient_coding())
    return claim.model_copy(update=changes)


def line(**changes: Any) -> ClaimDocument:
    """Return the office claim with a changed line."""
    claim = cases.a_claim()
    return claim.model_copy(update={"lines": (claim.lines[0].model_copy(update=changes),)})


def coverage(**changes: Any) -> ClaimDocument:
    """Return the office claim with a changed coverage."""
    claim = cases.a_claim()
    return claim.model_copy(update={"coverage": claim.coverage.model_copy(update=changes)})


def billing(**changes: Any) -> ClaimDocument:
    """Return the office claim with a changed billing provider."""
    claim = cases.a_claim()
    return claim.model_copy(update={"billing": claim.billing.model_copy(update=changes)})


def billing_address(**changes: Any) -> ClaimDocument:
    """Return the office claim with a changed billing address."""
    return billing(address=cases.a_claim().billing.address.model_copy(update=changes))


def diagnosed(*codes: str) -> ClaimDocument:
    """Return the office claim with other diagnoses."""
    return office(diagnoses=tuple(Diagnosis(code=code, role="secondary") for code in codes))


def prior_short_paid() -> ClaimDocument:
    """Return the secondary claim whose prior payment misses ten dollars."""
    claim = a_secondary_claim()
    prior = claim.prior_payers[0].model_copy(update={"paid_cents": Cents(12440)})
    return claim.model_copy(update={"prior_payers": (prior,)})


ATTENDING = ProviderRecord(provider_id="a", role="attending", npi="1245319599", last_name="A", first_name="B")
OPERATING = ATTENDING.model_copy(update={"role": "operating"})
D225 = Diagnosis(code="D225", role="first-listed")
Make = Callable[[], ClaimDocument]

#: rule -> (claim that must be hit, context changes), (claim that must not, context changes)
CASES: dict[str, tuple[tuple[Make, dict[str, Any]], tuple[Make, dict[str, Any]]]] = {
    "FMT-01": ((lambda: office(facility_code=""), {}), (office, {})),
    "FMT-02": ((lambda: office(charge_cents=Cents(25000)), {}), (office, {})),
    "FMT-03": ((lambda: line(charge_cents=Cents(-1)), {}), (office, {})),
    "FMT-04": ((lambda: line(modifiers=("25", "59", "LT", "76", "77")), {}), (office, {})),
    "FMT-05": ((lambda: office(claim_control="C" * 21), {}), (inpatient, {})),
    "FMT-06": ((lambda: line(pointers=(1, 3)), {}), (office, {})),
    "FMT-07": ((lambda: office(diagnoses=(D225, D225)), {}), (office, {})),
    "FMT-08": ((lambda: billing_address(line="PO Box 12"), {}), (office, {})),
    "FRQ-01": (
        (lambda: office(frequency="7"), {}),
        (lambda: office(frequency="7", original_reference="ICN1"), {}),
    ),
    "SUB-01": ((lambda: coverage(member_id="x"), {}), (office, {})),
    "SUB-02": (
        (lambda: coverage(active_to=cases.OFFICE_DAY - timedelta(days=1)), {}),
        (lambda: coverage(active_from=cases.OFFICE_DAY, active_to=cases.OFFICE_DAY), {}),
    ),
    "SUB-03": ((lambda: coverage(relationship="19"), {}), (a_dependent_claim, {})),
    "SUB-05": ((prior_short_paid, {}), (a_secondary_claim, {})),
    "PRV-01": ((lambda: billing(npi="1234567894"), {}), (lambda: billing(npi="1234567893"), {})),
    "PRV-04": ((lambda: billing(tax_id="12345678"), {}), (lambda: billing(tax_id="12-3456789"), {})),
    "PRV-07": (
        (lambda: inpatient(setting=Setting.SURGERY, providers=(ATTENDING,)), {}),
        (lambda: inpatient(setting=Setting.SURGERY, providers=(ATTENDING, OPERATING)), {}),
    ),
    "DX-01": ((lambda: diagnosed("D22"), {}), (office, {})),
    "DX-02": ((lambda: diagnosed("S52532"), {}), (lambda: diagnosed("S52532A", "W010XXA"), {})),
    "IP-01": (
        (lambda: inpatient(diagnoses=(Diagnosis(code="J189", role="principal"),)), {}),
        (lambda: inpatient(diagnoses=(Diagnosis(code="J189", role="principal", poa="1"),)), {}),
    ),
    "IP-03": (
        (lambda: inpatient(discharge_status="30"), {}),
        (lambda: inpatient(discharge_status="30", frequency="2"), {}),
    ),
    "PX-17": ((lambda: line(units=0), {}), (office, {})),
    "DAT-01": ((office, {"today": cases.OFFICE_DAY - timedelta(days=1)}), (office, {})),
    "TF-01": (
        (office, {"today": cases.OFFICE_DAY + timedelta(days=181)}),
        (office, {"today": cases.OFFICE_DAY + timedelta(days=180)}),
    ),
    "DUP-01": ((office, {"duplicate": True}), (office, {})),
    "CDI-01": ((office, {"open_queries": 1}), (office, {})),
    "CHG-01": ((lambda: office(unbilled=(cases.charge_id(9),)), {}), (office, {})),
}


def hits(make: Make, changes: dict[str, Any]) -> set[str]:
    """Return the rules that fire."""
    return {hit.rule_id for hit in scrub(make(), a_context(**changes), RULES).hits}


@pytest.mark.parametrize("rule_id", [rule.rule_id for rule in RULES])
def test_rule_fires_where_it_must_and_only_there(rule_id: str) -> None:
    (bad, bad_context), (good, good_context) = CASES[rule_id]
    assert rule_id in hits(bad, bad_context)
    assert rule_id not in hits(good, good_context)


@pytest.mark.parametrize("make", [office, inpatient, a_secondary_claim, a_dependent_claim])
def test_complete_claim_has_no_hits(make: Make) -> None:
    assert scrub(make(), a_context(), RULES).hits == ()


def test_missing_code_set_is_not_evaluated_never_clean() -> None:
    run = scrub(diagnosed("ZZZ"), a_context(code_sets=NO_CODE_SETS), RULES)
    assert run.not_evaluated == ("DX-01", "DX-02")
    assert run.hits == ()


def test_release_that_does_not_cover_the_date_of_service_is_a_hit() -> None:
    assert "DX-01" in hits(lambda: office(release="ICD-10-CM:2026-10-01"), {"code_sets": NO_CODE_SETS})


def test_release_of_the_same_year_is_no_hit_before_its_own_first_day() -> None:
    day = date(2026, 1, 15)
    claim = office(service_from=day, service_through=day)
    assert "DX-01" not in {hit.rule_id for hit in scrub(claim, a_context(), RULES).hits}


@pytest.mark.parametrize(
    ("code", "rule"),
    [
        ("ZZZ", "DX-01"),
        ("D22", "DX-01"),
        ("S5253", "DX-01"),  # a heading: a 7th character alone does not make it billable
        ("S52532", "DX-02"),
        ("S52532Z", "DX-02"),
        ("W010", "DX-02"),
        ("W010A", "DX-02"),
        ("W010XXA", None),
    ],
)
def test_code_that_is_not_billable_meets_one_rule(code: str, rule: str | None) -> None:
    found = [h for h in scrub(diagnosed("D225", code), a_context(), RULES).hits if h.rule_id[:2] == "DX"]
    assert [(h.rule_id, h.where, h.owner) for h in found] == (
        [(rule, "diagnosis-2", "coder")] if rule else []
    )


def test_admitting_diagnosis_is_judged_too() -> None:
    found = scrub(inpatient(admitting="J18"), a_context(), RULES).hits
    assert [(hit.rule_id, hit.where) for hit in found] == [("DX-01", "admitting")]


def test_inpatient_codes_are_judged_by_the_day_of_discharge() -> None:
    next_year = CodeSet("2026-10-01", date(2026, 10, 1), date(2027, 9, 30), frozenset({"J189", "J9601"}))
    sets = CodeSets((EDITION, next_year))
    stay = inpatient(
        service_from=date(2026, 9, 28), service_through=date(2026, 10, 2), release="ICD-10-CM:2026-10-01"
    )
    context = a_context(code_sets=sets, today=date(2026, 10, 9))
    dx = [hit.where for hit in scrub(stay, context, RULES).hits if hit.rule_id == "DX-01"]
    assert dx == ["diagnosis-3"]  # E119 is in the former edition only
    visit = stay.model_copy(update={"setting": Setting.SURGERY, "release": "ICD-10-CM:2026-04-01"})
    assert "DX-01" not in {hit.rule_id for hit in scrub(visit, context, RULES).hits}


def test_blocking_hits_name_owner_and_warnings_do_not_block() -> None:
    run = scrub(office(unbilled=(cases.charge_id(9),)), a_context(), RULES)
    assert run.blocking == ()
    held = scrub(office(facility_code=""), a_context(), RULES)
    assert (held.reasons, held.owner) == (("FMT-01",), "biller")


def test_every_rule_is_complete_and_named_once() -> None:
    assert len({rule.rule_id for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert rule.fix.endswith(".")
        assert rule.authority
        assert rule.severity in Severity
        assert rule.effective_from < date(2026, 1, 1)


def test_hits_carry_positions_never_values() -> None:
    claim = coverage(member_id="*")
    for hit in scrub(claim, a_context(), RULES).hits:
        assert "*IL" in hit.where
        assert cases.PATIENT.last_name not in str(hit)


@pytest.mark.parametrize(
    ("npi", "valid"),
    [
        ("1912301953", True),
        ("1245319599", True),
        ("1234567893", True),
        ("1234567894", False),
        ("123456789", False),
        ("", False),
        ("12345678９3", False),
    ],
)
def test_npi_check_digit(npi: str, valid: bool) -> None:
    assert valid_npi(npi) is valid
