"""What a transaction publishes reaches the topic: all of it, gapless, in order per key, by one relay at a time."""

import asyncio
import gc
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaTimeoutError
from integration.ledger import OWN_TOPIC, SERVICE, Ledger, World, until
from rcm_shared import failpoints
from rcm_shared.contracts.envelope import Envelope
from rcm_shared.contracts.query import QueryRetracted
from rcm_shared.errors import Poison
from rcm_shared.ids import uuid7
from rcm_shared.messaging import relay as relay_module
from rcm_shared.messaging.relay import LOCK_KEY, Relay
from rcm_shared.messaging.uow import MAX_EVENT_BYTES
from rcm_shared.settings import KafkaSettings


@asynccontextmanager
async def relaying(world: World, *, bootstrap: str | None = None) -> AsyncIterator[Relay]:
    """Run one relay alone."""
    relay = Relay(dsn=world.dsn, service=SERVICE, kafka=KafkaSettings(bootstrap=bootstrap or world.bootstrap))
    task = asyncio.create_task(relay.run())
    try:
        yield relay
    finally:
        relay.stop()
        await asyncio.wait_for(task, 15)


async def empty(world: World) -> bool:
    """Tell whether everything was sent."""
    return bool(await world.pool.fetchval("SELECT count(*) = 0 FROM outbox"))


async def leaders(world: World) -> list[int]:
    """Return the server process ids of the sessions that hold the relay's lock in this database."""
    rows = await world.pool.fetch(
        "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = $1 AND granted"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
        LOCK_KEY,
    )
    return [row["pid"] for row in rows]


def firsts(found: list[Envelope]) -> list[int]:
    """Return sequences in the order of their first occurrence."""
    return list(dict.fromkeys(envelope.sequence for envelope in found))


async def test_sequences_are_gapless_under_concurrent_commands_on_one_key(database_world: World) -> None:
    world, key, other = database_world, uuid7(), uuid7()

    async def command(number: int) -> None:
        async with world.command() as uow:
            for part in range(3):
                uow.emit(key if part else other, _retracted(f"{number}-{part}"))
            if number % 5 == 0:
                await asyncio.sleep(0.01)

    await asyncio.gather(*(command(number) for number in range(60)))
    for one, count in ((key, 120), (other, 60)):
        rows = await world.pool.fetch("SELECT sequence FROM outbox WHERE key = $1 ORDER BY id", one)
        assert [row["sequence"] for row in rows] == list(range(1, count + 1))
    assert await world.pool.fetchval("SELECT count(*) FROM event_log") == 180


async def test_command_that_fails_leaves_no_gap(database_world: World) -> None:
    world, key = database_world, uuid7()
    await world.emit(key, 1)

    async def fail() -> None:
        async with world.command() as uow:
            uow.emit(key, _retracted("lost"))
            await uow.flush()
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    await world.emit(key, 2)
    rows = await world.pool.fetch("SELECT sequence FROM event_log ORDER BY sequence")
    assert [row["sequence"] for row in rows] == [1, 2]


async def test_relay_sends_in_order_per_key_and_once(world: World) -> None:
    keys = [uuid7() for _ in range(8)]
    async with relaying(world) as relay:

        async def writer(key: UUID) -> None:
            for n in range(0, 60, 3):
                await world.emit(key, n, n + 1, n + 2)
                relay.wake.set()

        await asyncio.gather(*(writer(key) for key in keys))
        await until(lambda: empty(world))
    for key in keys[:3]:
        found = await world.published(key, 60)
        assert [envelope.sequence for envelope in found] == list(range(1, 61))
        assert {envelope.source for envelope in found} == {"/rcm/query"}


async def test_envelope_on_the_topic_is_the_one_that_was_stored(world: World) -> None:
    key = uuid7()
    await world.emit(key, 5)
    async with relaying(world):
        [(envelope, body)] = await world.published_with_bodies(key, 1)
    row = await world.pool.fetchrow("SELECT * FROM event_log")
    assert (envelope.id, envelope.type, envelope.time) == (row["id"], row["type"], row["occurred_at"])
    assert (envelope.key, envelope.facility_id, body) == (key, "DEMO-GENERAL", row["body"])
    assert row["topic"] == OWN_TOPIC
    assert envelope.correlation_id == key
    assert envelope.causation_id is None


async def test_one_of_two_relays_is_active_and_the_other_takes_over_when_it_stops(world: World) -> None:
    key = uuid7()
    async with relaying(world) as second_to_be:
        await until(lambda: second_to_be.active)
        async with relaying(world) as waiting:
            await world.emit(key, 1, 2)
            await until(lambda: empty(world))
            await asyncio.sleep(1.2)
            assert (second_to_be.active, waiting.active) == (True, False)
            assert len(await leaders(world)) == 1
            second_to_be.stop()
            await until(lambda: waiting.active)
            await world.emit(key, 3)
            await until(lambda: empty(world))
    assert [envelope.sequence for envelope in await world.published(key, 3)] == [1, 2, 3]


async def test_takeover_after_the_active_relays_connection_dies(world: World) -> None:
    key = uuid7()
    async with relaying(world) as one, relaying(world) as other:
        await until(lambda: one.active or other.active)
        for n in range(3):
            [leader] = await leaders(world)
            await world.emit(key, 10 * n + 1, 10 * n + 2)
            await world.pool.execute("SELECT pg_terminate_backend($1)", leader)
            await world.emit(key, 10 * n + 3)
            await until(lambda: leaders(world))
            assert await leaders(world) != [leader]
            await until(lambda: one.active != other.active)
            await until(lambda: empty(world))
    assert firsts(await world.published(key, 9)) == list(range(1, 10))


