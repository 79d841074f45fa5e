"""rcm bench claims: from final codes to frozen 837 bytes, through billing's own code on a real PostgreSQL.

Everything runs as in the service, in one process: the fact is folded, the work leased, the claim built, scrubbed and
written, the result stored, a batch frozen. Only the HTTP to intake is left out; its JSON is read all the same.
Cost is CPU time, of the service and of PostgreSQL together; the rate is by the clock.
"""

import asyncio
import hashlib
import json as jsonlib
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import psutil
from rcm_billing import consumers, repository
from rcm_billing.app import BUILD_BATCH
from rcm_billing.gateways.payer_exchange import PayerExchange
from rcm_billing.handlers import building, placing, submitting
from rcm_billing.handlers.code_sets import LoadedCodeSets
from rcm_billing.handlers.deps import Deps
from rcm_billing.handlers.facts import BUILD_CLAIM
from rcm_billing.handlers.payer_rules import LoadedPayerRules
from rcm_billing.handlers.references import FETCH_REFERENCE, LoadedReferences, compute_reference_fetches
from rcm_billing.repository import StoredCodeSet
from rcm_billing.x12 import gate
from rcm_shared import clock
from rcm_shared.contracts.topics import owned_by
from rcm_shared.ids import uuid7
from rcm_shared.messaging.uow import UnitOfWork
from rcm_shared.messaging.work import Worker, WorkItem, WorkKind
from rcm_shared.postgres.migrate import migrate
from rcm_shared.postgres.pool import create_pool

from rcm_deploy.bench.encounters import (
    FACILITY,
    NPIS,
    PAYERS,
    TAXONOMIES,
    Encountered,
    Records,
    bench_master,
)
from rcm_deploy.bench.machine import machine, versions
from rcm_deploy.bench.reference_tables import SYSTEMS, Releases, write_reference_files
from rcm_deploy.engines import databases, signals
from rcm_deploy.engines.failures import EngineError
from rcm_deploy.engines.home import default_home, home_at
from rcm_deploy.engines.postgres import SUPERUSER, Postgres

SERVICE = "billing"
SIZES = (1_000, 10_000, 100_000)
WARM_UP = 400
SMALL_RUNS = 3  # the smallest size is over in two seconds: the median of three
GATED = 8  # interchanges through the gate
BATCH_CLAIMS = 200


def main(*, sizes: Sequence[int] = SIZES, json: bool = False) -> int:
    """Measure and print; the figures are for this machine."""
    try:
        return signals.run(_run(tuple(sorted(sizes)), json))
    except EngineError as error:
        print(f"rcm: {error}", file=sys.stderr)
        return 3


async def _run(sizes: tuple[int, ...], as_json: bool) -> int:
    started = time.monotonic()

    def say(text: str) -> None:
        print(f"[{time.monotonic() - started:5.1f} s] {text}", file=sys.stderr, flush=True)

    root = default_home().root / "bench" / "claims"
    shutil.rmtree(root, ignore_errors=True)
    postgres = Postgres(home_at(root), say)
    await postgres.start()
    try:
        result = await measure(postgres, sizes, say)
    finally:
        await postgres.stop()
        shutil.rmtree(root, ignore_errors=True)
    print(jsonlib.dumps(result, indent=None if as_json else 2), flush=True)
    return 0


async def measure(postgres: Postgres, sizes: tuple[int, ...], say: Callable[[str], None]) -> dict[str, Any]:
    """Run every size on a fresh database; return the figures."""
    await _once(postgres, WARM_UP)
    runs: dict[int, Run] = {}
    for size in sizes:
        say(f"{size} claims")
        rounds = SMALL_RUNS if size == sizes[0] and len(sizes) > 1 else 1
        found = [await _once(postgres, size, gated=size == sizes[-1]) for _ in range(rounds)]
        runs[size] = statistics.median_low(found)
        say(f"{size} claims: {runs[size].per_s:.0f} claims/s")
    small, large = runs[sizes[0]], runs[sizes[-1]]
    return {
        "claims_per_s": round(large.per_s),
        "flatness": round(large.cpu_us / small.cpu_us, 3),
        "growth": {str(size): run.growth() for size, run in runs.items()},
        "stages_us": large.stages_us(),
        "gate_claims_per_s": round(large.gate_per_s),
        "bytes_per_claim": round(large.bytes / large.claims),
        "machine": machine(),
        "versions": versions(),
    }


