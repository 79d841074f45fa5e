"""The one place that reads a clock.

Deadlines and stored times are the database's `now()` plus `shift()`; the process clock serves only where no
database is at hand. `RCM_CLOCK_START` (an ISO date or instant) moves the business clock of a demonstration, so
that its fixed dates of service meet the same deadlines in any year; production settings refuse it.
"""

import os
import time
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache


@lru_cache(maxsize=1)
def shift() -> timedelta:
    """Return how far the business clock is ahead of the wall clock (zero unless RCM_CLOCK_START is set).

    `RCM_CLOCK_EPOCH` (Unix seconds) fixes the wall instant at which the start applies, so that all processes of
    one run agree; without it the shift counts from this process's start.
    """
    start = os.environ.get("RCM_CLOCK_START")
    if not start:
        return timedelta(0)
    begin = datetime.fromisoformat(start)
    if begin.tzinfo is None:
        begin = begin.replace(tzinfo=UTC)
    epoch = float(os.environ.get("RCM_CLOCK_EPOCH") or time.time())
    return begin - datetime.fromtimestamp(epoch, UTC)


def business_time(wall: datetime) -> datetime:
    """Turn a wall instant (such as the database's `now()`) into the business clock's instant."""
    return wall + shift()


def now() -> datetime:
    """Return the business clock's instant, in UTC."""
    return business_time(datetime.now(UTC))


def today() -> date:
    """Return the business clock's date in UTC."""
    return now().date()
