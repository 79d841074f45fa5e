"""Whether a final diagnosis is one that the record only suspects."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from rcm_coding.domain.case import Choice, CodeAssignment, CodingCase, SuppressedCode, codes_for_claim

SUSPECTED = SuppressedCode("J189", "uncertain-outpatient", ())


def chosen(code: str, source: str = "coder", choice: Choice = Choice.ACCEPTED) -> CodeAssignment:
    """Return a diagnosis that stands on the claim."""
    return CodeAssignment(UUID(int=1), "ICD-10-CM", code, "", "first-listed", choice, source)


def case(*assignments: CodeAssignment, **changes: Any) -> CodingCase:
    """Return a chart whose current record the engine has read."""
    values: dict[str, Any] = {"record_version": 2, "suggested_version": 2, "assignments": assignments}
    return replace(CodingCase(UUID(int=77), "F1"), **(values | changes))


@pytest.mark.parametrize(
    ("chart", "uncertain"),
    [
        (case(chosen("J189"), suppressed=(SUSPECTED,)), True),
        (case(chosen("J180"), suppressed=(SUSPECTED,)), True),
        (case(chosen("J189", source="cac"), suppressed=(SUSPECTED,)), False),
        (case(chosen("I10"), suppressed=(SUSPECTED,)), False),
        (case(chosen("J189"), suppressed=(SuppressedCode("J189", "negated", ()),)), False),
        (case(chosen("J189"), suggested_version=1), None),
        (case(chosen("J189"), suggested_version=0, record_version=0), None),
    ],
)
def test_diagnosis_that_the_record_only_suspects_is_marked(chart: CodingCase, uncertain: bool | None) -> None:
    (diagnosis,), _ = codes_for_claim(chart)
    assert diagnosis.uncertain is uncertain
