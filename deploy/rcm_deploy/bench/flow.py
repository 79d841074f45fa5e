"""rcm bench flow: the platform library alone, then the five real services, beside one plain consumer."""

import json as jsonlib
import logging
import shutil
import sys
import time
from typing import Any

from rcm_deploy.bench import services, transport
from rcm_deploy.bench.machine import machine, versions
from rcm_deploy.engines import signals
from rcm_deploy.engines.failures import EngineError
from rcm_deploy.engines.home import default_home
from rcm_deploy.engines.system import engines_only, running_system


def main(*, json: bool = False) -> int:
    """Measure and print; the figures are for this machine, the ratios for any."""
    try:
        return signals.run(_run(json))
    except EngineError as error:
        print(f"rcm: {error}", file=sys.stderr)
        return 3


async def _run(as_json: bool) -> int:
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    started = time.monotonic()

    def say(text: str) -> None:
        print(f"[{time.monotonic() - started:5.1f} s] {text}", file=sys.stderr, flush=True)

    home = default_home().root / "bench"
    shutil.rmtree(home, ignore_errors=True)
    async with engines_only(home / "transport", say=say) as engines:
        baseline, transported = await transport.measure(engines, say)
    async with running_system(home / "flow", say=say) as system:
        flow = await services.measure(system, say)
    result: dict[str, Any] = {
        "baseline_events_per_s": round(baseline),
        "transport": transported,
        "flow": flow,
        "machine": machine(),
        "versions": versions(),
    }
    if as_json:
        print(jsonlib.dumps(result), flush=True)
    else:
        print(jsonlib.dumps(result, indent=2), flush=True)
    return 0
