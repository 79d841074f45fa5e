"""The five real services: superbills from the inbound topic to closed accounts."""

import asyncio
import time
from typing import Any

from aiokafka import AIOKafkaProducer
from rcm_shared.contracts.topics import INBOUND_TOPIC

from rcm_deploy.bench.machine import cpu_seconds, percentile
from rcm_deploy.chaos.verify import Databases
from rcm_deploy.engines.system import SERVICES, System
from rcm_deploy.superbills import source_of, superbill

WARM_UP = 100
ENCOUNTERS = 2_000
PACED_PER_S = 20
PACED_S = 12.0
PATIENCE_S = 240.0
CLOSED = "rcm.billing.account-closed.v1"


async def measure(system: System, say: Any) -> dict[str, Any]:
    """Return the flow's figures: a drained backlog, then latency at a steady rate."""
    databases = Databases(system)
    producer = AIOKafkaProducer(bootstrap_servers=system.kafka_bootstrap, acks="all", linger_ms=2)
    await producer.start()
    try:
        await _drain(databases, producer, range(WARM_UP), WARM_UP, say)
        pids = [entry["pid"] for entry in system.processes().values()]
        applied, cpu = await _applied(databases), cpu_seconds(pids)
        say(f"{ENCOUNTERS} superbills through the five services")
        seconds = await _drain(
            databases, producer, range(WARM_UP, WARM_UP + ENCOUNTERS), WARM_UP + ENCOUNTERS, say
        )
        events = await _applied(databases) - applied
        used = cpu_seconds(pids) - cpu
        say(f"latency at {PACED_PER_S} encounters/s")
        latency = await _latency(databases, producer, WARM_UP + ENCOUNTERS, say)
    finally:
        await producer.stop()
        await databases.close()
    return {
        "encounters": ENCOUNTERS,
        "encounters_per_s": round(ENCOUNTERS / seconds, 1),
        "applied_events_per_s": round(events / seconds),
        "cpu_us_per_applied_event": round(used / events * 1e6),
        "cpu_us_per_encounter": round(used / ENCOUNTERS * 1e6),
        "registered_to_claim_ms": latency,
    }


async def _drain(
    databases: Databases, producer: AIOKafkaProducer, numbers: range, closed: int, say: Any
) -> float:
    """Publish encounters and return the seconds until every account is closed."""
    began = time.monotonic()
    sent = [
        await producer.send(INBOUND_TOPIC, superbill(number, prefix="B"), key=source_of(number).encode())
        for number in numbers
    ]
    await asyncio.gather(*sent)
    billing = await databases.of("billing")
    told = time.monotonic()
    while (done := await billing.fetchval(_COUNT_CLOSED, CLOSED)) < closed:
        if time.monotonic() - began > PATIENCE_S:
            raise RuntimeError(f"{done} of {closed} accounts were closed in {PATIENCE_S:.0f} s")
        if time.monotonic() - told > 2.5:
            told = time.monotonic()
            say(f"{done} of {closed} accounts are closed")
        await asyncio.sleep(0.1)
    return time.monotonic() - began


_COUNT_CLOSED = "SELECT count(*) FROM event_log WHERE type = $1"


async def _applied(databases: Databases) -> int:
    """Return how many events all consumers together have applied."""
    total = 0
    for service in SERVICES:
        total += await (await databases.of(service)).fetchval("SELECT count(*) FROM inbox")
    return total


async def _latency(
    databases: Databases, producer: AIOKafkaProducer, first: int, say: Any
) -> dict[str, float]:
    """Return p50 and p99 in milliseconds from the registration's commit to the frozen claim's commit."""
    count = int(PACED_PER_S * PACED_S)
    for number in range(first, first + count):
        await producer.send(INBOUND_TOPIC, superbill(number, prefix="B"), key=source_of(number).encode())
        await asyncio.sleep(1 / PACED_PER_S)
    await _drain(databases, producer, range(0), first + count, say)
    intake, billing = await databases.of("intake"), await databases.of("billing")
    registered = await intake.fetch(
        "SELECT key, recorded_at FROM event_log WHERE type = 'rcm.intake.encounter-registered.v1'"
        " ORDER BY recorded_at DESC LIMIT $1",
        count - PACED_PER_S * 2,
    )
    frozen = await billing.fetch(
        "SELECT key, recorded_at FROM event_log WHERE type = 'rcm.billing.claim-submitted.v1' AND key = ANY($1)",
        [row["key"] for row in registered],
    )
    at = {row["key"]: row["recorded_at"] for row in frozen}
    values = [(at[row["key"]] - row["recorded_at"]).total_seconds() * 1000 for row in registered]
    return {"p50": round(percentile(values, 0.5), 1), "p99": round(percentile(values, 0.99), 1)}
