"""Migrations: alembic drives plain SQL revisions under an advisory lock, one transaction per revision.

A revision is one file `NNNN_name.sql`; the platform's own revisions (postgres/versions) come first, then the
service's `migrations` package. Expand and contract only: a release must run beside the one before it.
"""

import asyncio
from importlib import resources
from pathlib import Path
from typing import Any

import asyncpg

from rcm_shared.postgres.pool import connect

LOCK_KEY = 7_263_001  # any constant: all migrations of one database share it


def revision_files(package: str) -> list[Path]:
    """Return the SQL revisions of a package in the order in which they apply."""
    folder = Path(str(resources.files(package)))
    return sorted(folder.glob("*.sql"))


def plan(package: str) -> list[tuple[str, Path]]:
    """Return (revision id, file) of the platform and then of the service, in order."""
    platform = revision_files("rcm_shared.postgres.versions")
    return [(path.stem, path) for path in [*platform, *revision_files(package)]]


async def migrate(owner_dsn: str, package: str) -> list[str]:
    """Bring one database to the newest revision and return the revisions applied now.

    Safe to call from several processes at once: they wait for the lock, then find nothing to do.
    """
    steps = plan(package)
    guard = await connect(owner_dsn, name="rcm-migrate")
    try:
        await guard.execute("SET statement_timeout = 0")
        await guard.execute("SET lock_timeout = 0")
        await guard.execute("SELECT pg_advisory_lock($1)", LOCK_KEY)
        before = await _applied(guard)
        if before == steps[-1][0]:
            return []
        done = [revision for revision, _ in steps]
        if before is not None and before not in done:
            raise RuntimeError(f"the database is at revision {before}, which this release does not know")
        await _run_alembic(owner_dsn, steps)
        return done[done.index(before) + 1 :] if before else done
    finally:
        await guard.close()


async def _applied(conn: asyncpg.Connection) -> str | None:
    if not await conn.fetchval("SELECT to_regclass('alembic_version') IS NOT NULL"):
        return None
    version: str | None = await conn.fetchval("SELECT version_num FROM alembic_version")
    return version


async def _run_alembic(owner_dsn: str, steps: list[tuple[str, Path]]) -> None:
    from sqlalchemy.ext.asyncio import create_async_engine

    async def open_connection() -> Any:
        conn = await asyncpg.connect(owner_dsn, timeout=10, server_settings={"lock_timeout": "5000"})
        return conn

    engine = create_async_engine("postgresql+asyncpg://", async_creator=open_connection)
    try:
        async with engine.connect() as conn:
            await conn.run_sync(_upgrade, steps)
    finally:
        await engine.dispose()


def _upgrade(conn: Any, steps: list[tuple[str, Path]]) -> None:
    """Run the pending revisions through alembic's own migration context."""
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import Script, ScriptDirectory
    from sqlalchemy.util import await_only

    config = Config()
    script = ScriptDirectory(str(Path(__file__).parent), version_locations=[])
    files = dict(steps)
    previous: str | None = None
    for revision, path in steps:
        script.revision_map.add_revision(_sql_revision(revision, previous, path, Script))
        previous = revision

    def run(sql: str) -> None:
        conn.exec_driver_sql("SELECT 1")  # opens the transaction that the raw statement below must be part of
        await_only(conn.connection.driver_connection.execute(sql))

    def steps_from(rev: Any, _context: Any) -> Any:
        pending = script._upgrade_revs("head", rev)
        for step in pending:
            step.migration_fn = lambda path=files[step.revision.revision], **_kw: run(path.read_text())
        return pending

    with EnvironmentContext(config, script, fn=steps_from) as environment:
        environment.configure(connection=conn, transaction_per_migration=True)
        environment.run_migrations()


def _sql_revision(revision: str, down: str | None, path: Path, script: Any) -> Any:
    """Make an alembic Script whose upgrade is a SQL file."""
    attributes = {
        "revision": revision,
        "down_revision": down,
        "branch_labels": None,
        "depends_on": None,
        "upgrade": None,
        "__doc__": path.stem,
    }
    return script(type("SqlModule", (), attributes), revision, str(path))


def main(owner_dsn: str, package: str) -> None:
    """Migrate from the command line and say what was done."""
    applied = asyncio.run(migrate(owner_dsn, package))
    print("\n".join(applied) if applied else "nothing to do")
