"""Every rule of the table: where it must fire, where it must not, and that no rule stands here untested."""

from dataclasses import fields, replace
from datetime import date

import pytest
from rcm_billing.domain.reference import Reference
from rcm_billing.domain.rules import RULES
from rcm_billing.domain.rules.row import PROFESSIONAL
from rcm_billing.domain.scrubbing import Rule, Severity, in_force, scrub
from unit.billing import cases
from unit.billing.rules import (
    authorisation_cases,
    chart_cases,
    code_edits_cases,
    diagnosis_cases,
    drug_cases,
    enrolment_cases,
    filing_cases,
    format_cases,
    inpatient_cases,
    modifiers_cases,
    necessity_cases,
    outpatient_cases,
    provider_cases,
    subscriber_cases,
    units_cases,
    visits_cases,
)
from unit.billing.rules.claims import Case, Make, a_context, coverage, found_by, inpatient, office
from unit.billing.test_claim_837 import a_dependent_claim, a_secondary_claim

CASE_MODULES = (
    format_cases,
    subscriber_cases,
    provider_cases,
    diagnosis_cases,
    inpatient_cases,
    outpatient_cases,
    code_edits_cases,
    modifiers_cases,
    visits_cases,
    units_cases,
    drug_cases,
    necessity_cases,
    authorisation_cases,
    filing_cases,
    chart_cases,
    enrolment_cases,
)
CASES: tuple[Case, ...] = tuple(case for module in CASE_MODULES for case in module.CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.rule_id}-{case.name}".replace(" ", "-"))
def test_rule_fires_where_it_must_and_only_there(case: Case) -> None:
    assert found_by(case) == case.places


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.rule_id)
def test_rule_has_a_claim_it_hits_and_one_it_leaves_alone(rule: Rule) -> None:
    mine = [case.places for case in CASES if case.rule_id == rule.rule_id]
    assert any(mine), "no case that it hits"
    assert () in mine, "no case that it leaves alone"


#: The rules of the design: a family's name and how many it has.
FAMILIES = {
    "FMT": 8,
    "FRQ": 1,
    "SUB": 5,
    "PRV": 9,
    "DX": 11,
    "IP": 8,
    "OP": 6,
    "PX": 18,
    "RX": 2,
    "MN": 3,
    "AUT": 1,
}
FAMILIES |= {"DAT": 2, "TF": 2, "DUP": 1, "CDI": 2, "CHG": 1, "PAY": 1}
WARNINGS = {"DX-05", "DX-08", "MN-02", "CHG-01"}
HOLDS = """SUB-02 SUB-04 PRV-05 PRV-08 DX-03 DX-04 DX-07 DX-11 IP-08 OP-03 OP-04 OP-06 PX-02 PX-03 PX-05 PX-06 PX-08
PX-10 PX-11 PX-12 PX-15 PX-16 MN-01 MN-03 AUT-01 DUP-01 CDI-01 CDI-02 PAY-01"""


def test_every_rule_of_the_design_exists_once_with_its_severity() -> None:
    wanted = {f"{family}-{n:02}" for family, count in FAMILIES.items() for n in range(1, count + 1)}
    assert len(wanted) == 81
    in_force = [rule for rule in RULES if rule.effective_to is None]
    assert sorted(rule.rule_id for rule in in_force) == sorted(wanted)
    severities = {rule.rule_id: rule.severity for rule in in_force}
    assert {i for i, severity in severities.items() if severity is Severity.WARN} == WARNINGS
    assert {i for i, severity in severities.items() if severity is Severity.HOLD} == set(HOLDS.split())


def test_rules_run_in_the_order_of_their_families() -> None:
    families = list(dict.fromkeys(rule.rule_id.partition("-")[0] for rule in RULES))
    assert families == list(FAMILIES)


#: What a rule may need besides the tables of Reference.
OTHER_NEEDS = {"ICD-10-CM", "certainty", "coding decisions", "grouper", "history", "payer"}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.rule_id)
def test_rule_that_cannot_judge_without_something_says_what_it_needs(rule: Rule) -> None:
    tables = {field.name: getattr(Reference(), field.name).name for field in fields(Reference)}
    known = {*tables, *tables.values(), *OTHER_NEEDS}
    assert set(rule.needs) <= known
    unjudged = any(case.rule_id == rule.rule_id and case.places is None for case in CASES)
    assert rule.needs or not unjudged


def test_changed_rule_judges_from_its_day_and_the_former_version_before() -> None:
    first = replace(RULES[0], effective_to=date(2026, 8, 31))
    second = replace(RULES[0], version=2, effective_from=date(2026, 9, 1))
    for day, version in ((date(2026, 8, 31), 1), (date(2026, 9, 1), 2)):
        assert [
            rule.version for rule in in_force((first, second), RULES[0].form or PROFESSIONAL, day, "P")
        ] == [version]


@pytest.mark.parametrize("make", [office, inpatient, a_secondary_claim, a_dependent_claim])
def test_complete_claim_has_no_hits(make: Make) -> None:
    assert scrub(make(), a_context(), RULES).hits == ()


def test_every_rule_is_complete_and_named_once() -> None:
    assert len({(rule.rule_id, rule.version) for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert rule.fix.endswith(".")
        assert rule.authority
        assert rule.severity in Severity
        assert rule.effective_from < date(2026, 1, 1)
        assert (rule.check.__doc__ or "").split("\n")[0].endswith(".")


def test_hits_carry_positions_never_values() -> None:
    claim = coverage(member_id="*")
    for found in scrub(claim, a_context(), RULES).hits:
        assert "*IL" in found.where
        assert cases.PATIENT.last_name not in str(found)


def test_blocking_hits_name_owner_and_warnings_do_not_block() -> None:
    run = scrub(office(unbilled=(cases.charge_id(9),)), a_context(), RULES)
    assert run.blocking == ()
    held = scrub(office(facility_code=""), a_context(), RULES)
    assert (held.reasons[0], held.owner) == ("FMT-01", "biller")
