"""rcm chaos: a load of encounters, kills at random and at failpoints, a broker and a database that restart,
duplicates and poison; then a quiet phase in which everything must drain, and the proof.
"""

import asyncio
import json as jsonlib
import logging
import random
import shutil
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from rcm_shared.contracts.topics import INBOUND_TOPIC

from rcm_deploy.chaos.noise import Noise
from rcm_deploy.chaos.verify import Databases, check, quiet
from rcm_deploy.demo.people import OPERATOR, Person
from rcm_deploy.engines import signals
from rcm_deploy.engines.failures import EngineError
from rcm_deploy.engines.home import default_home
from rcm_deploy.engines.system import SERVICES, System, running_system
from rcm_deploy.superbills import source_of, superbill

#: How often a process dies at each place; together with the random kills some dozens in a full run.
FAILPOINTS = (
    "consumer.before_tx=exit:0.001,consumer.in_tx=exit:0.003,consumer.after_commit=exit:0.003,"
    "relay.before_send=exit:0.002,relay.after_send=exit:0.003,work.before_apply=exit:0.003,"
    "work.after_apply=exit:0.003,command.after_commit=exit:0.001"
)
PER_S = 20  # encounters published per second while faults happen
KILL_EVERY_S = 2.5
DRAIN_S = 240.0


@dataclass(frozen=True, slots=True)
class Report:
    """What was done to the system and what it did with it; the names are stable for other tools."""

    encounters: int
    events: int
    kills: int
    broker_restarts: int
    postgres_restarts: int
    duplicates_published: int
    poison_published: int
    lost: int
    applied_twice: int
    out_of_order: int
    ledger_sum_cents: int
    chain_verified: bool
    seconds: float

    @property
    def held(self) -> bool:
        """Nothing was lost, doubled or reordered, the books balance, the chain verifies."""
        faults = (self.lost, self.applied_twice, self.out_of_order, self.ledger_sum_cents)
        return not any(faults) and self.chain_verified


def main(*, encounters: int, seed: int, json: bool = False) -> int:
    """Run the kill test and return 0 only if everything held."""
    home = default_home().root / "chaos"
    try:
        return signals.run(_main(home, encounters, seed, json))
    except EngineError as error:
        print(f"rcm: {error}", file=sys.stderr)
        return 3


async def _main(home: Path, encounters: int, seed: int, as_json: bool) -> int:
    shutil.rmtree(home, ignore_errors=True)
    report, notes = await run(home, encounters=encounters, seed=seed)
    if as_json:
        print(jsonlib.dumps(asdict(report)), flush=True)
    else:
        for name, value in asdict(report).items():
            print(f"{name:<22} {value}")
    for note in notes:
        print(f"rcm: {note}", file=sys.stderr)
    return 0 if report.held and not notes else 1


async def run(home: Path, *, encounters: int, seed: int, say: Any = None) -> tuple[Report, tuple[str, ...]]:
    """Run the kill test in an empty home; return the report and what nobody can explain."""
    started = time.monotonic()
    say = say or (
        lambda text: print(f"[{time.monotonic() - started:6.1f} s] {text}", file=sys.stderr, flush=True)
    )
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # a broker that is away is what this is about
    chooser = random.Random(seed)  # noqa: S311 — chooses what to kill
    levers = {"RCM_FAILPOINTS": FAILPOINTS, "RCM_FAILPOINTS_SEED": str(seed), "RCM_ENVIRONMENT": "test"}
    async with running_system(home, say=say, env=levers) as system:
        say(f"publishing {encounters} encounters under fire, seed {seed}")
        noise = Noise(system.kafka_bootstrap, random.Random(seed + 1))  # noqa: S311
        duplicating = asyncio.create_task(noise.duplicate())
        fire = Fire(system, chooser, say)
        poisoning = asyncio.create_task(noise.poison_all(every_s=5.0, rounds=3))
        firing = asyncio.create_task(fire.run(encounters / PER_S))
        await _publish(system, encounters, chooser)
        await firing
        await poisoning
        noise.stop()
        await duplicating
        say(f"{fire.kills(system)} kills so far; faults off, draining")
        await _calm(system, fire)
        databases = Databases(system)
        operator = Person(system, OPERATOR, "operations", "auditor", facility="*")
        try:
            drained = await _drain(databases, encounters, say)
            found = await check(databases, encounters)
            chain = await operator.look("audit", "/v1/chain/verify")
        finally:
            await databases.close()
            await operator.close()
        report = Report(
            encounters=encounters,
            events=found.events,
            kills=fire.total,
            broker_restarts=fire.broker_restarts,
            postgres_restarts=fire.postgres_restarts,
            duplicates_published=noise.duplicates,
            poison_published=sum(noise.poison.values()),
            lost=found.lost,
            applied_twice=found.applied_twice,
            out_of_order=found.out_of_order,
            ledger_sum_cents=found.ledger_sum_cents,
            chain_verified=found.chain_verified and chain["verified"],
            seconds=round(time.monotonic() - started, 1),
        )
    late = () if drained else (f"the system did not drain in {DRAIN_S:.0f} s",)
    return report, (*late, *found.unexplained)


