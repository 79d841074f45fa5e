"""Failpoints do nothing unless asked, and refuse settings that name nothing."""

from collections.abc import Iterator

import pytest
from rcm_shared import failpoints
from rcm_shared.settings import SharedSettings


@pytest.fixture(autouse=True)
def _off_again() -> Iterator[None]:
    yield
    failpoints.configure("", 0)


async def test_nothing_happens_by_default() -> None:
    failpoints.configure("", 0)
    for name in failpoints.NAMES:
        await failpoints.failpoint(name)


async def test_raise_raises_at_its_place_only() -> None:
    failpoints.configure(" consumer.in_tx=raise , relay.after_send=delay:0", 1)
    await failpoints.failpoint("consumer.before_tx")
    await failpoints.failpoint("relay.after_send")
    with pytest.raises(failpoints.FailpointError):
        await failpoints.failpoint("consumer.in_tx")


async def _outcomes(seed: int) -> list[bool]:
    failpoints.configure("consumer.in_tx=raise:0.5", seed)
    outcomes = []
    for _ in range(50):
        try:
            await failpoints.failpoint("consumer.in_tx")
            outcomes.append(False)
        except failpoints.FailpointError:
            outcomes.append(True)
    return outcomes


async def test_probability_follows_the_seed() -> None:
    first = await _outcomes(7)
    assert first == await _outcomes(7)
    assert 10 < sum(first) < 40


@pytest.mark.parametrize(
    "text",
    ["nowhere=raise", "consumer.in_tx=explode", "consumer.in_tx", "=raise", "consumer.in_tx=raise:often"],
)
def test_settings_that_name_nothing_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"failpoint|float"):
        failpoints.configure(text, 0)


def test_production_refuses_test_levers() -> None:
    for levers in ({"failpoints": "consumer.in_tx=exit"}, {"clock_start": "2026-09-28"}):
        with pytest.raises(ValueError, match="refused in production"):
            SharedSettings(environment="production", **levers)  # type: ignore[arg-type]
