"""The business clock: wall time, or wall time moved by a fixed span."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from rcm_shared import clock


@pytest.fixture(autouse=True)
def _fresh_shift() -> Iterator[None]:
    clock.shift.cache_clear()
    yield
    clock.shift.cache_clear()


@pytest.fixture(autouse=True)
def _no_clock_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RCM_CLOCK_START", raising=False)
    monkeypatch.delenv("RCM_CLOCK_EPOCH", raising=False)


def test_clock_without_a_start_is_the_wall_clock() -> None:
    wall = datetime(2026, 1, 2, tzinfo=UTC)
    assert clock.shift() == timedelta(0)
    assert clock.business_time(wall) == wall
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=5)


def test_start_and_epoch_move_the_clock_by_a_fixed_span(monkeypatch: pytest.MonkeyPatch) -> None:
    epoch = datetime(2030, 5, 1, 12, 0, tzinfo=UTC)
    monkeypatch.setenv("RCM_CLOCK_START", "2026-09-28T08:00:00+02:00")
    monkeypatch.setenv("RCM_CLOCK_EPOCH", str(epoch.timestamp()))
    later = epoch + timedelta(minutes=3)
    assert clock.business_time(later) == datetime(2026, 9, 28, 6, 3, tzinfo=UTC)


def test_start_without_a_time_zone_is_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RCM_CLOCK_START", "2026-09-28")
    assert abs(clock.now() - datetime(2026, 9, 28, tzinfo=UTC)) < timedelta(seconds=5)
    assert clock.today() == clock.now().date()


def test_unreadable_start_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RCM_CLOCK_START", "soon")
    with pytest.raises(ValueError, match="isoformat"):
        clock.shift()
