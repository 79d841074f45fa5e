"""Cue phrases: what a sentence says about a mention."""

import pytest
from rcm_coding.engine.context import SentenceContext, Status
from rcm_coding.engine.sections import Sentence, cut_sections, cut_sentences

CASES = [
    ("He has pneumonia today.", "pneumonia", Status.PRESENT),
    ("No evidence of pneumonia.", "pneumonia", Status.NEGATED),
    ("She denies fever, chills, or cough.", "cough", Status.NEGATED),
    ("Denies fever but has a cough.", "cough", Status.PRESENT),
    ("Pneumonia was ruled out.", "Pneumonia", Status.NEGATED),
    ("Influenza and COVID-19 negative.", "Influenza", Status.NEGATED),
    ("Mother has breast cancer.", "breast cancer", Status.FAMILY),
    ("Family history of diabetes.", "diabetes", Status.FAMILY),
    ("History of stroke.", "stroke", Status.HISTORY),
    ("Return if fever develops.", "fever", Status.HYPOTHETICAL),
    ("Influenza vaccine given.", "Influenza", Status.HYPOTHETICAL),
    ("Possible pneumonia.", "pneumonia", Status.UNCERTAIN),
    ("Findings are consistent with gout.", "gout", Status.UNCERTAIN),
    ("Left shoulder pain.", "pain", Status.PRESENT),
    ("Pneumonia is suspected.", "Pneumonia", Status.UNCERTAIN),
    ("Nondisplaced fracture of the radius.", "fracture", Status.PRESENT),
    ("A 50-year-old male with gout.", "gout", Status.PRESENT),
]


@pytest.mark.parametrize(("text", "mention", "status"), CASES)
def test_cue_decides_the_status(text: str, mention: str, status: Status) -> None:
    context = SentenceContext(text, Sentence("hpi", 0, len(text)))
    at = text.index(mention)
    assert context.assertion(at, at + len(mention)).status is status


def test_family_history_section_speaks_of_others() -> None:
    text = "FAMILY HISTORY:\nDiabetes, hypertension.\n"
    section = cut_sections(text)[0]
    sentence = next(cut_sentences(text, section))
    at = text.index("Diabetes")
    assert SentenceContext(text, sentence).assertion(at, at + 8).status is Status.FAMILY
