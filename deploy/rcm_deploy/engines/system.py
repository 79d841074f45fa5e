"""A whole system on this machine: the engines, the services as processes, the payer stand-in.

`running_system` is what `rcm up`, the demo, chaos and the end-to-end tests use; `engines_only` gives
integration tests a real PostgreSQL and a real Kafka. Both leave no process behind.
"""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from rcm_deploy.engines import databases
from rcm_deploy.engines.environment import external_dsn, external_owner_dsn, service_environment
from rcm_deploy.engines.failures import EngineError, Say
from rcm_deploy.engines.heartbeat import heartbeat
from rcm_deploy.engines.home import Home, home_at
from rcm_deploy.engines.kafka import Kafka
from rcm_deploy.engines.keys import Keys, ensure_keys
from rcm_deploy.engines.ports import HOST, Ports
from rcm_deploy.engines.postgres import Postgres
from rcm_deploy.engines.process import identity
from rcm_deploy.engines.supervisor import Program, Supervisor, end_leftovers
from rcm_deploy.engines.topics import EMBEDDED_PARTITIONS, EXTERNAL_PARTITIONS, create_topics

SERVICES = databases.SERVICES
PAYER = "payer"
DEMO_CLOCK = "2026-09-28"


def _on_stderr(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


class Engines:
    """PostgreSQL and Kafka of one home, or the external ones that the environment names instead."""

    def __init__(self, home: Home, ports: Ports, services: Sequence[str], say: Say) -> None:
        self.home = home
        self.services = tuple(services)
        self._say = say
        self.changed: Callable[[], None] = lambda: None  # called when an engine's process id changes
        self._embedded_databases = [service for service in services if external_dsn(service) is None]
        self.postgres = Postgres(home, say) if self._embedded_databases else None
        external = os.environ.get("RCM_KAFKA_BOOTSTRAP")
        self.kafka: Kafka | None = None
        if external is None:
            chosen = ports.choose(("kafka", "kafka-controller"))
            self.kafka = Kafka(home, chosen["kafka"], chosen["kafka-controller"], say)
        self.kafka_bootstrap = external or (self.kafka.bootstrap if self.kafka else "")

    def dsn(self, service: str) -> str:
        """Return the address of a service's database in the role that reads and writes."""
        return external_dsn(service) or self._embedded_dsn(service, "app")

    def owner_dsn(self, service: str) -> str:
        """Return the address of a service's database in the role that makes tables."""
        return external_owner_dsn(service) or self._embedded_dsn(service, "owner")

    async def start(self) -> None:
        """Start the engines and create databases, roles and topics that are missing."""
        what = f"starting {self._description()}"
        self._say(what)
        async with heartbeat(self._say, what):
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._start_postgres_with_databases())
                    group.create_task(self._start_kafka_with_topics())
            except* EngineError as failed:
                first = failed.exceptions[0]
                raise EngineError(str(first)) from first
        self.changed()

    async def stop(self) -> None:
        """Stop both in order."""
        own = [engine for engine in (self.kafka, self.postgres) if engine is not None]
        await asyncio.gather(*(engine.stop() for engine in own), return_exceptions=True)

    async def kill_postgres(self) -> None:
        """End PostgreSQL as kill -9 does."""
        await self._own_postgres().kill()
        self.changed()

    async def start_postgres(self) -> None:
        """Start PostgreSQL again; returns when it answers."""
        await self._own_postgres().start()
        self.changed()

    async def kill_kafka(self) -> None:
        """End Kafka as kill -9 does."""
        await self._own_kafka().kill()
        self.changed()

    async def start_kafka(self) -> None:
        """Start Kafka again at its old address; returns when it serves."""
        await self._own_kafka().start()
        self.changed()

    def processes(self) -> dict[str, dict[str, Any]]:
        """Return the process ids of the engines that run here."""
        engines = {"postgres": self.postgres, "kafka": self.kafka}
        return {name: identity(engine.pid) for name, engine in engines.items() if engine and engine.pid}

    def _description(self) -> str:
        postgres = "PostgreSQL" if self.postgres else "external PostgreSQL"
        return f"{postgres} and {'Kafka' if self.kafka else f'external Kafka {self.kafka_bootstrap}'}"

    def _embedded_dsn(self, service: str, kind: str) -> str:
        return self._own_postgres().dsn(databases.role(service, kind), databases.database(service))

    def _own_postgres(self) -> Postgres:
        if self.postgres is None:
            raise ValueError("PostgreSQL is external here (RCM_<SERVICE>_DSN)")
        return self.postgres

    def _own_kafka(self) -> Kafka:
        if self.kafka is None:
            raise ValueError("Kafka is external here (RCM_KAFKA_BOOTSTRAP)")
        return self.kafka

    async def _start_postgres_with_databases(self) -> None:
        server = self.postgres
        if server is not None:
            await server.start()
            await databases.create_databases(
                lambda name: server.dsn("postgres", name), services=self._embedded_databases
            )

    async def _start_kafka_with_topics(self) -> None:
        if self.kafka is not None:
            await self.kafka.start()
        own = self.kafka is not None
        await create_topics(
            self.kafka_bootstrap,
            partitions=EMBEDDED_PARTITIONS if own else EXTERNAL_PARTITIONS,
            replication=1 if own else int(os.environ.get("RCM_KAFKA_REPLICATION", "3")),
            say=self._say,
        )


