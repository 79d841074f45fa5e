"""Specificity prompts name the axis that a code leaves open and the codes that each answer leads to."""

import pytest
from rcm_coding.engine.search.prompts import QUESTIONS, Prompt, missing_axes, prompts_for
from rcm_coding.engine.tabular import Tabular


def prompt(tabular: Tabular, code: str, axis: str) -> dict[str, tuple[str, ...]]:
    found: Prompt = next(item for item in prompts_for(tabular, code) if item.axis == axis)
    return {choice.answer: choice.codes for choice in found.choices}


@pytest.mark.parametrize(
    ("code", "axes"),
    [
        ("S52.53", {"side", "encounter", "open-closed", "healing"}),
        ("S72.0", {"site", "side", "displacement", "encounter", "open-closed"}),
        ("S72.001", {"site", "encounter", "open-closed", "healing"}),
        ("S72.009A", {"site", "side"}),
        ("L89", {"site", "side", "stage"}),
        ("N18.9", {"stage"}),
        ("O10.01", {"trimester"}),
        ("J45", {"severity"}),
        ("I50.9", {"type"}),
        ("E11", {"complication"}),
        ("C50.9", {"site", "side"}),
        ("M17.9", {"side", "type"}),
        ("H40.11", {"side", "severity"}),
        ("T50.9", {"intent", "encounter"}),
        ("S06.0", {"coma", "encounter"}),
        ("W19", {"encounter"}),
    ],
)
def test_missing_axes_are_named(tabular: Tabular, code: str, axes: set[str]) -> None:
    assert axes <= set(missing_axes(tabular, code))


@pytest.mark.parametrize(
    "code", ["D22.5", "I10", "B20", "S52.532A", "N18.4", "M17.11", "L89.153", "nonsense"]
)
def test_code_that_says_all_has_no_prompt(tabular: Tabular, code: str) -> None:
    assert prompts_for(tabular, code) == ()


def test_answers_lead_to_codes(tabular: Tabular) -> None:
    assert prompt(tabular, "S52.53", "side") == {
        "right": ("S52.531",),
        "left": ("S52.532",),
        "unspecified": ("S52.539",),
    }
    assert prompt(tabular, "N18.9", "stage")["stage 4"] == ("N18.4",)
    assert prompt(tabular, "W19", "encounter") == {
        "initial": ("W19.XXXA",),
        "subsequent": ("W19.XXXD",),
        "sequela": ("W19.XXXS",),
    }
    assert prompt(tabular, "S72.001", "open-closed")["open fracture type I or II"] == (
        "S72.001B",
        "S72.001E",
        "S72.001H",
        "S72.001M",
        "S72.001Q",
    )
    assert prompt(tabular, "I50.9", "type")["Systolic (congestive) heart failure"] == ("I50.2",)


def test_unspecified_stands_last(tabular: Tabular) -> None:
    for code in ("N18", "L89", "S52.53", "M17.9"):
        for found in prompts_for(tabular, code):
            answers = [choice.answer for choice in found.choices]
            assert "unspecified" not in answers[:-1]


def test_every_prompt_has_a_question_and_distinct_answers(tabular: Tabular) -> None:
    for code in list(tabular.concepts)[::53]:
        for found in prompts_for(tabular, code):
            assert found.axis in QUESTIONS
            assert len(found.choices) > 1 or found.at.startswith("S06")  # died of it: only one encounter
            assert all(choice.codes for choice in found.choices)
            assert len({choice.answer for choice in found.choices}) == len(found.choices)
