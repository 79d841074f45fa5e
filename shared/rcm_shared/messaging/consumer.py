"""Reading topics: the only module that touches FastStream.

Every subscriber is a batch subscriber with AckPolicy.MANUAL, `earliest`, a tolerant parser, static membership and
explicit offsets committed about once a second. Under MANUAL nothing seeks by itself, so every way out of the
handler that is no success calls `nack()`; the next batch's offsets would otherwise pass the failed one.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import asyncpg
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage

from rcm_shared.errors import RcmError
from rcm_shared.messaging.apply import Consumer, apply_records
from rcm_shared.messaging.kafka import connection_arguments
from rcm_shared.messaging.lenient import read_any_header_name
from rcm_shared.messaging.rebalance import BatchGate, Offsets
from rcm_shared.messaging.watchdog import Progress
from rcm_shared.postgres.pool import is_transient
from rcm_shared.settings import KafkaSettings
from rcm_shared.telemetry import BATCH_SECONDS, REDELIVERED, log, span, where

MAX_RECORDS = 500
IDLE_MS = 20  # FastStream sleeps this long after an empty poll, in which the next batch gathers
SESSION_TIMEOUT_MS = 30_000
REBALANCE_TIMEOUT_MS = 60_000
COMMIT_EVERY_S = 1.0

Handle = Callable[[Sequence[Any]], Awaitable[None]]


class UnsafeSubscriberError(RcmError):
    """A subscriber whose settings could lose events; the process must not start with it."""

    code = "unsafe-subscriber"


@dataclass(slots=True)
class Reading:
    """One running subscriber: its group, its topic, its progress."""

    group: str
    topic: str
    subscriber: Any
    gate: BatchGate
    offsets: Offsets
    progress: Progress
    handle: Handle


class Reader:
    """All subscribers of one process."""

    def __init__(self, kafka: KafkaSettings, *, service: str, replica: int) -> None:
        read_any_header_name()
        self._service = service
        self._replica = replica
        self.broker = KafkaBroker(
            **_broker_arguments(kafka),
            client_id=f"rcm-{service}-{replica}",
            allow_auto_create_topics=False,
            apply_types=False,
            logger=None,
            graceful_timeout=15,
        )
        self.readings: list[Reading] = []
        self._stopping = False
        self._committer: asyncio.Task[None] | None = None

    def consume(self, consumer: Consumer, pool: asyncpg.Pool, committed: Callable[[], None]) -> None:
        """Read one of our topics with exactly-once effects; `committed` is called after each transaction."""

        async def handle(records: Sequence[Any]) -> None:
            with (
                span(
                    f"process {consumer.topic}",
                    {
                        "messaging.system": "kafka",
                        "messaging.destination.name": consumer.topic,
                        "messaging.consumer.group.name": consumer.group,
                        "messaging.batch.message_count": len(records),
                    },
                    traceparents=_traceparents(records),
                ) as opened,
                BATCH_SECONDS.labels(consumer.group).time(),
            ):
                outcome = await apply_records(pool, consumer, records)
                opened.set_attribute("rcm.applied", outcome.applied)
                opened.set_attribute("rcm.duplicates", outcome.duplicates)
            if outcome.emitted:
                committed()

        self.subscribe(topic=consumer.topic, group=consumer.group, handle=handle)

    def subscribe(self, *, topic: str, group: str, handle: Handle) -> None:
        """Read a topic with a handler that must be idempotent by its own means (the inbound topic)."""
        offsets = Offsets(group)
        gate = BatchGate(offsets)
        subscriber = self.broker.subscriber(
            topic,
            group_id=group,
            group_instance_id=f"{group}-{self._replica}",
            batch=True,
            max_records=MAX_RECORDS,
            batch_timeout_ms=IDLE_MS,
            ack_policy=AckPolicy.MANUAL,
            auto_offset_reset="earliest",
            parser=_tolerant,
            decoder=_whole_message,
            listener=gate,
            session_timeout_ms=SESSION_TIMEOUT_MS,
            rebalance_timeout_ms=REBALANCE_TIMEOUT_MS,
            heartbeat_interval_ms=1_000,
            partition_assignment_strategy=(RangePartitionAssignor,),
        )
        reading = Reading(group, topic, subscriber, gate, offsets, Progress(group), handle)
        self.readings.append(reading)

        async def on_batch(message: KafkaMessage) -> None:
            await self._on_batch(reading, message)

        subscriber(on_batch)

    async def _on_batch(self, reading: Reading, message: KafkaMessage) -> None:
        records = message.raw_message
        reading.gate.consumer = reading.subscriber.consumer
        async with reading.gate:
            try:
                await reading.handle(records)
            except asyncio.CancelledError:
                if self._stopping:
                    raise
                await message.nack()
                # A stray cancel would end FastStream's consume task for good while it still looks alive.
                raise RuntimeError("stray cancel") from None
            except Exception as error:
                REDELIVERED.labels(reading.group).inc()
                log().warning(
                    "batch given back",
                    consumer=reading.group,
                    error=type(error).__name__,
                    sqlstate=getattr(error, "sqlstate", None),
                    where=where(error),
                    reason="transient" if is_transient(error) else "unexpected",
                )
                await asyncio.sleep(random.uniform(0.1, 0.5))  # noqa: S311 — jitter
                await message.nack()
                return
            reading.offsets.done(records)
            reading.progress.advanced()

    async def start(self) -> None:
        """Check every subscriber, join the groups and begin."""
        check_subscribers(self.broker)
        await self.broker.start()
        self._committer = asyncio.create_task(self._commit_loop())

    async def stop(self) -> None:
        """Let running batches end, commit, leave."""
        self._stopping = True
        if self._committer:
            self._committer.cancel()
        for reading in self.readings:
            async with reading.gate:
                await reading.offsets.commit(reading.subscriber.consumer)
        await self.broker.stop()

    async def _commit_loop(self) -> None:
        while True:
            await asyncio.sleep(COMMIT_EVERY_S)
            for reading in self.readings:
                await reading.offsets.commit(reading.subscriber.consumer)

    def lag(self) -> dict[str, int]:
        """Return records between position and high water, by group; -1 while nothing is known."""
        return {reading.group: lag_of(reading.subscriber.consumer) for reading in self.readings}


def lag_of(consumer: Any) -> int:
    """Return how many records a consumer has still to read, from what it knows without a call; -1 if nothing."""
    if consumer is None:
        return -1
    total = 0
    for partition in consumer.assignment():
        highwater = consumer.highwater(partition)
        state = consumer._subscription.subscription.assignment.state_value(partition)
        if highwater is None or state is None or not state.has_valid_position:
            continue
        total += max(0, highwater - state.position)
    return total


def check_subscribers(broker: KafkaBroker) -> None:
    """Refuse any subscriber whose settings differ from ours: FastStream's defaults lose events.

    Raises: UnsafeSubscriberError naming the topic and the setting.
    """
    for subscriber in broker.subscribers:
        arguments: dict[str, Any] = getattr(subscriber, "_connection_args", {})
        faults = {
            "ack_policy": subscriber.ack_policy is not AckPolicy.MANUAL,
            "batch": type(subscriber).__name__ != "BatchSubscriber",
            "auto_offset_reset": arguments.get("auto_offset_reset") != "earliest",
            "enable_auto_commit": arguments.get("enable_auto_commit") is not False,
            "parser": subscriber._call_options.parser is not _tolerant,
            "group_instance_id": not arguments.get("group_instance_id"),
        }
        wrong = [name for name, fault in faults.items() if fault]
        if wrong:
            topics = ",".join(getattr(subscriber, "topic_names", ()))
            raise UnsafeSubscriberError(message=f"subscriber of {topics} has unsafe {', '.join(wrong)}")


async def _tolerant(records: Any, original: Callable[[Any], Awaitable[Any]]) -> Any:
    """Hide headers from FastStream's parser: one undecodable header would skip the whole batch for ever.

    Our own reader takes the headers from a copy, so nothing is lost or repaired.
    """
    message = await original((replace(records[0], headers=()),))
    message.raw_message = records
    return message


async def _whole_message(message: Any) -> Any:
    """Give the handler the message itself: without FastDepends the decoder's result is its argument."""
    return message


