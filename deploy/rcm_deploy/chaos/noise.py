"""What a bad day puts on the topics: events twice, bodies that do not parse, headers that do not decode."""

import asyncio
import contextlib
import random
from datetime import UTC, datetime

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaError
from rcm_shared.contracts.envelope import Envelope
from rcm_shared.contracts.topics import INBOUND_TOPIC, TOPICS
from rcm_shared.ids import uuid7
from rcm_shared.messaging.headers import to_headers

MARK = ("chaos-duplicate", b"1")
DUPLICATE_SHARE = 0.05
SOURCE = "/chaos"  # of every poison record whose envelope can be read
UNDECODABLE, NO_ENVELOPE, CUT_SHORT, NOT_JSON = (
    b"{}",
    b"no envelope",
    b'{"message_id": ',
    b"\x00\xff not json",
)
#: Bodies of the poison records without a readable envelope; no service writes one of these.
GARBAGE = frozenset({UNDECODABLE, NO_ENVELOPE, CUT_SHORT, NOT_JSON})


class Noise:
    """Publishes duplicates and poison until stopped, and counts both."""

    def __init__(self, bootstrap: str, chooser: random.Random) -> None:
        self._bootstrap = bootstrap
        self._random = chooser
        self._stopping = False
        self.duplicates = 0
        self.poison: dict[str, int] = {topic.name: 0 for topic in TOPICS} | {INBOUND_TOPIC: 0}

    def stop(self) -> None:
        """Publish no more."""
        self._stopping = True

    async def duplicate(self) -> None:
        """Read every one of our topics and publish one record in twenty again, byte for byte."""
        while not self._stopping:
            consumer = AIOKafkaConsumer(
                *(topic.name for topic in TOPICS),
                bootstrap_servers=self._bootstrap,
                group_id="chaos-duplicates",
                auto_offset_reset="earliest",
            )
            producer = AIOKafkaProducer(bootstrap_servers=self._bootstrap)
            try:
                await consumer.start()
                await producer.start()
                while not self._stopping:
                    polled = await consumer.getmany(timeout_ms=200)
                    for record in (record for records in polled.values() for record in records):
                        if MARK in record.headers or self._random.random() >= DUPLICATE_SHARE:
                            continue
                        await asyncio.wait_for(
                            producer.send_and_wait(
                                record.topic,
                                record.value,
                                key=record.key,
                                headers=[*record.headers, MARK],
                                partition=record.partition,
                            ),
                            20,
                        )
                        self.duplicates += 1
            except (KafkaError, TimeoutError, OSError):
                await asyncio.sleep(0.5)
            finally:
                await _stop(consumer)
                await _stop(producer)

    async def poison_all(self, every_s: float, rounds: int) -> None:
        """Put a poison record of each sort on each topic, again and again."""
        for _ in range(rounds):
            if self._stopping:
                return
            for topic in (*(topic.name for topic in TOPICS), INBOUND_TOPIC):
                for key, headers, body in self._sorts(topic):
                    if await self._send(topic, key, headers, body):
                        self.poison[topic] += 1
            await asyncio.sleep(every_s)

    def _sorts(self, topic: str) -> list[tuple[bytes, list[tuple[str, bytes]], bytes]]:
        if topic == INBOUND_TOPIC:
            return [
                (b"poison", [], CUT_SHORT),
                (b"poison", [("x", b"\xff\xfe")], NOT_JSON),
            ]
        key = uuid7()
        event_type = next(item for item in TOPICS if item.name == topic).events[0].TYPE
        envelope = Envelope(uuid7(), event_type, SOURCE, key, datetime.now(UTC), 1, key, None, "CHAOS")
        good = to_headers(envelope)
        undecodable = [(name, b"\xff\xfe" if name == "ce_type" else value) for name, value in good]
        return [
            (key.bytes, good, b'{"facility_id": 7}'),
            (key.bytes, undecodable, UNDECODABLE),
            (b"poison", [], NO_ENVELOPE),
        ]

    async def _send(self, topic: str, key: bytes, headers: list[tuple[str, bytes]], body: bytes) -> bool:
        producer = AIOKafkaProducer(bootstrap_servers=self._bootstrap)
        try:
            await asyncio.wait_for(producer.start(), 10)
            await asyncio.wait_for(producer.send_and_wait(topic, body, headers=headers, key=key), 10)
        except (KafkaError, TimeoutError, OSError):
            return False
        finally:
            await _stop(producer)
        return True


async def _stop(client: AIOKafkaConsumer | AIOKafkaProducer) -> None:
    """Stop a client, which may not end by itself while the broker is away."""
    with contextlib.suppress(KafkaError, TimeoutError, OSError):
        await asyncio.wait_for(client.stop(), 5)
