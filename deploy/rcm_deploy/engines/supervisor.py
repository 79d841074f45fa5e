"""Child processes that are kept running: started again with back-off, stopped in order on request."""

import asyncio
import signal
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from rcm_deploy.engines import process
from rcm_deploy.engines.failures import EngineError, Say, tail
from rcm_deploy.engines.home import Home

FIRST_DELAY = 0.2
LONGEST_DELAY = 5.0
SETTLED = 5.0  # seconds up after which a later end counts as the first again
STOP_DEADLINE = 15.0
HOPELESS = 4  # ends in a row without being ready in between


@dataclass(frozen=True, slots=True)
class Program:
    """What to run. `url` is the base address whose /ready tells that it serves; None for a plain process."""

    name: str
    command: tuple[str, ...]
    url: str | None = None


@dataclass(slots=True)
class _Child:
    program: Program
    environment: dict[str, str]
    process: asyncio.subprocess.Process | None = None
    watch: asyncio.Task[None] | None = None
    wanted: bool = False
    restarts: int = 0
    ends_in_a_row: int = 0
    spawned: asyncio.Event = field(default_factory=asyncio.Event)


class Supervisor:
    """Runs programs in one home. `changed` is called whenever a process id changes."""

    def __init__(self, home: Home, say: Say, changed: Callable[[], None]) -> None:
        self._home = home
        self._say = say
        self._changed = changed
        self._children: dict[str, _Child] = {}

    async def start(self, program: Program, environment: Mapping[str, str]) -> None:
        """Start a program and keep it running; nothing happens if it already is."""
        child = self._children.get(program.name)
        if child is not None and child.wanted:
            return
        child = _Child(program, dict(environment), wanted=True, restarts=child.restarts if child else 0)
        self._children[program.name] = child
        child.watch = asyncio.create_task(self._keep_running(child), name=f"watch-{program.name}")
        await child.spawned.wait()

    async def kill(self, name: str) -> None:
        """End a program as kill -9 does; it stays down until `start`."""
        child = self._children[name]
        child.wanted = False
        if child.process is not None:
            await process.kill(child.process)
        if child.watch is not None:
            await child.watch
        self._changed()

    async def crash(self, name: str) -> None:
        """End a program as kill -9 does and let it be started again, as a real crash would."""
        child = self._children[name]
        if child.process is not None:
            await process.kill(child.process)

    async def stop(self, names: Iterable[str], deadline: float = STOP_DEADLINE) -> None:
        """Stop programs side by side: SIGTERM, and SIGKILL after the deadline (seconds)."""
        await asyncio.gather(*(self._stop(name, deadline) for name in names if name in self._children))

    def restarts(self) -> dict[str, int]:
        """Return how often each program was started again by itself."""
        return {name: child.restarts for name, child in self._children.items()}

    def processes(self) -> dict[str, dict[str, Any]]:
        """Return the running process ids with their start times, for whoever must clean up after a kill."""
        return {
            name: process.identity(child.process.pid)
            for name, child in self._children.items()
            if child.process is not None and child.process.returncode is None
        }

    async def wait_ready(self, names: Iterable[str], timeout: float = 90) -> None:
        """Wait until each program's /ready answers 200.

        Raises:
            EngineError: one keeps ending, or the time is over; with the last lines of its log.
        """
        import httpx

        waiting = {name: child.program.url for name in names if (child := self._children[name]).program.url}
        deadline, told = time.monotonic() + timeout, time.monotonic()
        async with httpx.AsyncClient(timeout=2, trust_env=False) as client:
            while True:
                for name, url in list(waiting.items()):
                    try:
                        answer = await client.get(f"{url}/ready")
                    except httpx.HTTPError:
                        continue
                    if answer.status_code == 200 and self._is_server(name, answer.url.port or 0):
                        self._children[name].ends_in_a_row = 0
                        del waiting[name]
                if not waiting:
                    return
                hopeless = [name for name in waiting if self._children[name].ends_in_a_row >= HOPELESS]
                if hopeless or time.monotonic() > deadline:
                    name = (hopeless or list(waiting))[0]
                    what = "keeps ending" if hopeless else f"is not ready after {timeout:.0f} s"
                    log = self._home.log(name)
                    raise EngineError(f"{name} {what}; {log} ends with\n{tail(log)}")
                if time.monotonic() - told > 2.5:
                    told = time.monotonic()
                    self._say(f"waiting for {', '.join(waiting)}")
                await asyncio.sleep(0.1)

    def _is_server(self, name: str, port: int) -> bool:
        child = self._children[name].process
        return child is not None and process.listens(child.pid, port)

    async def _stop(self, name: str, deadline: float) -> None:
        child = self._children[name]
        child.wanted = False
        in_time = True
        if child.process is not None:
            in_time = await process.stop(child.process, first=signal.SIGTERM, deadline=deadline)
        if child.watch is not None:
            child.watch.cancel()
            await asyncio.gather(child.watch, return_exceptions=True)
        # The watcher may have started it once more in the moment between the two.
        if child.process is not None:
            in_time &= await process.stop(child.process, first=signal.SIGTERM, deadline=deadline)
        if not in_time:
            self._say(f"{name} did not stop within {deadline:.0f} s and was killed")

    async def _keep_running(self, child: _Child) -> None:
        delay = FIRST_DELAY
        try:
            while child.wanted:
                began = time.monotonic()
                child.process = await process.spawn(
                    child.program.command,
                    log=self._home.log(child.program.name),
                    cwd=self._home.root,
                    env=child.environment,
                )
                child.spawned.set()
                self._changed()
                status = await child.process.wait()
                if not child.wanted:
                    return
                settled = time.monotonic() - began > SETTLED
                delay = FIRST_DELAY if settled else delay
                child.ends_in_a_row += 1
                child.restarts += 1
                self._say(f"{child.program.name} ended with status {status}; starting it again")
                await asyncio.sleep(delay)
                delay = min(delay * 2, LONGEST_DELAY)
        finally:
            child.spawned.set()


async def end_leftovers(home: Home, say: Say) -> None:
    """Stop the services that a supervisor killed by force has left; the engines look after their own."""
    state = home.read_state() or {}
    left = {name: entry for name, entry in state.get("processes", {}).items() if process.still_there(entry)}
    if left:
        say(f"stopping what an earlier run had left: {', '.join(left)}")
        # PostgreSQL would wait for its clients on SIGTERM.
        firsts = {"postgres": signal.SIGINT}
        await asyncio.gather(
            *(
                process.end_leftover(
                    int(entry["pid"]), (), first=firsts.get(name, signal.SIGTERM), deadline=10
                )
                for name, entry in left.items()
            )
        )
