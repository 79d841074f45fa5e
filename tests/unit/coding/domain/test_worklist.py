"""The worklist's rules: which queue, how pressing, who may code it, and which rules cannot be used."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from rcm_coding.domain.case import CodingCase
from rcm_coding.domain.code_set import CodeSets
from rcm_coding.domain.worklist import (
    DEFAULT_POLICY,
    AutoClose,
    AutoCloseMode,
    Credential,
    Policy,
    RouteRule,
    Urgency,
    may_code,
    policy_faults,
    route,
)
from rcm_coding.handlers import facts
from rcm_shared.contracts.intake import ClaimForm, CoverageRef, CoverageVerified, Setting
from unit.coding.charts import DAY, KEY, MOMENT, NOW, charge, charged, open_chart

BARE = CodeSets(())


def chart(**changes: Any) -> CodingCase:
    return replace(open_chart(BARE), **changes)


@pytest.mark.parametrize(
    ("changes", "queue", "work_type"),
    [
        ({}, "office", "professional"),
        ({"setting": Setting.INPATIENT}, "inpatient", "inpatient"),
        ({"setting": Setting.ED, "claim_form": ClaimForm.INSTITUTIONAL}, "emergency", "outpatient-facility"),
        ({"setting": Setting.SURGERY}, "surgery", "surgery"),
        ({"setting": Setting.LAB}, "diagnostic", "diagnostic"),
        ({"reopen_reasons": ("DX-01",)}, "returned", "professional"),
        ({"setting": Setting.INPATIENT, "reopen_reasons": ("x",)}, "returned", "inpatient"),
    ],
)
def test_built_in_rules_route_by_setting_and_return(
    changes: dict[str, Any], queue: str, work_type: str
) -> None:
    placed = route(chart(**changes), DEFAULT_POLICY)
    assert (placed.queue, placed.work_type) == (queue, work_type)


@pytest.mark.parametrize(
    ("conditions", "changes", "holds"),
    [
        ({"payers": ("P1",)}, {"payer_id": "P1"}, True),
        ({"payers": ("P1",)}, {"payer_id": None}, False),
        ({"facilities": ("F1",)}, {}, True),
        ({"facilities": ("F2",)}, {}, False),
        ({"document_kinds": ("office-note",)}, {}, True),
        ({"document_kinds": ("operative-note",)}, {}, False),
        ({"charge_prefixes": ("93",)}, {"charges": (charge("93000"),)}, True),
        ({"charge_prefixes": ("93",)}, {"charges": (charge("99213"),)}, False),
        ({"charge_prefixes": ("93",)}, {}, False),
        ({"min_charge_cents": 13200}, {"charges": (charge(),)}, True),
        ({"min_charge_cents": 13201}, {"charges": (charge(),)}, False),
        ({"returned": False}, {"reopen_reasons": ("x",)}, False),
        ({"claim_forms": (ClaimForm.INSTITUTIONAL,)}, {}, False),
    ],
)
def test_rule_holds_only_when_each_of_its_conditions_does(
    conditions: dict[str, Any], changes: dict[str, Any], holds: bool
) -> None:
    assert RouteRule("q", "w", **conditions).holds(chart(**changes)) is holds


def test_priority_is_the_due_day_brought_forward() -> None:
    plain = route(chart(), DEFAULT_POLICY)
    assert plain.due_at == NOW + timedelta(days=2) == plain.priority_at
    rush = route(chart(urgency="rush"), DEFAULT_POLICY)
    assert rush.priority_at == NOW
    assert rush.due_at == plain.due_at
    costly = route(chart(charges=(charge(cents=1_000_000),)), DEFAULT_POLICY)
    assert costly.priority_at == NOW + timedelta(days=1)


def test_filing_deadline_of_the_payer_comes_before_the_due_day() -> None:
    policy = replace(DEFAULT_POLICY, filing_days={"P1": 30}, filing_margin_days=14)
    placed = route(chart(payer_id="P1"), policy)
    assert placed.filing_deadline == DAY + timedelta(days=30)
    assert placed.priority_at == datetime(2026, 9, 26, tzinfo=UTC)
    assert route(chart(payer_id="P2"), policy).filing_deadline == DAY + timedelta(days=365)


def test_chart_without_documentation_has_no_date() -> None:
    assert route(CodingCase(KEY, "F1"), DEFAULT_POLICY).priority_at is None


@given(
    st.sampled_from(list(Urgency)),
    st.integers(0, 10_000_000),
    st.dates(date(2024, 1, 1), date(2027, 1, 1)),
    st.integers(1, 400),
)
def test_more_urgent_and_more_valuable_never_comes_later(
    urgency: Urgency, cents: int, served: date, filing: int
) -> None:
    policy = replace(DEFAULT_POLICY, default_filing_days=filing)
    base = route(chart(service_through=served), policy)
    other = route(
        chart(service_through=served, urgency=urgency.value, charges=(charge(cents=cents),)), policy
    )
    assert base.priority_at is not None
    assert other.priority_at is not None
    assert other.priority_at <= base.priority_at <= NOW + timedelta(days=2)


def test_certificates_fit_work_types_only_when_enforced() -> None:
    strict = replace(DEFAULT_POLICY, enforce_credentials=True)
    assert may_code((), "inpatient", DEFAULT_POLICY)
    assert not may_code((Credential.CPC,), "inpatient", strict)
    assert may_code((Credential.CIC,), "inpatient", strict)
    assert may_code((), "transcription", strict)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"rules": ()}, "no-rule"),
        ({"rules": (RouteRule("a", "b", payers=("P1",)),)}, "last-rule-must-take-every-chart"),
        ({"rules": (RouteRule("a b", "c"),)}, "bad-name"),
        ({"rules": (RouteRule("a", "c", goal_days=91),)}, "out-of-range"),
        ({"lock_minutes": 1}, "out-of-range"),
        ({"filing_days": {"P1": 0}}, "out-of-range"),
        ({"value_steps": ((1, 99),)}, "out-of-range"),
        ({"auto_close": AutoClose(AutoCloseMode.TEST)}, "allow-list-empty"),
        ({"auto_close": AutoClose(work_types=("unheard",))}, "unknown-work-type"),
        ({"auto_close": AutoClose(min_score=0.5)}, "out-of-range"),
        ({"prebill_qa": ("unheard",)}, "unknown-work-type"),
        ({"auto_close": AutoClose(min_trials=1)}, "test-too-weak"),
    ],
)
def test_rules_that_cannot_be_used_are_named(changes: dict[str, Any], fault: str) -> None:
    assert policy_faults(DEFAULT_POLICY) == ()
    assert fault in [code for _, code in policy_faults(replace(DEFAULT_POLICY, **changes))]


def test_policy_survives_its_json_and_knows_no_other_field() -> None:
    adapter = TypeAdapter(Policy)
    assert adapter.validate_json(adapter.dump_json(DEFAULT_POLICY)) == DEFAULT_POLICY
    with pytest.raises(ValidationError):
        adapter.validate_python({"rules": [{"queue": "a", "work_type": "b", "payment": 1}]})


def test_payer_comes_before_or_after_the_documentation() -> None:
    event = CoverageVerified(
        actor="system:intake",
        facility_id="F1",
        record_version=1,
        coverages=(CoverageRef(KEY, "SUP", "S"), CoverageRef(KEY, "PRI", "P")),
    )
    early = facts.coverage_verified(None, event, MOMENT).state
    assert early is not None
    assert early.payer_id == "PRI"
    late = facts.coverage_verified(open_chart(BARE), event, MOMENT).state
    assert late is not None
    assert late.payer_id == "PRI"
    older = facts.coverage_verified(replace(late, payer_version=2), event, MOMENT)
    assert older.state is None
    assert facts.charges_captured(early, charged(charge()), MOMENT, BARE).state is not None
