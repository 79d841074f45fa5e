"""The last day on which a claim still counts as filed in time, by payer.

Rule: Medicare one calendar year (42 CFR 424.44): an institutional claim counts from its through date, a professional
line from its own date; a year from 29 February ends on 28 February. Other payers: days of their contract.
"""

from collections.abc import Iterable
from datetime import date, timedelta

from rcm_shared.contracts.intake import ClaimForm

from rcm_billing.domain.document import ClaimDocument
from rcm_billing.domain.master import Payer

WARN_SHARE = 0.8  # of the window


def counted_from(claim: ClaimDocument) -> date:
    """Return the date of service from which the window of the whole claim runs: its earliest line's."""
    if claim.form is ClaimForm.INSTITUTIONAL:
        return claim.service_through
    return min((line.service_date for line in claim.lines), default=claim.service_from)


def last_day(start: date, payer: Payer) -> date:
    """Return the last day of a window that runs from a date of service."""
    if not payer.timely_filing_calendar_year:
        return start + timedelta(days=payer.timely_filing_days)
    try:
        return start.replace(year=start.year + 1)
    except ValueError:  # 29 February
        return date(start.year + 1, 2, 28)


def warn_day(start: date, last: date) -> date:
    """Return the day on which four fifths of the window are used."""
    return start + timedelta(days=int((last - start).days * WARN_SHARE))


def filing_window(claim: ClaimDocument, payer: Payer) -> tuple[date, date]:
    """Return the day to warn on and the last day of a claim's filing window."""
    start = counted_from(claim)
    last = last_day(start, payer)
    return warn_day(start, last), last


def late_lines(claim: ClaimDocument, payer: Payer, on: date) -> Iterable[int]:
    """Return the numbers of the lines whose window is over on a day; 0 is the whole institutional claim."""
    if claim.form is ClaimForm.INSTITUTIONAL:
        return [0] if on > last_day(claim.service_through, payer) else []
    return [line.number for line in claim.lines if on > last_day(line.service_date, payer)]
