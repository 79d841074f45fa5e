"""Runs one coroutine so that Ctrl-C and SIGTERM cancel it once, and it can stop everything in order."""

import asyncio
import signal
import sys
from collections.abc import Coroutine
from typing import Any

INTERRUPTED = 130


def run(main: Coroutine[Any, Any, int]) -> int:
    """Run to the end and return the exit status; 130 when a signal ended it."""
    return asyncio.run(_with_signals(main))


async def _with_signals(main: Coroutine[Any, Any, int]) -> int:
    task = asyncio.ensure_future(main)
    asked = False

    def ask() -> None:
        nonlocal asked
        if asked:
            print("still stopping", file=sys.stderr, flush=True)
            return
        asked = True
        task.cancel()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, ask)
    try:
        return await task
    except asyncio.CancelledError:
        if asked:
            return INTERRUPTED
        raise
