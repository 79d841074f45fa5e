"""rcm up, down, status, reset, migrate: the system on this machine."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from datetime import datetime
from typing import Annotated

import typer

from rcm_deploy.cli.output import FAILED, NOT_REACHABLE, OK, REFUSED, USAGE, Json, fail, say, show, table
from rcm_deploy.cli.running import supervisor_of, this_home
from rcm_deploy.engines.home import Home

app = typer.Typer()
DOWN_DEADLINE = 90  # seconds: every service and engine has its own, shorter one


@app.command()
def up(
    detach: Annotated[
        bool, typer.Option("--detach", "-d", help="Return once it serves; `rcm down` stops it.")
    ] = False,
    clock: Annotated[
        str,
        typer.Option(help="Where the business clock starts (an ISO date), or `real`; RCM_CLOCK_START wins."),
    ] = "2026-09-28",
    as_json: Json = False,
) -> None:
    """Start PostgreSQL, Kafka, the five services and the payer stand-in; stay until Ctrl-C or `rcm down`."""
    clock = _clock_of(os.environ.get("RCM_CLOCK_START", clock))
    home = this_home(writing=True)
    if (pid := supervisor_of(home)) is not None:
        fail(REFUSED, f"a system already runs in {home.root} (process {pid}); `rcm status` shows it")
    if detach:
        _detach(home, clock)
        _show_addresses(as_json, home)
        return
    from rcm_deploy.engines.signals import INTERRUPTED, run

    served = asyncio.Event()
    status = run(_stay_up(home, None if clock == "real" else clock, as_json, served))
    raise typer.Exit(OK if status == INTERRUPTED and served.is_set() else status)


def _clock_of(text: str) -> str:
    """Return the start of the business clock as it was given; ends the command when it is none."""
    try:
        if text != "real":
            datetime.fromisoformat(text)
    except ValueError:
        fail(USAGE, "the business clock starts at an ISO date such as 2026-09-28, or is `real`")
    return text


async def _stay_up(home: Home, clock: str | None, as_json: bool, served: asyncio.Event) -> int:
    from rcm_deploy.engines.system import running_system

    async with running_system(home.root, clock_start=clock, say=say):
        served.set()
        _show_addresses(as_json, home)
        if clock:
            say(f"the business clock started at {clock} (--clock real for today's)")
        say("ready; Ctrl-C or `rcm down` stops it")
        await asyncio.Event().wait()
    return OK


def _detach(home: Home, clock: str) -> None:
    home.prepare()
    log = home.log("up")
    with log.open("w") as output:
        child = subprocess.Popen(
            [sys.executable, "-m", "rcm_deploy.cli.main", "up", "--clock", clock],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=output,
            start_new_session=True,
        )
    with log.open() as follow:
        while True:
            for line in follow.readlines():
                say(line.rstrip())
            if child.poll() is not None:
                raise typer.Exit(child.returncode or FAILED)
            state = home.read_state() or {}
            if state.get("supervisor", {}).get("pid") == child.pid and state.get("status") == "ready":
                return
            time.sleep(0.2)


def _show_addresses(as_json: bool, home: Home) -> None:
    state = home.read_state() or {}
    names = ("urls", "mllp", "kafka", "exchange", "logs", "clock_start")
    data = {name: state.get(name) for name in names}

    def in_words() -> None:
        rows = [(name, f"{url}/") for name, url in state["urls"].items()]
        rows += [
            ("mllp", state["mllp"]),
            ("kafka", state["kafka"]),
            ("files to the payer", state["exchange"]),
        ]
        table(("what", "where"), [*rows, ("logs", state["logs"])])

    show(as_json, data, in_words)


@app.command()
def down(as_json: Json = False) -> None:
    """Stop what `rcm up` started, in order; also what a killed one has left."""
    from rcm_deploy.engines.process import still_there

    home = this_home()
    pid = supervisor_of(home)
    if pid is not None:
        say(f"stopping the system in {home.root}")
        entry = (home.read_state() or {})["supervisor"]
        os.kill(pid, signal.SIGTERM)
        began = told = time.monotonic()
        while still_there(entry):
            now = time.monotonic()
            if now - began > DOWN_DEADLINE:
                os.kill(pid, signal.SIGKILL)
                break
            if now - told > 2.5:
                told = now
                say(f"still stopping … {now - began:.0f} s")
            time.sleep(0.05)
    from rcm_deploy.engines.supervisor import end_leftovers

    asyncio.run(end_leftovers(home, say))
    data = {"stopped": pid is not None}
    show(as_json, data, lambda: say("stopped" if pid is not None else f"no system runs in {home.root}"))


@app.command()
def status(as_json: Json = False) -> None:
    """Show what runs, where, and if it is ready (exit 3 when nothing runs, 1 when a part is not ready)."""
    home = this_home()
    state = home.read_state()
    if state is None or supervisor_of(home) is None:
        if as_json:
            show(True, {"running": False, "home": str(home.root)}, lambda: None)
        fail(NOT_REACHABLE, f"no system runs in {home.root}; start one with `rcm up`")
    from rcm_deploy.engines.process import still_there

    urls: dict[str, str] = state.get("urls", {})
    running: dict[str, dict[str, float]] = state.get("processes", {})
    restarts: dict[str, int] = state.get("restarts", {})
    parts = []
    for name in [*running, *(name for name in urls if name not in running)]:
        entry = running.get(name)
        ready, reason = (
            (False, "not running") if not (entry and still_there(entry)) else _ready(urls.get(name))
        )
        part = {"name": name, "pid": entry and entry["pid"], "ready": ready, "reason": reason}
        parts.append(part | {"url": urls.get(name), "restarts": restarts.get(name, 0)})
    good = state.get("status") == "ready" and all(part["ready"] for part in parts)
    data = {"running": True, "ready": good, "status": state.get("status"), "home": str(home.root)}
    data["parts"] = parts

    def in_words() -> None:
        rows = [
            (part["name"], part["pid"], part["reason"] or "ready", part["url"], part["restarts"])
            for part in parts
        ]
        table(("part", "process", "state", "address", "restarts"), rows)

    show(as_json, data, in_words)
    raise typer.Exit(OK if good else FAILED)


def _ready(url: str | None) -> tuple[bool, str | None]:
    """Ask a service; an engine or the payer has no address and is ready when it runs."""
    if url is None:
        return True, None
    import httpx

    try:
        answer = httpx.get(f"{url}/ready", timeout=3, trust_env=False)
    except httpx.HTTPError as error:
        return False, type(error).__name__
    if answer.status_code == 200:
        return True, None
    try:
        return False, str(answer.json().get("reason"))
    except ValueError:
        return False, str(answer.status_code)


@app.command()
def reset(
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: Json = False,
) -> None:
    """Delete this system's data: databases, topics, exchanged files, logs and keys."""
    import shutil

    home = this_home(writing=True)
    if (pid := supervisor_of(home)) is not None:
        fail(REFUSED, f"the system in {home.root} runs (process {pid}); stop it first with `rcm down`")
    with home.locked():
        found = [path for path in home.contents() if path.exists()]
        if found and not yes:
            say(f"this deletes all data in {home.root}")
            if not _confirmed():
                fail(REFUSED, "nothing was deleted; --yes deletes without a question")
        asyncio.run(_end_leftovers(home))
        for path in found:
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    data = {"deleted": [path.name for path in found]}
    show(as_json, data, lambda: say(f"deleted {', '.join(data['deleted']) or 'nothing'}"))


