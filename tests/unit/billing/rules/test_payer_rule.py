"""Payer rules: which version judges which claim, what a result means, and that a failure is never "clean"."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from rcm_billing.domain.claim_view import NAMES, VIEW, read_fields
from rcm_billing.domain.document import ClaimDocument
from rcm_billing.domain.expression import BadExpression
from rcm_billing.domain.payer_rule import RULE_ID, PayerRule, PayerRules, Verdict, compile_rule, judge
from rcm_billing.domain.scrubbing import Owner, Severity
from rcm_shared.contracts.intake import ClaimForm
from unit.billing import cases
from unit.billing.rules.claims import inpatient, line, office


def a_rule(source: str, **changes: Any) -> PayerRule:
    """Return an active rule for every payer."""
    values: dict[str, Any] = {
        "rule_id": "PR-DHP01-1",
        "version": 1,
        "title": "a rule",
        "expression": compile_rule(source),
        "severity": Severity.HOLD,
        "owner": Owner.BILLER,
        "authority": "payer manual",
        "fix": "Do what the manual says.",
        "effective_from": date(2026, 1, 1),
    }
    return PayerRule(**(values | changes))


@pytest.mark.parametrize(
    ("source", "make", "verdict"),
    [
        ("lines.exists(l, l.code == '17110')", office, Verdict(("claim",))),
        ("age < 18", office, Verdict(())),
        ("lines.filter(l, l.units > 0).map(l, l.number)", office, Verdict(("line-1",))),
        ("[1, 1]", office, Verdict(("line-1",))),
        ("[7]", lambda: line(), Verdict((), "wrong-result")),
        ("1 / (age - 45) > 0", office, Verdict((), "division-by-zero")),
        ("days == 4 && drg == '193'", inpatient, Verdict(("claim",))),
        ("service_from < '2026-09-03' && scrubbed_on == '2026-09-28'", office, Verdict(("claim",))),
    ],
)
def test_result_is_a_hit_nothing_or_not_judged(source: str, make: Any, verdict: Verdict) -> None:
    rule = replace(a_rule("true"), expression=_compiled(source))
    assert judge(rule, make(), cases.TODAY) == verdict


def _compiled(source: str) -> Any:
    from rcm_billing.domain.expression import compile_expression

    return compile_expression(source, NAMES)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("age", "expression-wrong-result"),
        ("lines.map(l, l.code)", "expression-wrong-result"),
        ("age > '5'", "expression-wrong-type"),
        ("member_name == 'x'", "expression-name-unknown"),
    ],
)
def test_draft_is_tried_before_it_is_kept(source: str, reason: str) -> None:
    with pytest.raises(BadExpression) as refused:
        compile_rule(source)
    assert refused.value.reason == reason


@pytest.mark.parametrize(
    ("changes", "applies"),
    [
        ({}, True),
        ({"payers": frozenset({"DHP01"})}, True),
        ({"payers": frozenset({"DMC01"})}, False),
        ({"form": ClaimForm.INSTITUTIONAL}, False),
        ({"facility_id": "DEMO-GENERAL"}, True),
        ({"facility_id": "OTHER"}, False),
        ({"effective_from": date(2026, 9, 3)}, False),
        ({"effective_to": date(2026, 9, 1)}, False),
        ({"effective_to": date(2026, 9, 2)}, True),
    ],
)
def test_rule_is_for_its_payer_form_facility_and_days(changes: dict[str, Any], applies: bool) -> None:
    run = PayerRules((a_rule("true", **changes),)).run(office(), cases.TODAY)
    assert bool(run.hits) is applies


def test_highest_version_in_force_on_the_day_of_service_judges() -> None:
    first, second = a_rule("true"), a_rule("false", version=2)
    later = a_rule("false", version=3, effective_from=date(2026, 10, 1))
    assert PayerRules((second, later, first)).run(office(), cases.TODAY).hits == ()
    assert [hit.rule_version for hit in PayerRules((later, first)).run(office(), cases.TODAY).hits] == [1]


def test_failing_rule_is_not_evaluated_and_the_others_still_judge() -> None:
    broken = replace(a_rule("true"), rule_id="PR-DHP01-2", expression=_compiled("lines[99].code == 'x'"))
    run = PayerRules((broken, a_rule("true"))).run(office(), cases.TODAY)
    assert run.not_evaluated == ("PR-DHP01-2",)
    assert [(hit.rule_id, hit.where, hit.owner) for hit in run.hits] == [("PR-DHP01-1", "claim", "biller")]


@pytest.mark.parametrize("make", [office, inpatient])
def test_every_field_of_the_view_is_of_its_type(make: Any) -> None:
    claim: ClaimDocument = make()
    values = read_fields(claim, cases.TODAY, frozenset(VIEW))
    kinds = {"int": int, "bool": bool, "date": str, "text": str, "list": list}
    for name, field in VIEW.items():
        assert type(values[name]) is kinds[field.type.split()[0]], name
        for entry in values[name] if field.members else ():
            assert set(entry) == set(field.members or ())
            for member, kind in (field.members or {}).items():
                assert type(entry[member]) is kinds[kind.split()[0].rstrip(",:")], member


def test_view_holds_no_name_address_or_free_text() -> None:
    claim = office()
    shown = repr(read_fields(claim, cases.TODAY, frozenset(VIEW)))
    assert claim.patient.last_name not in shown
    assert claim.patient.address is not None
    assert claim.patient.address.line not in shown


@pytest.mark.parametrize(("rule_id", "taken"), [("PR-DHP01-NDC", True), ("DX-01", False), ("PR-a", False)])
def test_id_of_a_payer_rule_can_not_be_taken_for_a_built_in_one(rule_id: str, taken: bool) -> None:
    assert bool(RULE_ID.fullmatch(rule_id)) is taken
