"""Progress, not liveness calls: a Kafka consumer can be dead while it says that it runs and the broker answers."""

import os
import time
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from rcm_shared.telemetry import log

STUCK_AFTER_S = 30.0
EXIT_STATUS = 70


class Progress:
    """When a subscriber last finished a batch, and when it last had nothing to do."""

    def __init__(self, group: str) -> None:
        self.group = group
        self._last = time.monotonic()
        self._caught_up = self._last

    def advanced(self) -> None:
        """Note a finished batch."""
        self._last = time.monotonic()

    def idle_s(self) -> float:
        """Return seconds since the last finished batch."""
        return time.monotonic() - self._last

    def caught_up(self) -> None:
        """Note that there is nothing to read: what comes after a quiet time is not late."""
        self._caught_up = time.monotonic()

    def stuck_s(self) -> float:
        """Return seconds since the last finished batch or the last time without lag, whichever is later."""
        return time.monotonic() - max(self._last, self._caught_up)


class Reading(Protocol):
    """What the watchdog looks at of one running subscriber."""

    group: str
    subscriber: Any
    progress: Progress


class Reader(Protocol):
    """What the watchdog looks at of all subscribers of a process."""

    @property
    def readings(self) -> Iterable[Reading]: ...

    def lag(self) -> Mapping[str, int]: ...


def fault(reading: Reading, lag: int) -> str | None:
    """Return why a subscriber counts as dead, or None while it is well."""
    subscriber = reading.subscriber
    if not subscriber.tasks or any(task.done() for task in subscriber.tasks):
        return "consume-task-ended"
    coordinator = getattr(subscriber.consumer, "_coordinator", None)
    task = getattr(coordinator, "_coordination_task", None)
    if task is not None and task.done():
        return "coordination-task-ended"
    if lag == 0:
        reading.progress.caught_up()
    elif lag > 0 and reading.progress.stuck_s() > STUCK_AFTER_S:
        return "no-progress"
    return None


def faults(reader: Reader) -> dict[str, str]:
    """Return the faults of all subscribers, by group."""
    lags = reader.lag()
    found = {reading.group: fault(reading, lags[reading.group]) for reading in reader.readings}
    return {group: why for group, why in found.items() if why}


def give_up(found: dict[str, str]) -> None:
    """End the process so that its supervisor starts a working one; nothing is lost, offsets follow the database."""
    for group, why in found.items():
        log().error("consumer is dead, leaving", consumer=group, reason=why)
    os._exit(EXIT_STATUS)
