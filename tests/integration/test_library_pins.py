"""What FastStream and aiokafka do and our design depends on, good or bad; an upgrade that changes any of it fails here.

Each test names the trap; `rcm_shared.messaging.consumer` and `.relay` hold the cure.
"""

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaTimeoutError, RequestTimedOutError
from aiokafka.producer.sender import SendProduceReqHandler
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.structs import ConsumerRecord
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaRouter
from faststream.kafka.message import KafkaAckableMessage
from faststream.kafka.parser import AioKafkaBatchParser, AioKafkaParser
from faststream.kafka.schemas import Topic
from integration.ledger import Ledger, World, record, until
from rcm_shared.ids import uuid7
from rcm_shared.messaging.lenient import LenientRecords

Handler = Callable[[Any], Awaitable[None]]


def consumed(offset: int, *, partition: int = 0, headers: Any = ()) -> Any:
    """Return a record as aiokafka gives it."""
    return ConsumerRecord("t", partition, offset, 1_700_000_000_000, 0, b"k", b"v", None, 1, 1, headers)


# What a subscriber commits


def test_default_policy_is_ack_first_with_auto_commit() -> None:
    subscriber: Any = KafkaBroker("127.0.0.1:1", logger=None).subscriber("t", group_id="g")
    assert subscriber.ack_policy is AckPolicy.ACK_FIRST
    assert subscriber._connection_args["enable_auto_commit"] is True
    assert subscriber._connection_args["auto_offset_reset"] == "latest"


@pytest.mark.parametrize("policy", [AckPolicy.MANUAL, AckPolicy.NACK_ON_ERROR, AckPolicy.ACK])
def test_every_other_policy_turns_auto_commit_off(policy: AckPolicy) -> None:
    broker = KafkaBroker("127.0.0.1:1", logger=None)
    subscriber: Any = broker.subscriber("t", group_id="g", ack_policy=policy)
    assert subscriber._connection_args["enable_auto_commit"] is False


def test_policy_of_the_broker_does_not_reach_a_routers_auto_commit() -> None:
    broker, router = KafkaBroker("127.0.0.1:1", logger=None, ack_policy=AckPolicy.MANUAL), KafkaRouter()
    subscriber: Any = router.subscriber("t", group_id="g")
    broker.include_router(router)
    assert subscriber._connection_args["enable_auto_commit"] is True


def test_batch_subscriber_is_one_serial_consumer() -> None:
    broker = KafkaBroker("127.0.0.1:1", logger=None)
    subscriber = broker.subscriber("t", group_id="g", batch=True, ack_policy=AckPolicy.MANUAL)
    assert type(subscriber).__name__ == "BatchSubscriber"


async def test_nack_of_a_batch_seeks_each_partition_to_its_earliest_record() -> None:
    sought: dict[TopicPartition, int] = {}

    class Consumer:
        def seek(self, partition: TopicPartition, offset: int) -> None:
            sought[partition] = offset

        async def commit(self) -> None:
            raise AssertionError("nack commits nothing")

    batch = tuple(consumed(offset, partition=p) for p, offset in ((0, 9), (1, 4), (0, 7), (1, 5), (0, 8)))
    message: Any = KafkaAckableMessage(raw_message=batch, body=b"", consumer=Consumer())
    await message.nack()
    assert sought == {TopicPartition("t", 0): 7, TopicPartition("t", 1): 4}


async def test_ack_and_reject_commit_without_offsets() -> None:
    calls: list[tuple[Any, ...]] = []

    class Consumer:
        async def commit(self, *arguments: Any) -> None:
            calls.append(arguments)

    for name in ("ack", "reject"):
        message: Any = KafkaAckableMessage(raw_message=consumed(3), body=b"", consumer=Consumer())
        await getattr(message, name)()
    assert calls == [(), ()]


# What the parser makes of headers


@pytest.mark.parametrize(("value", "error"), [(b"\xff", UnicodeDecodeError), (None, AttributeError)])
async def test_librarys_own_parser_raises_on_an_undecodable_header(
    value: bytes | None, error: type[Exception]
) -> None:
    bad = consumed(1, headers=(("ce_id", value),))
    with pytest.raises(error):
        await AioKafkaParser(msg_class=KafkaAckableMessage, regex=None).parse_message(bad)
    with pytest.raises(error):
        await AioKafkaBatchParser(msg_class=KafkaAckableMessage, regex=None).parse_batch((consumed(0), bad))


