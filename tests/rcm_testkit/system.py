"""One whole running system for a test session: five services, payer, engines; the demo played on it once."""

import asyncio
import contextlib
import io
import json
from collections.abc import AsyncIterator, Coroutine, Iterator
from concurrent.futures import Future
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest
from rcm_deploy.demo import run
from rcm_deploy.demo.publish import manifest
from rcm_deploy.engines.system import System, running_system

from rcm_testkit.collector import collecting
from rcm_testkit.threads import kept_in_thread

T = TypeVar("T")

START_S = 150.0
DEMO_S = 110.0
QUIET_S = 40.0
PAUSE_S = 0.2
FACILITY = "DEMO-GENERAL"


@dataclass(frozen=True, slots=True)
class Running:
    """A system that runs in a thread with a loop of its own, so that each test may have its own loop."""

    system: System
    _loop: asyncio.AbstractEventLoop = field(repr=False)
    spans: list[bytes] = field(repr=False)  # what the services exported, as OTLP requests

    def in_its_loop(self, work: Coroutine[Any, Any, T], timeout: float = DEMO_S) -> T:
        """Run a coroutine beside the system and wait for its result."""
        return self.begin_in_its_loop(work).result(timeout)

    def begin_in_its_loop(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Run a coroutine beside the system without waiting for it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def client(
        self, service: str, *roles: str, subject: str = "test-person", facility: str = FACILITY
    ) -> httpx.AsyncClient:
        """Return a client of one service, signed in when roles are given. The caller closes it."""
        headers = {}
        if roles:
            headers["authorization"] = f"Bearer {self.system.keys.token(subject, roles, (facility,))}"
        return httpx.AsyncClient(
            base_url=self.system.urls[service], headers=headers, timeout=30, trust_env=False
        )

    async def until_quiet(self, looks: int = 3) -> None:
        """Wait until every service has read, done and sent everything, seen so several times in a row."""
        async with AsyncExitStack() as stack, asyncio.timeout(QUIET_S):
            clients = [
                await stack.enter_async_context(self.client(service, "operations", facility="*"))
                for service in self.system.urls
            ]
            seen = 0
            while seen < looks:
                answers = await asyncio.gather(*(client.get("/ops/status") for client in clients))
                told = [answer.json() for answer in answers]
                quiet = all(not now["outbox"] and not now["work"] and _lag(now) == 0 for now in told)
                seen = seen + 1 if quiet else 0
                if seen < looks:
                    await asyncio.sleep(PAUSE_S)


def _lag(status: dict[str, Any]) -> int:
    return sum(consumer["lag"] for consumer in status["consumers"])


@dataclass(frozen=True, slots=True)
class Played:
    """What `rcm demo --json` printed and returned."""

    status: int
    stdout: str
    result: dict[str, Any]

    def row(self, sample: str) -> dict[str, Any]:
        """Return one sample's row of the result."""
        found: dict[str, Any] = next(row for row in self.result["encounters"] if row["sample"] == sample)
        return found


def canaries() -> list[str]:
    """Return every token that a test patient's data carries and nothing of ours may show."""
    return [token for sample in manifest()["samples"] for token in sample["canaries"]]


@contextmanager
def run_in_thread(home: Path) -> Iterator[Running]:
    """Run a system in a thread for the time of the block."""
    with collecting() as (endpoint, spans), pytest.MonkeyPatch.context() as patch:
        patch.setenv("RCM_OTEL_ENDPOINT", endpoint)
        patch.setenv("RCM_OTEL_SAMPLE", "1")
        block = running_system(home, say=lambda _text: None)
        with kept_in_thread(block, name="test-system", start_s=START_S) as (system, loop):
            yield Running(system, loop, spans)


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The session's system."""
    with run_in_thread(tmp_path_factory.mktemp("system")) as found:
        yield found


@pytest.fixture(scope="session")
def played(running: Running, tmp_path_factory: pytest.TempPathFactory) -> Played:
    """The demo, played once on the session's system instead of one of its own."""

    @asynccontextmanager
    async def the_same(_home: Path, **_: Any) -> AsyncIterator[System]:
        yield running.system

    out = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out):
        patch.setenv("RCM_HOME", str(tmp_path_factory.mktemp("demo")))
        patch.setattr(run, "running_system", the_same)
        status = running.in_its_loop(run._run(True))
    text = out.getvalue()
    return Played(status, text, json.loads(text.splitlines()[-1]))
