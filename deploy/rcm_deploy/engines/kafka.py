"""A real Apache Kafka in KRaft mode: one node, broker and controller, loopback only, data on disk."""

import asyncio
import base64
import contextlib
import os
import shutil
import signal
import time
from collections.abc import Sequence
from pathlib import Path

from rcm_deploy.engines import process
from rcm_deploy.engines.failures import EngineError, Say, tail
from rcm_deploy.engines.home import Home, write_whole
from rcm_deploy.engines.java import find_java
from rcm_deploy.engines.kafka_jars import jars
from rcm_deploy.engines.ports import HOST

HEAP = "-Xmx512m"
NODE = 1


def server_properties(data: Path, port: int, controller_port: int) -> str:
    """Return the configuration of the one node."""
    settings = {
        "process.roles": "broker,controller",
        "node.id": NODE,
        "controller.quorum.bootstrap.servers": f"{HOST}:{controller_port}",
        "listeners": f"PLAINTEXT://{HOST}:{port},CONTROLLER://{HOST}:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://{HOST}:{port},CONTROLLER://{HOST}:{controller_port}",
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "PLAINTEXT",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": data,
        # One node cannot keep the three copies that the internal topics ask for.
        "offsets.topic.replication.factor": 1,
        "offsets.topic.num.partitions": 8,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "transaction.state.log.num.partitions": 4,
        "share.coordinator.state.topic.replication.factor": 1,
        "share.coordinator.state.topic.min.isr": 1,
        "share.coordinator.state.topic.num.partitions": 1,
        "min.insync.replicas": 1,
        "default.replication.factor": 1,
        "auto.create.topics.enable": "false",
        "group.initial.rebalance.delay.ms": 0,
        # A killed broker comes back under its own name as soon as its old session has ended.
        "broker.session.timeout.ms": 2000,
        "broker.heartbeat.interval.ms": 500,
        "log.retention.check.interval.ms": 300000,
    }
    return "".join(f"{name}={value}\n" for name, value in settings.items())


class Kafka:
    """One broker. `start` may be called again after `stop` or `kill`: the data and the address stay."""

    def __init__(self, home: Home, port: int, controller_port: int, say: Say) -> None:
        self._home = home
        self._say = say
        self._port = port
        self._controller_port = controller_port
        self._log = home.log("kafka")
        self._data = home.kafka / "data"
        self._properties = home.kafka / "server.properties"
        self._pid_file = home.kafka / "kafka.pid"
        self._process: asyncio.subprocess.Process | None = None
        self._command: list[str | Path] = []

    @property
    def bootstrap(self) -> str:
        """The address for clients."""
        return f"{HOST}:{self._port}"

    @property
    def pid(self) -> int | None:
        """The broker's process id while it runs."""
        running = self._process is not None and self._process.returncode is None
        return self._process.pid if self._process is not None and running else None

    async def start(self, timeout: float = 60) -> None:
        """Start the broker and wait until it serves clients.

        Raises:
            EngineError: no Java, no jars, or it ended; with the last lines of its log.
        """
        if self.pid is not None:
            return
        await self._end_leftover()
        if not self._command:
            java = await asyncio.to_thread(find_java)
            paths = await asyncio.to_thread(jars, self._say)
            self._command = _java_command(java, paths)
        self._data.parent.mkdir(parents=True, exist_ok=True)
        self._properties.write_text(server_properties(self._data, self._port, self._controller_port))
        if not (self._data / "meta.properties").exists():
            await self._format()
        self._process = await self._spawn("kafka.Kafka", self._properties)
        write_whole(self._pid_file, str(self._process.pid))
        deadline = time.monotonic() + timeout
        while not await self._serves():
            if self._process.returncode is not None or time.monotonic() > deadline:
                await self.kill()
                raise EngineError(f"Kafka does not start; {self._log} ends with\n{tail(self._log)}")
            await asyncio.sleep(0.1)

    async def stop(self, deadline: float = 15) -> None:
        """Stop the broker in order."""
        if self._process is not None:
            await process.stop(self._process, first=signal.SIGTERM, deadline=deadline)
            self._pid_file.unlink(missing_ok=True)

    async def kill(self) -> None:
        """End the broker as kill -9 does."""
        if self._process is not None and self._process.returncode is None:
            await process.kill(self._process)

    async def _format(self) -> None:
        self._say("formatting Kafka's data folder")
        await asyncio.to_thread(shutil.rmtree, self._data, ignore_errors=True)
        # The tool would read an identifier that begins with "-" as an option.
        cluster = "k" + base64.urlsafe_b64encode(os.urandom(16)).decode()[1:22]
        arguments = ("format", "--standalone", "-t", cluster, "-c", self._properties)
        tool = await self._spawn("kafka.tools.StorageTool", *arguments)
        if await tool.wait() != 0:
            raise EngineError(f"Kafka's StorageTool failed; {self._log} ends with\n{tail(self._log)}")

    async def _spawn(self, main: str, *arguments: str | Path) -> asyncio.subprocess.Process:
        return await process.spawn(
            [*self._command, main, *arguments],
            log=self._log,
            cwd=self._home.kafka,
            env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8"},
        )

    async def _serves(self) -> bool:
        """Tell whether the node answers a metadata request with itself as a broker."""
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection(HOST, self._port)
            writer.close()
            return await _has_broker(self.bootstrap)
        return False

    async def _end_leftover(self) -> None:
        with contextlib.suppress(FileNotFoundError, ValueError):
            pid = int(self._pid_file.read_text())
            marks = ["kafka.Kafka", str(self._properties)]
            if await process.end_leftover(pid, marks, first=signal.SIGTERM, deadline=15):
                self._say("stopped a Kafka that an earlier run had left")


def _java_command(java: Path, paths: Sequence[Path]) -> list[str | Path]:
    quiet = ("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Dorg.slf4j.simpleLogger.showDateTime=true")
    return [java, HEAP, "-XX:+ExitOnOutOfMemoryError", *quiet, "-cp", os.pathsep.join(map(str, paths))]


async def _has_broker(bootstrap: str) -> bool:
    import logging

    from aiokafka.admin import AIOKafkaAdminClient
    from aiokafka.errors import KafkaError

    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # not ready yet is expected here
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=2000)
    try:
        await admin.start()
        cluster = await admin.describe_cluster()
    except (KafkaError, OSError, TimeoutError):
        return False
    finally:
        await admin.close()
        logging.getLogger("aiokafka").setLevel(logging.NOTSET)
    return bool(cluster["brokers"])
