"""Validity of diagnoses in detail: which edition governs, and which of two rules a code meets."""

from datetime import date

import pytest
from rcm_billing.domain.code_set import NO_CODE_SETS, CodeSet, CodeSets
from rcm_billing.domain.rules import RULES
from rcm_billing.domain.scrubbing import scrub
from rcm_shared.contracts.intake import Setting
from unit.billing.rules.claims import EDITION, a_context, diagnosed, inpatient, office


def test_missing_code_set_is_not_evaluated_never_clean() -> None:
    run = scrub(diagnosed("ZZZ"), a_context(code_sets=NO_CODE_SETS), RULES)
    assert {"DX-01", "DX-02"} <= set(run.not_evaluated)
    assert run.hits == ()


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
    found = [
        h for h in scrub(diagnosed("D225", code), a_context(), RULES).hits if h.rule_id in {"DX-01", "DX-02"}
    ]
    assert [(h.rule_id, h.where, h.owner) for h in found] == (
        [(rule, "diagnosis-2", "coder")] if rule else []
    )


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
