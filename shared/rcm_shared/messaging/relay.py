"""The relay sends what the outbox points to, in order per key, and deletes what Kafka has acknowledged, in the same
statement that reads what is next.

One relay per service is active, elected by a session advisory lock on its own connection. A deposed one that still
sends does no harm: both send each key in order, so first occurrences stay ordered and the inbox drops the rest.
"""

import asyncio
import contextlib
import struct
from collections import defaultdict
from typing import Any

import asyncpg
from aiokafka import AIOKafkaProducer

from rcm_shared.contracts.envelope import Envelope
from rcm_shared.errors import RcmError
from rcm_shared.failpoints import failpoint
from rcm_shared.messaging.headers import to_headers
from rcm_shared.messaging.kafka import connection_arguments
from rcm_shared.postgres.pool import connect
from rcm_shared.settings import KafkaSettings
from rcm_shared.telemetry import OUTBOX_DEPTH, RELAY_REBUILDS, RELAYED, log

ROUND = 1000  # pointers read at once; large rounds outlive dead rows at the outbox's head
POLL_S = 0.2  # floor of the wait for new rows; a commit in this process wakes the relay at once
SEND_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 5.0
LOCK_KEY = 7_263_002

_NEXT = """
WITH gone AS (DELETE FROM outbox WHERE id = ANY($2::bigint[]))
SELECT o.id, e.id AS event_id, e.topic, e.key, e.sequence, e.type, e.occurred_at, e.facility_id,
       e.correlation_id, e.causation_id, e.traceparent, e.body
FROM outbox o JOIN event_log e ON e.key = o.key AND e.sequence = o.sequence
WHERE o.id <> ALL($2::bigint[])
ORDER BY o.id LIMIT $1
"""


class ProducerBroken(RcmError):
    """A send failed: this producer's sequence numbers are lost, build a new one."""

    code = "producer-broken"


