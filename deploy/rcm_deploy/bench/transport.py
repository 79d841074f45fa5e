"""The platform library alone: five processes in a chain, beside a plain consumer of the same run.

The baseline Z is one aiokafka consumer that decodes with the same event model and writes one COPY per at most 200
events. The chain runs inbox, one row and outbox for every event and hop.
"""

import asyncio
import os
import random
import statistics
import sys
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from rcm_shared.contracts.envelope import Envelope
from rcm_shared.contracts.intake import ChargesCaptured
from rcm_shared.contracts.topics import ENCOUNTER
from rcm_shared.ids import uuid7
from rcm_shared.messaging.headers import to_headers
from rcm_shared.postgres.migrate import migrate

from rcm_deploy.bench.hop import CHAIN, FACILITY, charges_captured
from rcm_deploy.bench.machine import cpu_seconds, percentile
from rcm_deploy.engines.system import Engines

DRAIN = 15_000
PASSES = 4  # of the plain consumer over the same events: alone they take it a quarter of a second
SINGLE = 800
ROUNDS = 3
RATES = (100, 500)  # events per second of the latency runs
LATENCY_S = 12.0
COPY_BATCH = 200
PATIENCE_S = 120.0


async def measure(engines: Engines, say: Any) -> tuple[float, dict[str, Any]]:
    """Return the baseline's events per second and the transport's figures."""
    for service in CHAIN:
        await migrate(engines.owner_dsn(service), "rcm_deploy.bench.migrations")
    driver = await Driver.start(engines.kafka_bootstrap)
    base_rates, base_costs, rates, costs, latency = [], [], [], [], {}
    engine_pids = [entry["pid"] for entry in engines.processes().values()]
    try:
        async with _hops(engines) as pids:
            await _drain(engines, driver, 500, [*engine_pids, *pids])
            for turn in range(ROUNDS):
                say(f"round {turn + 1} of {ROUNDS}: plain consumer, then the chain, {DRAIN} events each")
                rate, cost = await _baseline(engines, driver, engine_pids)
                base_rates.append(rate)
                base_costs.append(cost)
                rate, cost = await _drain(engines, driver, DRAIN, [*engine_pids, *pids])
                rates.append(rate)
                costs.append(cost)
            for per_s in RATES:
                say(f"latency at {per_s} events/s")
                latency[str(per_s)] = await _latency(engines, driver, per_s)
        async with _hops(engines, single=True) as pids:
            say(f"one transaction for each event, {SINGLE} events")
            single, _ = await _drain(engines, driver, SINGLE, [*engine_pids, *pids])
    finally:
        await driver.stop()
    baseline = statistics.median(base_rates)
    rate = statistics.median(rates)
    return baseline, {
        "events_per_s": round(rate),
        "ratio": round(rate / baseline, 3),
        "cpu_us_per_event": round(statistics.median(costs)),
        "baseline_cpu_us_per_event": round(statistics.median(base_costs), 1),
        "cpu_ratio": round(statistics.median(costs) / statistics.median(base_costs), 1),
        "micro_batch_speedup": round(rate / single, 1),
        "latency_ms": latency,
    }


@asynccontextmanager
async def _hops(engines: Engines, *, single: bool = False) -> AsyncIterator[list[int]]:
    """Run the five hops; gives their process ids once all have joined."""
    running: list[asyncio.subprocess.Process] = []
    try:
        for service in CHAIN:
            environment = {
                **os.environ,
                "RCM_HOP_DSN": engines.dsn(service),
                "RCM_HOP_SINGLE": "1" if single else "0",
                "RCM_KAFKA_BOOTSTRAP": engines.kafka_bootstrap,
                "RCM_LOG_LEVEL": "ERROR",
            }
            running.append(
                await asyncio.create_subprocess_exec(
                    sys.executable,
                    "-m",
                    "rcm_deploy.bench.hop",
                    service,
                    env=environment,
                    stdout=asyncio.subprocess.PIPE,
                )
            )
        for process in running:
            if process.stdout is None or not await asyncio.wait_for(process.stdout.readline(), 60):
                raise RuntimeError("a hop did not start")
        yield [process.pid for process in running]
    finally:
        for process in running:
            if process.returncode is None:
                process.terminate()
        await asyncio.gather(*(process.wait() for process in running))


class Driver:
    """Publishes registrations as intake would, as fast as the broker takes them or at a rate."""

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self._producer = producer
        self._body = charges_captured(uuid7()).model_dump_json().encode()

    @classmethod
    async def start(cls, bootstrap: str) -> "Driver":
        """Connect."""
        producer = AIOKafkaProducer(
            bootstrap_servers=bootstrap,
            acks="all",
            linger_ms=2,
            max_batch_size=256 * 1024,
            compression_type="lz4",
        )
        await producer.start()
        return cls(producer)

    async def stop(self) -> None:
        """Disconnect."""
        await self._producer.stop()

    async def send(self, key: UUID) -> asyncio.Future[Any]:
        """Hand one event to the producer."""
        envelope = Envelope(
            uuid7(), ChargesCaptured.TYPE, "/rcm/intake", key, datetime.now(UTC), 1, key, None, FACILITY
        )
        future: asyncio.Future[Any] = await self._producer.send(
            ENCOUNTER.name, self._body, key=key.bytes, headers=to_headers(envelope)
        )
        return future

    async def burst(self, count: int) -> None:
        """Publish as fast as possible."""
        await asyncio.gather(*[await self.send(uuid7()) for _ in range(count)])

    async def poisson(self, per_s: int, seconds: float) -> list[UUID]:
        """Publish with random gaps at a mean rate; return the keys."""
        keys: list[UUID] = []
        chooser = random.Random(7)  # noqa: S311 — arrival times
        begin, at = time.monotonic(), 0.0
        while at < seconds:
            at += chooser.expovariate(per_s)
            await asyncio.sleep(max(0.0, begin + at - time.monotonic()))
            keys.append(uuid7())
            await self.send(keys[-1])
        await self._producer.flush()
        return keys


