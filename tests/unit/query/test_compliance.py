"""Every rule of the lint has a query that keeps it and one that breaks it, and every template passes."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from rcm_query.domain.clinical_text import pattern
from rcm_query.domain.compliance import RULES, lint
from rcm_query.domain.composition import Document, Record, compose
from rcm_query.domain.provider_query import Content, Form, Mode, Option, OptionKind, ProviderQuery, draft
from rcm_query.domain.templates import TEMPLATES
from rcm_shared.contracts.coding import Indicator

ENCOUNTER, DOCUMENT = UUID(int=1), UUID(int=2)
NOW = datetime(2026, 9, 28, 12, tzinfo=UTC)

HEART = (
    "HISTORY:\nSeen for follow-up of heart failure. Trace ankle edema.\n"
    "DATA:\nEchocardiogram: left ventricular ejection fraction 30%. BNP 410.\nASSESSMENT:\nHeart failure, stable."
)
NOTES = {
    "heart-failure-type": HEART,
    "pneumonia-organism": "Pneumonia treated. Sputum grew Klebsiella pneumoniae. Dysphagia. Blood cultures no growth.",
    "anemia-type": "Anemia. Blood loss 900 ml, transfused. Chronic kidney disease stage 3. Iron studies normal.",
    "fracture-laterality": "Distal radius fracture after a fall. Splint applied.",
    "side-missing": "Osteoarthritis of the knee, worse on stairs.",
    "heart-failure-possible": "Pitting edema to the knees. BNP 1240. Ejection fraction 60%. IV furosemide given.",
    "respiratory-failure-type": "Respiratory failure. SpO2 84% on room air, PaCO2 62, placed on BiPAP. Known COPD.",
    "respiratory-failure-possible": "SpO2 84% on room air, accessory muscle use, high-flow oxygen. Later SpO2 96%.",
    "sepsis-possible": "Pneumonia. Temperature 39.1, WBC 18.2, lactate 3.1. Blood cultures no growth.",
    "kidney-disease-stage": "Chronic kidney disease. eGFR (CKD-EPI) 38, creatinine 1.8.",
    "atrial-fibrillation-type": "Atrial fibrillation on apixaban and metoprolol. Now sinus rhythm.",
    "blood-loss-anemia-possible": "Hemoglobin 10.8 to 6.9 after surgery, EBL 900 ml. No further bleeding.",
    "pressure-ulcer-stage": "Pressure ulcer of the sacrum, full-thickness, with slough. Wound nurse following.",
    "malnutrition-possible": "BMI 16.9, weight loss of 12 kg, temporal wasting. Normal appetite now.",
    "obesity-diagnosis": "BMI 36.2. Weight loss counseling, diet and exercise.",
    "sodium-diagnosis": "Sodium 124, fluid restriction started. Urine osmolality sent. Sodium 136 on day 3.",
    "stroke-detail": "Stroke. NIHSS 8. Occlusion of the left MCA. Atrial fibrillation on telemetry.",
    "encephalopathy-possible": "Confused and lethargic, CAM positive. Sodium 118. At baseline by day 3.",
}


def a_record(text: str = HEART, **changes: Any) -> Record:
    """Make a record of one document."""
    document = Document(ENCOUNTER, DOCUMENT, 1, "office-note", date(2026, 9, 10), "P1", text)
    return Record(ENCOUNTER, (replace(document, **changes),), frozenset({"P1"}))


def a_query(rule: str = "heart-failure-type", text: str = HEART, **changes: Any) -> ProviderQuery:
    """Make a draft whose indicator is the note's first ten characters."""
    query = draft(
        query_id=UUID(int=9),
        rule=rule,
        provider_id="P1",
        indicators=(Indicator(DOCUMENT, 1, 0, min(10, len(text))),),
        blocks_coding=True,
        requested_by="coder:1",
        now=NOW,
    )
    return query.model_copy(update=changes)


