"""The operator's list of denial routes from the reference folder: stored as a new version when it changed."""

import asyncio
from pathlib import Path

import asyncpg
from rcm_shared import clock
from rcm_shared.telemetry import log

from rcm_billing.domain.denial_cases import SYSTEM
from rcm_billing.domain.denial_routing import read_routes
from rcm_billing.repository import denial_routes

FILE = "denial_routes.csv"
SOURCE = "file"


async def load_routes(pool: asyncpg.Pool, folder: Path | None) -> int | None:
    """Store the folder's list when it differs from the one that last came from there; return its version.

    A list that people changed by API since stays in force until the file changes again.
    Raises: BadRoute naming the row and the column; a broken list stops the start.
    """
    path = folder / FILE if folder is not None else None
    if path is None or not path.is_file():
        return None
    routes = read_routes((await asyncio.to_thread(path.read_bytes)).decode("utf-8-sig"))
    if await denial_routes.newest_source(pool, SOURCE) == denial_routes.routes_digest(routes):
        return None
    current = await denial_routes.get_route_table(pool)
    version = (current.version if current else 0) + 1
    stored = await denial_routes.insert_routes(
        pool,
        version,
        routes,
        source=SOURCE,
        created_by=SYSTEM,
        created_at=clock.now(),
    )
    log().info(
        "denial routes loaded", version=version, count=len(routes), state="stored" if stored else "known"
    )
    return version if stored else None
