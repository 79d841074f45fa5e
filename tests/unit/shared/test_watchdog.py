"""The watchdog judges by progress: what counts as a dead consumer."""

from types import SimpleNamespace
from typing import Any

import pytest
from rcm_shared.messaging import watchdog


class _Task:
    def __init__(self, *, done: bool) -> None:
        self._done = done

    def done(self) -> bool:
        return self._done


def _progress(idle_s: float) -> watchdog.Progress:
    progress = watchdog.Progress("billing.coding-chart")
    progress._last -= idle_s
    progress._caught_up -= idle_s
    return progress


def _reading(
    *, tasks: tuple[bool, ...] = (False,), coordination: bool | None = False, idle_s: float = 0.0
) -> Any:
    coordinator = SimpleNamespace(
        _coordination_task=None if coordination is None else _Task(done=coordination)
    )
    return SimpleNamespace(
        group="billing.coding-chart",
        subscriber=SimpleNamespace(
            tasks=[_Task(done=done) for done in tasks], consumer=SimpleNamespace(_coordinator=coordinator)
        ),
        progress=_progress(idle_s),
    )


LONG = watchdog.STUCK_AFTER_S + 1


@pytest.mark.parametrize(
    ("made_of", "lag", "why"),
    [
        ({}, 0, None),
        ({}, 500, None),
        ({"idle_s": LONG}, 0, None),
        ({"idle_s": LONG}, -1, None),
        ({"coordination": None}, 0, None),
        ({"tasks": ()}, 0, "consume-task-ended"),
        ({"tasks": (True,)}, 0, "consume-task-ended"),
        ({"tasks": (False, True)}, 0, "consume-task-ended"),
        ({"coordination": True}, 0, "coordination-task-ended"),
        ({"idle_s": LONG}, 1, "no-progress"),
    ],
)
def test_fault_names_why_a_consumer_counts_as_dead(
    made_of: dict[str, Any], lag: int, why: str | None
) -> None:
    assert watchdog.fault(_reading(**made_of), lag) == why


def test_consumer_that_has_not_started_yet_has_no_coordinator() -> None:
    reading = _reading()
    reading.subscriber.consumer = None
    assert watchdog.fault(reading, -1) is None


def test_faults_lists_only_dead_groups() -> None:
    well, dead = _reading(), _reading(tasks=(True,))
    dead.group = "billing.query-query"
    reader: Any = SimpleNamespace(readings=[well, dead], lag=lambda: {well.group: 0, dead.group: 0})
    assert watchdog.faults(reader) == {"billing.query-query": "consume-task-ended"}


def test_progress_counts_from_the_last_batch() -> None:
    progress = watchdog.Progress("g")
    progress._last -= 50
    assert progress.idle_s() >= 50
    progress.advanced()
    assert progress.idle_s() < 5


def test_burst_after_a_quiet_time_is_not_late() -> None:
    reading = _reading(idle_s=LONG)
    assert watchdog.fault(reading, 0) is None
    assert watchdog.fault(reading, 500) is None


def test_giving_up_leaves_with_its_own_status(monkeypatch: pytest.MonkeyPatch) -> None:
    left: list[int] = []
    monkeypatch.setattr(watchdog.os, "_exit", left.append)  # type: ignore[attr-defined]
    watchdog.give_up({"g": "no-progress"})
    assert left == [watchdog.EXIT_STATUS]
