"""Axes that the record states, histories, statuses, modifiers, present on admission and judged codes."""

from collections.abc import Callable

import pytest
from rcm_coding.engine.detectors import judge_codes, missed_charges
from rcm_coding.engine.evidence import Suggestions
from rcm_coding.engine.states import bmi_code
from rcm_coding.engine.tabular import Tabular
from rcm_coding.engine.visit_tables import VISIT_LABELS

Read = Callable[..., Suggestions]


def diagnoses(found: Suggestions) -> list[str]:
    return [item.code for item in found.suggestions if item.system == "ICD-10-CM"]


@pytest.mark.parametrize(
    ("weeks", "code"),
    [(8, "O2341"), (13, "O2341"), (14, "O2342"), (27, "O2342"), (28, "O2343"), (40, "O2343")],
)
def test_weeks_decide_the_trimester(read: Read, weeks: int, code: str) -> None:
    found = read(f"HPI: G2P1 at {weeks} weeks gestation.\nAssessment: Urinary tract infection in pregnancy.")
    assert diagnoses(found) == [code, f"Z3A{weeks:02d}"]


def test_weeks_of_birth_are_no_pregnancy(read: Read) -> None:
    assert "Z3A34" not in diagnoses(
        read("HPI: The child was born at 34 weeks gestation.\nAssessment: Mild intermittent asthma.")
    )


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("Closed fracture of the right clavicle", "S42001A"),
        ("Right clavicle fracture, healing well", "S42001D"),
        ("Right clavicle fracture with nonunion", "S42001K"),
        ("Right clavicle fracture with delayed healing", "S42001G"),
        ("Sequela of right clavicle fracture", "S42001S"),
    ],
)
def test_encounter_comes_from_the_injurys_own_words(read: Read, words: str, code: str) -> None:
    assert diagnoses(read(f"HPI: Seen today.\nAssessment: {words}.")) == [code]


def test_a_side_elsewhere_counts_only_for_the_same_part(read: Read) -> None:
    found = read(
        "HPI: Knee pain. Tingling of the right foot has gone.\nAssessment: Osteoarthritis of the knee."
    )
    assert diagnoses(found) == ["M179"] or diagnoses(found) == ["M1710"]


@pytest.mark.parametrize(
    ("note", "code"),
    [
        ("Assessment: Migraine. History of breast cancer.", "Z853"),
        ("Assessment: Migraine.\nPast medical history: prior stroke without residual deficits", "Z8673"),
        ("Assessment: Migraine. Ex-smoker.", "Z87891"),
        ("Assessment: Migraine.\nSocial history: smokes 1 pack per day", "F17210"),
        ("Assessment: ESRD on hemodialysis.", "Z992"),
        ("Assessment: COPD, on home oxygen.", "Z9981"),
        ("Assessment: Left hemiparesis following stroke.", "I69354"),
        ("Assessment: Type 2 diabetes.\nMedications: Lantus 20 units nightly", "Z794"),
    ],
)
def test_history_status_and_drugs(read: Read, note: str, code: str) -> None:
    assert code in diagnoses(read(f"HPI: Seen for follow-up.\n{note}"))


@pytest.mark.parametrize(
    ("note", "code"),
    [
        ("Assessment: Migraine. No history of breast cancer.", "Z853"),
        ("Assessment: Migraine. Her mother had a history of stroke.", "Z8673"),
        ("Assessment: Migraine.\nSocial history: never smoker", "F17"),
        ("Assessment: Migraine. BMI 41.", "Z68"),
        ("Assessment: Prediabetes.\nPlan: start insulin if worse", "Z794"),
    ],
)
def test_what_is_denied_or_of_others_is_no_status(read: Read, note: str, code: str) -> None:
    assert not [
        item for item in diagnoses(read(f"HPI: Seen for follow-up.\n{note}")) if item.startswith(code)
    ]


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (7.9, None),
        (19.9, "Z681"),
        (20, "Z6820"),
        (39.9, "Z6839"),
        (40, "Z6841"),
        (44.9, "Z6841"),
        (45, "Z6842"),
        (50, "Z6843"),
        (60, "Z6844"),
        (70, "Z6845"),
        (120, None),
    ],
)
def test_body_mass_index(value: float, code: str | None) -> None:
    assert bmi_code(value) == code