@dataclass(order=True)
class Run:
    """One run of one size. Ordered by seconds."""

    seconds: float = 0.0
    claims: int = field(default=0, compare=False)
    cpu_s: float = field(default=0.0, compare=False)  # of the service and of PostgreSQL together
    bytes: int = field(default=0, compare=False)
    gate_per_s: float = field(default=0.0, compare=False)
    stages: dict[str, float] = field(default_factory=dict, compare=False)

    @property
    def per_s(self) -> float:
        """Claims a second."""
        return self.claims / self.seconds

    @property
    def cpu_us(self) -> float:
        """CPU microseconds for one claim: what it costs, whatever else the machine does meanwhile."""
        return self.cpu_s / self.claims * 1e6

    def growth(self) -> dict[str, int]:
        """Return this size's rate and cost."""
        return {"claims_per_s": round(self.per_s), "cpu_us_per_claim": round(self.cpu_us)}

    def stages_us(self) -> dict[str, int]:
        """Microseconds of each stage for one claim."""
        return {name: round(seconds / self.claims * 1e6) for name, seconds in self.stages.items()}

    async def timed(self, stage: str, step: Awaitable[Any]) -> Any:
        """Await a step and add its time to a stage."""
        began = time.perf_counter()
        try:
            return await step
        finally:
            self.stages[stage] = self.stages.get(stage, 0.0) + time.perf_counter() - began


class Billing:
    """The service's handlers with what they need, on one database."""

    def __init__(self, pool: asyncpg.Pool, source: Encountered, run: Run, folder: Path) -> None:
        self.pool = pool
        self.run = run
        self.records = _Timed(Records(source), run)
        tables = folder / "tables"
        tables.mkdir(exist_ok=True)
        write_reference_files(tables, NPIS, PAYERS, TAXONOMIES, FACILITY)
        self.deps = Deps(
            master=bench_master(),
            pool=pool,
            intake=self.records,  # type: ignore[arg-type]  # the same answers without HTTP
            exchange=PayerExchange(folder),
            batch_claims=BATCH_CLAIMS,
            code_sets=LoadedCodeSets(pool),
            references=LoadedReferences(pool, tables),
            payer_rules=LoadedPayerRules(pool),
        )
        kind = WorkKind(BUILD_CLAIM, self._compute, placing.apply_builds, batch=BUILD_BATCH)
        self.worker = Worker(kind, pool=pool, begin=self.begin, owner="bench")

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[UnitOfWork]:
        """Open a transaction as the running service does."""
        async with self.pool.acquire() as conn, conn.transaction():
            now = clock.business_time(await conn.fetchval("SELECT now()"))
            uow = UnitOfWork(conn, now=now, service=SERVICE, topic=owned_by(SERVICE).name)
            yield uow
            await uow.flush()

    async def _compute(self, items: list[WorkItem]) -> dict[UUID, Any]:
        return dict(await self.run.timed("compute", building.compute_builds(self.deps, items)))

    async def take(self, deliveries: list[Any]) -> None:
        """Fold final codes into their accounts."""
        async with self.begin() as uow:
            await consumers.on_chart(uow, deliveries)

    async def freeze(self) -> int:
        """Freeze one batch."""
        async with self.begin() as uow:
            return await submitting.freeze_batch(self.deps, uow)


class _Timed:
    def __init__(self, records: Records, run: Run) -> None:
        self._records = records
        self._run = run

    async def fetch(self, ids: Sequence[UUID]) -> Any:
        return await self._run.timed("read_record", self._records.fetch(ids))


async def _once(postgres: Postgres, size: int, *, gated: bool = False) -> Run:
    """Seed the accounts, then time the way from final codes to frozen bytes."""
    pool = await _fresh(postgres)
    try:
        source = Encountered.make(size, clock.today())
        run = Run(claims=size)
        with tempfile.TemporaryDirectory() as folder:
            billing = Billing(pool, source, run, Path(folder))
            await _seed(billing, source, size)
            await _release(billing)
            deliveries = [
                source.finalised(range(at, min(at + BUILD_BATCH, size)), clock.now())
                for at in range(0, size, BUILD_BATCH)
            ]
            began, cpu = time.perf_counter(), _cpu(postgres)
            await _bill(billing, deliveries, size)
            run.seconds, run.cpu_s = time.perf_counter() - began, _cpu(postgres) - cpu
        _split(run)
        run.bytes = await pool.fetchval("SELECT sum(octet_length(body)) FROM interchange")
        if gated:
            run.gate_per_s = await _gate(pool)
        return run
    finally:
        await pool.close()


