"""Slow work after an event: an outdated result is dropped, failures are retried, nothing is done twice."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest
from integration.ledger import Ledger, World, until
from rcm_shared.errors import Transient
from rcm_shared.ids import uuid7
from rcm_shared.messaging.apply import MAX_ATTEMPTS
from rcm_shared.messaging.uow import UnitOfWork, Work
from rcm_shared.messaging.work import Worker, WorkItem, WorkKind

KIND = "suggest"


async def add(world: World, key: UUID, level: int) -> None:
    """Add work, or add it again."""
    async with world.command() as uow:
        uow.add_work(key, Work(KIND, {"level": level}))


async def echo(items: list[WorkItem]) -> dict[UUID, Any]:
    """Compute a level from each payload."""
    return {item.key: item.payload["level"] for item in items}


async def note(uow: UnitOfWork, results: dict[UUID, Any]) -> None:
    """Apply levels."""
    await uow.conn.executemany(
        "INSERT INTO applied (key, level, what) VALUES ($1, $2, 'work')", list(results.items())
    )


def worker(
    world: World,
    compute: Callable[[list[WorkItem]], Awaitable[dict[UUID, Any]]] = echo,
    apply: Callable[[UnitOfWork, dict[UUID, Any]], Awaitable[None]] = note,
) -> Worker:
    """Build a worker that a test drives round by round."""
    return Worker(WorkKind(KIND, compute, apply), pool=world.pool, begin=world.command)


async def make_due(world: World) -> None:
    """Let the back-off pass: the work is due, and four seconds older."""
    await world.pool.execute("UPDATE work SET due_at = now(), queued_at = queued_at - interval '4 s'")


async def rows(world: World) -> int:
    """Return how much work is left."""
    return int(await world.pool.fetchval("SELECT count(*) FROM work"))


async def test_result_and_row_go_in_one_transaction(database_world: World) -> None:
    world, key = database_world, uuid7()
    await add(world, key, 5)
    assert await worker(world).run_once() == 1
    assert await world.single_applications(key) == [5]
    assert await rows(world) == 0
    assert await worker(world).run_once() == 0


async def test_outdated_result_is_dropped_and_the_newer_one_applied(database_world: World) -> None:
    world, key, other = database_world, uuid7(), uuid7()
    await add(world, key, 1)
    await add(world, other, 10)

    async def overtaken(items: list[WorkItem]) -> dict[UUID, Any]:
        await add(world, key, 2)
        return await echo(items)

    await worker(world, overtaken).run_once()
    assert await world.single_applications(key) == []
    assert await world.single_applications(other) == [10]
    await worker(world).run_once()
    assert await world.single_applications(key) == [2]
    assert await rows(world) == 0


async def test_work_added_again_while_its_result_is_applied_is_not_lost(database_world: World) -> None:
    world, key = database_world, uuid7()
    await add(world, key, 1)

    async def overtaken(uow: UnitOfWork, results: dict[UUID, Any]) -> None:
        await note(uow, results)
        await add(world, key, 2)

    await worker(world, apply=overtaken).run_once()
    assert await world.single_applications(key) == []
    await worker(world).run_once()
    assert await world.single_applications(key) == [2]


async def test_transient_failure_is_retried_without_an_end(database_world: World) -> None:
    world, key = database_world, uuid7()
    await add(world, key, 1)

    async def down(items: list[WorkItem]) -> dict[UUID, Any]:
        raise Transient("http-503")

    for _ in range(MAX_ATTEMPTS + 2):
        assert await worker(world, down).run_once() == 1
        row = await world.pool.fetchrow("SELECT *, due_at > now() AS later FROM work")
        assert (row["failed"], row["later"], row["error_code"]) == (False, True, "http-503")
        assert await worker(world).run_once() == 0
        await make_due(world)
    await worker(world).run_once()
    assert await world.single_applications(key) == [1]


async def test_other_failure_is_retried_later_and_later_then_stays_failed(database_world: World) -> None:
    world, bad, good = database_world, uuid7(), uuid7()
    await add(world, bad, 1)
    await add(world, good, 2)

    async def half(items: list[WorkItem]) -> dict[UUID, Any]:
        return {item.key: ValueError() if item.key == bad else item.payload["level"] for item in items}

    delays = []
    for attempt in range(1, MAX_ATTEMPTS + 1):
        assert await worker(world, half).run_once() >= 1
        row = await world.pool.fetchrow("SELECT *, extract(epoch FROM due_at - now()) AS delay FROM work")
        assert row["attempts"] == attempt
        delays.append(float(row["delay"]))
        await make_due(world)
    assert await world.single_applications(good) == [2]
    assert row["failed"] is True
    assert row["error_class"] == "ValueError"
    assert delays[-1] > 4 * delays[0]
    assert await worker(world).run_once() == 0


async def test_failed_work_runs_again_when_added_again(database_world: World) -> None:
    world, key = database_world, uuid7()
    await add(world, key, 1)
    await world.pool.execute(
        "UPDATE work SET failed = true, attempts = 5, due_at = now() + interval '1 hour'"
    )
    assert await worker(world).run_once() == 0
    await add(world, key, 2)
    assert await worker(world).run_once() == 1
    assert await world.single_applications(key) == [2]


async def test_result_that_cannot_be_applied_does_not_hold_the_others(database_world: World) -> None:
    world, bad, good = database_world, uuid7(), uuid7()
    await add(world, bad, 1)
    await add(world, good, 2)

    async def picky(uow: UnitOfWork, results: dict[UUID, Any]) -> None:
        if bad in results:
            await uow.conn.execute("SELECT 1 / 0")
        await note(uow, results)

    await worker(world, apply=picky).run_once()
    assert await world.single_applications(good) == [2]
    row = await world.pool.fetchrow("SELECT key, attempts, error_code FROM work")
    assert tuple(row) == (bad, 1, "22012")


async def test_two_workers_never_compute_the_same_row(database_world: World) -> None:
    world = database_world
    keys = [uuid7() for _ in range(120)]
    async with world.command() as uow:
        for n, key in enumerate(keys):
            uow.add_work(key, Work(KIND, {"level": n}))
    computed: list[UUID] = []

    async def counting(items: list[WorkItem]) -> dict[UUID, Any]:
        computed.extend(item.key for item in items)
        await asyncio.sleep(0.02)
        return await echo(items)

    await asyncio.gather(*(worker(world, counting).run_once() for _ in range(3)))
    assert sorted(computed) == sorted(keys)
    assert await rows(world) == 0


async def test_lease_of_a_worker_that_died_runs_out(database_world: World) -> None:
    world, key = database_world, uuid7()
    await add(world, key, 1)

    async def dies(items: list[WorkItem]) -> dict[UUID, Any]:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await worker(world, dies).run_once()
    assert await worker(world).run_once() == 0
    await world.pool.execute("UPDATE work SET leased_until = now() - interval '1 second'")
    assert await worker(world).run_once() == 1
    assert await world.single_applications(key) == [1]


async def test_result_that_comes_after_its_lease_was_taken_over_is_applied_once(
    database_world: World,
) -> None:
    world, key = database_world, uuid7()
    await add(world, key, 1)
    computing, go = asyncio.Event(), asyncio.Event()

    async def slow(items: list[WorkItem]) -> dict[UUID, Any]:
        computing.set()
        await go.wait()
        return await echo(items)

    late = asyncio.create_task(worker(world, slow).run_once())
    await computing.wait()
    await world.pool.execute("UPDATE work SET leased_until = now() - interval '1 second'")
    await worker(world).run_once()
    go.set()
    await late
    assert await world.single_applications(key) == [1]
    assert await rows(world) == 0


async def test_worker_of_a_running_service_starts_as_soon_as_the_work_is_committed(world: World) -> None:
    ledger, key = Ledger(), uuid7()
    runtime = world.runtime(ledger, consumers={}, work=(WorkKind(KIND, echo, note),))
    async with world.running(runtime):
        async with runtime.transaction("demo") as uow:
            uow.add_work(key, Work(KIND, {"level": 3}))
        await until(lambda: world.single_applications(key))
    assert await world.single_applications(key) == [3]
    assert await rows(world) == 0
