"""Dates, times and periods as X12 writes them."""

from datetime import datetime


def is_date(text: str) -> bool:
    """Tell whether the text is a calendar date CCYYMMDD."""
    # strptime alone would take shortened fields
    if len(text) != 8 or not text.isdigit():
        return False
    try:
        datetime.strptime(text, "%Y%m%d")  # noqa: DTZ007 (a calendar date, no instant)
    except ValueError:
        return False
    return True


def is_time(text: str) -> bool:
    """Tell whether the text starts with HHMM."""
    return len(text) >= 4 and text.isdigit() and text[:2] < "24" and text[2:4] < "60"


def is_period(form: str, value: str) -> bool:
    """Tell whether a DTP03 fits its format qualifier D8, RD8, DT or TM."""
    if form == "D8":
        return is_date(value)
    if form == "RD8":
        first, dash, last = value.partition("-")
        return bool(dash) and is_date(first) and is_date(last) and first <= last
    if form == "DT":
        return is_date(value[:8]) and is_time(value[8:])
    if form == "TM":
        return is_time(value)
    return False
