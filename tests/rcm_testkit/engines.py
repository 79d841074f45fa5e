"""Real engines for integration tests: embedded by default, containers or external ones by RCM_TEST_BACKEND."""

import asyncio
import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from aiokafka.errors import KafkaError
from rcm_deploy.engines.databases import SERVICES, create_databases, database, role
from rcm_deploy.engines.system import engines_only
from rcm_deploy.engines.topics import create_topics

from rcm_testkit.threads import kept_in_thread

START_S = 120.0
KAFKA_IMAGE = os.environ.get("RCM_TEST_KAFKA_IMAGE", "apache/kafka:4.4.0")
POSTGRES_IMAGE = os.environ.get("RCM_TEST_POSTGRES_IMAGE", "postgres:18")


@dataclass(frozen=True)
class TestEngines:
    """Addresses of a running PostgreSQL (one database per service) and Kafka."""

    __test__ = False

    bootstrap: str
    postgres: str  # a DSN pattern with {role} and {database}

    def dsn(self, service: str) -> str:
        """Return the address of a service's database in the role that reads and writes."""
        return self.postgres.format(role=role(service, "app"), database=database(service))

    def owner_dsn(self, service: str) -> str:
        """Return the address of a service's database in the role that makes tables."""
        return self.postgres.format(role=role(service, "owner"), database=database(service))


def backend() -> str:
    """Return which engines to use: the setting, or containers when an engine and both images are there."""
    chosen = os.environ.get("RCM_TEST_BACKEND")
    if chosen:
        return chosen
    docker = shutil.which("docker")
    if docker is None:
        return "embedded"
    for image in (KAFKA_IMAGE, POSTGRES_IMAGE):
        probe = subprocess.run([docker, "image", "inspect", image], capture_output=True, check=False)
        if probe.returncode != 0:
            return "embedded"
    return "containers"


@contextmanager
def running_engines(home: Path) -> Iterator[TestEngines]:
    """Run the chosen engines for the time of the block."""
    kind = backend()
    if kind == "embedded":
        with _embedded(home) as engines:
            yield engines
    elif kind == "containers":
        with _containers() as engines:
            yield engines
    elif kind == "external":
        pattern, bootstrap = os.environ["RCM_TEST_POSTGRES"], os.environ["RCM_TEST_KAFKA"]
        yield TestEngines(bootstrap, pattern)
    else:
        raise ValueError("RCM_TEST_BACKEND is embedded, containers or external")


@contextmanager
def _embedded(home: Path) -> Iterator[TestEngines]:
    block = engines_only(home, say=lambda _text: None)
    with kept_in_thread(block, name="test-engines", start_s=START_S) as (engines, _loop):
        pattern = engines.dsn("intake").replace(role("intake", "app"), "{role}")
        yield TestEngines(engines.kafka_bootstrap, pattern.replace(database("intake"), "{database}"))


@contextmanager
def _containers() -> Iterator[TestEngines]:
    """Run both images by testcontainers. Kafka must advertise a port that is known before it starts."""
    from testcontainers.community.postgres import PostgresContainer
    from testcontainers.core.config import testcontainers_config
    from testcontainers.core.container import DockerContainer

    testcontainers_config.ryuk_disabled = (
        True  # both containers end with this block; a third image is not needed
    )

    port = free_port()
    broker = (
        DockerContainer(KAFKA_IMAGE)
        .with_bind_ports(9092, port)
        .with_env("KAFKA_NODE_ID", "1")
        .with_env("KAFKA_PROCESS_ROLES", "broker,controller")
        .with_env("KAFKA_LISTENERS", "PLAINTEXT://:9092,CONTROLLER://:9093")
        .with_env("KAFKA_ADVERTISED_LISTENERS", f"PLAINTEXT://127.0.0.1:{port}")
        .with_env("KAFKA_CONTROLLER_LISTENER_NAMES", "CONTROLLER")
        .with_env("KAFKA_CONTROLLER_QUORUM_VOTERS", "1@localhost:9093")
        .with_env("KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR", "1")
        .with_env("KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR", "1")
        .with_env("KAFKA_TRANSACTION_STATE_LOG_MIN_ISR", "1")
        .with_env("KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS", "0")
        .with_env("KAFKA_AUTO_CREATE_TOPICS_ENABLE", "false")
    )
    database = PostgresContainer(POSTGRES_IMAGE, username="postgres", password="postgres", dbname="postgres")
    with database as postgres, broker:
        address = f"{postgres.get_container_host_ip()}:{postgres.get_exposed_port(5432)}"
        bootstrap = f"127.0.0.1:{port}"
        asyncio.run(_prepare(lambda name: f"postgresql://postgres:postgres@{address}/{name}", bootstrap))
        yield TestEngines(bootstrap, f"postgresql://{{role}}:{{role}}@{address}/{{database}}")


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _prepare(superuser: Callable[[str], str], bootstrap: str) -> None:
    await create_databases(superuser)
    conn = await asyncpg.connect(superuser("postgres"))
    try:
        for service in SERVICES:
            for kind in ("owner", "app", "ro"):
                name = role(service, kind)
                await conn.execute(f"ALTER ROLE {name} PASSWORD '{name}'")
    finally:
        await conn.close()
    for attempt in range(60):
        try:
            await create_topics(bootstrap, partitions=4, replication=1, say=lambda _text: None)
            return
        except (KafkaError, OSError):
            if attempt == 59:
                raise
            await asyncio.sleep(1)
