"""Migrations apply once, in order, each in a transaction; a service's own role changes no table and no history."""

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from integration.ledger import MIGRATIONS, World
from rcm_shared.ids import uuid7
from rcm_shared.postgres.migrate import migrate, plan

ALL = [revision for revision, _ in plan(MIGRATIONS)]


async def test_second_run_finds_nothing_to_do(empty_database: World) -> None:
    assert await migrate(empty_database.owner_dsn, MIGRATIONS) == ALL
    assert await migrate(empty_database.owner_dsn, MIGRATIONS) == []


async def test_platform_revisions_come_before_the_services(empty_database: World) -> None:
    assert ALL[0].startswith("platform_")
    assert ALL[-1] == "0001_ledger"


async def test_revision_that_the_platform_gains_later_is_applied_to_an_older_database(
    empty_database: World,
) -> None:
    """The first release kept one chain, so its databases name only the service's last revision."""
    await migrate(empty_database.owner_dsn, MIGRATIONS)
    owner = await asyncpg.connect(empty_database.owner_dsn)
    try:
        await owner.execute(
            "ALTER TABLE position DROP COLUMN run; ALTER TABLE inbox DROP COLUMN received_on,"
            ' ADD COLUMN occurred_on date, ADD COLUMN partition int, ADD COLUMN "offset" bigint'
        )
        await owner.execute("DELETE FROM alembic_version WHERE version_num LIKE 'platform%'")
        assert await migrate(empty_database.owner_dsn, MIGRATIONS) == ["platform_0002"]
        assert await migrate(empty_database.owner_dsn, MIGRATIONS) == []
        assert await owner.fetchval("SELECT count(run) FROM position") == 0
    finally:
        await owner.close()


async def test_concurrent_runs_apply_each_revision_once(empty_database: World) -> None:
    runs = await asyncio.gather(*(migrate(empty_database.owner_dsn, MIGRATIONS) for _ in range(4)))
    assert sorted(runs) == [[], [], [], ALL]


async def test_database_of_a_newer_release_is_refused(empty_database: World) -> None:
    await migrate(empty_database.owner_dsn, MIGRATIONS)
    owner = await asyncpg.connect(empty_database.owner_dsn)
    try:
        await owner.execute(
            "UPDATE alembic_version SET version_num = '9999_future' WHERE version_num = $1", ALL[-1]
        )
        with pytest.raises(RuntimeError, match="9999_future"):
            await migrate(empty_database.owner_dsn, MIGRATIONS)
        assert await owner.fetchval("SELECT min(version_num) FROM alembic_version") == "9999_future"
    finally:
        await owner.close()


@pytest.fixture
def release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package of revisions that a test writes; its name is the folder's."""
    folder = tmp_path / f"release_{uuid7().hex}"
    folder.mkdir()
    (folder / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    yield folder
    sys.modules.pop(folder.name, None)


async def test_revision_that_fails_leaves_nothing_of_itself_and_keeps_those_before(
    empty_database: World, release: Path
) -> None:
    (release / "0001_first.sql").write_text("CREATE TABLE first (n int); INSERT INTO first VALUES (1);")
    second = release / "0002_second.sql"
    second.write_text("CREATE TABLE second (n int); INSERT INTO first VALUES (2); SELECT 1 / 0;")
    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrate(empty_database.owner_dsn, release.name)
    owner = await asyncpg.connect(empty_database.owner_dsn)
    try:
        assert await owner.fetchval("SELECT to_regclass('second')") is None
        assert await owner.fetchval("SELECT sum(n) FROM first") == 1
        second.write_text("CREATE TABLE second (n int); INSERT INTO first VALUES (2);")
        assert await migrate(empty_database.owner_dsn, release.name) == ["0002_second"]
        assert await owner.fetchval("SELECT sum(n) FROM first") == 3
    finally:
        await owner.close()


async def test_new_revision_of_the_next_release_is_the_only_one_applied(
    empty_database: World, release: Path
) -> None:
    (release / "0001_first.sql").write_text("CREATE TABLE first (n int);")
    await migrate(empty_database.owner_dsn, release.name)
    (release / "0002_second.sql").write_text("ALTER TABLE first ADD COLUMN m int;")
    (release / "0003_third.sql").write_text("CREATE INDEX ON first (m);")
    assert await migrate(empty_database.owner_dsn, release.name) == ["0002_second", "0003_third"]


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE mine (n int)",
        "ALTER TABLE outbox ADD COLUMN n int",
        "DROP TABLE outbox",
        "TRUNCATE event_log",
        "CREATE INDEX ON event_log (type)",
        "ALTER TABLE event_log DISABLE TRIGGER event_log_append_only",
        "DROP TRIGGER event_log_append_only ON event_log",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE SCHEMA mine",
    ],
)
async def test_services_own_role_cannot_change_tables(database_world: World, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await database_world.pool.execute(statement)


@pytest.mark.parametrize("table", ["event_log", "access_log", "operator_action"])
@pytest.mark.parametrize("kind", ["app", "owner"])
async def test_history_refuses_update_and_delete(database_world: World, table: str, kind: str) -> None:
    world, key = database_world, uuid7()
    async with world.command() as uow:
        uow.record_access(encounter_id=key, subject="coder-1", purpose="coding", what="encounter")
    await world.emit(key, 1)
    await world.pool.execute(
        "INSERT INTO operator_action (id, subject, action, reason, detail) VALUES ($1, 's', 'a', 'r', '{}')",
        key,
    )
    conn = await asyncpg.connect(world.dsn if kind == "app" else world.owner_dsn)
    try:
        before = await conn.fetch(f"SELECT * FROM {table}")
        assert len(before) == 1
        column = "type" if table == "event_log" else "subject"
        for statement in (f"UPDATE {table} SET {column} = 'x'", f"DELETE FROM {table}"):
            with pytest.raises(asyncpg.RestrictViolationError):
                await conn.execute(statement)
        assert await conn.fetch(f"SELECT * FROM {table}") == before
    finally:
        await conn.close()
