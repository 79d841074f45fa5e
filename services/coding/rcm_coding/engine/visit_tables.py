"""E/M levels as tables: by decision making, by minutes, and prolonged service, for each service year.

Facts of the AMA guidelines of 2021 (office) and 2023 (other settings) and of Medicare's own thresholds for its
G codes. Code numbers only. Before those years other rules held, which are not kept here.
"""

from datetime import date
from enum import StrEnum


class VisitKind(StrEnum):
    """What kind of encounter is levelled."""

    OFFICE_NEW = "office-new"
    OFFICE_ESTABLISHED = "office-established"
    EMERGENCY = "emergency"
    HOSPITAL_INITIAL = "hospital-initial"
    HOSPITAL_SUBSEQUENT = "hospital-subsequent"
    HOSPITAL_SAME_DAY = "hospital-same-day"
    HOSPITAL_DISCHARGE = "hospital-discharge"


#: number -> our own short label
VISIT_LABELS: dict[str, str] = {
    "99202": "New patient visit, level 2",
    "99203": "New patient visit, level 3",
    "99204": "New patient visit, level 4",
    "99205": "New patient visit, level 5",
    "99211": "Established patient visit, level 1",
    "99212": "Established patient visit, level 2",
    "99213": "Established patient visit, level 3",
    "99214": "Established patient visit, level 4",
    "99215": "Established patient visit, level 5",
    "99221": "First hospital day, level 1",
    "99222": "First hospital day, level 2",
    "99223": "First hospital day, level 3",
    "99231": "Later hospital day, level 1",
    "99232": "Later hospital day, level 2",
    "99233": "Later hospital day, level 3",
    "99234": "Hospital stay of one day, level 1",
    "99235": "Hospital stay of one day, level 2",
    "99236": "Hospital stay of one day, level 3",
    "99238": "Hospital discharge, to 30 minutes",
    "99239": "Hospital discharge, over 30 minutes",
    "99281": "Emergency visit, level 1",
    "99282": "Emergency visit, level 2",
    "99283": "Emergency visit, level 3",
    "99284": "Emergency visit, level 4",
    "99285": "Emergency visit, level 5",
    "99417": "Prolonged visit, each 15 minutes",
    "99418": "Prolonged hospital visit, each 15 minutes",
}
#: level of decision making (1 straightforward … 4 high) -> code
_BY_DECISION: dict[VisitKind, tuple[str, str, str, str]] = {
    VisitKind.OFFICE_NEW: ("99202", "99203", "99204", "99205"),
    VisitKind.OFFICE_ESTABLISHED: ("99212", "99213", "99214", "99215"),
    VisitKind.EMERGENCY: ("99282", "99283", "99284", "99285"),
    VisitKind.HOSPITAL_INITIAL: ("99221", "99221", "99222", "99223"),
    VisitKind.HOSPITAL_SUBSEQUENT: ("99231", "99231", "99232", "99233"),
    VisitKind.HOSPITAL_SAME_DAY: ("99234", "99234", "99235", "99236"),
}
#: minutes to meet or exceed -> code, highest first
_BY_MINUTES: dict[VisitKind, tuple[tuple[int, str], ...]] = {
    VisitKind.OFFICE_NEW: ((60, "99205"), (45, "99204"), (30, "99203"), (15, "99202")),
    VisitKind.OFFICE_ESTABLISHED: ((40, "99215"), (30, "99214"), (20, "99213"), (10, "99212")),
    VisitKind.HOSPITAL_INITIAL: ((75, "99223"), (55, "99222"), (40, "99221")),
    VisitKind.HOSPITAL_SUBSEQUENT: ((50, "99233"), (35, "99232"), (25, "99231")),
    VisitKind.HOSPITAL_SAME_DAY: ((85, "99236"), (70, "99235"), (45, "99234")),
    VisitKind.HOSPITAL_DISCHARGE: ((31, "99239"), (1, "99238")),
}
#: first minute of one unit of prolonged service -> (code, Medicare's own first minute, Medicare's code)
_PROLONGED: dict[VisitKind, tuple[int, str, int, str]] = {
    VisitKind.OFFICE_NEW: (75, "99417", 89, "G2212"),
    VisitKind.OFFICE_ESTABLISHED: (55, "99417", 69, "G2212"),
    VisitKind.HOSPITAL_INITIAL: (90, "99418", 105, "G0316"),
    VisitKind.HOSPITAL_SUBSEQUENT: (65, "99418", 80, "G0316"),
    VisitKind.HOSPITAL_SAME_DAY: (100, "99418", 125, "G0316"),
}
_UNIT = 15  # minutes of one unit of prolonged service
_OFFICE_FROM = date(2021, 1, 1)
_OTHERS_FROM = date(2023, 1, 1)
_OFFICE = frozenset({VisitKind.OFFICE_NEW, VisitKind.OFFICE_ESTABLISHED})


def in_force(kind: VisitKind, day: date) -> bool:
    """Tell whether these tables hold on a day."""
    return day >= (_OFFICE_FROM if kind in _OFFICE else _OTHERS_FROM)


def decision_level(problems: int, data: int, risk: int) -> int:
    """Return the level of decision making: the one that two of the three elements meet or exceed."""
    return sorted((problems, data, risk))[1]


def code_by_decision(kind: VisitKind, level: int, day: date) -> str | None:
    """Return the code of a level (1 to 4), or None where decision making decides nothing (discharge) or too early."""
    codes = _BY_DECISION.get(kind)
    return codes[level - 1] if codes and in_force(kind, day) else None


def code_by_minutes(kind: VisitKind, minutes: int, day: date) -> str | None:
    """Return the code that total minutes on the date reach, or None: too few, no time option, or too early."""
    if not in_force(kind, day):
        return None
    return next((code for least, code in _BY_MINUTES.get(kind, ()) if minutes >= least), None)


def prolonged(kind: VisitKind, minutes: int, day: date, *, medicare: bool = False) -> tuple[str, int] | None:
    """Return (code, units) of prolonged service beyond the highest level by time, or None."""
    if kind not in _PROLONGED or not in_force(_LATEST, day):
        return None
    first, code, first_medicare, code_medicare = _PROLONGED[kind]
    start = first_medicare if medicare else first
    if minutes < start:
        return None
    return (code_medicare if medicare else code), (minutes - start) // _UNIT + 1


_LATEST = VisitKind.HOSPITAL_INITIAL
