"""Notes of the usual settings and what they must yield; general rules, so other words are used than elsewhere."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rcm_coding.engine.evidence import Document, Suggestion, Suggestions
from rcm_coding.engine.knowledge import Knowledge
from rcm_coding.engine.suggest import suggest

Read = Callable[..., Suggestions]
ARTICLE = Path(__file__).parents[5] / "shared" / "design" / "articles" / "S3.txt"


def codes(found: Suggestions) -> list[str]:
    return [item.code + "".join(f"-{modifier}" for modifier in item.modifiers) for item in found.suggestions]


def words(item: Suggestion, text: str) -> list[str]:
    return [text[place.start : place.end] for place in item.evidence]


def test_mole_treated_by_freezing(read: Read) -> None:
    note = (
        "Diagnosis: Pigmented mole\nProcedure Performed: Freezing of a mole\n\n"
        "Indications: A 48-year-old man wants a mole removed that sits on his back and rubs on his belt.\n\n"
        "Procedure: The skin was cleaned and numbed. Liquid nitrogen was applied to the mole until it was frozen."
        " A dressing was placed.\n"
    )
    found = read(note)
    assert codes(found) == ["D225", "17110"]
    lesion, destruction = found.suggestions
    assert "specificity:documented-site-beats-unspecified" in lesion.rules
    assert {"back"} <= set(words(lesion, note))
    assert {"mole", "Liquid nitrogen", "back"} <= set(words(destruction, note))


def test_mole_note_of_the_article(read: Read) -> None:
    if not ARTICLE.exists():
        pytest.skip("the article's text is not in this environment")
    text = ARTICLE.read_text()
    note = text[text.index("Date of Procedure") : text.index("Based on the previous note")]
    found = read(note, kind="procedure-note")
    assert codes(found) == ["D225", "17110"]
    spans = {word.lower() for item in found.suggestions for word in words(item, note)}
    assert {"pigmented mole", "back", "liquid nitrogen"} <= spans


def test_visit_with_injection_has_modifier_25_and_side(read: Read) -> None:
    found = read(
        "HPI: Seen for follow-up of high blood pressure and right knee pain.\n"
        "ASSESSMENT:\n1. Osteoarthritis of the right knee.\n2. Hypertension, at goal.\n"
        "PROCEDURE:\nThe right knee joint was injected with 40 mg of triamcinolone.\n"
        "PLAN:\nContinue lisinopril 10 mg daily.\n"
    )
    assert codes(found) == ["M1711", "I10", "99213-25", "20610-RT", "J3301"]


def test_wrist_fracture_in_the_emergency_department(read: Read) -> None:
    found = read(
        "HPI: She tripped over a rug and fell onto her left hand.\n"
        "Exam: Blood pressure 130/80. Deformity of the left wrist.\n"
        "X-ray: two views of the left wrist show the fracture.\n"
        "Diagnosis: Displaced Colles' fracture of the left distal radius.\n"
        "Procedure: Closed reduction was performed under hematoma block; a splint was applied.\n",
        setting="ed",
        kind="ed-note",
        claim_form="837I",
    )
    assert codes(found) == ["S52532A", "W010XXA", "99283-25", "25605-LT"]


def test_follow_up_of_a_fracture_is_a_subsequent_encounter(read: Read) -> None:
    found = read("Assessment: Colles' fracture of the right radius, healing well. Cast removal today.")
    assert "S52531D" in codes(found)


def test_gallbladder_and_hernia_from_the_operative_report(read: Read) -> None:
    found = read(
        "POSTOPERATIVE DIAGNOSIS:\n1. Cholelithiasis with chronic cholecystitis.\n2. Umbilical hernia.\n"
        "DESCRIPTION OF PROCEDURE:\nPneumoperitoneum was established and trocars were placed. The gallbladder was"
        " dissected off the liver bed and removed. The umbilical hernia was then repaired: the 1.5 cm fascial defect"
        " was closed primarily. Cholangiogram was not performed.\n",
        setting="surgery",
        kind="operative-note",
        claim_form="837I",
    )
    assert codes(found) == ["K8010", "K429", "47562", "49591"]


def test_inpatient_pneumonia_with_respiratory_failure(read: Read) -> None:
    found = read(
        "ASSESSMENT: Pneumonia. Acute hypoxic respiratory failure. Type 2 diabetes mellitus.\n",
        "DISCHARGE DIAGNOSES:\n1. Pneumonia.\n2. Acute respiratory failure with hypoxia.\n3. Type 2 diabetes.\n"
        "HOSPITAL COURSE: BiPAP was used for 10 hours.\n",
        setting="inpatient",
        kind="discharge-summary",
        claim_form="837I",
    )
    assert codes(found) == ["J189", "J9601", "E119", "5A09357"]
    assert [item.role for item in found.suggestions] == ["principal", "secondary", "secondary", "procedure"]


def test_chest_ct_with_contrast(read: Read) -> None:
    found = read(
        "EXAM: CT chest with intravenous contrast\nFINDINGS: A solitary pulmonary nodule. No pleural effusion.\n"
        "IMPRESSION: Solitary pulmonary nodule.\n",
        setting="imaging",
        kind="imaging-report",
    )
    assert codes(found) == ["R911", "71260"]


HEART_FAILURE = (
    "HPI: Seen in follow-up of heart failure.\nDATA: Echocardiogram: ejection fraction 30%. BNP 640.\n"
    "ASSESSMENT: Heart failure, worsening.\nPLAN: Increase furosemide to 40 mg.\n"
)


def test_heart_failure_without_type_raises_a_gap(read: Read) -> None:
    found = read(HEART_FAILURE)
    assert codes(found) == ["I509", "99214"]
    gap = next(item for item in found.gaps if item.rule == "heart-failure-type")
    assert {HEART_FAILURE[place.start : place.end] for place in gap.indicators} >= {
        "ejection fraction 30%",
        "BNP 640",
    }


def test_answer_settles_the_gap(read: Read) -> None:
    found = read(HEART_FAILURE, "Chronic systolic heart failure.")
    assert codes(found) == ["I5022", "99214"]
    assert found.gaps == ()
    assert found.suggestions[0].score > 0.5


@pytest.mark.parametrize(
    ("text", "code", "why"),
    [
        ("Assessment: Cough. No pneumonia.", "J189", "negated"),
        ("Assessment: Cough.\nFamily history: Pneumonia.", "J189", "family"),
        ("Assessment: Cough, possible pneumonia.", "J189", "uncertain-outpatient"),
        ("Assessment: Cough.\nInstructions: Return for pneumonia.", "J189", "hypothetical"),
        ("Assessment: Likely viral pharyngitis.", "J028", "uncertain-outpatient"),
    ],
)
def test_what_is_not_stated_is_suppressed_with_the_reason(read: Read, text: str, code: str, why: str) -> None:
    found = read(text)
    assert code not in codes(found)
    assert (code, why) in {(item.code, item.why) for item in found.suppressed}
    assert all(item.evidence for item in found.suppressed)


def test_uncertain_diagnosis_counts_for_an_inpatient(read: Read) -> None:
    text = "Discharge diagnosis: Probable pneumonia."
    assert "J189" in codes(read(text, setting="inpatient", kind="discharge-summary"))
    assert "J189" not in codes(read(text))


def test_confirmed_only_condition_stays_out_when_uncertain(read: Read) -> None:
    found = read("Discharge diagnosis: Suspected COVID-19.", setting="inpatient", kind="discharge-summary")
    assert "U071" not in codes(found)


def test_hypertension_with_heart_and_kidney_disease_is_combined(read: Read) -> None:
    found = read("Assessment: Hypertension. Diastolic heart failure. Chronic kidney disease stage 3b.")
    assert {"I130", "I5030", "N1832"} <= set(codes(found))
    assert "I10" not in codes(found)


def test_symptom_of_a_stated_disease_is_not_coded(read: Read) -> None:
    found = read("HPI: Here for cough and fever.\nAssessment: Pneumonia.")
    assert codes(found)[0] == "J189"
    assert not {"R059", "R509"} & set(codes(found))


@pytest.mark.parametrize("kind", ["order", "lab-report"])
def test_order_or_laboratory_alone_supports_nothing(read: Read, kind: str) -> None:
    text = "EXAMINATION: CT chest with contrast.\nIMPRESSION: Pneumonia. Hyponatremia."
    assert read(text, setting="imaging", kind=kind).suggestions == ()


def test_imaging_alone_makes_no_inpatient_diagnosis(read: Read) -> None:
    text = "IMPRESSION: Pneumonia."
    assert codes(read(text, setting="inpatient", kind="imaging-report")) == []
    assert codes(read(text, setting="imaging", kind="imaging-report")) == ["J189"]


def test_date_outside_the_edition_is_not_evaluated(read: Read) -> None:
    found = read("Assessment: Pneumonia.", day=date(2026, 10, 1))
    assert found.suggestions == ()
    assert found.not_evaluated == ("ICD-10-CM",)


def test_stage_number_is_not_taken_from_elsewhere(read: Read) -> None:
    found = read("Assessment: Type 2 diabetes mellitus with chronic kidney disease stage 3b.")
    assert "N182" not in codes(found)
    assert {"E1122", "N1832"} <= set(codes(found))


@pytest.mark.parametrize("text", ["", "   \n\n", "\x00\x01", "؟" * 50, "A" * 5000, "1. 2. 3.\n" * 200])
def test_odd_text_yields_nothing_and_no_error(read: Read, text: str) -> None:
    assert read(text).suggestions == ()


WORDS = """no denies possible history of family mother pneumonia left right knee pain hypertension heart failure
fracture of the distal radius Assessment: Plan: HPI: , . ; İ ß type 2 diabetes mellitus stage 3 injected triamcinolone
CT chest with contrast mole back liquid nitrogen 40 mg"""
PIECES = st.sampled_from(WORDS.split())


@given(st.lists(PIECES, max_size=60), st.sampled_from(["office", "ed", "inpatient", "surgery", "imaging"]))
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_suggestion_cites_words_of_the_text(
    knowledge: Knowledge, pieces: list[str], setting: str
) -> None:
    text = " ".join(pieces)
    document = Document(UUID(int=1), 3, "office-note", text)
    found = suggest([document], setting, date(2026, 9, 1), knowledge, "837P")
    assert found == suggest([document], setting, date(2026, 9, 1), knowledge, "837P")
    for item in found.suggestions:
        assert item.evidence
        assert item.system != "ICD-10-CM" or knowledge.tabular.billable(item.code)
        for place in item.evidence:
            assert 0 <= place.start < place.end <= len(text)
            assert (place.document_id, place.version) == (UUID(int=1), 3)