def _confirmed() -> bool:
    """Ask at the terminal; no answer is a no."""
    try:
        return typer.confirm("Delete it?", err=True)
    except typer.Abort:
        say("")
        return False


async def _end_leftovers(home: Home) -> None:
    from rcm_deploy.engines.supervisor import end_leftovers

    await end_leftovers(home, say)


@app.command()
def migrate(as_json: Json = False) -> None:
    """Bring all databases to this release's newest revision (services also do so when they start)."""
    home = this_home(writing=True)
    try:
        if supervisor_of(home) is None:
            with home.locked():
                applied = asyncio.run(_migrate(home, running=False))
        else:
            applied = asyncio.run(_migrate(home, running=True))
    except (OSError, TimeoutError) as error:
        fail(NOT_REACHABLE, f"a database does not answer ({type(error).__name__})")

    def in_words() -> None:
        rows = [(name, ", ".join(done) or "nothing") for name, done in applied.items()]
        table(("service", "applied now"), rows)

    show(as_json, applied, in_words)


async def _migrate(home: Home, *, running: bool) -> dict[str, list[str]]:
    from rcm_shared.postgres.migrate import migrate as migrate_database

    from rcm_deploy.engines import databases
    from rcm_deploy.engines.environment import external_dsn, external_owner_dsn
    from rcm_deploy.engines.postgres import Postgres

    embedded = [service for service in databases.SERVICES if external_dsn(service) is None]
    server = Postgres(home, say)
    starting = bool(embedded) and not running
    if starting:
        say("no system runs here: starting PostgreSQL for the migration")
        home.prepare()
        await server.start()
    try:
        if starting:
            await databases.create_databases(lambda name: server.dsn("postgres", name), services=embedded)
        applied = {}
        for service in databases.SERVICES:
            own = server.dsn(databases.role(service, "owner"), databases.database(service))
            dsn = external_owner_dsn(service) or own
            applied[service] = await migrate_database(dsn, f"rcm_{service}.migrations")
        return applied
    finally:
        if starting:
            await server.stop()
