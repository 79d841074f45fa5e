"""A tiny service on the real platform library: it notes what it applied, and fails on purpose when a test says so."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from rcm_shared.contracts.envelope import Envelope
from rcm_shared.contracts.event import Event
from rcm_shared.contracts.query import QueryEscalated, QueryExpired
from rcm_shared.contracts.topics import Topic
from rcm_shared.errors import Poison
from rcm_shared.ids import uuid7
from rcm_shared.messaging.apply import Consumer
from rcm_shared.messaging.decide import Decision, FiredTimer, Moment, fold, fold_timers
from rcm_shared.messaging.delivery import Delivery
from rcm_shared.messaging.headers import from_headers, to_headers
from rcm_shared.messaging.uow import UnitOfWork
from rcm_shared.runtime import Runtime, ServiceSpec
from rcm_shared.settings import KafkaSettings, ServiceSettings, SharedSettings

SERVICE = "query"
OWN_TOPIC = "rcm.query.query"
MIGRATIONS = "integration.migrations"
SENT = datetime(2026, 9, 28, 8, 0, tzinfo=UTC)

# Below zero, so that no sequence is one of them.
POISON = -13  # the decision refuses this level
BAD_TEXT = -22  # PostgreSQL refuses the note (SQLSTATE 22)
BAD_ROW = -23  # PostgreSQL refuses the row (SQLSTATE 23)
BROKEN = -99  # the handler fails for no known reason

State = tuple[int, ...]


def escalated(level: int) -> QueryEscalated:
    """Return an event whose only content that matters is its level."""
    return QueryEscalated(
        actor="system:query",
        facility_id="DEMO-GENERAL",
        query_id=UUID(int=abs(level)),
        level=level,
        due_at=SENT,
    )


def expired() -> QueryExpired:
    """Return an event of a type that the ledger ignores."""
    return QueryExpired(actor="system:query", facility_id="DEMO-GENERAL", query_id=UUID(int=1))


@dataclass
class Faults:
    """What fails at present; a test may change it while the service runs."""

    levels: set[int] = field(default_factory=lambda: {POISON})
    handler: Callable[[UnitOfWork, list[Delivery]], Awaitable[None]] | None = None


class Ledger:
    """Handlers of the tiny service."""

    def __init__(self, *, emits: bool = False) -> None:
        self.faults = Faults()
        self.emits = emits
        self.batches = 0

    def decide(self, state: State | None, event: QueryEscalated, _moment: Moment) -> Decision[State]:
        """Append the event's level."""
        if event.level in self.faults.levels:
            raise Poison("level-refused")
        events = (escalated(event.level),) if self.emits else ()
        return Decision((*(state or ()), event.level), events=events)

    async def apply(self, uow: UnitOfWork, deliveries: list[Delivery]) -> None:
        """Apply a batch."""
        self.batches += 1
        if self.faults.handler:
            await self.faults.handler(uow, deliveries)
        before = await load(uow.conn, sorted({d.envelope.key for d in deliveries}))
        await fold(uow, deliveries, table={QueryEscalated: self.decide}, load=load, save=_saving(before))

    async def apply_timers(self, uow: UnitOfWork, fired: list[FiredTimer]) -> None:
        """Note each timer that fired."""
        live: list[FiredTimer] = []

        def decide(state: State | None, timer: FiredTimer, _moment: Moment) -> Decision[State]:
            live.append(timer)
            return Decision((*(state or ()), int(timer.payload.get("level", 0))))

        before = await load(uow.conn, sorted({timer.key for timer in fired}))
        await fold_timers(
            uow, fired, table={"due": decide, "later": decide}, load=load, save=_saving(before, what="timer")
        )


async def load(conn: asyncpg.Connection, keys: list[UUID]) -> dict[UUID, State]:
    """Read and lock what was applied."""
    rows = await conn.fetch(
        "SELECT key, levels FROM ledger WHERE key = ANY($1) ORDER BY key FOR UPDATE", keys
    )
    return {row["key"]: tuple(row["levels"]) for row in rows}


def _saving(
    before: dict[UUID, State], what: str = "event"
) -> Callable[[asyncpg.Connection, dict[UUID, State]], Awaitable[None]]:
    async def save(conn: asyncpg.Connection, states: dict[UUID, State]) -> None:
        for key, levels in sorted(states.items()):
            new = levels[len(before.get(key, ())) :]
            if BROKEN in new:
                raise RuntimeError("broken on purpose")
            await conn.execute(
                "INSERT INTO ledger (key, levels, note) VALUES ($1, $2, $3)"
                " ON CONFLICT (key) DO UPDATE SET levels = excluded.levels, note = excluded.note",
                key,
                list(levels),
                "\x00" if BAD_TEXT in new else "",
            )
            await conn.executemany(
                "INSERT INTO applied (key, level, what) VALUES ($1, $2, $3)",
                [(key, level, what) for level in new],
            )

    return save


