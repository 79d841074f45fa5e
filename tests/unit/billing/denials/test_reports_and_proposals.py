"""Reports by the formulas of the domain page, attribution, and rules that repeated denials propose."""

import json
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rcm_billing.domain.denial_attribution import attribute, denied_line, spoken_rules
from rcm_billing.domain.denial_report import DIMENSIONS, DeniedCase, report, values_of
from rcm_billing.domain.document import ClaimDocument
from rcm_billing.domain.errors import IllegalTransition
from rcm_billing.domain.payer_request import (
    REQUEST_STEPS,
    Alert,
    Evidence,
    RequestState,
    alert_at,
    first_checklist,
    missing,
    move_request,
    next_alert,
    with_evidence,
)
from rcm_billing.domain.remittance import PaidClaim, PaidLine
from rcm_billing.domain.rule_proposal import Condition, Key, Outcome, Repeated, conditions, propose
from rcm_billing.domain.scrubbing import Hit
from rcm_shared.money import Cents
from unit.billing import cases
from unit.billing.denials.desk import denied

ID = cases.encounter_id


def a_case(number: int = 1, **changes: object) -> DeniedCase:
    values: dict[str, object] = {
        "denial_id": ID(number),
        "encounter_id": ID(number),
        "claim_id": ID(number),
        "payer_id": "P1",
        "group_code": "CO",
        "carc": "97",
        "remarks": (),
        "category": "bundling",
        "root_cause": "bundled-service",
        "state": "triaged",
        "outcome": "",
        "first_cents": 10000,
        "denied_cents": 10000,
        "denied_at": cases.NOW,
        "appealed_at": None,
        "resolved_at": None,
        "coder": "c1",
        "provider_id": "d1",
        "rules": (),
    }
    return DeniedCase(**(values | changes))  # type: ignore[arg-type]


def after(days: float) -> object:
    return cases.NOW + timedelta(days=days)


def test_report_follows_the_formulas() -> None:
    rows = [
        a_case(1, outcome="overturned", appealed_at=after(4), resolved_at=after(30)),
        a_case(2, outcome="partly_overturned", denied_cents=4000, appealed_at=after(8)),
        a_case(3, outcome="upheld", appealed_at=after(6)),
        a_case(4, outcome="written_off", resolved_at=after(10)),
        a_case(5, category="eligibility"),
    ]
    [line] = report(rows, "coder", {"c1": 50})
    assert (line.cases, line.denied_cents, line.claims) == (5, 50000, 5)
    assert line.denial_rate == 0.08  # four coding denials of fifty claims: eligibility is not the coder's
    assert (line.appealed, line.appeals_resolved, line.overturned) == (3, 3, 2)
    assert line.overturn_rate == 0.6667
    assert (line.overturned_cents, line.overturn_rate_cents) == (16000, 0.5333)
    assert line.written_off_cents == 10000
    assert (line.to_appeal.mean_days, line.to_appeal.median_days) == (6.0, 6.0)
    assert (line.to_resolution.mean_days, line.to_resolution.median_days) == (20.0, 20.0)
    assert line.root_causes == {"bundled-service": 5}


def test_nothing_below_the_line_is_none_and_a_claimless_value_still_shows() -> None:
    [line] = report([], "payer", {"P9": 3})
    assert (line.value, line.denial_rate, line.overturn_rate, line.to_appeal.mean_days) == (
        "P9",
        0.0,
        None,
        None,
    )
    [other] = report([a_case()], "carc", None)
    assert (other.value, other.adjudicated, other.denial_rate) == ("CO-97", None, None)


def test_a_case_counts_for_each_rule_once() -> None:
    case = a_case(rules=("PX-01:warned", "PX-01:released", "PX-02:not-evaluated"))
    assert values_of(case, "rule") == ("PX-01", "PX-02")
    assert values_of(a_case(), "rule") == ("",)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 99), st.integers(1, 4)), max_size=20))
def test_lines_add_up_to_the_rows(found: list[tuple[str, int, int]]) -> None:
    rows = [
        a_case(n, coder=coder, first_cents=cents, denied_cents=cents, claim_id=ID(claim))
        for n, (coder, cents, claim) in enumerate(found, 1)
    ]
    for by in DIMENSIONS:
        lines = report(rows, by, None)
        assert sum(line.cases for line in lines) == len(rows)
        assert sum(line.denied_cents for line in lines) == sum(row.first_cents for row in rows)


def a_hit(rule_id: str, severity: str) -> Hit:
    return Hit(rule_id, 1, severity, "line-1", "", "coder", "")


def test_rules_of_the_denials_kind_are_named_with_what_they_did() -> None:
    hits = [a_hit("PX-03", "W"), a_hit("PX-04", "H"), a_hit("SUB-01", "H"), a_hit("PR-DHP01-97", "H")]
    assert spoken_rules("bundling", hits, ["PX-01", "MN-01"]) == (
        "PX-03:warned",
        "PX-04:released",
        "PR-DHP01-97:released",
        "PX-01:not-evaluated",
    )


def test_denied_line_is_found_by_control_number_then_by_number() -> None:
    document = two_lines()
    one, two = document.lines

    def paid(*lines: PaidLine) -> PaidClaim:
        return PaidClaim(1, "C", "1", Cents(0), Cents(0), Cents(0), lines=lines)

    swapped = paid(
        PaidLine(two.code, Cents(1), Cents(0), control=two.control),
        PaidLine(one.code, Cents(1), Cents(0), control=one.control),
    )
    assert denied_line(document, swapped, 1) == two
    assert denied_line(document, None, 2) == two
    assert denied_line(document, None, 0) is None
    assert denied_line(document, None, 7) is None