def _traceparents(records: Sequence[Any]) -> list[str]:
    found: list[str] = []
    for record in records[:128]:
        for name, value in record.headers:
            if name == "traceparent" and value and value.isascii():
                found.append(value.decode())
    return found


def _broker_arguments(kafka: KafkaSettings) -> dict[str, Any]:
    """Return FastStream's own way of saying what `connection_arguments` says to aiokafka."""
    arguments = connection_arguments(kafka)
    return {"bootstrap_servers": arguments["bootstrap_servers"], **_security(arguments)}


def _security(arguments: dict[str, Any]) -> dict[str, Any]:
    from faststream.security import BaseSecurity, SASLPlaintext, SASLScram256, SASLScram512

    if arguments["security_protocol"] == "PLAINTEXT":
        return {}
    context = arguments.get("ssl_context")
    mechanisms: dict[str, type[BaseSecurity]] = {
        "PLAIN": SASLPlaintext,
        "SCRAM-SHA-256": SASLScram256,
        "SCRAM-SHA-512": SASLScram512,
    }
    if "sasl_mechanism" not in arguments:
        return {"security": BaseSecurity(ssl_context=context, use_ssl=True)}
    security: Any = mechanisms[arguments["sasl_mechanism"]]
    return {
        "security": security(
            username=arguments["sasl_plain_username"],
            password=arguments["sasl_plain_password"],
            ssl_context=context,
            use_ssl=context is not None,
        )
    }