async def _bill(billing: Billing, deliveries: list[list[Any]], size: int) -> None:
    """Take, build and freeze as the service's loops do, in turn; a batch is frozen when it can be full."""
    run, frozen, built = billing.run, 0, 0
    for number, batch in enumerate(deliveries):
        await run.timed("take", billing.take(batch))
        built += await run.timed("work", billing.worker.run_once())
        last = number == len(deliveries) - 1
        while frozen < built and (last or built - frozen >= 4 * BATCH_CLAIMS):
            done = await run.timed("freeze", billing.freeze())
            if not done:
                break
            frozen += done
    if frozen != size:
        raise RuntimeError(f"{size - frozen} claims were held instead of frozen")


def _cpu(postgres: Postgres) -> float:
    """Return the CPU seconds of this process and of PostgreSQL, with the sessions and workers that have ended."""
    server = psutil.Process(postgres.pid)
    total = time.process_time()
    for process in (server, *server.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            used = process.cpu_times()
            total += used.user + used.system
            if process == server:
                total += used.children_user + used.children_system
    return total


def _split(run: Run) -> None:
    """Turn nested times into stages that add up: reading, building and scrubbing, storing."""
    stages = run.stages
    compute, read = stages["compute"], stages["read_record"]
    run.stages = {
        "take": stages["take"],
        "read_record": read,
        "build_scrub_write": compute - read,
        "store": stages["work"] - compute,
        "freeze": stages["freeze"],
    }


async def _seed(billing: Billing, source: Encountered, size: int) -> None:
    for at in range(0, size, 1000):
        async with billing.begin() as uow:
            await repository.save_accounts(uow.conn, source.accounts(range(at, min(at + 1000, size))))
    codes = source.codes()
    today = clock.today()
    async with billing.begin() as uow:
        digest = hashlib.sha256(codes).hexdigest()
        await repository.save_code_sets(
            uow.conn,
            [
                StoredCodeSet(
                    edition=(today - timedelta(365)).isoformat(),
                    effective_from=today - timedelta(365),
                    effective_to=None,
                    sha256=digest,
                    codes_sha256=digest,
                    codes=codes,
                    activated_at=clock.now(),
                )
            ],
        )
    await billing.pool.execute("ANALYZE account")


async def _release(billing: Billing) -> None:
    """Load the released tables as the service does after coding has announced them."""
    since = (clock.today() - timedelta(2000)).isoformat()
    items = [
        WorkItem(
            uuid7(),
            FETCH_REFERENCE,
            1,
            {
                "system": system,
                "edition": "bench",
                "effective_from": since,
                "effective_to": None,
                "sha256": hashlib.sha256(system.encode()).hexdigest(),
                "activated_at": clock.now().isoformat(),
            },
            0,
        )
        for system in SYSTEMS
    ]
    released: Any = Releases()
    loaded = await compute_reference_fetches(released, billing.pool, items)
    failed = [result for result in loaded.values() if isinstance(result, Exception)]
    if failed or billing.deps.references is None:
        raise RuntimeError("a reference table was not loaded")
    async with billing.begin() as uow:
        await billing.deps.references.complete(uow, {key: int(value) for key, value in loaded.items()})  # type: ignore[arg-type]


async def _fresh(postgres: Postgres) -> asyncpg.Pool:
    """Make billing's database anew; return a pool of the service's role."""
    server = await asyncpg.connect(postgres.dsn(SUPERUSER, "postgres"))
    await server.execute(f"DROP DATABASE IF EXISTS {databases.database(SERVICE)} WITH (FORCE)")
    await server.execute("CHECKPOINT")
    await server.close()
    await databases.create_databases(lambda name: postgres.dsn(SUPERUSER, name), (SERVICE,))
    await migrate(
        postgres.dsn(databases.role(SERVICE, "owner"), databases.database(SERVICE)),
        "rcm_billing.migrations",
    )
    app = postgres.dsn(databases.role(SERVICE, "app"), databases.database(SERVICE))
    return await create_pool(app, name="rcm-billing", size=4)


async def _gate(pool: asyncpg.Pool) -> float:
    """Return how many claims a second one worker process of the gate lets through."""
    rows = await pool.fetch("SELECT body, claims FROM interchange ORDER BY isa13 LIMIT $1", GATED)
    loop = asyncio.get_running_loop()
    workers = gate.gate_pool()
    try:
        await loop.run_in_executor(workers, gate.warm)
        began, claims = time.perf_counter(), 0
        for row in rows:
            verdict = await loop.run_in_executor(workers, gate.check, bytes(row["body"]))
            if not verdict.passed:
                raise RuntimeError("the gate refused a file")
            claims += row["claims"]
        return claims / (time.perf_counter() - began)
    finally:
        workers.shutdown(wait=True)
