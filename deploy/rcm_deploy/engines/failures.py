"""What an engine says when it cannot start; the text is meant for the person at the terminal."""

from collections.abc import Callable
from pathlib import Path

Say = Callable[[str], None]


class EngineError(Exception):
    """An engine or service that cannot be started, with what to do about it."""


class AlreadyRunningError(EngineError):
    """Another process holds what this one wants to start."""


def tail(log: Path, lines: int = 12) -> str:
    """Return the last lines of a log file, for an error message."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 8192))
            text = file.read().decode(errors="replace")
    except FileNotFoundError:
        return "(no log was written)"
    return "\n".join(text.splitlines()[-lines:])
