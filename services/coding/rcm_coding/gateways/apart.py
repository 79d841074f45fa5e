"""Heavy reading in a process of its own, so that what it needs of memory goes with it.

A tabular list or an index takes a hundred megabytes while it is parsed; a service that runs for months must not keep
that.
"""

import ctypes
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from multiprocessing import get_context
from pathlib import Path
from typing import ParamSpec, TypeVar

from rcm_coding.gateways.codeset_store import CodesetStore
from rcm_coding.gateways.editions import Editions
from rcm_coding.gateways.encoder import encoder_of

P = ParamSpec("P")
T = TypeVar("T")


def apart(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a function of a module in a new process and return its result; what it raises is raised here."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *args, **kwargs).result()


def make_artefacts(cache_dir: Path | None, store: Path) -> None:
    """Compile the editions of a store and their encoders' indexes into the cache folder, unless they are there."""
    place = CodesetStore(store)
    editions = Editions(cache_dir, place)
    editions.load()
    for edition in editions.code_sets().editions:
        encoder_of(edition, cache_dir, place)


def give_back_memory() -> None:
    """Return to the system what the allocator holds of memory that is free again (glibc keeps it)."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
