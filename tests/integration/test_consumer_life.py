"""How a consumer lives and dies: cancels, stops, kills and rebalances lose nothing and double nothing."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from integration.ledger import Ledger, World, record, until
from rcm_shared.ids import uuid7
from rcm_shared.messaging import watchdog
from rcm_shared.messaging.consumer import MAX_RECORDS

TESTS = Path(__file__).parents[1]


async def all_applied(world: World, count: int) -> bool:
    """Tell whether so many single applications happened."""
    return bool(await world.pool.fetchval("SELECT count(*) >= $1 FROM applied", count))


async def assert_each_once(world: World, keys: list[UUID], events: int) -> None:
    """Every event of every key was applied once and in order."""
    rows = await world.pool.fetch(
        "SELECT key, array_agg(level ORDER BY n) AS levels FROM applied GROUP BY key"
    )
    assert {row["key"]: row["levels"] for row in rows} == {key: list(range(1, events + 1)) for key in keys}


async def test_stray_cancel_inside_a_handler_becomes_a_redelivery(world: World) -> None:
    ledger, key, cancels = Ledger(), uuid7(), 0

    async def cancel_self(_uow: Any, _deliveries: Any) -> None:
        nonlocal cancels
        if cancels < 2:
            cancels += 1
            task = asyncio.current_task()
            assert task is not None
            task.cancel()
            await asyncio.sleep(1)

    ledger.faults.handler = cancel_self
    async with world.running(world.runtime(ledger)) as runtime:
        assert runtime.reader is not None
        await world.publish(record(key, n) for n in (1, 2))
        await until(lambda: all_applied(world, 2))
        await world.publish([record(key, 3)])
        await until(lambda: all_applied(world, 3))
        assert watchdog.faults(runtime.reader) == {}
        assert runtime.not_ready() is None
    assert cancels == 2
    assert await world.single_applications(key) == [1, 2, 3]
    assert await world.committed() == 3


async def test_cancel_raised_without_a_cause_becomes_a_redelivery_too(world: World) -> None:
    ledger, key, raised = Ledger(), uuid7(), 0

    async def raise_cancelled(_uow: Any, _deliveries: Any) -> None:
        nonlocal raised
        if raised == 0:
            raised += 1
            raise asyncio.CancelledError

    ledger.faults.handler = raise_cancelled
    async with world.running(world.runtime(ledger)) as runtime:
        await world.publish([record(key, 1)])
        await until(lambda: all_applied(world, 1))
        assert runtime.not_ready() is None
    assert await world.single_applications(key) == [1]


async def test_watchdog_sees_a_consume_task_that_ended(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    left: list[dict[str, str]] = []
    monkeypatch.setattr(watchdog, "give_up", left.append)
    async with world.running(world.runtime(Ledger())) as runtime:
        assert runtime.reader is not None
        [reading] = runtime.reader.readings
        reading.subscriber.tasks[0].cancel()
        await until(lambda: left, timeout=6)
        assert runtime.not_ready() == "consume-task-ended"
    assert left[0] == {world.group: "consume-task-ended"}


async def test_burst_after_a_quiet_time_does_not_look_like_a_dead_consumer(world: World) -> None:
    ledger = Ledger()
    keys = [uuid7() for _ in range(MAX_RECORDS * 3)]

    async def slow(_uow: Any, _deliveries: Any) -> None:
        await asyncio.sleep(0.3)

    ledger.faults.handler = slow
    async with world.running(world.runtime(ledger)) as runtime:
        assert runtime.reader is not None
        [reading] = runtime.reader.readings
        await world.publish([record(keys[0], 1)])
        await until(lambda: all_applied(world, 1))
        assert watchdog.faults(runtime.reader) == {}
        reading.progress._last -= 3600
        await world.publish(record(key, 1) for key in keys[1:])
        seen = []
        while not await all_applied(world, len(keys)):
            seen.append((runtime.reader.lag()[world.group], watchdog.faults(runtime.reader)))
            await asyncio.sleep(0.02)
    assert max(lag for lag, _ in seen) > 0
    assert all(faults == {} for _, faults in seen)


async def test_orderly_stop_commits_what_was_applied(world: World) -> None:
    ledger = Ledger()
    keys = [uuid7() for _ in range(10)]
    async with world.running(world.runtime(ledger)):
        await world.publish(record(key, n) for n in (1, 2, 3) for key in keys)
        await until(lambda: all_applied(world, 30))
    assert await world.committed() == 30
    batches = ledger.batches
    async with world.running(world.runtime(ledger)):
        await asyncio.sleep(0.5)
    assert ledger.batches == batches
    await assert_each_once(world, keys, 3)


async def test_orderly_stop_waits_for_the_batch_in_hand(world: World) -> None:
    ledger, key = Ledger(), uuid7()
    entered = asyncio.Event()

    async def slow(_uow: Any, _deliveries: Any) -> None:
        entered.set()
        await asyncio.sleep(0.7)

    ledger.faults.handler = slow
    async with world.running(world.runtime(ledger)):
        await world.publish([record(key, 1)])
        await entered.wait()
    assert await world.single_applications(key) == [1]
    assert await world.committed() == 1


async def _start(world: World, failpoints: str, seed: int) -> asyncio.subprocess.Process:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "integration.ledger_process",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(TESTS)},
    )
    assert process.stdin is not None
    given = {
        "dsn": world.dsn,
        "bootstrap": world.bootstrap,
        "topic": world.topic.name,
        "failpoints": failpoints,
        "seed": seed,
    }
    process.stdin.write(json.dumps(given).encode())
    process.stdin.close()
    return process


async def test_killed_consumer_resumes_under_its_static_membership_and_doubles_nothing(world: World) -> None:
    """Killed before the commit, after it, and from outside; each start takes the place of the one before."""
    keys = [uuid7() for _ in range(200)]
    sent = [record(key, n) for n in range(1, 16) for key in keys]
    await world.publish(sent)
    started = asyncio.get_running_loop().time()
    for points in ("consumer.after_commit=exit", "consumer.in_tx=exit", "consumer.after_commit=exit:0.5"):
        process = await _start(world, points, seed=3)
        assert await asyncio.wait_for(process.wait(), 12) == 137
    before = await world.pool.fetchval("SELECT count(*) FROM applied")
    assert 0 < before < len(sent)
    process = await _start(world, "", seed=0)
    try:
        await until(lambda: all_applied(world, before + 1))
        process.kill()
        await process.wait()
        process = await _start(world, "", seed=0)
        await until(lambda: all_applied(world, len(sent)))
        await asyncio.sleep(0.3)
    finally:
        process.kill()
        await process.wait()
    assert (
        asyncio.get_running_loop().time() - started < 25
    )  # a dynamic member would hold its place for 30 s each
    await assert_each_once(world, keys, 15)
    assert await world.pool.fetchval("SELECT count(*) FROM event_log") == len(sent)
    assert await world.letters() == []


async def test_second_replica_that_joins_under_load_loses_and_doubles_nothing(world: World) -> None:
    one, two = Ledger(), Ledger()
    keys = [uuid7() for _ in range(60)]

    async def slow(_uow: Any, _deliveries: Any) -> None:
        await asyncio.sleep(0.02)

    one.faults.handler = two.faults.handler = slow
    async with world.running(world.runtime(one, replica=0)) as first:
        feeder = asyncio.create_task(_feed(world, keys, 40))
        await until(lambda: all_applied(world, 100))
        async with world.running(world.runtime(two, replica=1)) as second:
            await until(lambda: _assigned(first) == 1 and _assigned(second) == 1)
            await feeder
            await until(lambda: all_applied(world, 2400))
    assert one.batches > 0
    assert two.batches > 0
    await assert_each_once(world, keys, 40)
    assert await world.letters() == []


async def _feed(world: World, keys: list[UUID], events: int) -> None:
    for n in range(1, events + 1):
        await world.publish(record(key, n) for key in keys)
        await asyncio.sleep(0.03)


def _assigned(runtime: Any) -> int:
    return len(runtime.reader.readings[0].subscriber.consumer.assignment())
