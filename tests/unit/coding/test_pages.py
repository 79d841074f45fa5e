"""The workplace's pages: marked words, nothing unescaped, nothing hidden by invisible signs, no inline code."""

import re
from pathlib import Path
from uuid import UUID

import pytest
import rcm_coding.pages
from hypothesis import given
from hypothesis import strategies as st
from rcm_coding.engine.evidence import Evidence
from rcm_coding.engine.tabular import Tabular
from rcm_coding.handlers.lookup import find_codes
from rcm_coding.pages.highlight import Cited, find_quote, stretches, visible

TEMPLATES = sorted((Path(rcm_coding.pages.__file__).parent / "templates").glob("*.html"))


def cited(number: int, start: int, end: int) -> Cited:
    return Cited(number, Evidence(UUID(int=1), 1, start, end, "", "diagnosis"))


def test_overlapping_spans_are_cut_into_stretches_with_all_their_codes() -> None:
    found = stretches("acute sore throat today", [cited(1, 0, 17), cited(2, 6, 17), cited(2, 6, 17)])
    assert [(item.text, item.numbers, item.begins) for item in found] == [
        ("acute ", (1,), (1,)),
        ("sore throat", (1, 2), (2,)),
        (" today", (), ()),
    ]


@given(st.text(max_size=80), st.lists(st.tuples(st.integers(-3, 90), st.integers(-3, 90)), max_size=6))
def test_no_span_loses_or_doubles_text(text: str, spans: list[tuple[int, int]]) -> None:
    found = stretches(text, [cited(at, *span) for at, span in enumerate(spans)])
    assert "".join(item.text for item in found) == visible(text)
    assert len(visible(text)) == len(text)
    assert [item.start for item in found] == sorted(item.start for item in found)


def test_controls_and_direction_marks_become_visible() -> None:
    assert visible("a\u202eb\x00c\u2066\n") == "a\ufffdb\ufffdc\ufffd\n"


@pytest.mark.parametrize(
    ("quote", "place"),
    [("SORE  throat", (6, 18)), ("a.c", None), ("", None), ("  ", None), ("today.", (19, 25))],
)
def test_quoted_words_are_found_whatever_case_and_space(quote: str, place: tuple[int, int] | None) -> None:
    assert find_quote("acute sore\n throat today. abc", quote) == place


def test_encoder_answers_codes_and_words(tabular: Tabular) -> None:
    assert find_codes("i50.2", tabular)[0].shown == "I50.2"
    assert find_codes("acute pharyngitis unspecified", tabular)[0].code == "J029"
    assert find_codes("acute pharingitis", tabular)[0].code == "J029"
    assert find_codes("S52.532A", tabular)[0].billable
    assert find_codes("x", tabular) == []
    assert find_codes("xqzzkw", tabular) == []
    assert find_codes("asthma", None) == []
    assert len(find_codes("fracture", tabular)) == 25


def test_templates_hold_no_inline_code_and_never_switch_escaping_off() -> None:
    assert len(TEMPLATES) >= 4
    for template in TEMPLATES:
        text = template.read_text()
        assert not re.search(r"<script(?![^>]*\bsrc=)|\bon\w+=|\bstyle=|\|\s*safe\b|autoescape", text), (
            template
        )
