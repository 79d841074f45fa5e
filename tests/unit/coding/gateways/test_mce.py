"""The Medicare Code Editor by discharge date, and groupings that turn with the version."""

from datetime import date

import pytest
from rcm_coding.domain.edits import Severity
from rcm_coding.gateways.grouper import NOT_EVALUATED, Stay, load_grouper
from rcm_coding.gateways.mce import load_editor
from rcm_shared.contracts.coding import FinalDiagnosis, FinalProcedure

DAY = date(2026, 11, 22)


def _codes(*codes: str) -> tuple[FinalDiagnosis, ...]:
    return tuple(
        FinalDiagnosis(code, "secondary" if at else "principal", "Y") for at, code in enumerate(codes)
    )


def _drg(
    codes: tuple[str, ...], procedures: tuple[str, ...], day: date, age: int = 65, sex: str = "M"
) -> str:
    done = tuple(FinalProcedure("ICD-10-PCS", code, day) for code in procedures)
    found = load_grouper()(_codes(*codes), done, Stay(age, sex, "01", day))
    return found.drg or "999"


@pytest.mark.parametrize(
    ("codes", "age", "rule"),
    [
        (("V0001XA",), 65, "MCE:e-code-as-pdx"),
        (("Z370",), 30, "MCE:unacceptable-pdx"),
        (("J189", "J189"), 65, "MCE:duplicate-of-pdx"),
        (("S72001",), 65, "MCE:invalid-code"),
        (("O80",), 70, "MCE:age-conflict"),
        (("S72009A",), 65, "MCE:unspecified"),
        (("D638",), 65, "MCE:manifestation-as-pdx"),
    ],
)
def test_stay_meets_the_editors_rule(codes: tuple[str, ...], age: int, rule: str) -> None:
    found = load_editor()(_codes(*codes), (), Stay(age, "F", "01", DAY))
    assert [(edit.rule, edit.version) for edit in found] == [(rule, "v44.0")]
    assert found[0].authority == "CMS Medicare Code Editor"


def test_clean_stay_meets_no_rule() -> None:
    assert load_editor()(_codes("J189", "I10"), (), Stay(65, "M", "01", DAY)) == ()


def test_sex_does_not_matter_since_its_edits_were_switched_off() -> None:
    assert load_editor()(_codes("O80"), (), Stay(28, "M", "01", DAY)) == ()


@pytest.mark.parametrize("day", [date(2027, 4, 1), date(2020, 1, 1)])
def test_day_outside_the_tables_is_not_evaluated(day: date) -> None:
    (edit,) = load_editor()(_codes("J189"), (), Stay(65, "M", "01", day))
    assert edit.severity is Severity.NOT_EVALUATED
    assert edit.message == f"not evaluated: no MCE release for {day}"
    assert load_grouper()(_codes("J189"), (), Stay(65, "M", "01", day)) == NOT_EVALUATED


@pytest.mark.parametrize("day", [date(2026, 9, 12), DAY])
@pytest.mark.parametrize(
    ("codes", "procedures", "age", "sex", "drg"),
    [
        (("J189", "J9601"), (), 65, "M", "193"),
        (("J189", "N179"), (), 65, "M", "194"),
        (("J189", "I10"), (), 65, "M", "195"),
        (("A419", "J9601"), (), 65, "M", "871"),
        (("A419", "I10"), (), 65, "M", "872"),
        (("M1611",), ("0SR9019",), 65, "M", "470"),
        (("M1711",), ("0SRC0J9",), 65, "M", "470"),
        (("S72001A",), ("0SR9019",), 65, "M", "522"),
        (("I5020", "E1165"), (), 65, "M", "293"),
        (("I130", "I5023"), (), 65, "M", "291"),
        (("O80", "Z370"), ("10E0XZZ",), 28, "F", "807"),
        (("O82", "Z370"), ("10D00Z1",), 28, "F", "788"),
        (("Z3800",), (), 0, "M", "795"),
        (("I639", "G8191"), ("3E03317",), 65, "M", "062"),
        (("J9601",), ("0B110F4", "5A1955Z"), 65, "M", "004"),
    ],
)
def test_published_case_groups_in_both_years(
    codes: tuple[str, ...], procedures: tuple[str, ...], age: int, sex: str, drg: str, day: date
) -> None:
    assert _drg(codes, procedures, day, age, sex) == drg


def test_grouping_turns_with_the_discharge_date() -> None:
    before, after = date(2026, 9, 30), date(2026, 10, 1)
    assert [_drg(("J189", "Z5901"), (), day) for day in (before, after)] == ["194", "195"]
    assert [_drg(("I420",), (), day) for day in (before, after)] == ["316", "999"]
    assert [_drg(("I4201",), (), day) for day in (before, after)] == ["999", "316"]