class FlakyProducer(AIOKafkaProducer):  # type: ignore[misc]  # aiokafka is untyped
    """A producer whose sends fail as often as a test says, before or after Kafka got the batch."""

    built = 0
    failures = 0
    after = False

    def __init__(self, **arguments: Any) -> None:
        type(self).built += 1
        super().__init__(**arguments)

    async def send_batch(self, batch: Any, topic: str, *, partition: int) -> Any:
        """Send, or fail."""
        if type(self).failures == 0:
            return await super().send_batch(batch, topic, partition=partition)
        type(self).failures -= 1
        if self.after:
            await (await super().send_batch(batch, topic, partition=partition))
        failed = asyncio.get_running_loop().create_future()
        failed.set_exception(KafkaTimeoutError())
        return failed


@pytest.fixture(params=["before", "after"])
def flaky(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> type[FlakyProducer]:
    FlakyProducer.built, FlakyProducer.failures = 0, 0
    FlakyProducer.after = request.param == "after"
    monkeypatch.setattr(relay_module, "AIOKafkaProducer", FlakyProducer)
    return FlakyProducer


async def test_failed_send_builds_a_new_producer_and_loses_nothing(
    world: World, flaky: type[FlakyProducer]
) -> None:
    keys = [uuid7() for _ in range(6)]
    flaky.failures = 3
    for n in range(1, 6):
        for key in keys:
            await world.emit(key, n)
    async with relaying(world):
        await until(lambda: empty(world))
    assert flaky.failures == 0
    assert flaky.built >= 2
    for key in keys:
        assert firsts(await world.published(key, 5)) == [1, 2, 3, 4, 5]


async def test_pause_after_a_failure_starts_small_again_once_the_relay_has_led(
    world: World, flaky: type[FlakyProducer]
) -> None:
    """A relay that failed often in its life must not wait five seconds after every later failure."""
    key = uuid7()
    async with relaying(world) as relay:
        for n in range(1, 8):
            await until(lambda: relay.active)
            flaky.failures = 1
            await world.emit(key, n)
            relay.wake.set()
            await until(lambda: empty(world), timeout=2)
    assert firsts(await world.published(key, 7)) == list(range(1, 8))


@pytest.mark.parametrize("name", ["relay.before_send", "relay.after_send"])
async def test_relay_that_breaks_off_in_a_round_sends_it_again(world: World, name: str) -> None:
    key = uuid7()
    await world.emit(key, 1, 2, 3)
    failpoints.configure(f"{name}=raise", 0)
    try:
        async with relaying(world):
            await asyncio.sleep(0.4)
            assert await world.pool.fetchval("SELECT count(*) FROM outbox") == 3
            failpoints.configure("", 0)
            await until(lambda: empty(world))
    finally:
        failpoints.configure("", 0)
    assert firsts(await world.published(key, 3)) == [1, 2, 3]


async def test_broker_that_is_not_there_delays_and_loses_nothing(world: World) -> None:
    key = uuid7()
    async with relaying(world, bootstrap=f"127.0.0.1:{_closed_port()}") as relay:
        await world.emit(key, 1, 2)
        await asyncio.sleep(0.5)
        assert not relay.active
        assert await world.pool.fetchval("SELECT count(*) FROM outbox") == 2
        relay._kafka = KafkaSettings(bootstrap=world.bootstrap)
        await until(lambda: empty(world))
    assert [envelope.sequence for envelope in await world.published(key, 2)] == [1, 2]


# FastStream drops its producer unclosed when the broker is not there.
@pytest.mark.filterwarnings("ignore:Unclosed AIOKafkaProducer:ResourceWarning")
async def test_service_without_a_broker_takes_commands_and_stops_in_order(world: World) -> None:
    key = uuid7()
    runtime = world.runtime(Ledger(), bootstrap=f"127.0.0.1:{_closed_port()}")
    await runtime.start()
    try:
        async with runtime.transaction("demo") as uow:
            uow.emit(key, _retracted("kept"))
        assert runtime.not_ready() == "messaging-starting"
        await asyncio.sleep(0.3)
    finally:
        await asyncio.wait_for(runtime.stop(), 12)
        gc.collect()
    assert await world.pool.fetchval("SELECT count(*) FROM outbox") == 1


async def test_event_too_large_is_refused_before_it_is_stored(database_world: World) -> None:
    world, key = database_world, uuid7()
    with pytest.raises(Poison, match="event-too-large"):
        async with world.command() as uow:
            uow.emit(key, _retracted("x" * MAX_EVENT_BYTES))
    for table in ("event_log", "outbox", "stream"):
        assert await world.pool.fetchval(f"SELECT count(*) FROM {table}") == 0


async def test_largest_event_that_is_accepted_reaches_the_topic(world: World) -> None:
    key = uuid7()
    room = MAX_EVENT_BYTES - len(_retracted("").model_dump_json())
    async with world.command() as uow:
        uow.emit(key, _retracted("small"))
        uow.emit(key, _retracted("x" * room))
        uow.emit(key, _retracted("x" * room))
        uow.emit(key, _retracted("small"))
    async with relaying(world):
        found = await world.published_with_bodies(key, 4)
    assert [envelope.sequence for envelope, _ in found] == [1, 2, 3, 4]
    assert len(found[1][1]) == MAX_EVENT_BYTES


def _retracted(reason: str) -> QueryRetracted:
    return QueryRetracted(
        actor="system:query", facility_id="DEMO-GENERAL", query_id=UUID(int=1), reason=reason
    )


def _closed_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
