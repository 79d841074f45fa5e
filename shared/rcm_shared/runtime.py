"""One service as a process: pools, consumer, relay, timers, workers and HTTP, started and stopped in order."""

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import asyncpg
from fastapi import APIRouter

from rcm_shared.clock import business_time
from rcm_shared.contracts.topics import Topic, owned_by
from rcm_shared.failpoints import failpoint
from rcm_shared.messaging import gaps, watchdog
from rcm_shared.messaging.apply import Apply, Consumer
from rcm_shared.messaging.consumer import Reader
from rcm_shared.messaging.relay import Relay
from rcm_shared.messaging.uow import UnitOfWork
from rcm_shared.messaging.work import Worker, WorkKind
from rcm_shared.postgres.migrate import migrate
from rcm_shared.postgres.pool import create_pool
from rcm_shared.settings import ServiceSettings
from rcm_shared.telemetry import log, where
from rcm_shared.timers import ApplyTimers
from rcm_shared.timers import run as run_timers

WATCH_EVERY_S = 2.0
STOP_DEADLINE_S = 20.0

Inbound = Callable[["Runtime", Sequence[Any]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class ServiceSpec:
    """What one service is made of; built in its `app.py`.

    `consumers` maps each topic it reads to the function that applies a batch, `inbound` is a foreign topic with a
    handler that is idempotent by its own means, `background` runs for the life of the process.
    """

    name: str
    migrations: str
    consumers: Mapping[Topic, Apply] = field(default_factory=dict)
    timers: ApplyTimers | None = None
    work: Sequence[WorkKind] = ()
    routers: Sequence[APIRouter] = ()
    background: Sequence[Callable[["Runtime"], Awaitable[None]]] = ()
    setup: Callable[["Runtime"], Awaitable[None]] | None = None
    inbound: tuple[str, Inbound] | None = None
    body_limits: Mapping[str, int] = field(default_factory=dict)


class Runtime:
    """The running parts of one service. `state` holds what the service's own setup puts there."""

    def __init__(self, spec: ServiceSpec, settings: ServiceSettings) -> None:
        self.spec = spec
        self.settings = settings
        self.state: dict[str, Any] = {}
        self.http_pool: asyncpg.Pool
        self.pool: asyncpg.Pool
        self.relay = Relay(dsn=settings.dsn, service=spec.name, kafka=settings.kafka)
        self.reader: Reader | None = None
        self.workers: list[Worker] = []
        self.consumers = {
            topic.group(spec.name): Consumer(spec.name, topic.group(spec.name), topic.name, apply)
            for topic, apply in spec.consumers.items()
        }
        self.started = False
        self._tasks: list[asyncio.Task[None]] = []

    def committed(self) -> None:
        """Wake what may have something to do after a commit of this process."""
        self.relay.wake.set()
        for worker in self.workers:
            worker.wake.set()

    @asynccontextmanager
    async def transaction(self, _actor: str = "") -> AsyncIterator[UnitOfWork]:
        """Open the unit of work of one command: everything in the block commits together, or not at all."""
        async with self._transaction(self.http_pool) as uow:
            yield uow

    @asynccontextmanager
    async def background_transaction(self) -> AsyncIterator[UnitOfWork]:
        """Like `transaction`, on the pool of consumers and workers."""
        async with self._transaction(self.pool) as uow:
            yield uow

    @asynccontextmanager
    async def _transaction(self, pool: asyncpg.Pool) -> AsyncIterator[UnitOfWork]:
        async with pool.acquire() as conn, conn.transaction():
            now = business_time(await conn.fetchval("SELECT now()"))
            uow = UnitOfWork(conn, now=now, service=self.spec.name, topic=owned_by(self.spec.name).name)
            yield uow
            await uow.flush()
        await failpoint("command.after_commit")
        self.committed()

    async def start(self) -> None:
        """Migrate if asked to, open the pools, then start messaging in the background.

        HTTP answers at once; readiness follows when the consumers have joined. A broker that is down only delays
        that: commands commit to the outbox meanwhile.
        """
        settings, name = self.settings, self.spec.name
        if settings.shared.migrate_on_start:
            await migrate(settings.owner_dsn or settings.dsn, self.spec.migrations)
        self.http_pool = await create_pool(settings.dsn, name=f"rcm-{name}-http", size=settings.http_pool)
        size = len(self.spec.consumers) + 2 * len(self.spec.work) + len(self.spec.background) + 3
        self.pool = await create_pool(settings.dsn, name=f"rcm-{name}", size=size)
        owner = f"{name}-{settings.shared.replica}"
        self.workers = [
            Worker(kind, pool=self.pool, begin=self.background_transaction, owner=owner)
            for kind in self.spec.work
        ]
        if self.spec.setup:
            await self.spec.setup(self)
        for run in (self.relay.run, *(worker.run for worker in self.workers)):
            self._tasks.append(asyncio.create_task(run()))
        if self.spec.timers:
            self._tasks.append(
                asyncio.create_task(run_timers(self.pool, self.background_transaction, self.spec.timers))
            )
        for background in self.spec.background:
            self._tasks.append(asyncio.create_task(self._keep_running(background)))
        settle_memory()
        self._tasks.append(asyncio.create_task(self._read()))
        self._tasks.append(asyncio.create_task(gaps.watch(self.settings, self.spec.name, self.pool)))

    async def _keep_running(self, background: Callable[["Runtime"], Awaitable[None]]) -> None:
        while True:
            try:
                await background(self)
                return
            except asyncio.CancelledError:
                raise
            except Exception as error:
                log().error("background task failed", error=type(error).__name__, where=where(error))
                await asyncio.sleep(1.0)

    async def _read(self) -> None:
        """Join the groups, retrying while the broker is not there; then watch for dead consumers."""
        pause = 0.2
        while self.reader is None:
            reader = self._make_reader()
            try:
                await reader.start()
                self.reader = reader
            except asyncio.CancelledError:
                raise
            except (OSError, ConnectionError, TimeoutError) as error:
                await self._retry_reader(reader, error, pause)
            except Exception as error:
                if type(error).__module__.startswith("aiokafka"):
                    await self._retry_reader(reader, error, pause)
                else:
                    watchdog.give_up({self.spec.name: f"{type(error).__name__}: messaging cannot start"})
            pause = min(pause * 2, 3.0)
        self.started = True
        while True:
            await asyncio.sleep(WATCH_EVERY_S)
            if found := watchdog.faults(self.reader):
                watchdog.give_up(found)

    async def _retry_reader(self, reader: Reader, error: Exception, pause: float) -> None:
        log().warning("broker not reachable yet", error=type(error).__name__, delay_s=pause)
        with suppress(Exception):
            await asyncio.wait_for(reader.broker.stop(), 5)
        await asyncio.sleep(pause)

    def _make_reader(self) -> Reader:
        shared = self.settings.shared
        reader = Reader(self.settings.kafka, service=self.spec.name, replica=shared.replica)
        for consumer in self.consumers.values():
            reader.consume(consumer, self.pool, self.committed)
        if self.spec.inbound:
            topic, handle = self.spec.inbound

            async def on_inbound(records: Sequence[Any]) -> None:
                await handle(self, records)

            reader.subscribe(topic=topic, group=f"{self.spec.name}.inbound", handle=on_inbound)
        return reader

    def not_ready(self) -> str | None:
        """Return why the service is not ready, or None when it is."""
        if not self.started or self.reader is None:
            return "messaging-starting"
        if found := watchdog.faults(self.reader):
            return next(iter(found.values()))
        return None

    async def stop(self) -> None:
        """Stop in order: consumers, background, workers, relay, pools; each step has a deadline."""
        self.started = False
        await failpoint("shutdown")
        if self.reader:
            with suppress(Exception):
                await asyncio.wait_for(self.reader.stop(), STOP_DEADLINE_S)
        for worker in self.workers:
            worker.stop()
        self.relay.stop()
        running, rest = self._tasks[: 1 + len(self.workers)], self._tasks[1 + len(self.workers) :]
        for task in rest:
            task.cancel()
        await asyncio.wait(self._tasks, timeout=8) if self._tasks else None
        for task in running:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for pool in (self.pool, self.http_pool):
            try:
                await asyncio.wait_for(pool.close(), 3)
            except Exception:
                pool.terminate()


def settle_memory() -> None:
    """Take what was made at the start out of garbage collection, and collect less often.

    A batch makes tens of thousands of short-lived objects; with the default thresholds the collector walks all
    loaded modules again and again while they are made, a third of the consumer's time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