async def _baseline(engines: Engines, driver: Driver, engine_pids: Sequence[int]) -> tuple[float, float]:
    """Drain the same number of events with one plain consumer: (events per second, CPU microseconds per event).

    It reads what the last round left on the topic; the chain has drained it before and is idle.
    """
    conn = await asyncpg.connect(engines.owner_dsn("intake"))
    await conn.execute(
        "CREATE TABLE IF NOT EXISTS baseline (key uuid, sequence bigint, charges int, cents bigint)"
    )
    await conn.execute("TRUNCATE baseline")
    consumer = AIOKafkaConsumer(bootstrap_servers=engines.kafka_bootstrap, enable_auto_commit=False)
    await consumer.start()
    partitions = [TopicPartition(ENCOUNTER.name, number) for number in range(4)]
    consumer.assign(partitions)
    ends = await consumer.end_offsets(partitions)
    have = sum(ends.values())
    if have < DRAIN:
        await driver.burst(DRAIN - have)
        await _settle(engines)
    starts, passed = await consumer.beginning_offsets(partitions), 0
    _rewind(consumer, starts)
    pids = [*engine_pids, os.getpid()]
    cpu, began, done = _own_cpu(pids), time.perf_counter(), 0
    while done < PASSES * DRAIN:
        if done // DRAIN > passed:
            passed += 1
            _rewind(consumer, starts)
        if time.perf_counter() - began > PATIENCE_S:
            raise RuntimeError("the plain consumer got nothing")
        polled = await consumer.getmany(timeout_ms=500, max_records=COPY_BATCH)
        rows = []
        for record in (record for records in polled.values() for record in records):
            event = ChargesCaptured.model_validate_json(record.value)
            rows.append((UUID(bytes=record.key), record.offset, len(event.charges), event.total_cents))
        if rows:
            await conn.copy_records_to_table("baseline", records=rows)
        done += len(rows)
    seconds, used = time.perf_counter() - began, _own_cpu(pids) - cpu
    await consumer.stop()
    await conn.close()
    return done / seconds, used / done * 1e6


def _rewind(consumer: AIOKafkaConsumer, starts: dict[TopicPartition, int]) -> None:
    for partition, offset in starts.items():
        consumer.seek(partition, offset)


async def _drain(engines: Engines, driver: Driver, count: int, pids: Iterable[int]) -> tuple[float, float]:
    """Publish a burst and wait until the last hop has all: (events per second, CPU microseconds per event)."""
    conn = await asyncpg.connect(engines.owner_dsn("intake"))
    before = await conn.fetchval("SELECT count(*) FROM hop")
    family = list(pids)
    cpu, began = _own_cpu(family), await conn.fetchval("SELECT clock_timestamp()")
    await driver.burst(count)
    deadline = time.monotonic() + PATIENCE_S
    while await conn.fetchval("SELECT count(*) FROM hop") < before + count:
        if time.monotonic() > deadline:
            raise RuntimeError("the chain did not drain")
        await asyncio.sleep(0.1)
    used = _own_cpu(family) - cpu
    ended = await conn.fetchval("SELECT max(applied_at) FROM hop")
    await conn.close()
    return count / (ended - began).total_seconds(), used / count * 1e6


async def _settle(engines: Engines) -> None:
    """Wait until the last hop receives nothing more."""
    conn = await asyncpg.connect(engines.owner_dsn("intake"))
    last = -1
    while (now := await conn.fetchval("SELECT count(*) FROM hop")) != last:
        last = now
        await asyncio.sleep(1.0)
    await conn.close()


async def _latency(engines: Engines, driver: Driver, per_s: int) -> dict[str, float]:
    """Return p50 and p99 in milliseconds from publication to the last hop's row, after a warm-up."""
    keys = await driver.poisson(per_s, LATENCY_S)
    await _settle(engines)
    wanted = keys[len(keys) // 6 :]
    sent = await _times(engines, "coding", "sent_at", wanted)
    applied = await _times(engines, "intake", "applied_at", wanted)
    values = [(applied[key] - sent[key]).total_seconds() * 1000 for key in wanted if key in applied]
    return {"p50": round(percentile(values, 0.5), 1), "p99": round(percentile(values, 0.99), 1)}


async def _times(engines: Engines, service: str, column: str, keys: Sequence[UUID]) -> dict[UUID, datetime]:
    conn = await asyncpg.connect(engines.owner_dsn(service))
    rows = await conn.fetch(f"SELECT key, {column} AS at FROM hop WHERE key = ANY($1::uuid[])", keys)
    await conn.close()
    return {row["key"]: row["at"] for row in rows}


def _own_cpu(pids: Iterable[int]) -> float:
    """Return the CPU seconds of processes; this one counts without its children."""
    own, rest = os.getpid(), []
    total = 0.0
    for pid in pids:
        if pid == own:
            total += time.process_time()
        else:
            rest.append(pid)
    return total + cpu_seconds(rest)
