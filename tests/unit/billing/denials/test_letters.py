"""Letters: a closed list of fields, nothing callable, a missing field refused, the same bytes for the same text."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rcm_billing.domain.denial_letter_fields import letter_fields
from rcm_billing.domain.denial_letters import (
    FIELDS,
    SHIPPED,
    LetterRefused,
    LetterTemplate,
    check_template,
    choose,
    render,
)
from rcm_billing.domain.master import AppealLevel
from rcm_billing.gateways.letter_pdf import render_pdf
from unit.billing import cases
from unit.billing.denials.desk import denied

ALL: dict[str, str | tuple[str, ...]] = {
    name: ("x1", "x2") if text.startswith("list:") else name for name, text in FIELDS.items()
}


@pytest.mark.parametrize("template", SHIPPED, ids=lambda one: str(one.name))
def test_shipped_templates_hold_and_render_from_a_claim(template: LetterTemplate) -> None:
    check_template(template.subject, template.body)
    _, case = denied()
    fields = letter_fields(
        cases.a_claim(),
        case,
        cases.MASTER,
        AppealLevel(name="first", days=120),
        payer_control="ICN1",
        code="17110",
        modifiers=(),
        diagnoses=("D225",),
        argument="",
        enclosed=(),
        today=cases.TODAY,
    )
    text = render(template, fields)
    assert "ICN1" in text
    assert "200.00" in text
    assert "{{" not in text
    assert set(fields) == set(FIELDS)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("{{ ssn }}", "template-field"),
        ("{{ ''.__class__ }}", "template-construct"),
        ("{{ attachments[0] }}", "template-construct"),
        ("{{ range(9) }}", "template-construct"),
        ("{% set a = 1 %}x", "template-construct"),
        ("{% include 'x' %}", "template-construct"),
        ("{% macro a() %}{% endmacro %}x", "template-construct"),
        ("{{ 9 ** 9 }}", "template-construct"),
        ("{{ payer_name|attr('x') }}", "template-filter"),
        ("{{ payer_name|center(900000) }}", "template-filter"),
        ("{% for c in payer_name %}{{ c }}{% endfor %}", "template-loop"),
        ("{% for a in remarks %}{% for b in remarks %}x{% endfor %}{% endfor %}", "template-loop"),
        ("{{ argument", "template-syntax"),
        ("", "template-length"),
        ("x" * 20_001, "template-length"),
    ],
)
def test_template_that_reaches_further_is_refused(body: str, code: str) -> None:
    with pytest.raises(LetterRefused) as refused:
        check_template("Subject", body)
    assert refused.value.code.startswith(code)


@pytest.mark.parametrize("name", sorted(FIELDS))
def test_a_shown_field_without_a_value_is_refused_by_name(name: str) -> None:
    shown = "{{ %s|join(', ') }}" if isinstance(ALL[name], tuple) else "{{ %s }}"
    template = LetterTemplate("t", 1, "S", shown % name)
    assert render(template, ALL)
    with pytest.raises(LetterRefused) as refused:
        render(template, {**ALL, name: ""})
    assert refused.value.code == f"field-missing:{name}"


def test_a_field_may_be_asked_for_before_it_is_shown() -> None:
    body = "{% if argument %}{{ argument }}{% else %}none{% endif %}"
    template = LetterTemplate("t", 1, "S", body)
    assert render(template, {"argument": ""}) == "S\n\nnone\n"


def test_values_are_text_and_never_templates() -> None:
    template = LetterTemplate("t", 1, "S", "{{ argument }}")
    assert "{{ ssn }}" in render(template, {"argument": "{{ ssn }} <b>&"})


def test_narrowest_template_is_chosen_and_the_operators_own_stands_before_what_ships() -> None:
    own = LetterTemplate("ours", 3, "S", "x", payer_id="P1")
    necessity = LetterTemplate("necessity", 1, "S", "x", category="medical-necessity")
    second = LetterTemplate("second", 1, "S", "x", category="medical-necessity", level=2)
    templates = (*SHIPPED, own, necessity, second)
    assert choose(templates, payer_id="P2", category="coding", level=1).name == "coding"
    assert choose(templates, payer_id="P1", category="other", level=1) is own
    assert choose(templates, payer_id="P2", category="medical-necessity", level=1) is necessity
    assert choose(templates, payer_id="P2", category="medical-necessity", level=2) is second
    assert choose(templates, payer_id="P2", category="other", level=9).name == "general"


@given(st.text(max_size=400))
@settings(max_examples=10, deadline=None)
def test_any_text_becomes_the_same_pdf_twice(text: str) -> None:
    first = render_pdf(text, "Appeal")
    assert first.startswith(b"%PDF")
    assert first == render_pdf(text, "Appeal")


def test_long_letters_have_pages_and_other_text_other_bytes() -> None:
    assert render_pdf("line\n" * 200, "Appeal").count(b"/Type /Page\n") == 5
    assert render_pdf("a", "Appeal") != render_pdf("b", "Appeal")
