"""The expression language of payer rules: what is refused, what it costs at most, what cannot be reached."""

import contextlib
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rcm_billing.domain.expression import (
    MAX_CHARACTERS,
    BadExpression,
    NotJudged,
    compile_expression,
    context_of,
    evaluate,
)

FIELDS = {"age": (), "payer_id": (), "codes": (), "lines": ("number", "code", "units")}
LINES = [{"number": 1, "code": "J1100", "units": 3}, {"number": 2, "code": "99213", "units": 1}]
VALUES = {"age": 45, "payer_id": "DHP01", "codes": ["25"], "lines": LINES}


def answer(source: str, longest: int = 2) -> object:
    """Compile and evaluate over the sample values."""
    return evaluate(compile_expression(source, FIELDS), context_of(VALUES), longest)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("age >= 18 && payer_id == 'DHP01'", True),
        ("age in [44, 46]", False),
        ('lines.exists(l, l.code.startsWith("J") && l.units > 2)', True),
        ("lines.filter(l, l.units > 1).map(l, l.number)", [1]),
        ("size(codes) > 0 && !('59' in codes)", True),
        ("lines[0].code.matches('^J[0-9]{4}$')", True),
        ("age > 64 ? payer_id == 'DMC01' : false", False),
        ("lines.all(a, lines.exists(b, b.number != a.number))", True),
    ],
)
def test_expression_says_what_it_means(source: str, expected: object) -> None:
    assert answer(source) == expected


@pytest.mark.parametrize(
    ("source", "reason", "position"),
    [
        ("", "expression-length", 0),
        ("age > 1" + " " * MAX_CHARACTERS, "expression-length", 0),
        ("age >", "expression-syntax", 0),
        ("age > 1)", "expression-bracket", 8),
        ("salary > 1", "expression-name-unknown", 1),
        ("age.__class__ == 1", "expression-name-unknown", 5),
        ("lines.exists(l, l.cod == 'J')", "expression-name-unknown", 19),
        ("lines.exists(age, age.code == 'J')", "expression-name-taken", 14),
        ("open('x') == age", "expression-name-unknown", 1),
        ("now() > 1", "expression-name-unknown", 1),
        ("age.matches2('x')", "expression-name-unknown", 5),
        ("b'x' == payer_id", "expression-string-prefix", 2),
        ("age > 1 # comment", "expression-character", 9),
        ("(" * 25 + "age" + ")" * 25, "expression-too-deep", 25),
        ("lines.all(a, lines.all(b, lines.all(c, true)))", "expression-too-costly", 0),
        ("lines" + ".filter(l, true)" * 7 + ".size() > 0", "expression-too-costly", 0),
        ("'a'" + " + 'a'" * 17 + " == payer_id", "expression-too-costly", 0),
    ],
)
def test_expression_is_refused_with_a_reason(source: str, reason: str, position: int) -> None:
    with pytest.raises(BadExpression) as refused:
        compile_expression(source, FIELDS)
    assert (refused.value.reason, refused.value.position) == (reason, position)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("lines[9].code == 'J'", "no-such-entry"),
        ("age / 0 == 1", "division-by-zero"),
        ("age + 'x' == 'x'", "wrong-type"),
        ("age * 9223372036854775807 > 0", "number-too-large"),
        ("payer_id.matches('(')", "failed"),
    ],
)
def test_failure_is_not_judged_with_a_reason(source: str, reason: str) -> None:
    with pytest.raises(NotJudged) as failed:
        answer(source)
    assert failed.value.reason == reason


def test_cost_is_bounded_by_counts_before_anything_runs() -> None:
    nested = "lines.all(a, lines.all(b, a.units == b.units))"
    began = time.perf_counter()
    with pytest.raises(NotJudged) as refused:
        answer(nested, longest=999)
    assert refused.value.reason == "too-costly"
    assert time.perf_counter() - began < 0.5
    assert answer(nested, longest=2) is False


def test_growth_inside_an_expression_stays_small() -> None:
    doubled = "['aaaaaaaaaa']" + ".map(x, x + x + x)" * 6 + ".size() == 1"
    began = time.perf_counter()
    assert answer(doubled) is True
    assert time.perf_counter() - began < 1.0


@pytest.mark.parametrize(
    "source",
    [
        "!" * 990 + "true",
        "-" * 990 + "age == 1",
        "age > 1" + " && age > 1" * 85,
        "age > 1 ? true : " * 55 + "false",
        "age" + " == age" * 130,
    ],
)
def test_long_chain_is_refused_or_answers(source: str) -> None:
    with contextlib.suppress(BadExpression, NotJudged):
        assert isinstance(answer(source), bool)


def test_pattern_that_backtracks_elsewhere_is_linear_here() -> None:
    expression = compile_expression("payer_id.matches('^(a+)+$')", FIELDS)
    began = time.perf_counter()
    assert evaluate(expression, context_of({"payer_id": "a" * 5000 + "!"}), 1) is False
    assert time.perf_counter() - began < 1.0


_PIECES = st.sampled_from(
    """age payer_id lines codes l . ( ) [ ] , + - * / ! && || == < > ? : 1 0 'x' "y" true in exists( map( filter( size(
    matches( l, l.code l.units has( __class__ eval(""".split()
)


@given(st.lists(_PIECES, max_size=24).map(" ".join))
@settings(max_examples=150, deadline=None)
def test_any_text_is_refused_or_answers_and_never_crashes(source: str) -> None:
    with contextlib.suppress(BadExpression, NotJudged):
        answer(source)