def composed(rule: str = "heart-failure-type", text: str = HEART) -> Content:
    """Compose a query of a rule."""
    return compose(a_query(rule, text), TEMPLATES[rule], a_record(text))


CONTENT = composed()


def but(**changes: Any) -> Content:
    """Change the compliant content."""
    return CONTENT.model_copy(update=changes)


def with_option(index: int, **changes: Any) -> Content:
    """Change one option."""
    options = list(CONTENT.options)
    options[index] = options[index].model_copy(update=changes)
    return but(options=tuple(options))


@pytest.mark.parametrize("rule", TEMPLATES)
def test_template_composes_a_compliant_query(rule: str) -> None:
    content = composed(rule, NOTES[rule])
    assert lint(a_query(rule, NOTES[rule]), content, a_record(NOTES[rule])) == ()
    clinical = [option for option in content.options if option.kind is OptionKind.CLINICAL]
    assert content.form is TEMPLATES[rule].form
    assert len(clinical) >= 2 if content.form is Form.MULTIPLE_CHOICE else not clinical
    assert all(option.supported_by for option in clinical)
    assert [option.kind for option in content.options[-2:]] == [OptionKind.OTHER, OptionKind.UNABLE]


@pytest.mark.parametrize("rule", TEMPLATES)
def test_template_names_nothing_where_nothing_is_documented(rule: str) -> None:
    text = "Patient seen. Findings noted."
    content = composed(rule, text)
    assert lint(a_query(rule, text), content, a_record(text)) == ()
    assert content.form is Form.OPEN
    assert content.title == TEMPLATES[rule].neutral_title


@pytest.mark.parametrize("rule", TEMPLATES)
def test_every_answer_of_a_template_keeps_the_rules_on_words(rule: str) -> None:
    template = TEMPLATES[rule]
    everything = tuple(
        Option(key=o.key, label=o.label, statement=o.statement, kind=o.kind)
        for o in sorted(template.options, key=lambda option: option.label.casefold())
    )
    content = but(title=template.title, stem=template.stem, options=everything)
    for word_rule in ("Q2", "Q6", "Q11"):
        assert not RULES[word_rule].broken(a_query(rule), content, a_record()), word_rule
    assert all(option.support and option.statement for option in template.options)
    assert len({option.key for option in template.options}) == len(template.options)


@pytest.mark.parametrize("rule", TEMPLATES)
def test_neutral_words_name_no_condition_of_any_template(rule: str) -> None:
    template = TEMPLATES[rule]
    words = f"{template.neutral_title}\n{template.neutral_stem}"
    for other in TEMPLATES.values():
        assert pattern(other.subject).search(words) is None, other.rule


@pytest.mark.parametrize("rule", [rule for rule in TEMPLATES if TEMPLATES[rule].absent])
def test_question_about_findings_names_no_condition_even_where_one_was_brought_up(rule: str) -> None:
    template = TEMPLATES[rule]
    assert template.absent is not None
    assert template.may_be_insignificant
    named = template.absent.label.removesuffix(" is not present")
    text = f"{NOTES[rule]} {named} brought up by the consultant."
    without, content = composed(rule, NOTES[rule]), composed(rule, text)
    assert lint(a_query(rule, text), content, a_record(text)) == ()
    assert pattern(template.subject).search(f"{content.title}\n{content.stem}") is None
    assert OptionKind.DISAGREE in {option.kind for option in content.options}
    assert OptionKind.DISAGREE not in {option.kind for option in without.options}