async def test_message_id_of_the_library_names_no_topic_or_partition() -> None:
    parser = AioKafkaParser(msg_class=KafkaAckableMessage, regex=None)
    one, other = [await parser.parse_message(consumed(5, partition=p)) for p in (0, 1)]
    assert one.message_id == other.message_id == "5-1700000000000"
    assert one.correlation_id != other.correlation_id  # made up at random


class Unreadable(str):
    """A header name that a producer of another make could write."""

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        return b"x\xff"


@pytest.mark.parametrize("compression", [0, 1, 3], ids=["plain", "gzip", "lz4"])
def test_header_name_that_is_no_text_raises_below_every_parser_but_not_in_ours(compression: int) -> None:
    """aiokafka itself cannot read such a record: its partition would stand still for ever."""
    builder = _DefaultRecordBatchBuilderPy(2, compression, False, -1, -1, -1, 16_384)
    builder.append(0, timestamp=1, key=b"k", value=b"v", headers=[(Unreadable("x"), b"v")])
    builder.append(1, timestamp=1, key=b"l", value=None, headers=[("y", None)])
    raw = bytes(builder.build())
    batch = MemoryRecords(raw).next_batch()
    for _ in range(2):
        with pytest.raises(UnicodeDecodeError):
            list(batch)
    batch = LenientRecords(raw + raw).next_batch()
    assert batch.validate_crc()
    assert [(one.offset, one.key, one.value, list(one.headers)) for one in batch] == [
        (0, b"k", b"v", [("x\\xff", b"v")]),
        (1, b"l", None, [("y", None)]),
    ]


async def test_record_with_such_a_header_name_is_set_aside_and_its_partition_goes_on(world: World) -> None:
    ledger, key = Ledger(), uuid7()
    producer = AIOKafkaProducer(bootstrap_servers=world.bootstrap)
    await producer.start()
    try:
        batch = producer.create_batch()
        batch._builder = _DefaultRecordBatchBuilderPy(2, 0, False, -1, -1, -1, 16_384)
        good = record(key, 1)
        batch.append(key=b"k", value=b"v", timestamp=None, headers=[(Unreadable("x"), b"v")])
        batch.append(key=key.bytes, value=good.value, timestamp=None, headers=list(good.headers))
        await (await producer.send_batch(batch, world.topic.name, partition=0))
    finally:
        await producer.stop()
    async with world.running(world.runtime(ledger)):
        await until(lambda: world.pool.fetchval("SELECT count(*) = 1 FROM inbox"))
    assert await world.levels(key) == [1]
    assert await world.letters() == [("dead", None, "envelope-key")]


# Defaults of producers and topics


def test_producer_defaults_are_neither_safe_nor_idempotent() -> None:
    defaults = {
        name: parameter.default
        for name, parameter in inspect.signature(KafkaBroker.__init__).parameters.items()
    }
    assert defaults["enable_idempotence"] is False
    assert inspect.signature(AIOKafkaProducer.__init__).parameters["enable_idempotence"].default is False


def test_topics_made_by_the_library_have_one_partition_and_one_copy() -> None:
    topic = Topic("t")
    assert (topic.num_partitions, topic.replication_factor) == (1, 1)


def test_idempotent_batch_never_expires() -> None:
    """So every wait for the relay's producer has a deadline of our own."""
    handler = SendProduceReqHandler.__new__(SendProduceReqHandler)
    batch: Any = SimpleNamespace(expired=lambda: True)
    for manager, retried in ((object(), True), (None, False)):
        handler._sender = SimpleNamespace(_txn_manager=manager)
        assert handler._can_retry(RequestTimedOutError(), batch) is retried


