"""A fresh database and a fresh topic for each test, on the session's engines."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
from integration.ledger import MIGRATIONS, SERVICE, World
from rcm_deploy.engines.databases import database, grants, role
from rcm_shared.ids import uuid7
from rcm_shared.postgres.migrate import migrate
from rcm_testkit.engines import TestEngines

TEMPLATE = "ledger_template"


def superuser(engines: TestEngines, name: str) -> str:
    """Return the superuser's address of a database: only it may create one for each test."""
    return engines.postgres.format(role="postgres", database=name)


def address(engines: TestEngines, kind: str, name: str) -> str:
    """Return a role's address of a database."""
    return engines.postgres.format(role=role(SERVICE, kind), database=name)


async def create_database(engines: TestEngines, name: str, *, template: str | None = None) -> None:
    """Create a database with the roles and grants of a service, empty or from a template."""
    server = await asyncpg.connect(superuser(engines, "postgres"))
    try:
        source = f" TEMPLATE {template}" if template else ""
        await server.execute(f"CREATE DATABASE {name} OWNER {role(SERVICE, 'owner')}{source}")
    finally:
        await server.close()
    if template is None:
        connection = await asyncpg.connect(superuser(engines, name))
        try:
            statements = [line.replace(database(SERVICE), name) for line in grants(SERVICE)]
            await connection.execute(";\n".join(statements))
        finally:
            await connection.close()


async def drop_database(engines: TestEngines, name: str) -> None:
    """Drop a database, ending what is still connected."""
    server = await asyncpg.connect(superuser(engines, "postgres"))
    try:
        await server.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    finally:
        await server.close()


@pytest.fixture(scope="session")
def template(engines: TestEngines) -> str:
    """A migrated database that each test's own is copied from."""

    async def prepare() -> None:
        await drop_database(engines, TEMPLATE)
        await create_database(engines, TEMPLATE)
        await migrate(address(engines, "owner", TEMPLATE), MIGRATIONS)

    asyncio.run(prepare())
    return TEMPLATE


@pytest.fixture
async def database_world(engines: TestEngines, template: str) -> AsyncIterator[World]:
    """A world whose topic does not exist yet: for tests that need no broker."""
    name = uuid7().hex[8:]
    await create_database(engines, f"it_{name}", template=template)
    world = World(
        dsn=address(engines, "app", f"it_{name}"),
        owner_dsn=address(engines, "owner", f"it_{name}"),
        bootstrap=engines.bootstrap,
        name=name,
    )
    world.pool = await asyncpg.create_pool(world.dsn, min_size=1, max_size=6)
    try:
        yield world
    finally:
        world.pool.terminate()
        await drop_database(engines, f"it_{name}")


@pytest.fixture
async def world(database_world: World) -> World:
    """A world with a database and a topic of its own."""
    await database_world.create_topic()
    return database_world


@pytest.fixture
async def empty_database(engines: TestEngines) -> AsyncIterator[World]:
    """A world whose database has roles and grants but no table."""
    name = uuid7().hex[8:]
    await create_database(engines, f"it_{name}")
    yield World(
        dsn=address(engines, "app", f"it_{name}"),
        owner_dsn=address(engines, "owner", f"it_{name}"),
        bootstrap=engines.bootstrap,
        name=name,
    )
    await drop_database(engines, f"it_{name}")
