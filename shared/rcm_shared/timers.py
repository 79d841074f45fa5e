"""Deadlines are rows with a due time in the owner's database; they fire exactly once, by their deletion."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import asyncpg

from rcm_shared.clock import shift
from rcm_shared.messaging.decide import FiredTimer
from rcm_shared.messaging.uow import UnitOfWork
from rcm_shared.telemetry import log, where

POLL_S = 0.5
BATCH = 200
RETRY = timedelta(minutes=1)

ApplyTimers = Callable[[UnitOfWork, list[FiredTimer]], Awaitable[None]]


async def due(pool: asyncpg.Pool) -> list[FiredTimer]:
    """Return timers whose time has come by the database's clock, oldest first, without locking them."""
    rows = await pool.fetch(
        "SELECT key, kind, due_at, payload FROM timer WHERE due_at <= now() + $1::interval ORDER BY due_at LIMIT $2",
        shift(),
        BATCH,
    )
    return [FiredTimer(row["key"], row["kind"], row["due_at"], json.loads(row["payload"])) for row in rows]


async def run(pool: asyncpg.Pool, begin: Callable[[], Any], apply: ApplyTimers) -> None:
    """Fire due timers until cancelled. A batch that fails is tried one by one, so that one cannot hold the rest."""
    while True:
        try:
            fired = await due(pool)
            if fired:
                await _fire(pool, begin, apply, fired)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            log().warning("timers paused", error=type(error).__name__, where=where(error))
            fired = []
        if len(fired) < BATCH:
            await asyncio.sleep(POLL_S)


async def _fire(
    pool: asyncpg.Pool, begin: Callable[[], Any], apply: ApplyTimers, fired: list[FiredTimer]
) -> None:
    try:
        async with begin() as uow:
            await apply(uow, fired)
    except Exception as error:
        if len(fired) == 1:
            await _postpone(pool, fired[0])
            log().error(
                "timer failed", kind=fired[0].kind, encounter_id=str(fired[0].key), error=type(error).__name__
            )
            return
        for timer in fired:
            await _fire(pool, begin, apply, [timer])


async def _postpone(pool: asyncpg.Pool, timer: FiredTimer) -> None:
    """Move a timer whose handler fails out of the way of the others; it is tried again after a while."""
    await pool.execute(
        "UPDATE timer SET due_at = due_at + greatest($4::interval, now() + $5::interval - due_at)"
        " WHERE key = $1 AND kind = $2 AND due_at = $3",
        timer.key,
        timer.kind,
        timer.due_at,
        RETRY,
        shift() + RETRY,
    )
