"""One child process in a session of its own: output to a log file, stopped with a deadline."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil


async def spawn(
    command: Sequence[str | Path],
    *,
    log: Path,
    cwd: Path,
    env: Mapping[str, str],
    user: str | None = None,
) -> asyncio.subprocess.Process:
    """Start a process that survives the terminal's Ctrl-C (we stop it in order) and appends to its log."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        starting = asyncio.ensure_future(
            asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=asyncio.subprocess.STDOUT,
                cwd=cwd,
                env=dict(env),
                start_new_session=True,
                user=user,
                group=user,
                extra_groups=[] if user else None,
            )
        )
        try:
            return await asyncio.shield(starting)
        except asyncio.CancelledError:  # nobody will hold this process: do not leave it behind
            await kill(await starting)
            raise


async def stop(process: asyncio.subprocess.Process, *, first: signal.Signals, deadline: float) -> bool:
    """Ask a process to end, kill its whole group after `deadline` seconds. True when it ended by itself."""
    if process.returncode is not None:
        return True
    _signal(process, first)
    try:
        await asyncio.wait_for(process.wait(), deadline)
    except TimeoutError:
        await kill(process)
        return False
    return True


async def kill(process: asyncio.subprocess.Process) -> None:
    """End a process and its group at once, as kill -9 does."""
    _signal(process, signal.SIGKILL, group=True)
    await process.wait()


def _signal(process: asyncio.subprocess.Process, number: signal.Signals, *, group: bool = False) -> None:
    """Send without Process.send_signal, which would reap a dead child behind asyncio's back."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            (os.killpg if group else os.kill)(process.pid, number)


def find(pid: int, marks: Sequence[str]) -> psutil.Process | None:
    """Return the live process with this id if its command line has every mark (ids are reused)."""
    try:
        process = psutil.Process(pid)
        line = " ".join(process.cmdline())
        zombie = process.status() == psutil.STATUS_ZOMBIE
    except psutil.Error:
        return None
    return process if not zombie and all(mark in line for mark in marks) else None


def identity(pid: int) -> dict[str, Any]:
    """Return a process id with its start time: together they are never used again."""
    try:
        return {"pid": pid, "started": psutil.Process(pid).create_time()}
    except psutil.Error:
        return {"pid": pid, "started": 0.0}


def still_there(entry: Mapping[str, Any]) -> bool:
    """Tell whether the very process of `identity` still runs."""
    try:
        running = psutil.Process(int(entry["pid"]))
        same = abs(float(running.create_time()) - float(entry["started"])) < 1
        return same and bool(running.status() != psutil.STATUS_ZOMBIE)
    except (psutil.Error, KeyError, ValueError):
        return False


async def end_leftover(pid: int, marks: Sequence[str], *, first: signal.Signals, deadline: float) -> bool:
    """Stop a process that an earlier, killed supervisor left behind. True when there was one."""
    process = find(pid, marks)
    if process is None:
        return False
    with contextlib.suppress(psutil.Error):
        process.send_signal(first)
    try:
        await asyncio.to_thread(process.wait, deadline)
    except psutil.TimeoutExpired:
        with contextlib.suppress(psutil.Error):
            process.kill()
    except psutil.Error:
        pass
    return True


def listens(pid: int, port: int) -> bool:
    """Tell whether this very process is the server at a port (and not somebody else's)."""
    try:
        connections = psutil.Process(pid).net_connections(kind="tcp")
    except psutil.Error:
        return False
    return any(one.status == psutil.CONN_LISTEN and one.laddr.port == port for one in connections)


def memory_bytes() -> tuple[int, int]:
    """Return the machine's available and total memory."""
    memory = psutil.virtual_memory()
    return int(memory.available), int(memory.total)