@pytest.mark.parametrize(
    ("rule", "text", "offered"),
    [
        (
            "respiratory-failure-type",
            "Respiratory failure. SpO2 84%, accessory muscle use.",
            {"acute-hypoxia"},
        ),
        (
            "respiratory-failure-possible",
            "SpO2 84% on room air, RR 34.",
            {"acute-hypoxia", "hypoxemia", "distress"},
        ),
        (
            "kidney-disease-stage",
            "Chronic kidney disease. eGFR 38.",
            {"stage-3a", "stage-3b", "stage-4"},
        ),
        ("kidney-disease-stage", "Chronic kidney disease. Creatinine 1.8.", set()),
        (
            "pressure-ulcer-stage",
            "Pressure ulcer of the heel, stage 2. Kidney disease stage 4.",
            {"stage-2"},
        ),
        ("pressure-ulcer-stage", "Pressure ulcer. Kidney disease stage 4.", set()),
        ("sodium-diagnosis", "Sodium 124. Salt tablets.", {"hyponatremia"}),
        ("obesity-diagnosis", "BMI 41.", {"class-3", "not-obesity"}),
        (
            "stroke-detail",
            "Stroke. Left MCA occlusion. Cardioembolic source.",
            {"embolism", "embolism-left-middle-cerebral-artery"},
        ),
        ("encephalopathy-possible", "Confused. Oxycodone given.", {"toxic"}),
        ("blood-loss-anemia-possible", "Hemoglobin 12.1 after surgery.", set()),
        ("heart-failure-possible", "Leg edema. BNP 88. IV furosemide.", {"fluid-overload"}),
        (
            "atrial-fibrillation-type",
            "Atrial fibrillation. Cardioversion planned.",
            {"paroxysmal", "persistent"},
        ),
        ("sepsis-possible", "Fever, tachycardia. Acute pancreatitis.", {"non-infectious"}),
    ],
)
def test_record_supports_exactly_the_answers_offered(rule: str, text: str, offered: set[str]) -> None:
    content = composed(rule, text)
    assert {option.key for option in content.options if option.kind is OptionKind.CLINICAL} == offered
    assert lint(a_query(rule, text), content, a_record(text)) == ()


def test_negated_condition_is_not_named() -> None:
    text = "No evidence of heart failure. Ejection fraction 30%."
    assert composed(text=text).title == TEMPLATES["heart-failure-type"].neutral_title


def test_reduced_ejection_fraction_offers_systolic_options_only() -> None:
    keys = {option.key for option in CONTENT.options}
    assert {"chronic-systolic", "acute-on-chronic-systolic"} <= keys
    assert not any(key.endswith("diastolic") and "systolic" not in key.split("-") for key in keys - {"other"})


def test_contrary_findings_are_quoted() -> None:
    content = composed("sepsis-possible", NOTES["sepsis-possible"])
    assert any(quote.contrary and "no growth" in quote.text for quote in content.quotes)


def test_quotes_are_verbatim_with_kind_and_date() -> None:
    for quote in CONTENT.quotes:
        assert HEART[quote.start : quote.end] == quote.text
        assert (quote.kind, quote.written_on) == ("office-note", date(2026, 9, 10))


def _drop_contrary() -> tuple[ProviderQuery, Content, Record]:
    text = NOTES["sepsis-possible"]
    content = composed("sepsis-possible", text)
    kept = tuple(
        quote.model_copy(update={"end": quote.start + 1, "text": quote.text[:1]}) for quote in content.quotes
    )
    return a_query("sepsis-possible", text), content.model_copy(update={"quotes": kept}), a_record(text)


def _prior(labelled: bool) -> tuple[ProviderQuery, Content, Record]:
    record = a_record(encounter_id=UUID(int=77))
    content = compose(a_query(), TEMPLATES["heart-failure-type"], record)
    used = {position for option in content.options for position in option.supported_by}
    quotes = tuple(
        quote.model_copy(update={"prior": labelled})
        for position, quote in enumerate(content.quotes)
        if position in used or quote.contrary
    )
    places = [position for position in range(len(content.quotes)) if position in used]
    options = tuple(
        option.model_copy(update={"supported_by": tuple(places.index(p) for p in option.supported_by)})
        for option in content.options
    )
    return a_query(), content.model_copy(update={"quotes": quotes, "options": options}), record