async def test_idempotent_producers_sequence_advances_before_the_batch_is_acknowledged(world: World) -> None:
    """A batch that fails leaves a hole in the producer's own numbers: the relay throws such a producer away."""
    producer = AIOKafkaProducer(
        bootstrap_servers=world.bootstrap, acks="all", enable_idempotence=True, request_timeout_ms=2_000
    )
    await producer.start()
    try:
        target = TopicPartition(world.topic.name, 0)
        await producer.send_and_wait(target.topic, b"one", partition=0)
        accumulator, manager = producer._message_accumulator, producer._txn_manager
        assert manager.sequence_number(target) == 1
        future = await producer.send(target.topic, b"two", partition=0)
        batch = accumulator._pop_batch(target)
        assert manager.sequence_number(target) == 2
        batch.failure(KafkaTimeoutError())
        with pytest.raises(KafkaTimeoutError):
            await future
        assert manager.sequence_number(target) == 2
    finally:
        await asyncio.wait_for(producer.stop(), 10)


def test_one_batch_per_partition_is_in_flight() -> None:
    """Order per key rests on it."""
    from aiokafka.producer import sender

    assert "self._muted_partitions.add(tp)" in inspect.getsource(sender.Sender)


# With a real broker


@asynccontextmanager
async def subscribed(world: World, handle: Handler, policy: AckPolicy, **options: Any) -> AsyncIterator[Any]:
    """Run a batch subscriber of the plain library on the world's topic."""
    broker = KafkaBroker(world.bootstrap, logger=None, apply_types=False, allow_auto_create_topics=False)
    arguments = {"batch": True, "max_records": 1, "batch_timeout_ms": 20, **options}
    subscriber = cast(Any, broker).subscriber(
        world.topic.name, group_id=world.group, ack_policy=policy, auto_offset_reset="earliest", **arguments
    )
    subscriber(handle)
    await broker.start()
    try:
        yield subscriber, broker
    finally:
        await broker.stop()


async def whole(message: Any) -> Any:
    """Give the handler the message itself."""
    return message


async def test_ack_commits_the_position_past_a_message_that_was_never_acknowledged(world: World) -> None:
    key, seen = uuid7(), []
    await world.publish(record(key, n) for n in (1, 2, 3))

    async def handle(message: Any) -> None:
        seen.append(message.raw_message[0].offset)
        if len(seen) == 3:
            await message.ack()

    async with subscribed(world, handle, AckPolicy.MANUAL, decoder=whole):
        await until(lambda: len(seen) == 3)
        await until(lambda: world.committed())
    assert await world.committed() == 3


async def test_manual_policy_does_not_seek_back_after_an_exception(world: World) -> None:
    key, seen = uuid7(), []
    await world.publish(record(key, n) for n in (1, 2, 3))

    async def handle(message: Any) -> None:
        seen.append(message.raw_message[0].offset)
        if len(seen) == 1:
            raise ValueError

    async with subscribed(world, handle, AckPolicy.MANUAL, decoder=whole):
        await until(lambda: len(seen) == 3)
    assert seen == [0, 1, 2]
    assert await world.committed() == 0


async def test_nack_delivers_the_batch_again_at_once(world: World) -> None:
    key, seen = uuid7(), []
    await world.publish(record(key, n) for n in (1, 2))

    async def handle(message: Any) -> None:
        seen.append(message.raw_message[0].offset)
        if len(seen) < 3:
            await message.nack()

    async with subscribed(world, handle, AckPolicy.MANUAL, decoder=whole):
        await until(lambda: len(seen) == 4)
    assert seen == [0, 0, 0, 1]


async def test_one_undecodable_header_skips_its_whole_batch_under_every_policy(world: World) -> None:
    """Seen with NACK_ON_ERROR, which promises the opposite."""
    key, seen = uuid7(), []
    await world.publish([record(key, 1), record(key, 2).changed("ce_id", b"\xff"), record(key, 3)])

    async def handle(_body: Any) -> None:
        seen.append(1)

    async with subscribed(world, handle, AckPolicy.NACK_ON_ERROR, max_records=10) as (subscriber, _):
        await until(lambda: subscriber.consumer.assignment())
        await until(lambda: _read(subscriber) == 3)
        await world.publish([record(key, 4)])
        await until(lambda: seen)
        await until(lambda: world.committed())
    assert seen == [1]
    assert await world.committed() == 4


