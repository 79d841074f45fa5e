"""SQL of the operator's lists of denial routes."""

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime

import asyncpg

from rcm_billing.domain.denial_routing import DEFAULT_TABLE, Route, RouteTable


def _text(routes: Sequence[Route]) -> str:
    return json.dumps([list(route) for route in routes])


async def get_route_table(conn: asyncpg.Connection, version: int | None = None) -> RouteTable | None:
    """Return one version of the list, the newest when none is named; version 0 is what ships.

    None when there is no such version.
    """
    if version == 0:
        return DEFAULT_TABLE
    row = await conn.fetchrow(
        "SELECT version, rows FROM denial_route WHERE $1::int IS NULL OR version = $1"
        " ORDER BY version DESC LIMIT 1",
        version,
    )
    if row is None:
        return DEFAULT_TABLE if version is None else None
    return RouteTable(row["version"], [Route(*route) for route in json.loads(row["rows"])])


async def insert_routes(
    conn: asyncpg.Connection,
    version: int,
    routes: Sequence[Route],
    *,
    source: str,
    created_by: str,
    created_at: datetime,
) -> bool:
    """Store a list as this version; False when somebody stored that version before."""
    text = _text(routes)
    fresh = await conn.fetchval(
        "INSERT INTO denial_route (version, rows, sha256, source, created_by, created_at)"
        " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING RETURNING true",
        version,
        text,
        hashlib.sha256(text.encode()).digest(),
        source,
        created_by,
        created_at,
    )
    return bool(fresh)


async def newest_source(conn: asyncpg.Connection, source: str) -> bytes | None:
    """Return the digest of the newest list that came from one source."""
    digest: bytes | None = await conn.fetchval(
        "SELECT sha256 FROM denial_route WHERE source = $1 ORDER BY version DESC LIMIT 1", source
    )
    return digest


def routes_digest(routes: Sequence[Route]) -> bytes:
    """Return what identifies a list."""
    return hashlib.sha256(_text(routes).encode()).digest()


async def list_route_versions(conn: asyncpg.Connection) -> list[asyncpg.Record]:
    """Return every stored version without its rows, newest first."""
    rows: list[asyncpg.Record] = await conn.fetch(
        "SELECT version, source, created_by, created_at FROM denial_route ORDER BY version DESC"
    )
    return rows
