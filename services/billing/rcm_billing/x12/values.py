"""Read and judge single elements of a foreign file: amounts, dates, provider numbers."""

from __future__ import annotations

import re
from datetime import date, time

from rcm_shared.money import cents_from_decimal, dollars

from rcm_billing.x12.problems import Problems
from rcm_billing.x12.scan import Placed

_MONEY = re.compile(r"-?(?:\d+\.?\d*|\.\d+)\Z", re.ASCII)


def money(placed: Placed, index: int, problems: Problems) -> int | None:
    """Return an amount in cents, None when it is missing or no amount (which is reported)."""
    value = placed.get(index).strip()
    if not value:
        return None
    if _MONEY.match(value):
        try:
            return cents_from_decimal(value.replace("-.", "-0.") if value[0] == "-" else f"0{value}")
        except ValueError:
            pass
    problems.error("amount", placed, "not an amount in dollars and cents within range", index)
    return None


def shown(cents: int | None) -> str:
    """Write an amount for a person."""
    return "-" if cents is None else dollars(cents)


def day(value: str) -> date | None:
    """Read CCYYMMDD (longer text is read by its first eight characters); None when it is no day."""
    head = value[:8]
    if len(head) != 8 or not (head.isascii() and head.isdigit()):
        return None
    try:
        return date(int(head[:4]), int(head[4:6]), int(head[6:]))
    except ValueError:
        return None


def clock_time(value: str) -> time | None:
    """Read HHMM, HHMMSS or HHMMSSD(D); None when it is no time of day."""
    if len(value) not in (4, 6, 7, 8) or not (value.isascii() and value.isdigit()):
        return None
    try:
        return time(int(value[:2]), int(value[2:4]), int(value[4:6] or 0))
    except ValueError:
        return None


def period(placed: Placed, form: int, index: int) -> tuple[str, str]:
    """Return first and last day as ISO text, "" where they are none."""
    value = placed.get(index)
    kind = placed.get(form)
    first, _, last = value.partition("-") if kind.startswith("R") else (value, "", value)
    days = (day(first), day(last))
    return (days[0].isoformat() if days[0] else "", days[1].isoformat() if days[1] else "")


def check_period(placed: Placed, form: int, index: int, problems: Problems) -> None:
    """Report a date that is none, by its format qualifier (D8, DT, RD8, TM); others are left alone."""
    kind, value = placed.get(form), placed.get(index)
    holds = True
    if kind == "D8":
        holds = len(value) == 8 and day(value) is not None
    elif kind == "DT":
        holds = len(value) >= 12 and day(value) is not None and clock_time(value[8:]) is not None
    elif kind == "TM":
        holds = clock_time(value) is not None
    elif kind == "RD8":
        first, dash, last = value.partition("-")
        begin, end = day(first), day(last)
        holds = bool(dash) and len(first) == len(last) == 8 and begin is not None and end is not None
        if begin is not None and end is not None and begin > end:
            problems.error("date-order", placed, "the period ends before it begins", index)
    if not holds:
        problems.error("date", placed, f"no valid date or time of format {kind}", index)


def check_day(placed: Placed, index: int, problems: Problems) -> None:
    """Report an element that must be CCYYMMDD and is not; empty is left alone."""
    value = placed.get(index)
    if value and (len(value) != 8 or day(value) is None):
        problems.error("date", placed, "no valid date", index)