class Relay:
    """Runs for the life of the process; `wake` is set after every commit of this process."""

    def __init__(self, *, dsn: str, service: str, kafka: KafkaSettings) -> None:
        self._dsn = dsn
        self._service = service
        self._kafka = kafka
        self.wake = asyncio.Event()
        self.active = False
        self._stopping = False
        self._progressed = False  # something was sent since the last failure
        self._acknowledged: list[int] = []  # pointers whose events the broker has, still to be deleted

    async def run(self) -> None:
        """Elect, send, and start over after any failure with a growing pause."""
        pause = 0.1
        while not self._stopping:
            try:
                await self._lead()
                pause = 0.1
            except asyncio.CancelledError:
                raise
            except Exception as error:
                RELAY_REBUILDS.inc()
                if self._progressed:
                    self._progressed, pause = False, 0.1
                log().warning("relay starts over", error=type(error).__name__, delay_s=pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, 5.0)
            finally:
                self.active = False

    def stop(self) -> None:
        """Finish the round in hand and leave."""
        self._stopping = True
        self.wake.set()

    async def _lead(self) -> None:
        conn = await connect(self._dsn, name=f"rcm-{self._service}-relay")
        producer: AIOKafkaProducer | None = None
        try:
            await conn.execute("SET idle_in_transaction_session_timeout = 0")
            # A deletion that a crash forgets is a second sending, which every inbox absorbs: no flush to wait for.
            await conn.execute("SET synchronous_commit = off")
            while not self._stopping:
                if await conn.fetchval("SELECT pg_try_advisory_lock($1)", LOCK_KEY):
                    break
                await asyncio.sleep(1.0)
            if self._stopping:
                return
            producer = AIOKafkaProducer(
                **connection_arguments(self._kafka),
                acks="all",
                enable_idempotence=True,
                linger_ms=0,
                max_batch_size=256 * 1024,
                max_request_size=1024 * 1024,
                compression_type=self._kafka.compression,
            )
            await asyncio.wait_for(producer.start(), 30)
            self.active = True
            while not self._stopping:
                sent = await self._round(conn, producer)
                if sent < ROUND:
                    await self._wait()
            while await self._round(conn, producer) or self._acknowledged:
                pass
        finally:
            if producer is not None:
                await _abandon(producer)
            await _close(conn)

    async def _wait(self) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.wake.wait(), POLL_S)
        self.wake.clear()

    async def _round(self, conn: asyncpg.Connection, producer: AIOKafkaProducer) -> int:
        """Send one round and return how many pointers it read.

        Raises: ProducerBroken after noting, per key, the prefix that was acknowledged.
        """
        rows = await conn.fetch(_NEXT, ROUND, self._acknowledged)
        self._acknowledged = []
        OUTBOX_DEPTH.set(len(rows))
        if not rows:
            return 0
        await failpoint("relay.before_send")
        batches = await self._batch(producer, rows)
        results = await asyncio.wait_for(
            asyncio.gather(*(future for future, _ in batches), return_exceptions=True), SEND_TIMEOUT_S
        )
        await failpoint("relay.after_send")
        # A key lives in one partition, so its chunks were sent in order: the prefix before its first failure counts.
        broken: set[Any] = set()
        for (_, chunk), result in zip(batches, results, strict=True):
            for row in chunk:
                if isinstance(result, BaseException):
                    broken.add(row["key"])
                elif row["key"] not in broken:
                    self._acknowledged.append(row["id"])
        if self._acknowledged:
            RELAYED.inc(len(self._acknowledged))
            self._progressed = True
        for result in results:
            if isinstance(result, BaseException):
                raise ProducerBroken(type(result).__name__) from None
        return len(rows)

    async def _batch(
        self, producer: AIOKafkaProducer, rows: list[asyncpg.Record]
    ) -> list[tuple[asyncio.Future[Any], list[asyncpg.Record]]]:
        """Hand the rows to the producer as one batch per partition (more when a batch is full), in order."""
        partitions: dict[str, int] = {}
        by_partition: dict[tuple[str, int], list[asyncpg.Record]] = defaultdict(list)
        for row in rows:
            topic = row["topic"]
            if topic not in partitions:
                partitions[topic] = len(await producer.partitions_for(topic))
            by_partition[topic, partition_of(row["key"].bytes, partitions[topic])].append(row)
        source = f"/rcm/{self._service}"
        sent: list[tuple[asyncio.Future[Any], list[asyncpg.Record]]] = []
        for (topic, partition), members in by_partition.items():
            builder = producer.create_batch()
            chunk: list[asyncpg.Record] = []
            for row in members:
                key, headers = row["key"].bytes, to_headers(_envelope(row, source))
                if builder.append(key=key, value=row["body"], timestamp=None, headers=headers) is None:
                    sent.append((await producer.send_batch(builder, topic, partition=partition), chunk))
                    builder, chunk = producer.create_batch(), []
                    if builder.append(key=key, value=row["body"], timestamp=None, headers=headers) is None:
                        raise ProducerBroken("event-too-large")
                chunk.append(row)
            sent.append((await producer.send_batch(builder, topic, partition=partition), chunk))
        return sent


def partition_of(key: bytes, partitions: int) -> int:
    """Return the partition of a key, by the rule of every Kafka client's default partitioner."""
    return murmur2(key) % partitions


def murmur2(key: bytes) -> int:
    """Return Kafka's hash of a key of whole 4-byte words (ours are 16 bytes), without its sign bit.

    Rule: org.apache.kafka.common.utils.Utils.murmur2; aiokafka's own takes four times as long.
    """
    value = 0x9747B28C ^ len(key)
    for word in struct.unpack(f"<{len(key) // 4}I", key):
        word = word * 0x5BD1E995 & 0xFFFFFFFF
        word = (word ^ word >> 24) * 0x5BD1E995 & 0xFFFFFFFF
        value = (value * 0x5BD1E995 & 0xFFFFFFFF) ^ word
    value = (value ^ value >> 13) * 0x5BD1E995 & 0xFFFFFFFF
    return (value ^ value >> 15) & 0x7FFFFFFF


def _envelope(row: asyncpg.Record, source: str) -> Envelope:
    return Envelope(
        row["event_id"],
        row["type"],
        source,
        row["key"],
        row["occurred_at"],
        row["sequence"],
        row["correlation_id"],
        row["causation_id"],
        row["facility_id"],
        row["traceparent"],
    )


async def _abandon(producer: AIOKafkaProducer) -> None:
    """Stop a producer without waiting for ever: an idempotent one retries without end when the broker is gone."""
    try:
        await asyncio.wait_for(producer.stop(), STOP_TIMEOUT_S)
    except Exception as error:
        log().warning("producer abandoned", error=type(error).__name__)


async def _close(conn: asyncpg.Connection) -> None:
    try:
        await conn.close(timeout=2)
    except Exception:
        conn.terminate()
