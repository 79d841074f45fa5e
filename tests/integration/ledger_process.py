"""The ledger as a process of its own, for tests that kill it; its settings come as JSON on stdin."""

import asyncio
import json
import sys
from typing import Any

from integration.ledger import MIGRATIONS, SERVICE, Ledger
from rcm_shared import failpoints
from rcm_shared.contracts.topics import Topic
from rcm_shared.runtime import Runtime, ServiceSpec
from rcm_shared.settings import KafkaSettings, ServiceSettings, SharedSettings


async def run(given: dict[str, Any]) -> None:
    """Read the topic until killed."""
    failpoints.configure(given["failpoints"], given["seed"])
    settings = ServiceSettings(
        dsn=given["dsn"],
        shared=SharedSettings(environment="test"),
        kafka=KafkaSettings(bootstrap=given["bootstrap"]),
    )
    topic = Topic(given["topic"], "query", (), (SERVICE,))
    ledger = Ledger(emits=True)
    runtime = Runtime(
        ServiceSpec(name=SERVICE, migrations=MIGRATIONS, consumers={topic: ledger.apply}), settings
    )
    await runtime.start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(run(json.load(sys.stdin)))