class Fire:
    """Kills services at random, the broker twice, the database once."""

    def __init__(self, system: System, chooser: random.Random, say: Any) -> None:
        self._system = system
        self._random = chooser
        self._say = say
        self.broker_restarts = 0
        self.postgres_restarts = 0
        self.total = 0

    def kills(self, system: System) -> int:
        """Return how many processes died and were started again."""
        return sum(system.restarts().values())

    async def run(self, seconds: float) -> None:
        """Spread the faults over the time of the load."""
        seconds = max(seconds, 20.0)
        started = time.monotonic()
        engines = [(0.25, self._broker), (0.5, self._postgres), (0.7, self._broker)]
        while (elapsed := time.monotonic() - started) < seconds:
            if engines and elapsed > engines[0][0] * seconds:
                await engines.pop(0)[1]()
            await asyncio.sleep(KILL_EVERY_S * self._random.uniform(0.5, 1.5))
            await self._system.crash(self._random.choice((*SERVICES, "payer")))
        for _, engine in engines:
            await engine()

    async def _broker(self) -> None:
        self._say("killing the broker")
        await self._system.kill_kafka()
        await asyncio.sleep(self._random.uniform(0.5, 2.0))
        await self._system.start_kafka()
        self.broker_restarts += 1

    async def _postgres(self) -> None:
        self._say("killing PostgreSQL")
        await self._system.kill_postgres()
        await asyncio.sleep(self._random.uniform(0.2, 1.0))
        await self._system.start_postgres()
        self.postgres_restarts += 1


async def _publish(system: System, encounters: int, chooser: random.Random) -> None:
    """Publish at a steady rate; one message in twenty twice. A failed send is repeated until acknowledged."""
    producer: AIOKafkaProducer | None = None
    for number in range(encounters):
        body = superbill(number)
        for _ in range(2 if chooser.random() < 0.05 else 1):
            while True:
                try:
                    if producer is None:
                        producer = AIOKafkaProducer(bootstrap_servers=system.kafka_bootstrap, acks="all")
                        await asyncio.wait_for(producer.start(), 15)
                    await asyncio.wait_for(
                        producer.send_and_wait(INBOUND_TOPIC, body, key=source_of(number).encode()), 15
                    )
                    break
                except (KafkaError, OSError, TimeoutError):
                    if producer is not None:
                        await _give_up(producer)
                    producer = None
                    await asyncio.sleep(0.3)
        await asyncio.sleep(1 / PER_S / 2)
    if producer is not None:
        await _give_up(producer)


async def _give_up(producer: AIOKafkaProducer) -> None:
    try:
        await asyncio.wait_for(producer.stop(), 5)
    except (KafkaError, OSError, TimeoutError):
        return


async def _calm(system: System, fire: Fire) -> None:
    """Restart every service without failpoints."""
    fire.total = fire.kills(system)
    for service in SERVICES:
        await system.stop(service)
    calm = {"RCM_FAILPOINTS": ""}
    await asyncio.gather(*(system.start(service, calm, wait=False) for service in SERVICES))
    await system.wait_ready()


async def _drain(databases: Databases, encounters: int, say: Any) -> bool:
    """Wait until nothing is under way; False when the time for it is over."""
    deadline = time.monotonic() + DRAIN_S
    while time.monotonic() < deadline:
        if await quiet(databases):
            await asyncio.sleep(1.0)
            billing = await databases.of("billing")
            closed = await billing.fetchval(
                "SELECT count(DISTINCT key) FROM event_log WHERE type = 'rcm.billing.account-closed.v1'"
            )
            if closed >= encounters and await quiet(databases):
                return True
            say(f"{closed} of {encounters} accounts are closed")
        await asyncio.sleep(1.0)
    return False