Case = Callable[[], tuple[ProviderQuery, Content, Record]]
BROKEN: dict[str, list[Case]] = {
    "Q1": [
        lambda: (a_query(), but(quotes=()), a_record()),
        lambda: (
            a_query(),
            but(quotes=(CONTENT.quotes[0].model_copy(update={"written_on": None}),)),
            a_record(),
        ),
        lambda: (
            a_query(),
            but(quotes=(CONTENT.quotes[0].model_copy(update={"text": "made up"}),)),
            a_record(),
        ),
    ],
    "Q2": [
        lambda: (a_query(), but(stem="Please clarify, as this affects the DRG."), a_record()),
        lambda: (a_query(), but(title="Needed for payment"), a_record()),
        lambda: (a_query(), with_option(0, label="Chronic systolic heart failure (MCC)"), a_record()),
        lambda: (a_query(), but(stem="A quality score depends on this."), a_record()),
        lambda: (a_query(), but(stem="Worth $500."), a_record()),
    ],
    "Q3": [
        lambda: (a_query(), but(title="Sepsis clarification"), a_record()),
        lambda: (a_query(), but(stem="Does the patient have acute respiratory failure?"), a_record()),
    ],
    "Q4": [
        lambda: (a_query(), with_option(0, supported_by=()), a_record()),
        lambda: (a_query(), but(options=CONTENT.options[1:]), a_record()),
        lambda: (a_query(), but(options=CONTENT.options[:-1]), a_record()),
    ],
    "Q5": [lambda: (a_query(), but(form=Form.YES_NO), a_record())],
    "Q6": [
        lambda: (a_query(), with_option(0, preselected=True), a_record()),
        lambda: (a_query(), but(options=CONTENT.options[1::-1] + CONTENT.options[2:]), a_record()),
        lambda: (a_query(), with_option(0, label="Acute systolic heart failure (recommended)"), a_record()),
    ],
    "Q7": [_drop_contrary],
    "Q8": [lambda: _prior(False)],
    "Q9": [
        lambda: (a_query(mode=Mode.VERBAL), CONTENT, a_record()),
        lambda: (a_query(mode=Mode.VERBAL, asked_at=NOW - timedelta(hours=3)), CONTENT, a_record()),
    ],
    "Q10": [
        lambda: (a_query(provider_id=None), CONTENT, a_record()),
        lambda: (a_query(provider_id="P2"), CONTENT, a_record()),
    ],
    "Q11": [
        lambda: (
            a_query(internal_note="high value case"),
            but(stem="High value case: please clarify."),
            a_record(),
        ),
        lambda: (a_query(), but(stem="Impact: please clarify."), a_record()),
    ],
    "Q12": [
        lambda: (a_query(history=()), CONTENT, a_record()),
        lambda: (a_query(requested_by=""), CONTENT, a_record()),
    ],
}
KEPT: dict[str, list[Case]] = {
    "Q5": [lambda: (a_query(), but(form=Form.YES_NO, purpose="present-on-admission"), a_record())],
    "Q8": [lambda: _prior(True)],
    "Q9": [lambda: (a_query(mode=Mode.VERBAL, asked_at=NOW - timedelta(minutes=2)), CONTENT, a_record())],
    "Q11": [lambda: (a_query(internal_note="high value case"), CONTENT, a_record())],
}


def test_every_rule_has_cases() -> None:
    assert list(RULES) == [f"Q{n}" for n in range(1, 13)] == list(BROKEN)
    assert {rule.judged_by for rule in RULES.values()} == {"text", "structure", "text and structure"}


@pytest.mark.parametrize(("rule", "case"), [(rule, case) for rule, cases in BROKEN.items() for case in cases])
def test_broken_rule_is_found(rule: str, case: Case) -> None:
    assert rule in lint(*case())


@pytest.mark.parametrize("rule", RULES)
def test_kept_rule_is_not_found(rule: str) -> None:
    assert not RULES[rule].broken(a_query(), CONTENT, a_record())
    for case in KEPT.get(rule, ()):
        assert not RULES[rule].broken(*case())
