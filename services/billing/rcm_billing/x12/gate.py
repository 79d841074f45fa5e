"""The gate before a file leaves: pyx12 checks syntax and guide usage (SNIP 1-2) in a worker process.

One file per check, because loading the guide's map dominates; the maps stay in the worker. A verdict names
the segment's position, never its content.
"""

import io
import json
import logging
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing import get_context, parent_process
from typing import Any

from rcm_billing.x12.reader import read_segments


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: 1-based segment position in the file (0 when unknown), segment name and X12 error code."""

    position: int
    segment: str
    code: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a file may leave."""

    passed: bool
    faults: tuple[Fault, ...] = ()


def gate_pool() -> ProcessPoolExecutor:
    """Return a pool with one worker process that keeps the guides' maps."""
    return ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn"), initializer=_start_worker)


def _start_worker() -> None:
    # a terminal's Ctrl-C reaches the whole group, but only the service decides when its worker ends
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_service, daemon=True).start()
    keep_maps()


def _end_with_service() -> None:
    """End when the service is gone, killed too; its queue alone would keep the worker waiting for ever."""
    service = parent_process()
    if service is not None:
        service.join()
        os._exit(0)


def keep_maps() -> None:
    """Let pyx12 read each guide once in this process."""
    import pyx12.map_if
    import pyx12.map_index

    # pyx12 parses the guide's XML for every file (0.25 s); its 4.0 maps hold no state between files
    pyx12.map_if.load_map_file = lru_cache(maxsize=None)(pyx12.map_if.load_map_file)
    pyx12.map_index.map_index = lru_cache(maxsize=None)(pyx12.map_index.map_index)
    logging.getLogger("pyx12").setLevel(logging.CRITICAL + 1)  # its messages quote element values


def warm() -> None:
    """Read both claim guides before the first file comes. Runs in the worker process."""
    import pyx12.map_if

    for name in ("x12.control.00501.xml", "837.5010.X222.A1.xml", "837Q3.I.5010.X223.A1.xml"):
        pyx12.map_if.load_map_file(name, _params(), None)


@lru_cache(maxsize=1)
def _params() -> Any:
    import pyx12.params

    return pyx12.params.params()


def check(data: bytes) -> Verdict:
    """Validate one interchange. Runs in the worker process; any failure of the validator itself is a
    refusal.
    """
    import pyx12.x12n_document

    report = io.StringIO()
    try:
        passed = pyx12.x12n_document.x12n_document(
            _params(), io.StringIO(data.decode("ascii")), None, None, fd_json=report
        )
    except Exception as error:
        return Verdict(False, (Fault(0, "", type(error).__name__),))
    if passed:
        return Verdict(True)
    return Verdict(False, tuple(_faults(json.loads(report.getvalue() or "{}"))))


def _faults(node: Any) -> Iterator[Fault]:
    """Walk the report: every "errors" list belongs to the nearest segment above it."""
    yield from _walk(node, 0, "")


def _walk(node: Any, position: int, segment: str) -> Iterator[Fault]:
    if isinstance(node, list):
        for item in node:
            yield from _walk(item, position, segment)
    elif isinstance(node, dict):
        if "seg_id" in node:
            position, segment = int(node.get("cur_line") or 0), str(node["seg_id"])
        for error in node.get("errors", ()):
            yield Fault(position, segment, str(error.get("err_cde", "")))
        for key, value in node.items():
            if key != "errors":
                yield from _walk(value, position, segment)


def claims_at(data: bytes, faults: tuple[Fault, ...]) -> frozenset[str] | None:
    """Return CLM01 of the claims that the faults lie in, or None when a fault lies outside every claim."""
    wanted = {fault.position for fault in faults}
    blocks: dict[int, int] = {}
    controls: dict[int, str] = {}
    block = 0
    for position, segment in enumerate(read_segments(data), 1):
        if segment.tag == "HL" and segment.get(3) == "22":
            block += 1
        elif segment.tag == "CLM":
            controls[block] = segment.get(1)
        elif segment.tag == "SE":
            block = 0
        blocks[position] = block
    found = {blocks.get(position, 0) for position in wanted}
    if not found or 0 in found or not found <= controls.keys():
        return None
    return frozenset(controls[number] for number in found)