class System:
    """A running system: addresses, keys, and the levers that chaos pulls."""

    def __init__(
        self, engines: Engines, supervisor: Supervisor, environment: dict[str, str], keys: Keys
    ) -> None:
        self.engines = engines
        self.home = engines.home
        self.services = engines.services
        self.environment = environment
        self.keys = keys
        self.kafka_bootstrap = engines.kafka_bootstrap
        self.exchange_dir: Path = engines.home.exchange
        self.urls = {service: environment[f"RCM_{service.upper()}_URL"] for service in engines.services}
        self.mllp_port = int(environment.get("RCM_INTAKE_MLLP_PORT", "0"))
        self._supervisor = supervisor
        self.dsn = engines.dsn
        self.owner_dsn = engines.owner_dsn
        self.kill_kafka = engines.kill_kafka
        self.start_kafka = engines.start_kafka
        self.kill_postgres = engines.kill_postgres
        self.start_postgres = engines.start_postgres

    async def start(self, service: str, env: Mapping[str, str] | None = None, *, wait: bool = True) -> None:
        """Start a service (or the payer) that is down; `env` is added to its variables."""
        await self._supervisor.start(self._program(service), {**self.environment, **(env or {})})
        if wait:
            await self._supervisor.wait_ready([service])

    async def kill(self, service: str) -> None:
        """End a service as kill -9 does; it stays down until `start`."""
        await self._supervisor.kill(service)

    async def crash(self, service: str) -> None:
        """End a service as kill -9 does; the supervisor starts it again."""
        await self._supervisor.crash(service)

    async def stop(self, service: str) -> None:
        """Stop a service in order; it stays down until `start`."""
        await self._supervisor.stop([service])

    async def wait_ready(self, timeout: float = 90) -> None:
        """Wait until every service answers its /ready."""
        await self._supervisor.wait_ready(self.services, timeout)

    def restarts(self) -> dict[str, int]:
        """Return how often each process was started again by the supervisor itself."""
        return self._supervisor.restarts()

    def processes(self) -> dict[str, dict[str, Any]]:
        """Return every process of this system with its id."""
        return self.engines.processes() | self._supervisor.processes()

    def _program(self, name: str) -> Program:
        if name == PAYER:
            command = (sys.executable, "-m", "rcm_deploy.payer", "--exchange-dir", str(self.exchange_dir))
            return Program(PAYER, command)
        return Program(name, (sys.executable, "-m", f"rcm_{name}", "serve"), self.urls[name])