@dataclass(frozen=True)
class FakeRecord:
    """A Kafka record as the consumer module sees it, for tests that need no broker."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]


def envelope(event: Event, key: UUID, sequence: int, *, number: UUID | None = None) -> Envelope:
    """Return a fresh envelope around an event."""
    number = number or uuid7()
    return Envelope(
        id=number,
        type=event.TYPE,
        source="/rcm/query",
        key=key,
        time=SENT,
        sequence=sequence,
        correlation_id=number,
        causation_id=None,
        facility_id="DEMO-GENERAL",
    )


@dataclass(frozen=True)
class Sent:
    """One record to publish or to hand over."""

    key: UUID
    value: bytes
    headers: Sequence[tuple[str, bytes | None]]

    def changed(self, name: str, value: bytes) -> "Sent":
        """Return the record with one header replaced."""
        return replace(self, headers=[(n, value if n == name else v) for n, v in self.headers])


def record(key: UUID, sequence: int, event: Event | None = None, *, body: bytes | None = None) -> Sent:
    """Return a record; its level is its sequence unless an event is given."""
    event = event or escalated(sequence)
    value = event.model_dump_json().encode() if body is None else body
    return Sent(key, value, to_headers(envelope(event, key, sequence)))


class World:
    """A database and a topic of one test's own on the session's engines."""

    def __init__(self, *, dsn: str, owner_dsn: str, bootstrap: str, name: str) -> None:
        self.dsn = dsn
        self.owner_dsn = owner_dsn
        self.bootstrap = bootstrap
        self.topic = Topic(f"rcm.query.t{name}", "query", (), (SERVICE,))
        self.group = self.topic.group(SERVICE)
        self.pool: asyncpg.Pool
        self._offset = 0
        self._started: list[Runtime] = []

    async def create_topic(self, partitions: int = 2) -> None:
        """Create the topic that the ledger reads."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
        await admin.start()
        try:
            await admin.create_topics([NewTopic(self.topic.name, partitions, 1)])
        finally:
            await admin.close()

    # Without a broker

    def consumer(self, ledger: Ledger) -> Consumer:
        """Return the consumer that `apply_records` needs."""
        return Consumer(SERVICE, self.group, self.topic.name, ledger.apply)

    def lying(self, sent: Iterable[Sent]) -> list[FakeRecord]:
        """Give records the next offsets of one partition."""
        records = []
        for one in sent:
            records.append(
                FakeRecord(self.topic.name, 0, self._offset, one.key.bytes, one.value, one.headers)
            )
            self._offset += 1
        return records

    # With a broker

    async def publish(self, sent: Iterable[Sent]) -> None:
        """Publish records on the ledger's topic, in order."""
        producer = AIOKafkaProducer(bootstrap_servers=self.bootstrap, acks="all", linger_ms=5)
        await producer.start()
        try:
            futures = [
                await producer.send(self.topic.name, one.value, key=one.key.bytes, headers=list(one.headers))
                for one in sent
            ]
            await asyncio.gather(*futures)
        finally:
            await producer.stop()

    def settings(
        self, *, replica: int = 0, bootstrap: str | None = None, jwks: Path | None = None
    ) -> ServiceSettings:
        """Return the settings of a replica of the tiny service."""
        return ServiceSettings(
            dsn=self.dsn,
            owner_dsn=self.owner_dsn,
            shared=SharedSettings(replica=replica, environment="test", auth_jwks=jwks),
            kafka=KafkaSettings(bootstrap=bootstrap or self.bootstrap),
        )

    def runtime(
        self,
        ledger: Ledger,
        *,
        replica: int = 0,
        bootstrap: str | None = None,
        jwks: Path | None = None,
        **parts: Any,
    ) -> Runtime:
        """Build the tiny service; parts are those of ServiceSpec."""
        spec = ServiceSpec(
            name=SERVICE, migrations=MIGRATIONS, **{"consumers": {self.topic: ledger.apply}, **parts}
        )
        return Runtime(spec, self.settings(replica=replica, bootstrap=bootstrap, jwks=jwks))

    @asynccontextmanager
    async def running(self, runtime: Runtime) -> AsyncIterator[Runtime]:
        """Run the service in this process for the time of the block."""
        await runtime.start()
        try:
            await until(lambda: runtime.not_ready() is None)
            yield runtime
        finally:
            await runtime.stop()

    async def committed(self) -> int:
        """Return the sum of the group's committed offsets."""
        consumer = AIOKafkaConsumer(bootstrap_servers=self.bootstrap, group_id=self.group)
        await consumer.start()
        try:
            partitions = [TopicPartition(self.topic.name, n) for n in (0, 1)]
            return sum([await consumer.committed(partition) or 0 for partition in partitions])
        finally:
            await consumer.stop()

    async def rewind(self) -> None:
        """Commit offset 0 for the group, as if no commit had ever reached Kafka. The service must be down."""
        consumer = AIOKafkaConsumer(
            self.topic.name,
            bootstrap_servers=self.bootstrap,
            group_id=self.group,
            group_instance_id=f"{self.group}-0",  # a static member stays in its group: take its place
            partition_assignment_strategy=(RangePartitionAssignor,),
            enable_auto_commit=False,
        )
        try:
            await consumer.start()
            await until(consumer.assignment)
            await consumer.commit(dict.fromkeys(consumer.assignment(), 0))
        finally:
            await consumer.stop()

    async def published(self, key: UUID, count: int, timeout: float = 10) -> list[Envelope]:
        """Read what the relay sent about a key, in topic order, until `count` records came."""
        return [found for found, _ in await self.published_with_bodies(key, count, timeout)]

    async def published_with_bodies(
        self, key: UUID, count: int, timeout: float = 10
    ) -> list[tuple[Envelope, bytes]]:
        """Like `published`, with the raw bodies."""
        consumer = AIOKafkaConsumer(
            OWN_TOPIC,
            bootstrap_servers=self.bootstrap,
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=4 << 20,
        )
        await consumer.start()
        found: list[tuple[Envelope, bytes]] = []
        try:
            async with asyncio.timeout(timeout):
                while len(found) < count:
                    for records in (await consumer.getmany(timeout_ms=100)).values():
                        found += [
                            (from_headers(one.key, one.headers), one.value)
                            for one in records
                            if one.key == key.bytes
                        ]
        finally:
            await consumer.stop()
        return found

    # What the database says

    async def levels(self, key: UUID) -> list[int]:
        """Return what was applied to a key, in order."""
        return list(await self.pool.fetchval("SELECT levels FROM ledger WHERE key = $1", key) or [])

    async def single_applications(self, key: UUID) -> list[int]:
        """Return every single application to a key in the order in which it happened."""
        return [
            row["level"]
            for row in await self.pool.fetch("SELECT level FROM applied WHERE key = $1 ORDER BY n", key)
        ]

    async def position(self, key: UUID) -> tuple[int, bool, bool]:
        """Return (last sequence, blocked, waiting) of a key."""
        row = await self.pool.fetchrow(
            "SELECT last_seq, blocked, waiting FROM position WHERE consumer = $1 AND key = $2",
            self.group,
            key,
        )
        return (row["last_seq"], row["blocked"], row["waiting"]) if row else (0, False, False)

    async def letters(self, key: UUID | None = None) -> list[tuple[str, int | None, str]]:
        """Return (state, sequence, code) of what was set aside, all of it or one key's."""
        rows = await self.pool.fetch(
            "SELECT state, sequence, error_code FROM dead_letter WHERE $1::uuid IS NULL OR key = $1"
            " ORDER BY sequence NULLS FIRST, first_seen",
            key,
        )
        return [(row["state"], row["sequence"], row["error_code"]) for row in rows]

    async def emit(self, key: UUID, *levels: int) -> None:
        """Publish events of our own in one transaction, as a command would."""
        async with self.command() as uow:
            for level in levels:
                uow.emit(key, escalated(level))

    @asynccontextmanager
    async def command(self) -> AsyncIterator[UnitOfWork]:
        """Open a unit of work without a running service."""
        async with self.pool.acquire() as conn, conn.transaction():
            now = await conn.fetchval("SELECT now()")
            uow = UnitOfWork(conn, now=now, service=SERVICE, topic=OWN_TOPIC)
            yield uow
            await uow.flush()


async def until(condition: Callable[[], Any], *, timeout: float = 12, every: float = 0.03) -> Any:
    """Wait until a condition (a plain or an async function) holds and return its value.

    Raises: TimeoutError.
    """
    async with asyncio.timeout(timeout):
        while True:
            value = condition()
            if isinstance(value, Awaitable):
                value = await value
            if value:
                return value
            await asyncio.sleep(every)
