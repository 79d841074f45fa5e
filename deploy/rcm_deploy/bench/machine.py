"""What the figures were measured on, and how much CPU time a set of processes has used."""

import os
import platform
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

import psutil

PACKAGES = ("aiokafka", "asyncpg", "fastapi", "faststream", "pydantic", "pyx12", "uvloop")


def machine() -> dict[str, str | int]:
    """Return processor, cores, memory in GiB and operating system."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in _lines(Path("/proc/cpuinfo"))
            if line.startswith("model name")
        ),
        platform.processor(),
    )
    return {
        "cpu": model,
        "cores": os.cpu_count() or 1,
        "memory_gib": round(psutil.virtual_memory().total / 2**30),
        "os": f"{platform.system()} {platform.release()}",
    }


def versions() -> dict[str, str]:
    """Return the versions that matter."""
    found = {"python": platform.python_version(), "postgresql": "18.6", "kafka": "4.4.0"}
    return found | {package: version(package) for package in PACKAGES}


def cpu_seconds(pids: Iterable[int]) -> float:
    """Return user and system seconds of processes and all that descend from them."""
    total, seen = 0.0, set()
    for pid in pids:
        try:
            process = psutil.Process(pid)
            family = [process, *process.children(recursive=True)]
        except psutil.NoSuchProcess:
            continue
        for member in family:
            if member.pid in seen:
                continue
            seen.add(member.pid)
            try:
                times = member.cpu_times()
            except psutil.NoSuchProcess:
                continue
            total += times.user + times.system
    return total


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def percentile(values: list[float], share: float) -> float:
    """Return the value below which that share of the values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0
