"""The same event never has its effect twice, however often and wherever it lies on the topic."""

import asyncio
from dataclasses import replace

import asyncpg
import pytest
from integration.ledger import SERVICE, Ledger, World, expired, record, until
from rcm_shared.ids import uuid7
from rcm_shared.messaging.apply import Outcome, apply_records


async def test_batch_delivered_again_at_the_same_offsets_applies_once(database_world: World) -> None:
    world, ledger, key = database_world, Ledger(emits=True), uuid7()
    records = world.lying(record(key, n) for n in (1, 2, 3))
    first = await apply_records(world.pool, world.consumer(ledger), records)
    second = await apply_records(world.pool, world.consumer(ledger), records)
    assert first == Outcome(applied=3, emitted=3)
    assert second == Outcome(duplicates=3)
    assert await world.single_applications(key) == [1, 2, 3]
    assert await world.position(key) == (3, False, False)
    assert await world.pool.fetchval("SELECT count(*) FROM outbox") == 3


async def test_event_published_again_at_a_new_offset_applies_once(database_world: World) -> None:
    world, ledger, key = database_world, Ledger(), uuid7()
    sent = [record(key, n) for n in (1, 2, 3)]
    await apply_records(world.pool, world.consumer(ledger), world.lying(sent))
    again = await apply_records(world.pool, world.consumer(ledger), world.lying([*sent[:2], record(key, 4)]))
    assert (again.applied, again.duplicates) == (1, 2)
    assert await world.single_applications(key) == [1, 2, 3, 4]


async def test_event_twice_in_one_batch_applies_once(database_world: World) -> None:
    world, ledger, key = database_world, Ledger(), uuid7()
    one, two = record(key, 1), record(key, 2)
    outcome = await apply_records(world.pool, world.consumer(ledger), world.lying([one, one, two, one, two]))
    assert (outcome.applied, outcome.duplicates) == (2, 3)
    assert await world.single_applications(key) == [1, 2]


async def test_event_forgotten_by_the_inbox_is_a_duplicate_by_its_position(database_world: World) -> None:
    world, ledger, key = database_world, Ledger(), uuid7()
    sent = [record(key, n) for n in (1, 2)]
    await apply_records(world.pool, world.consumer(ledger), world.lying(sent))
    await world.pool.execute("DELETE FROM inbox")
    outcome = await apply_records(world.pool, world.consumer(ledger), world.lying(sent))
    assert (outcome.applied, outcome.duplicates) == (0, 2)
    assert await world.single_applications(key) == [1, 2]


async def test_twin_in_flight_waits_for_the_first_and_is_dropped(database_world: World) -> None:
    world, key = database_world, uuid7()
    entered, go = asyncio.Event(), asyncio.Event()

    async def hold(_uow: object, _deliveries: object) -> None:
        entered.set()
        await go.wait()

    slow, quick = Ledger(), Ledger()
    slow.faults.handler = hold
    records = world.lying([record(key, 1), record(key, 2)])
    first = asyncio.create_task(apply_records(world.pool, world.consumer(slow), records))
    await entered.wait()
    twin = asyncio.create_task(apply_records(world.pool, world.consumer(quick), records))
    await until(
        lambda: world.pool.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
    )
    assert not twin.done()
    go.set()
    assert (await first).applied == 2
    assert await twin == Outcome(duplicates=2)
    assert quick.batches == 0
    assert await world.single_applications(key) == [1, 2]


async def test_twin_of_a_transaction_that_fails_applies_instead(database_world: World) -> None:
    world, key = database_world, uuid7()
    entered, go = asyncio.Event(), asyncio.Event()

    async def fail_later(_uow: object, _deliveries: object) -> None:
        entered.set()
        await go.wait()
        raise ConnectionResetError

    slow = Ledger()
    slow.faults.handler = fail_later
    records = world.lying([record(key, 1)])
    first = asyncio.create_task(apply_records(world.pool, world.consumer(slow), records))
    await entered.wait()
    twin = asyncio.create_task(apply_records(world.pool, world.consumer(Ledger()), records))
    await asyncio.sleep(0.1)
    go.set()
    with pytest.raises(ConnectionResetError):
        await first
    assert (await twin).applied == 1
    assert await world.single_applications(key) == [1]


async def test_ignored_and_unknown_types_advance_the_position(database_world: World) -> None:
    world, ledger, key = database_world, Ledger(), uuid7()
    sent = [
        record(key, 1),
        record(key, 2, expired()),
        record(key, 3).changed("ce_type", b"rcm.query.of-the-future.v9"),
        record(key, 4),
    ]
    outcome = await apply_records(world.pool, world.consumer(ledger), world.lying(sent))
    assert outcome.aside == 0
    assert await world.position(key) == (4, False, False)
    assert await world.levels(key) == [1, 4]


async def test_positions_of_consumers_are_their_own(database_world: World) -> None:
    world, ledger, key = database_world, Ledger(), uuid7()
    records = world.lying([record(key, 1)])
    await apply_records(world.pool, world.consumer(ledger), records)
    other = replace(world.consumer(ledger), group=f"{SERVICE}.other")
    assert (await apply_records(world.pool, other, records)).applied == 1
    assert await world.single_applications(key) == [1, 1]


async def test_event_cannot_be_applied_and_forgotten_by_one_transaction(database_world: World) -> None:
    """The mark, the state and what follows commit together or not at all."""
    world, ledger, key = database_world, Ledger(emits=True), uuid7()

    async def end_own_session(uow: object, _deliveries: object) -> None:
        ledger.faults.handler = None
        pid = uow.conn.get_server_pid()  # type: ignore[attr-defined]
        await world.pool.execute("SELECT pg_terminate_backend($1)", pid)

    ledger.faults.handler = end_own_session
    records = world.lying([record(key, 1)])
    with pytest.raises((asyncpg.PostgresConnectionError, asyncpg.InterfaceError, asyncpg.AdminShutdownError)):
        await apply_records(world.pool, world.consumer(ledger), records)
    for table in ("inbox", "position", "ledger", "applied", "event_log", "outbox", "stream", "attempt"):
        assert await world.pool.fetchval(f"SELECT count(*) FROM {table}") == 0, table
    assert await apply_records(world.pool, world.consumer(ledger), records) == Outcome(applied=1, emitted=1)


async def test_real_topic_read_twice_from_the_start_applies_once(world: World) -> None:
    """Kafka hands everything over a second time, and the publisher repeats itself at new offsets."""
    ledger = Ledger()
    keys = [uuid7() for _ in range(20)]
    sent = [record(key, n) for n in range(1, 6) for key in keys]
    await world.publish(sent)
    async with world.running(world.runtime(ledger)):
        await until(lambda: _applied(world, 100))
    await world.rewind()
    await world.publish(sent[::-1])
    await world.publish([record(key, 6) for key in keys])
    async with world.running(world.runtime(ledger)):
        await until(lambda: _applied(world, 120))
    for key in keys:
        assert await world.single_applications(key) == [1, 2, 3, 4, 5, 6]
    assert await world.letters() == []
    assert await world.committed() == 220


async def _applied(world: World, count: int) -> bool:
    found = await world.pool.fetchval("SELECT count(*) FROM applied")
    return bool(found >= count)