def test_case_is_attributed_to_coder_provider_and_diagnoses_of_its_line() -> None:
    account, case = denied()
    found = attribute(account, case, cases.a_claim(), None, [], [])
    assert (found.coder, found.provider_id, found.code, found.diagnoses) == (
        "coder-1",
        "dr-1",
        "17110",
        ("D225",),
    )


# --- proposals -------------------------------------------------------------------------------------------


def two_lines() -> ClaimDocument:
    document = cases.a_claim()
    [line] = document.lines
    other = line.model_copy(update={"number": 2, "control": "other", "code": "99213"})
    return document.model_copy(update={"lines": (line, other)})


def past(number: int, *modifiers: str, paid: bool, diagnosis: str = "D225") -> Outcome:
    document = cases.a_claim(cases.an_office_record(number))
    line = document.lines[0].model_copy(update={"modifiers": modifiers})
    diagnoses = (document.diagnoses[0].model_copy(update={"code": diagnosis}),)
    return Outcome(ID(number), document.model_copy(update={"lines": (line,), "diagnoses": diagnoses}), paid)


def repeated(*numbers: int, code: str = "17110") -> Repeated:
    return Repeated(
        Key("DEMO-GENERAL", "DHP01", "97", "M15", code), frozenset(map(ID, numbers)), 63000, "coder"
    )


def test_missing_modifier_is_found_and_counted() -> None:
    rows = [past(n, paid=False) for n in (1, 2, 3)] + [past(n, "59", paid=True) for n in (4, 5)]
    found = propose(repeated(1, 2, 3), rows, today=cases.TODAY)
    assert found is not None
    assert found.condition == Condition("17110", "-59")
    assert (found.back_test.caught, found.back_test.held_paid, found.back_test.precision) == (3, 0, 1.0)
    assert found.rule.rule_id.startswith("PR-DHP01-97-")
    assert (found.rule.payers, found.rule.owner, found.rule.severity) == (frozenset({"DHP01"}), "coder", "H")


def test_diagnosis_category_tells_denied_from_paid() -> None:
    rows = [past(n, paid=False, diagnosis="L821") for n in (1, 2, 3)] + [past(n, paid=True) for n in (4, 5)]
    found = propose(repeated(1, 2, 3), rows, today=cases.TODAY)
    assert found is not None
    assert found.condition == Condition("17110", diagnosis="L82")


def test_shortest_condition_wins_among_equals() -> None:
    rows = [past(n, "25", paid=False) for n in (1, 2, 3)]
    found = propose(repeated(1, 2, 3), rows, today=cases.TODAY)
    assert found is not None
    assert found.condition == Condition("17110")


@pytest.mark.parametrize("paid", [4, 9])
def test_rule_that_would_hold_more_paid_claims_than_denied_ones_is_not_proposed(paid: int) -> None:
    rows = [past(n, paid=False) for n in (1, 2, 3)] + [past(n, paid=True) for n in range(4, 4 + paid)]
    assert propose(repeated(1, 2, 3), rows, today=cases.TODAY) is None


def test_denials_whose_claims_are_not_at_hand_propose_nothing() -> None:
    assert propose(repeated(1, 2, 3), [past(9, paid=True)], today=cases.TODAY) is None


@pytest.mark.parametrize("code", ['1" || true', "", "99213;", "ä"])
def test_a_code_that_is_none_never_reaches_an_expression(code: str) -> None:
    document = cases.a_claim()
    line = document.lines[0].model_copy(update={"code": code})
    assert conditions(code, [document.model_copy(update={"lines": (line,)})], []) == []


@given(st.permutations(range(1, 8)))
@settings(max_examples=8, deadline=None)
def test_order_of_the_rows_does_not_matter(order: list[int]) -> None:
    rows = {n: past(n, *(("59",) if n > 4 else ()), paid=n > 4) for n in range(1, 8)}
    found = propose(repeated(1, 2, 3, 4), [rows[n] for n in order], today=cases.TODAY)
    expected = propose(repeated(1, 2, 3, 4), [rows[n] for n in sorted(order)], today=cases.TODAY)
    assert found is not None
    assert expected is not None
    assert (found.condition, found.back_test) == (expected.condition, expected.back_test)


# --- payer requests --------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", list(RequestState))
def test_request_steps_outside_the_table_are_refused(state: RequestState) -> None:
    for to in RequestState:
        if to in REQUEST_STEPS[state]:
            assert move_request(state, to) is to
        else:
            with pytest.raises(IllegalTransition):
                move_request(state, to)


def test_checklist_is_settled_entry_by_entry() -> None:
    entries = first_checklist("audit", [Evidence("claim", True, reference="C1")])
    assert missing(entries) == ("clinical-note", "itemised-bill")
    document = UUID(int=7)
    entries = with_evidence(entries, Evidence("clinical-note", False, document))
    entries = with_evidence(entries, Evidence("clinical-note", False, document))
    entries = with_evidence(entries, Evidence("itemised-bill", False, unavailable="none-kept"))
    assert missing(entries) == ()
    assert [one.kind for one in entries].count("clinical-note") == 2
    assert json.dumps([one.required for one in entries if one.kind == "clinical-note"]) == "[true, false]"


def test_due_day_is_told_before_and_after() -> None:
    due = (cases.NOW + timedelta(days=20)).date()
    warn = next_alert(due, Alert.NONE)
    over = next_alert(due, Alert.WARNED)
    assert warn is not None
    assert over is not None
    assert (over - warn).days == 8
    assert alert_at(due, warn - timedelta(seconds=1)) is Alert.NONE
    assert alert_at(due, warn) is Alert.WARNED
    assert alert_at(due, over) is Alert.EXPIRED
    assert next_alert(due, Alert.EXPIRED) is None
