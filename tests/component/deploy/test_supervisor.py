import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from rcm_deploy.engines.failures import EngineError
from rcm_deploy.engines.home import Home
from rcm_deploy.engines.ports import HOST, Ports
from rcm_deploy.engines.process import identity, still_there
from rcm_deploy.engines.supervisor import Program, Supervisor, end_leftovers

SERVE = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("on", flush=True)
time.sleep(60)
"""


class Bench:
    """A supervisor in a folder of its own, and what it said."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.said: list[str] = []
        self.supervisor = Supervisor(home, self.said.append, lambda: None)
        self.started: set[str] = set()

    async def start(self, name: str, code: str, *arguments: str, url: str | None = None) -> None:
        self.started.add(name)
        program = Program(name, (sys.executable, "-I", "-c", code, *arguments), url)
        await self.supervisor.start(program, dict(os.environ))

    def pid(self, name: str) -> int:
        return int(self.supervisor.processes()[name]["pid"])


@pytest.fixture
async def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bench]:
    monkeypatch.setenv("RCM_CACHE", str(tmp_path / "cache"))
    home = Home(tmp_path / "home")
    home.prepare()
    bench = Bench(home)
    yield bench
    await bench.supervisor.stop(bench.started, deadline=1)
    assert bench.supervisor.processes() == {}


async def test_program_is_ready_when_it_answers_and_again_after_a_crash(bench: Bench) -> None:
    ports = Ports(bench.home)
    port = ports.choose(["anything"])["anything"]
    await bench.start("web", SERVE, str(port), url=f"http://{HOST}:{port}")
    await bench.supervisor.wait_ready(["web"], timeout=20)
    first = bench.pid("web")
    await bench.supervisor.crash("web")
    await bench.supervisor.wait_ready(["web"], timeout=20)
    assert bench.pid("web") != first
    assert bench.supervisor.restarts() == {"web": 1}
    assert any("status -9" in line for line in bench.said)
    ports.release()


async def test_killed_program_stays_down_until_it_is_started(bench: Bench) -> None:
    await bench.start("sleeper", "import time; time.sleep(60)")
    entry = identity(bench.pid("sleeper"))
    await bench.supervisor.kill("sleeper")
    await asyncio.sleep(0.3)
    assert not still_there(entry)
    assert bench.supervisor.processes() == {}
    await bench.start("sleeper", "import time; time.sleep(60)")
    assert bench.pid("sleeper") != entry["pid"]


async def test_program_that_keeps_ending_is_reported_with_its_last_words(bench: Bench) -> None:
    await bench.start("broken", "raise SystemExit('no such setting')", url=f"http://{HOST}:9")
    with pytest.raises(EngineError, match="no such setting"):
        await bench.supervisor.wait_ready(["broken"], timeout=20)


async def test_stop_kills_what_ignores_the_request(bench: Bench) -> None:
    await bench.start("stubborn", STUBBORN)
    log = bench.home.log("stubborn")
    for _ in range(500):
        if log.read_text():
            break
        await asyncio.sleep(0.02)
    entry = identity(bench.pid("stubborn"))
    await bench.supervisor.stop(["stubborn"], deadline=0.3)
    assert not still_there(entry)
    assert any("was killed" in line for line in bench.said)


def test_leftovers_of_a_killed_supervisor_are_ended_and_strangers_are_not(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.prepare()
    nap = [sys.executable, "-I", "-c", "import time; time.sleep(60)"]
    left, stranger = [subprocess.Popen(nap) for _ in range(2)]
    entry = identity(left.pid)
    reused = identity(stranger.pid) | {"started": 1.0}
    home.write_state({"processes": {"billing": entry, "coding": reused}})
    said: list[str] = []
    asyncio.run(end_leftovers(home, said.append))
    assert not still_there(entry)
    assert still_there(identity(stranger.pid))
    assert said == ["stopping what an earlier run had left: billing"]
    for process in (left, stranger):
        process.kill()
        process.wait()
