"""Sections and sentences keep the offsets of the original text."""

from hypothesis import given, settings
from hypothesis import strategies as st
from rcm_coding.engine.sections import cut_sections, cut_sentences, section_kind


def test_headers_open_sections() -> None:
    text = "Chief complaint: cough\nHPI:\nCough for days.\nASSESSMENT AND PLAN:\n1. Bronchitis\nRandom words: stay\n"
    kinds = [section.kind for section in cut_sections(text)]
    assert kinds == ["chief-complaint", "hpi", "assessment"]


def test_known_headers_have_kinds() -> None:
    assert section_kind("Postoperative Diagnosis") == "diagnosis"
    assert section_kind("FAMILY HISTORY") == "family-history"
    assert section_kind("Indications for Procedure") == "indication"
    assert section_kind("Weather") is None


def test_wrapped_line_is_one_statement() -> None:
    text = "ASSESSMENT:\nThe patient is a man who is seen now for his chronic and\nsevere gout of the foot.\n2. Cough"
    section = cut_sections(text)[0]
    statements = [text[item.start : item.end] for item in cut_sentences(text, section)]
    assert any("chronic and\nsevere gout" in item for item in statements)


@given(st.text(max_size=400))
@settings(max_examples=60, deadline=None)
def test_statements_lie_inside_the_text_in_order(text: str) -> None:
    last = 0
    for section in cut_sections(text):
        for sentence in cut_sentences(text, section):
            assert 0 <= sentence.start < sentence.end <= len(text)
            assert sentence.start >= last
            last = sentence.end
