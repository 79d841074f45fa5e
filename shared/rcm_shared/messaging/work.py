"""Slow or remote work after an event: computed outside any transaction, applied in its own with a version check.

A worker leases due rows, computes a result for each, and applies in one transaction the results whose row still has
the leased version; the rows go with it. A row that was added again meanwhile keeps its newer version, and the
outdated result is dropped.
"""

import asyncio
import contextlib
import json
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg

from rcm_shared.errors import Transient
from rcm_shared.failpoints import failpoint
from rcm_shared.messaging.apply import MAX_ATTEMPTS
from rcm_shared.messaging.uow import Cause, UnitOfWork
from rcm_shared.postgres.pool import is_transient
from rcm_shared.telemetry import WORK_DONE, log, where

LEASE_S = 60
POLL_S = 0.25

_LEASE = """
UPDATE work SET leased_until = now() + $3::interval, leased_by = $4
WHERE (key, kind) IN (
    SELECT key, kind FROM work
    WHERE kind = $1 AND NOT failed AND due_at <= now() AND (leased_until IS NULL OR leased_until < now())
    ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED
)
RETURNING key, kind, version, payload, attempts
"""


_RELEASE = "UPDATE work SET leased_until = NULL WHERE kind = $1 AND leased_by = $2"

_CURRENT = """
SELECT work.key, work.cause_id, work.correlation_id, work.traceparent
FROM work JOIN unnest($2::uuid[], $3::int[]) AS d(key, version) USING (key, version)
WHERE work.kind = $1
"""

_FINISH = """
DELETE FROM work USING unnest($2::uuid[], $3::int[]) AS d(key, version)
WHERE work.key = d.key AND work.kind = $1 AND work.version = d.version RETURNING work.key
"""


@dataclass(frozen=True, slots=True)
class WorkItem:
    """One leased row. `payload` is what the decision put there."""

    key: UUID
    kind: str
    version: int
    payload: Mapping[str, Any]
    attempts: int


Compute = Callable[[list[WorkItem]], Awaitable[dict[UUID, Any]]]
ApplyResults = Callable[[UnitOfWork, dict[UUID, Any]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class WorkKind:
    """What a kind of work computes (a result or an exception per key) and how its results are applied."""

    kind: str
    compute: Compute
    apply: ApplyResults
    batch: int = 50


class Worker:
    """Runs one kind of work; several processes may run the same kind."""

    def __init__(
        self, kind: WorkKind, *, pool: asyncpg.Pool, begin: Callable[[], Any], owner: str = ""
    ) -> None:
        self._kind = kind
        self._pool = pool
        self._begin = begin
        self._owner = owner
        self.wake = asyncio.Event()
        self._stopping = False

    def stop(self) -> None:
        """Finish the batch in hand and leave."""
        self._stopping = True
        self.wake.set()

    async def run(self) -> None:
        """Work until stopped; a failure of the database or a dependency only pauses.

        What this replica had leased when it was killed is due again at once.
        """
        released = False
        while not self._stopping:
            try:
                if not released:
                    await self._pool.execute(_RELEASE, self._kind.kind, self._owner)
                    released = True
                done = await self.run_once()
            except asyncio.CancelledError:
                raise
            except Exception as error:
                log().warning(
                    "work paused", kind=self._kind.kind, error=type(error).__name__, where=where(error)
                )
                await asyncio.sleep(random.uniform(0.3, 0.8))  # noqa: S311 — jitter
                continue
            if done < self._kind.batch and not self._stopping:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self.wake.wait(), POLL_S)
                self.wake.clear()

    async def run_once(self) -> int:
        """Lease, compute and apply one batch; return how many rows were leased."""
        rows = await self._pool.fetch(
            _LEASE, self._kind.kind, self._kind.batch, timedelta(seconds=LEASE_S), self._owner
        )
        if not rows:
            return 0
        items = [
            WorkItem(row["key"], row["kind"], row["version"], json.loads(row["payload"]), row["attempts"])
            for row in rows
        ]
        try:
            results = await self._kind.compute(items)
        except Exception as error:
            results = {item.key: error for item in items}
        await failpoint("work.before_apply")
        failed = {key: result for key, result in results.items() if isinstance(result, Exception)}
        good = {
            item.key: results[item.key] for item in items if item.key in results and item.key not in failed
        }
        if good:
            failed |= await self._apply(items, good)
        await failpoint("work.after_apply")
        for item in items:
            if item.key in failed:
                await self._fail(item, failed[item.key])
        return len(items)

    async def _apply(self, items: list[WorkItem], good: dict[UUID, Any]) -> dict[UUID, Exception]:
        """Apply all results at once; when that fails for a reason of its own, one by one to find the culprit."""
        try:
            await self._apply_some(items, good)
        except Exception as error:
            if is_transient(error):
                return dict.fromkeys(good, error)
            failed: dict[UUID, Exception] = {}
            for key, result in good.items():
                try:
                    await self._apply_some(items, {key: result})
                except Exception as single:
                    failed[key] = single
            return failed
        return {}

    async def _apply_some(self, items: list[WorkItem], good: dict[UUID, Any]) -> None:
        async with self._begin() as uow:
            chosen = [item for item in items if item.key in good]
            arguments = (self._kind.kind, [item.key for item in chosen], [item.version for item in chosen])
            current = {row["key"]: row for row in await uow.conn.fetch(_CURRENT, *arguments)}
            results = {key: good[key] for key in sorted(current)}
            uow.causes = {
                key: Cause(row["cause_id"], row["correlation_id"], row["traceparent"])
                for key, row in current.items()
                if row["cause_id"]
            }
            if alone := results.keys() - uow.causes.keys():  # a person's command queued it
                await uow.follow(alone)
            if results:
                await self._kind.apply(uow, results)
                # Rows go last: aggregates are locked before work rows everywhere, so nothing can deadlock.
                if len(await uow.conn.fetch(_FINISH, *arguments)) != len(results):
                    raise Transient("work-outdated")
        WORK_DONE.labels(self._kind.kind, "applied").inc(len(results))
        WORK_DONE.labels(self._kind.kind, "outdated").inc(len(good) - len(results))

    async def _fail(self, item: WorkItem, error: Exception) -> None:
        transient = is_transient(error)
        attempts = item.attempts + (0 if transient else 1)
        final = attempts >= MAX_ATTEMPTS
        jitter = random.uniform(0.5, 1.0)  # noqa: S311 — no secret
        code = str(getattr(error, "sqlstate", None) or getattr(error, "code", None) or "")
        WORK_DONE.labels(self._kind.kind, "failed" if final else "retried").inc()
        log().warning(
            "work failed" if final else "work tried again later",
            kind=self._kind.kind,
            encounter_id=str(item.key),
            error=type(error).__name__,
            code=code,
            attempts=attempts,
            where=where(error),
        )
        await self._pool.execute(
            "UPDATE work SET attempts = $4, failed = $5, leased_until = NULL, error_class = $7, error_code = $8,"
            " due_at = now() + $6 * least(interval '30 s', interval '0.3 s' + (now() - queued_at) / 2)"
            " WHERE key = $1 AND kind = $2 AND version = $3",
            item.key,
            item.kind,
            item.version,
            attempts,
            final,
            jitter,
            type(error).__name__,
            code,
        )
