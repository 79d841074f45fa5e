"""Sentences follow the text's wrapping, and a negated term is not asserted."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rcm_query.domain import clinical_text


def test_wrapped_line_stays_one_sentence() -> None:
    text = "He is short\nof breath. BNP 410. Potassium\n4.4.\nPLAN:\nReturn."
    found = [text[start:end] for start, end in clinical_text.sentences(text)]
    assert found == ["He is short\nof breath.", "BNP 410.", "Potassium\n4.4.", "PLAN:", "Return."]


@pytest.mark.parametrize(
    ("text", "asserted"),
    [
        ("Patient has pneumonia.", True),
        ("No evidence of pneumonia.", False),
        ("Denies fever, chills or pneumonia.", False),
        ("Pneumonia was ruled out.", False),
        ("No fever but pneumonia on film.", True),
        ("No fever. Pneumonia on film.", True),
        ("pneumonias", False),
    ],
)
def test_negation(text: str, asserted: bool) -> None:
    assert bool(list(clinical_text.asserted(text, "pneumonia"))) is asserted


@given(st.text(alphabet="ab .!?\n;A1", max_size=60))
def test_sentences_are_ordered_and_lose_no_word(text: str) -> None:
    spans = list(clinical_text.sentences(text))
    assert all(a < b for a, b in spans)
    assert all(first[1] <= second[0] for first, second in pairwise(spans))
    assert "".join("".join(text[a:b] for a, b in spans).split()) == "".join(text.split())
