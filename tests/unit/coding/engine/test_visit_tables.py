"""E/M tables: every combination of the three elements and every minute boundary."""

from datetime import date
from itertools import product

import pytest
from rcm_coding.engine.visit_tables import (
    VisitKind,
    code_by_decision,
    code_by_minutes,
    decision_level,
    prolonged,
)

DAY = date(2026, 9, 14)
CODES = {
    VisitKind.OFFICE_NEW: ["99202", "99203", "99204", "99205"],
    VisitKind.OFFICE_ESTABLISHED: ["99212", "99213", "99214", "99215"],
    VisitKind.EMERGENCY: ["99282", "99283", "99284", "99285"],
    VisitKind.HOSPITAL_INITIAL: ["99221", "99221", "99222", "99223"],
    VisitKind.HOSPITAL_SUBSEQUENT: ["99231", "99231", "99232", "99233"],
    VisitKind.HOSPITAL_SAME_DAY: ["99234", "99234", "99235", "99236"],
}


@pytest.mark.parametrize("elements", list(product((1, 2, 3, 4), repeat=3)))
def test_two_of_three_elements_decide(elements: tuple[int, int, int]) -> None:
    level = decision_level(*elements)
    assert sum(element >= level for element in elements) >= 2
    assert level == 4 or sum(element >= level + 1 for element in elements) < 2
    for kind, codes in CODES.items():
        assert code_by_decision(kind, level, DAY) == codes[level - 1]


@pytest.mark.parametrize(
    ("kind", "steps"),
    [
        (VisitKind.OFFICE_NEW, [(15, "99202"), (30, "99203"), (45, "99204"), (60, "99205")]),
        (VisitKind.OFFICE_ESTABLISHED, [(10, "99212"), (20, "99213"), (30, "99214"), (40, "99215")]),
        (VisitKind.HOSPITAL_INITIAL, [(40, "99221"), (55, "99222"), (75, "99223")]),
        (VisitKind.HOSPITAL_SUBSEQUENT, [(25, "99231"), (35, "99232"), (50, "99233")]),
        (VisitKind.HOSPITAL_SAME_DAY, [(45, "99234"), (70, "99235"), (85, "99236")]),
        (VisitKind.HOSPITAL_DISCHARGE, [(1, "99238"), (31, "99239")]),
    ],
)
def test_minutes_to_meet_or_exceed(kind: VisitKind, steps: list[tuple[int, str]]) -> None:
    for minutes in range(181):
        expected = next((code for least, code in reversed(steps) if minutes >= least), None)
        assert code_by_minutes(kind, minutes, DAY) == expected


def test_emergency_visits_have_no_time_option() -> None:
    assert code_by_minutes(VisitKind.EMERGENCY, 120, DAY) is None


def test_years_before_the_rules_are_not_levelled() -> None:
    assert code_by_decision(VisitKind.OFFICE_NEW, 3, date(2020, 12, 31)) is None
    assert code_by_decision(VisitKind.OFFICE_NEW, 3, date(2021, 1, 1)) == "99204"
    assert code_by_decision(VisitKind.HOSPITAL_INITIAL, 3, date(2022, 12, 31)) is None
    assert code_by_minutes(VisitKind.HOSPITAL_INITIAL, 60, date(2023, 1, 1)) == "99222"


@pytest.mark.parametrize(
    ("kind", "minutes", "medicare", "expected"),
    [
        (VisitKind.OFFICE_NEW, 74, False, None),
        (VisitKind.OFFICE_NEW, 75, False, ("99417", 1)),
        (VisitKind.OFFICE_NEW, 90, False, ("99417", 2)),
        (VisitKind.OFFICE_NEW, 88, True, None),
        (VisitKind.OFFICE_NEW, 89, True, ("G2212", 1)),
        (VisitKind.OFFICE_ESTABLISHED, 55, False, ("99417", 1)),
        (VisitKind.OFFICE_ESTABLISHED, 68, True, None),
        (VisitKind.HOSPITAL_INITIAL, 90, False, ("99418", 1)),
        (VisitKind.HOSPITAL_INITIAL, 105, True, ("G0316", 1)),
        (VisitKind.EMERGENCY, 200, False, None),
    ],
)
def test_prolonged_service(
    kind: VisitKind, minutes: int, medicare: bool, expected: tuple[str, int] | None
) -> None:
    assert prolonged(kind, minutes, DAY, medicare=medicare) == expected
