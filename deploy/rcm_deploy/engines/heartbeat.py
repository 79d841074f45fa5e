"""A sign of life while something takes its time: nothing is silent for more than three seconds."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

from rcm_deploy.engines.failures import Say

EVERY = 2.5


@contextlib.asynccontextmanager
async def heartbeat(say: Say, what: str) -> AsyncIterator[None]:
    """Say `what` and the seconds so far every 2.5 seconds while the block runs."""

    async def beat() -> None:
        began = time.monotonic()
        while True:
            await asyncio.sleep(EVERY)
            say(f"{what} … {time.monotonic() - began:.0f} s")

    task = asyncio.create_task(beat(), name="heartbeat")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
