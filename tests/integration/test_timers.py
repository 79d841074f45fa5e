"""Deadlines fire once, at their time, in one of the processes that watch them."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from integration.ledger import Ledger, World, record, until
from rcm_shared import timers
from rcm_shared.ids import uuid7
from rcm_shared.messaging.apply import apply_records
from rcm_shared.messaging.decide import FiredTimer
from rcm_shared.messaging.uow import SetTimer, UnitOfWork


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timers, "POLL_S", 0.05)


async def set_timer(world: World, key: UUID, seconds: float, kind: str = "due", level: int = 1) -> None:
    """Set or move a timer in a transaction of its own."""
    async with world.command() as uow:
        uow.set_timer(key, SetTimer(kind, uow.now + timedelta(seconds=seconds), {"level": level}))


async def fired(world: World) -> list[tuple[UUID, int]]:
    """Return (key, level) of every timer that fired."""
    rows = await world.pool.fetch("SELECT key, level FROM applied WHERE what = 'timer' ORDER BY n")
    return [(row["key"], row["level"]) for row in rows]


async def test_due_timers_fire_exactly_once_with_two_runtimes(world: World) -> None:
    keys = [uuid7() for _ in range(300)]
    async with world.command() as uow:
        for n, key in enumerate(keys):
            uow.set_timer(key, SetTimer("due", uow.now + timedelta(milliseconds=3 * n), {"level": 1000 + n}))
    ledger = Ledger()
    one, two = (
        world.runtime(ledger, replica=replica, consumers={}, timers=ledger.apply_timers) for replica in (0, 1)
    )
    async with world.running(one), world.running(two):
        await until(lambda: world.pool.fetchval("SELECT count(*) = 0 FROM timer"))
    assert sorted(level for _, level in await fired(world)) == list(range(1000, 1300))


async def _run(world: World, apply: timers.ApplyTimers) -> asyncio.Task[None]:
    return asyncio.create_task(timers.run(world.pool, world.command, apply))


async def _end(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_timer_does_not_fire_before_its_time(database_world: World) -> None:
    world, soon, late = database_world, uuid7(), uuid7()
    await set_timer(world, soon, 0.4, level=1)
    await set_timer(world, late, 60, level=2)
    task = await _run(world, Ledger().apply_timers)
    await asyncio.sleep(0.2)
    assert await fired(world) == []
    await until(lambda: fired(world))
    await _end(task)
    assert await fired(world) == [(soon, 1)]
    assert await world.pool.fetchval("SELECT key FROM timer") == late


async def test_cancelled_timer_never_fires(database_world: World) -> None:
    world, key, other = database_world, uuid7(), uuid7()
    await set_timer(world, key, 0.2)
    await set_timer(world, key, 0.2, kind="later", level=2)
    await set_timer(world, other, 0.2, level=3)
    async with world.command() as uow:
        uow.cancel_timer(key, "due")
        uow.cancel_timer(key, "never-set")
    task = await _run(world, Ledger().apply_timers)
    await until(lambda: world.pool.fetchval("SELECT count(*) = 0 FROM timer"))
    await _end(task)
    assert sorted(await fired(world)) == sorted([(key, 2), (other, 3)])


async def test_moved_timer_fires_once_at_its_new_time(database_world: World) -> None:
    world, later, sooner = database_world, uuid7(), uuid7()
    await set_timer(world, later, 0.1, level=1)
    await set_timer(world, later, 0.7, level=2)
    await set_timer(world, sooner, 60, level=3)
    await set_timer(world, sooner, 0.1, level=4)
    task = await _run(world, Ledger().apply_timers)
    await asyncio.sleep(0.4)
    assert await fired(world) == [(sooner, 4)]
    await until(lambda: world.pool.fetchval("SELECT count(*) = 0 FROM timer"))
    await _end(task)
    assert await fired(world) == [(sooner, 4), (later, 2)]


async def test_timer_moved_while_it_fires_does_not_fire_at_its_old_time(database_world: World) -> None:
    """A process read the timer as due; before its transaction began, a command moved it."""
    world, key, ledger = database_world, uuid7(), Ledger()
    await set_timer(world, key, -1, level=1)
    seen = await timers.due(world.pool)
    await set_timer(world, key, 60, level=2)
    async with world.command() as uow:
        await ledger.apply_timers(uow, seen)
    assert await fired(world) == []
    assert await world.pool.fetchval("SELECT count(*) FROM timer") == 1


async def test_timer_set_by_an_event_commits_with_it(database_world: World) -> None:
    world, key, ledger = database_world, uuid7(), Ledger()

    async def deadline(uow: UnitOfWork, deliveries: Any) -> None:
        for delivery in deliveries:
            uow.set_timer(delivery.envelope.key, SetTimer("due", uow.now))
        if not ledger.faults.levels:
            raise ConnectionError

    ledger.faults.handler = deadline
    records = world.lying([record(key, 1)])
    ledger.faults.levels = set()
    with pytest.raises(ConnectionError):
        await apply_records(world.pool, world.consumer(ledger), records)
    assert await world.pool.fetchval("SELECT count(*) FROM timer") == 0
    ledger.faults.levels = {1000}
    await apply_records(world.pool, world.consumer(ledger), records)
    assert await world.pool.fetchval("SELECT count(*) FROM timer") == 1


async def test_timer_that_fails_does_not_hold_the_others_of_its_batch(database_world: World) -> None:
    world, bad, good, ledger = database_world, uuid7(), uuid7(), Ledger()
    await set_timer(world, bad, -2, kind="unknown-kind")
    await set_timer(world, good, -1, level=7)
    task = await _run(world, ledger.apply_timers)
    await until(lambda: fired(world))
    await _end(task)
    assert await fired(world) == [(good, 7)]
    assert await world.pool.fetchval("SELECT key FROM timer") == bad


async def test_many_timers_that_fail_do_not_starve_the_rest(
    database_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, good, ledger, calls = database_world, uuid7(), Ledger(), 0
    monkeypatch.setattr(timers, "BATCH", 5)
    for n in range(12):
        await set_timer(world, uuid7(), -60 + n, kind="unknown-kind")
    await set_timer(world, good, -1, level=7)

    async def counting(uow: UnitOfWork, batch: list[FiredTimer]) -> None:
        nonlocal calls
        calls += 1
        await ledger.apply_timers(uow, batch)

    task = await _run(world, counting)
    await until(lambda: fired(world), timeout=5)
    await asyncio.sleep(0.3)
    await _end(task)
    assert await fired(world) == [(good, 7)]
    assert calls < 60


async def test_failed_timer_fires_once_its_reason_is_gone(
    database_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timers, "RETRY", timedelta(seconds=0.3))
    world, key, ledger, broken = database_world, uuid7(), Ledger(), True

    async def mended(uow: UnitOfWork, batch: list[FiredTimer]) -> None:
        if broken:
            raise LookupError
        await ledger.apply_timers(uow, batch)

    await set_timer(world, key, -1, level=7)
    task = await _run(world, mended)
    await asyncio.sleep(0.2)
    broken = False
    await until(lambda: fired(world), timeout=5)
    await _end(task)
    assert await fired(world) == [(key, 7)]
