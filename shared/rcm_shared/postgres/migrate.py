"""Migrations: alembic drives plain SQL revisions under an advisory lock, one transaction per revision.

A revision is one file `NNNN_name.sql`. The platform's own revisions (postgres/versions) and those of the service's
`migrations` package are two chains, so that either can grow later; the service's chain needs the platform's first one.
Expand and contract only: a release must run beside the one before it.
"""

import asyncio
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any

import asyncpg

from rcm_shared.postgres.pool import connect

LOCK_KEY = 7_263_001  # any constant: all migrations of one database share it
_PLATFORM = "platform_"


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
        heads = await _heads(guard)
        known = [revision for revision, _ in steps]
        if unknown := sorted(heads - set(known)):
            raise RuntimeError(f"the database is at revision {unknown[0]}, which this release does not know")
        applied = _applied(known, heads)
        if pending := [revision for revision in known if revision not in applied]:
            await _run_alembic(owner_dsn, steps)
        return pending
    finally:
        await guard.close()


async def _heads(conn: asyncpg.Connection) -> set[str]:
    """Return the newest applied revision of each chain."""
    if not await conn.fetchval("SELECT to_regclass('alembic_version') IS NOT NULL"):
        return set()
    return {row["version_num"] for row in await conn.fetch("SELECT version_num FROM alembic_version")}


def _applied(known: list[str], heads: set[str]) -> set[str]:
    """Return the revisions that the heads stand for: all before them in their chains, and what those need."""
    applied: set[str] = set()
    for chain in _chains(known):
        reached = [at for at, revision in enumerate(chain) if revision in heads]
        applied.update(chain[: max(reached) + 1] if reached else ())
    if applied:
        applied.add(known[0])  # a service's chain needs the platform's first revision
    return applied


def _chains(revisions: list[str]) -> tuple[list[str], list[str]]:
    """Split revisions into the platform's chain and the service's."""
    platform = [revision for revision in revisions if revision.startswith(_PLATFORM)]
    return platform, revisions[len(platform) :]


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
    for chain in _chains([revision for revision, _ in steps]):
        needed = None if chain[:1] == [steps[0][0]] else steps[0][0]
        for revision, previous in zip(chain, [None, *chain], strict=False):
            script.revision_map.add_revision(
                _sql_revision(revision, previous, None if previous else needed, files[revision], Script)
            )

    def run(sql: str) -> None:
        conn.exec_driver_sql("SELECT 1")  # opens the transaction that the raw statement below must be part of
        await_only(conn.connection.driver_connection.execute(sql))

    def steps_from(rev: Any, _context: Any, target: str) -> Any:
        pending = script._upgrade_revs(target, rev)
        for step in pending:
            step.migration_fn = lambda path=files[step.revision.revision], **_kw: run(path.read_text())
        return pending

    platform, _ = _chains(list(files))
    for target in (platform[-1], "heads"):
        with EnvironmentContext(config, script, fn=partial(steps_from, target=target)) as environment:
            environment.configure(connection=conn, transaction_per_migration=True)
            environment.run_migrations()
        conn.commit()  # reading the version began a transaction, inside which the next run would not commit


def _sql_revision(revision: str, down: str | None, needed: str | None, path: Path, script: Any) -> Any:
    """Make an alembic Script whose upgrade is a SQL file."""
    attributes = {
        "revision": revision,
        "down_revision": down,
        "branch_labels": None,
        "depends_on": needed,
        "upgrade": None,
        "__doc__": path.stem,
    }
    return script(type("SqlModule", (), attributes), revision, str(path))


def main(owner_dsn: str, package: str) -> None:
    """Migrate from the command line and say what was done."""
    applied = asyncio.run(migrate(owner_dsn, package))
    print("\n".join(applied) if applied else "nothing to do")
