"""Keeps something asynchronous running in a thread with a loop of its own, so that each test may have its own loop."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import TypeVar

T = TypeVar("T")


@contextmanager
def kept_in_thread(
    block: AbstractAsyncContextManager[T], *, name: str, start_s: float
) -> Iterator[tuple[T, asyncio.AbstractEventLoop]]:
    """Enter `block` in a thread, give what it gives with the thread's loop, and leave it at the end.

    Raises: what the block raised, or TimeoutError when it did not start in time.
    """
    started = threading.Event()
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()
    found: list[T] = []
    failed: list[BaseException] = []

    async def keep() -> None:
        async with block as value:
            found.append(value)
            started.set()
            await stop.wait()

    def body() -> None:
        asyncio.set_event_loop(loop)
        try:
            loop.run_until_complete(keep())
        except BaseException as error:
            failed.append(error)
        finally:
            started.set()
            loop.close()

    thread = threading.Thread(target=body, name=name)
    thread.start()
    try:
        started.wait(start_s)
        if failed or not found:
            raise failed[0] if failed else TimeoutError(f"{name} did not start")
        yield found[0], loop
    finally:
        if not loop.is_closed():
            loop.call_soon_threadsafe(stop.set)
        thread.join()
    if failed:
        raise failed[0]