@pytest.mark.parametrize(
    ("note", "code", "modifier"),
    [
        ("Right knee joint was injected with 40 mg of triamcinolone.", "20610", "RT"),
        ("Both knee joints were injected with triamcinolone.", "20610", "50"),
        ("Laceration of the right thumb, 2 cm, was closed with sutures.", "12001", "F5"),
        (
            "The left knee joint injection was aborted; the injection procedure was discontinued."
            " The left knee joint was injected.",
            "20610",
            "53",
        ),
    ],
)
def test_modifiers_come_from_the_record(read: Read, note: str, code: str, modifier: str) -> None:
    found = read(f"Assessment: Pain.\nProcedure: {note}", kind="procedure-note")
    item = next(item for item in found.suggestions if item.code == code)
    assert modifier in item.modifiers


def test_telehealth_visit(read: Read) -> None:
    found = read(
        "HPI: Video visit for follow-up.\nAssessment: Migraine, stable.\nPlan: Continue sumatriptan 50 mg."
    )
    item = next(item for item in found.suggestions if item.code in VISIT_LABELS)
    assert item.modifiers == ("95",)


def test_present_on_admission(read: Read) -> None:
    found = read(
        "HPI: Presented with pneumonia.\nHospital course: On hospital day 3 she developed acute kidney injury.\n"
        "Discharge diagnoses:\n1. Pneumonia\n2. Acute kidney injury\n3. Hypertension\n4. Hypokalemia\n",
        setting="inpatient",
        kind="discharge-summary",
        claim_form="837I",
    )
    poa = {item.code: item.poa for item in found.suggestions}
    assert poa == {"J189": "Y", "N179": "N", "I10": "Y", "E876": "U"}


@pytest.mark.parametrize(
    ("codes", "finding"),
    [
        (["K819"], ("too-vague", "K819", "record-says-more", "K810")),
        (["I2119"], ("too-aggressive", "I2119", "denied", "")),
        (["E1165"], ("too-aggressive", "E1165", "record-says-otherwise", "E119")),
        (["G35"], ("too-aggressive", "G35", "no-evidence", "")),
        (["K810"], ("missed", "E119", "documented-not-coded", "E119")),
    ],
)
def test_chosen_codes_are_judged(
    read: Read, tabular: Tabular, codes: list[str], finding: tuple[str, str, str, str]
) -> None:
    found = read(
        "Discharge diagnoses:\n1. Acute cholecystitis\n2. Type 2 diabetes\nHospital course:"
        " Myocardial infarction was ruled"
        " out.",
        setting="inpatient",
        kind="discharge-summary",
    )
    judged = {(item.kind, item.code, item.why, item.better) for item in judge_codes(codes, found, tabular)}
    assert finding in judged


def test_hernia_repaired_with_the_gallbladder_is_missed_in_the_charges(read: Read) -> None:
    found = read(
        "POSTOPERATIVE DIAGNOSIS: Gallstones with chronic cholecystitis. Umbilical hernia.\n"
        "PROCEDURE: Laparoscopic cholecystectomy. The 1 cm umbilical hernia defect was repaired with mesh.",
        setting="surgery",
        kind="operative-note",
    )
    places = [place for item in found.findings for place in item.evidence]
    findings = missed_charges({"47562"}, found, places)
    assert {(item.kind, item.code) for item in findings} == {("missed", "49591"), ("missed", "")}
    assert missed_charges({"47562", "49591", "C1781"}, found, places) == []
