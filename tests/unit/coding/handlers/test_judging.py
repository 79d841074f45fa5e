"""What a person is asked to look at: the procedure nobody charged, a code vaguer or bolder than the record."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from rcm_coding.domain.case import CodingCase
from rcm_coding.domain.code_set import CodeSets
from rcm_coding.engine.evidence import Evidence, Suggestion, Suggestions
from rcm_coding.handlers import commands, suggesting
from rcm_coding.handlers.commands import Add, Decide
from rcm_coding.handlers.judging import findings_of
from unit.coding.charts import NOTE, charge, open_chart

PLACE = Evidence(NOTE, 1, 3, 9, "procedure", "action")


def coded(
    code_sets: CodeSets, *, reject: tuple[str, ...] = (), add: tuple[Add, ...] = (), **changes: Any
) -> CodingCase:
    found = Suggestions(
        (
            Suggestion("ICD-10-CM", "I5022", "", 0.9, "first-listed", (PLACE,)),
            Suggestion("CPT", "47562", "", 0.9, "procedure", (PLACE,)),
            Suggestion("CPT", "49591", "", 0.9, "procedure", (PLACE,)),
        ),
        (), (), None, "r", "e", date(2026, 9, 10),
    )  # fmt: skip
    case = suggesting.suggested(open_chart(code_sets), found, 1).state
    assert case is not None
    case = commands.start(case, "ann").state
    assert case is not None
    decisions = [Decide(item.id, "reject" if item.code in reject else "accept") for item in case.assignments]
    after = commands.decide(case, "ann", decisions, add, code_sets).state
    assert after is not None
    return replace(after, **changes)


def test_documented_procedure_without_a_charge_is_shown(code_sets: CodeSets) -> None:
    case = coded(code_sets, charges=(charge("47562"),))
    assert [(item.kind, item.code) for item in findings_of(case, code_sets)] == [("missed", "49591")]
    assert findings_of(coded(code_sets, charges=(charge("47562"), charge("49591"))), code_sets) == ()


def test_rejected_suggestion_is_not_held_against_the_coder(code_sets: CodeSets) -> None:
    case = coded(code_sets, reject=("49591",), charges=(charge("47562"),))
    assert findings_of(case, code_sets) == ()


@pytest.mark.parametrize(
    ("add", "kind"),
    [
        (Add("ICD-10-CM", "J189", reason="so"), "too-aggressive"),
        (Add("ICD-10-CM", "J189", evidence=(PLACE,)), None),
    ],
)
def test_added_code_needs_words_not_to_be_called_bold(
    code_sets: CodeSets, add: Add, kind: str | None
) -> None:
    kinds = [item.kind for item in findings_of(coded(code_sets, add=(add,)), code_sets)]
    assert kinds == ([kind] if kind else [])


def test_vaguer_code_than_the_record_is_shown_with_the_better_one(code_sets: CodeSets) -> None:
    case = coded(code_sets, reject=("I5022",), add=(Add("ICD-10-CM", "I509", reason="so"),))
    (found,) = findings_of(case, code_sets)
    assert (found.kind, found.code, found.better) == ("too-vague", "I509", "I5022")


def test_without_an_edition_nothing_is_judged() -> None:
    assert findings_of(coded(CodeSets(())), CodeSets(())) == ()
