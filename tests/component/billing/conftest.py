"""Billing's tables on a real PostgreSQL: a database of its own for each test, copied from a migrated one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import asyncpg
import pytest
from integration.conftest import address, create_database, drop_database
from rcm_shared.contracts.topics import CLAIM
from rcm_shared.ids import uuid7
from rcm_shared.messaging.uow import UnitOfWork
from rcm_shared.postgres.migrate import migrate
from rcm_testkit.engines import TestEngines

TEMPLATE = "billing_template"


@dataclass(slots=True)
class BillingWorld:
    """One test's database. `now` is the business time of its transactions."""

    dsn: str
    pool: asyncpg.Pool
    now: datetime = datetime(2026, 9, 28, 12, tzinfo=UTC)

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[UnitOfWork]:
        """Open a unit of work as the running service does."""
        async with self.pool.acquire() as conn, conn.transaction():
            uow = UnitOfWork(conn, now=self.now, service="billing", topic=CLAIM.name)
            yield uow
            await uow.flush()

    async def events(self) -> list[asyncpg.Record]:
        """Return what was published, in order: type, key, body as JSON text."""
        rows: list[asyncpg.Record] = await self.pool.fetch(
            "SELECT * FROM event_log ORDER BY recorded_at, key, sequence"
        )
        return rows


@pytest.fixture(scope="session")
def billing_template(engines: TestEngines) -> str:
    """A migrated database that each test's own is copied from."""

    async def prepare() -> None:
        await drop_database(engines, TEMPLATE)
        await create_database(engines, TEMPLATE)
        await migrate(address(engines, "owner", TEMPLATE), "rcm_billing.migrations")

    asyncio.run(prepare())
    return TEMPLATE


@pytest.fixture
async def billing(engines: TestEngines, billing_template: str) -> AsyncIterator[BillingWorld]:
    """A database with billing's tables, empty."""
    name = f"billing_{uuid7().hex[8:]}"
    await create_database(engines, name, template=billing_template)
    dsn = address(engines, "app", name)
    pool = await asyncpg.create_pool(dsn, min_size=1, max_size=6)
    try:
        yield BillingWorld(dsn, pool)
    finally:
        pool.terminate()
        await drop_database(engines, name)
