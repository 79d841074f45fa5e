"""Places where a test may kill, break or delay the process; nothing happens unless the settings turn them on.

`RCM_FAILPOINTS` holds `name=action[:probability]` pairs joined by commas. Actions: `exit` (as SIGKILL would),
`raise`, `delay` (0.2 s). Production settings refuse the variable.
"""

import asyncio
import os
import random
from dataclasses import dataclass

KILLED = 137  # exit status of a process that got SIGKILL

NAMES = (
    "consumer.before_tx",
    "consumer.in_tx",
    "consumer.after_commit",
    "relay.before_send",
    "relay.after_send",
    "work.before_apply",
    "work.after_apply",
    "command.after_commit",
    "shutdown",
)


class FailpointError(RuntimeError):
    """Raised by a failpoint whose action is `raise`."""


@dataclass(frozen=True, slots=True)
class _Action:
    do: str
    probability: float


_active: dict[str, _Action] = {}
_random = random.Random()  # noqa: S311 — picks when to fail in tests, no secret


def configure(text: str, seed: int) -> None:
    """Turn failpoints on from a settings text; an unknown name or action is an error."""
    _active.clear()
    _random.seed(seed)
    for pair in filter(None, (part.strip() for part in text.split(","))):
        name, _, rest = pair.partition("=")
        do, _, probability = rest.partition(":")
        if name not in NAMES or do not in {"exit", "raise", "delay"}:
            raise ValueError(f"unknown failpoint {pair!r}")
        _active[name] = _Action(do, float(probability or 1))


async def failpoint(name: str) -> None:
    """Do what the settings ask for at this point; normally nothing."""
    action = _active.get(name)
    if action is None or _random.random() >= action.probability:
        return
    if action.do == "exit":
        os._exit(KILLED)
    if action.do == "delay":
        await asyncio.sleep(0.2)
        return
    raise FailpointError(name)
