"""A pattern is passed over only where it would have found nothing."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rcm_coding.engine import context, gaps, pcs_tables, state_tables
from rcm_coding.engine.prefilter import Scan, required_words

#: Patterns of the engine, of every kind that it holds.
PATTERNS = [
    *(pattern for rule in gaps.RULES for pattern in rule.indicators),
    *(operation.action for operation in pcs_tables.OPERATIONS),
    *(pattern for _, pattern in state_tables.HISTORY_RE),
    *(pattern for _, pattern in (*context._BEFORE_RE, *context._AFTER_RE)),
    context._PSEUDO,
    state_tables.DEMENTIA,
]


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        (r"\bmole\b", {"mole"}),
        (r"\b(?:left|right) knee", {"left knee", "right knee"}),
        (r"colou?r", {"color", "colour"}),
        (r"\bstage (?:[1-4]|iv)\b", {"stage "}),
        (r"\bbnp\b[^.;\n]{0,25}?\d{2,5}", {"bnp"}),
        (r"(?:dvt|deep (?:vein|venous) thromb\w+)", {"dvt", "eep vein thromb", "eep venous thromb"}),
        (r"\b(?:hgb|hemoglobin)\b\d?", {"hgb", "hemoglobin"}),
        (r"(?:thick|thin|tender\w*)ness", {"ness"}),
        (r"(?i)Hodgkin(?:'?s)?", {"hodgkin", "hodgkins", "hodgkin's"}),
        (r"\d+ ?%", None),
        (r"(?:mole)?", None),
        (r"(?:mole|\d+)", None),
        (r"(?!mole)\w+", None),
        (r"(?:no )*sign", {"sign"}),
    ],
)
def test_words_of_a_pattern_are_those_that_a_match_must_hold(pattern: str, words: set[str] | None) -> None:
    assert required_words(re.compile(pattern)) == words


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(PATTERNS), st.data())
def test_what_matches_is_never_passed_over(pattern: re.Pattern[str], data: st.DataObject) -> None:
    text = data.draw(st.from_regex(pattern))
    if pattern.search(text):
        scan = Scan(text)
        assert scan.may_match(pattern)
        assert scan.may_match(pattern, text.lower())


@pytest.mark.parametrize("text", ["\u017ftroke", "d\u0131abetes in her mother", "\u212aidney"])
def test_letters_that_patterns_take_for_others_are_no_obstacle(text: str) -> None:
    for words in ("stroke", "diabetes", "kidney"):
        pattern = re.compile(words, re.IGNORECASE)
        if pattern.search(text):
            assert Scan(text).may_match(pattern)
            assert Scan(text).may_match(pattern, text.lower())


def test_most_patterns_of_the_engine_have_words() -> None:
    assert sum(required_words(pattern) is not None for pattern in PATTERNS) > 0.8 * len(PATTERNS)


def test_a_text_without_the_words_is_passed_over() -> None:
    scan = Scan("The left knee hurts. Stroke in 2019.")
    stroke = re.compile(r"\bstroke\b", re.IGNORECASE)
    assert scan.may_match(stroke)
    assert not scan.may_match(stroke, "the left knee hurts.")
    assert not scan.may_match(re.compile(r"\bankle\b"))
