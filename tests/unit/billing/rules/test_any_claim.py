"""Any claim meets every rule without an error, twice with the same result, and hits name lines that exist."""

import re
from datetime import timedelta
from itertools import pairwise

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rcm_billing.domain import reference_rows as rows
from rcm_billing.domain.reference import NO_REFERENCE, Reference, table_of
from rcm_billing.domain.rules import RULES
from rcm_billing.domain.scrubbing import scrub
from unit.billing import cases
from unit.billing.rules.claims import a_context
from unit.billing.rules.services import DAY, billed, earlier, facility, fee, medicare, sold

CODES = (
    "17110",
    "20610",
    "25605",
    "47562",
    "71260",
    "99203",
    "99213",
    "99292",
    "00790",
    "J1100",
    "C1713",
    "",
)
MARKS = (
    "24",
    "25",
    "26",
    "50",
    "54",
    "57",
    "59",
    "62",
    "76",
    "80",
    "AA",
    "GA",
    "JW",
    "JZ",
    "LT",
    "RT",
    "TC",
    "XS",
)
PLACE = re.compile(r"line-(\d+)(?:-beside-(?:line-(\d+)|another-claim))?")

LINES = st.builds(
    lambda code, marks, units, days, minutes: sold(
        code,
        " ".join(marks),
        units=units,
        minutes=minutes,
        revenue_code="0361",
        service_date=DAY + timedelta(days=days),
    ),
    st.sampled_from(CODES),
    st.lists(st.sampled_from(MARKS), max_size=4),
    st.integers(0, 200),
    st.integers(-1, 2),
    st.none() | st.integers(0, 90),
)
FULL = Reference(
    pairs=table_of(
        "pairs",
        [
            rows.Pair(column1=first, column2=second, modifier="019"[at % 3])
            for at, (first, second) in enumerate(pairwise(CODES))
        ],
    ),
    unit_limits=table_of("unit_limits", [rows.UnitLimit(code=code, units=1, mai="2") for code in CODES]),
    add_ons=table_of("add_ons", [rows.AddOn(add_on="99292", primary="99291")]),
    fees=table_of("fees", [fee(code, global_days="090", bilateral="1", assistant="0") for code in CODES]),
    articles=table_of("articles", [rows.Article(code="17110", article="1", lists_covered=True)]),
    policies=table_of("policies", [rows.Policy(code="71260", diagnoses=frozenset({"J*"}))]),
    frequency_limits=table_of("frequency_limits", [rows.FrequencyLimit(code="99213")]),
    timed_services=table_of("timed_services", [rows.TimedService(code="20610")]),
    drugs=table_of("drugs", [rows.DrugRule(code="J1100", single_dose=True)]),
    companions=table_of("companions", [rows.Companion(code="4756", needs=frozenset({"C17*"}))]),
    authorisation_rules=table_of("authorisation_rules", [rows.AuthorisationRule(code="7")]),
)
HISTORIES = st.sampled_from([None, (), earlier("17110", 3), earlier("47562", 0), earlier("99213", 40)])


@given(
    st.lists(LINES, max_size=6),
    st.sampled_from([billed, facility]),
    st.booleans(),
    st.sampled_from([FULL, NO_REFERENCE]),
    HISTORIES,
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_claim_is_judged_twice_alike(lines, form, to_medicare, reference, history) -> None:  # type: ignore[no-untyped-def]
    make = form(*lines)
    claim = (medicare(make) if to_medicare else make)()
    context = a_context(reference=reference, history=history, today=cases.TODAY)
    run = scrub(claim, context, RULES)
    assert scrub(claim, context, RULES) == run
    for hit in run.hits:
        found = PLACE.fullmatch(hit.where)
        if found:
            assert all(1 <= int(number) <= len(lines) for number in found.groups() if number)
    names = [rule.rule_id for rule in RULES]
    assert [name for name in names if name in run.not_evaluated] == list(run.not_evaluated)