def _read(subscriber: Any) -> int:
    """Return the sum of the positions of a consumer, from its own memory."""
    states = subscriber.consumer._subscription.subscription.assignment
    positions = [states.state_value(tp) for tp in subscriber.consumer.assignment()]
    return sum(state.position for state in positions if state.has_valid_position)


async def test_stray_cancel_ends_the_consume_task_while_all_looks_well(world: World) -> None:
    """Zombie A: the reason for the watchdog and for turning a cancel into an error in our handler."""
    await world.publish([record(uuid7(), 1)])

    async def handle(_message: Any) -> None:
        raise asyncio.CancelledError

    async with subscribed(world, handle, AckPolicy.MANUAL, decoder=whole) as (subscriber, broker):
        await until(lambda: subscriber.tasks and all(task.done() for task in subscriber.tasks))
        await asyncio.sleep(0.3)
        assert all(task.done() for task in subscriber.tasks)
        assert subscriber.running
        assert await broker.ping(timeout=5)


async def test_internals_that_the_watchdog_reads_are_there(world: World) -> None:
    await world.publish([record(uuid7(), 1)])
    seen = []

    async def handle(_message: Any) -> None:
        seen.append(1)

    async with subscribed(world, handle, AckPolicy.MANUAL, decoder=whole) as (subscriber, _):
        await until(lambda: seen)
        consumer = subscriber.consumer
        assert [type(task) for task in subscriber.tasks] == [asyncio.Task]
        assert not consumer._coordinator._coordination_task.done()
        assert _read(subscriber) == 1
        assert sum(consumer.highwater(tp) or 0 for tp in consumer.assignment()) == 1
        assert subscriber._call_options.parser is None
        assert subscriber._connection_args["auto_offset_reset"] == "earliest"


async def test_static_member_stays_in_its_group_when_it_stops(world: World) -> None:
    """So a restart costs no rebalance; and nobody else may commit for the group meanwhile."""
    arguments: dict[str, Any] = {"bootstrap_servers": world.bootstrap, "group_id": world.group}
    times = []
    for _ in range(2):
        consumer = AIOKafkaConsumer(
            world.topic.name, group_instance_id="one", session_timeout_ms=30_000, **arguments
        )
        started = asyncio.get_running_loop().time()
        try:
            await consumer.start()
            await until(consumer.assignment)
        finally:
            await consumer.stop()
        times.append(asyncio.get_running_loop().time() - started)
    assert times[1] < 5
    other = AIOKafkaConsumer(enable_auto_commit=False, **arguments)
    other.assign([TopicPartition(world.topic.name, 0)])
    await other.start()
    try:
        with pytest.raises(Exception, match="CommitFailed"):
            await other.commit({TopicPartition(world.topic.name, 0): 0})
    finally:
        await other.stop()


async def test_async_revocation_listener_is_awaited_before_the_partition_moves(world: World) -> None:
    """Our gate holds a partition until the batch in hand is done."""
    events: list[str] = []

    class Slow(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka is untyped
        async def on_partitions_revoked(self, revoked: Any) -> None:
            if revoked:
                await asyncio.sleep(1.0)
                events.append("given up")

        async def on_partitions_assigned(self, assigned: Any) -> None:
            return None

    class Second(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka is untyped
        async def on_partitions_revoked(self, revoked: Any) -> None:
            return None

        async def on_partitions_assigned(self, assigned: Any) -> None:
            events.append("taken over")

    arguments: dict[str, Any] = {
        "bootstrap_servers": world.bootstrap,
        "group_id": world.group,
        "heartbeat_interval_ms": 300,
        "rebalance_timeout_ms": 30_000,
    }
    first, second = AIOKafkaConsumer(**arguments), AIOKafkaConsumer(**arguments)
    first.subscribe([world.topic.name], listener=Slow())
    second.subscribe([world.topic.name], listener=Second())
    try:
        await first.start()
        await until(first.assignment)
        await second.start()
        await until(second.assignment)
    finally:
        await asyncio.gather(first.stop(), second.stop())
    assert events == ["given up", "taken over"]