@asynccontextmanager
async def engines_only(
    home: Path, *, services: Sequence[str] = SERVICES, say: Say = _on_stderr
) -> AsyncIterator[Engines]:
    """Run PostgreSQL (with all databases) and Kafka (with all topics) for the time of the block.

    Raises:
        EngineError: an engine cannot start, or the home is in use.
    """
    place = home_at(home)
    with place.locked():
        place.prepare()
        ports = Ports(place)
        try:
            engines = Engines(place, ports, services, say)
            try:
                await engines.start()
                yield engines
            finally:
                await asyncio.shield(engines.stop())
        finally:
            ports.release()


@asynccontextmanager
async def running_system(
    home: Path,
    *,
    services: Sequence[str] = SERVICES,
    payer: bool = True,
    clock_start: str | None = DEMO_CLOCK,
    env: Mapping[str, str] | None = None,
    say: Say = _on_stderr,
) -> AsyncIterator[System]:
    """Run everything for the time of the block; enters when every service answers /ready.

    Raises:
        EngineError: something cannot start, or the home is in use; nothing is left running.
    """
    place = home_at(home)
    async with AsyncExitStack() as stack:
        stack.enter_context(place.locked())
        place.prepare()
        await end_leftovers(place, say)
        before = place.read_state() or {}
        ports = Ports(place)
        stack.callback(ports.release)
        engines = Engines(place, ports, services, say)
        clock = _clock(clock_start, before)
        state: dict[str, Any] = {
            "status": "starting",
            "supervisor": identity(os.getpid()),
            "kafka": engines.kafka_bootstrap,
            "exchange": str(place.exchange),
            "logs": str(place.logs),
            "clock_start": clock and clock[0],
            "clock_epoch": clock and clock[1],
        }

        def write_state() -> None:
            running = engines.processes() | supervisor.processes()
            place.write_state(state | {"processes": running, "restarts": supervisor.restarts()})

        supervisor = Supervisor(place, say, write_state)
        engines.changed = write_state
        write_state()
        stack.callback(lambda: place.write_state(state | {"status": "stopped", "processes": {}}))
        stack.push_async_callback(_stop, engines, supervisor, say)
        await engines.start()
        keys = ensure_keys(place)
        chosen = ports.choose((*services, *(("mllp",) if "intake" in services else ())))
        environment = service_environment(
            home=place,
            services=services,
            ports=chosen,
            dsns={service: (engines.dsn(service), engines.owner_dsn(service)) for service in services},
            bootstrap=engines.kafka_bootstrap,
            keys=keys,
            clock=clock,
            extra=env or {},
        )
        system = System(engines, supervisor, environment, keys)
        state["urls"] = system.urls
        state["mllp"] = f"{HOST}:{system.mllp_port}" if system.mllp_port else None
        state["dsns"] = {name: engines.dsn(name) for name in services if external_dsn(name) is None}
        programs = (*services, *((PAYER,) if payer else ()))
        say(f"starting {', '.join(programs)}")
        await asyncio.gather(*(system.start(name, wait=False) for name in programs))
        await system.wait_ready()
        state["status"] = "ready"
        write_state()
        yield system


async def _stop(engines: Engines, supervisor: Supervisor, say: Say) -> None:
    """Stop input first, then the rest of the services, then the engines; a second Ctrl-C changes nothing."""

    async def in_order() -> None:
        say("stopping")
        async with heartbeat(say, "stopping"):
            await supervisor.stop((PAYER, "intake"))
            await supervisor.stop(engines.services)
            await engines.stop()

    await asyncio.shield(asyncio.ensure_future(in_order()))


def _clock(start: str | None, before: Mapping[str, Any]) -> tuple[str, float] | None:
    """Go on with the clock of the same home, so that business time never runs backwards after a restart."""
    if start is None:
        return None
    if before.get("clock_start") == start and before.get("clock_epoch"):
        return start, float(before["clock_epoch"])
    return start, time.time()
