"""A gate between the running batch and a rebalance: partitions are given up only between batches."""

import asyncio
from collections.abc import Iterable

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError

from rcm_shared.telemetry import COMMIT_FAILED, log


class Offsets:
    """Offsets that are done in the database and still to be committed to Kafka.

    Only these explicit offsets are ever committed: the consumer's own position would include the batch in hand.
    A commit that fails costs redelivery, which the inbox absorbs.
    """

    def __init__(self, group: str) -> None:
        self._group = group
        self._done: dict[TopicPartition, int] = {}

    def done(self, records: Iterable[object]) -> None:
        """Note a batch that was committed to the database; its records lie in order of their offsets."""
        last = {(record.topic, record.partition): record.offset for record in records}  # type: ignore[attr-defined]
        for (topic, number), offset in last.items():
            partition = TopicPartition(topic, number)
            self._done[partition] = max(self._done.get(partition, 0), offset + 1)

    async def commit(self, consumer: AIOKafkaConsumer | None) -> None:
        """Commit what is done."""
        if consumer is None or not self._done:
            return
        assigned = consumer.assignment()
        offsets = {tp: offset for tp, offset in self._done.items() if tp in assigned}
        self._done.clear()
        if not offsets:
            return
        try:
            await asyncio.wait_for(consumer.commit(offsets), 10)
        except (KafkaError, TimeoutError) as error:
            COMMIT_FAILED.labels(self._group).inc()
            log().warning("offset commit failed", consumer=self._group, error=type(error).__name__)

    def forget(self, partitions: Iterable[TopicPartition]) -> None:
        """Drop offsets of partitions that another member now owns."""
        for partition in partitions:
            self._done.pop(partition, None)


class BatchGate(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka is untyped
    """`async with gate` around a batch; a revocation waits for it and commits its offsets first."""

    def __init__(self, offsets: Offsets) -> None:
        self._lock = asyncio.Lock()
        self._offsets = offsets
        self.consumer: AIOKafkaConsumer | None = None

    async def __aenter__(self) -> None:
        await self._lock.acquire()

    async def __aexit__(self, *_: object) -> None:
        self._lock.release()

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        async with self._lock:
            await self._offsets.commit(self.consumer)
            self._offsets.forget(revoked)

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        return None
