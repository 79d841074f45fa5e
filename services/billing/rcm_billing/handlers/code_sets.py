"""Code sets for the scrubber: fetch what coding activated, verify and keep it, hold it in memory."""

import asyncio
import time
from collections.abc import Callable
from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg
from rcm_shared.contracts.coding import CodesetReleaseActivated
from rcm_shared.errors import RcmError
from rcm_shared.messaging.decide import Decision, Moment
from rcm_shared.messaging.uow import UnitOfWork, Work
from rcm_shared.messaging.work import WorkItem
from rcm_shared.telemetry import log

from rcm_billing import repository
from rcm_billing.domain.code_set import ICD10CM, NO_CODE_SETS, CodeSet, CodeSets, read_codes
from rcm_billing.domain.errors import BadCodeSetError
from rcm_billing.domain.released_rows import RELEASED
from rcm_billing.gateways.coding import CodingReleases
from rcm_billing.handlers import references
from rcm_billing.repository import StoredCodeSet

FETCH_CODESET = "fetch-codeset"
REFRESH_S = 60.0
COMMIT_S = 1.0  # a set that was just stored can be read once its transaction has committed


def activated(_state: None, event: CodesetReleaseActivated, moment: Moment) -> Decision[None]:
    """Ask for the codes or rows of a release; keyed by its own id. Systems that no rule needs are left."""
    if event.system in RELEASED:
        return references.activated(event, moment)
    if event.system != ICD10CM:
        return Decision()
    payload = {
        "edition": event.edition,
        "effective_from": event.effective_from.isoformat(),
        "effective_to": event.effective_to.isoformat() if event.effective_to else None,
        "sha256": event.sha256,
        "activated_at": (moment.cause.time if moment.cause else moment.now).isoformat(),
    }
    return Decision(work=(Work(FETCH_CODESET, payload),))


async def compute_fetches(
    coding: CodingReleases, items: list[WorkItem]
) -> dict[UUID, StoredCodeSet | Exception]:
    """Fetch and verify each release."""
    results: dict[UUID, StoredCodeSet | Exception] = {}
    for item in items:
        try:
            results[item.key] = await _fetch(coding, item.payload)
        except RcmError as error:
            results[item.key] = error
    return results


async def _fetch(coding: CodingReleases, wanted: Any) -> StoredCodeSet:
    answer = await coding.billable(wanted["sha256"])
    if (answer.sha256, answer.system, answer.edition) != (wanted["sha256"], ICD10CM, wanted["edition"]):
        raise BadCodeSetError("code-set-release")
    body = answer.codes.encode()
    read_codes(body, answer.codes_sha256)
    until = wanted["effective_to"]
    return StoredCodeSet(
        edition=wanted["edition"],
        effective_from=date.fromisoformat(wanted["effective_from"]),
        effective_to=date.fromisoformat(until) if until else None,
        sha256=wanted["sha256"],
        codes_sha256=answer.codes_sha256,
        codes=body,
        activated_at=datetime.fromisoformat(wanted["activated_at"]),
    )


class LoadedCodeSets:
    """The editions that this process holds. A process that has not loaded one says "not evaluated"."""

    def __init__(self, pool: asyncpg.Pool, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._pool = pool
        self._monotonic = monotonic
        self._look_at = float("-inf")
        self._loaded: dict[str, CodeSet] = {}  # by SHA-256 of the release
        self._sets = NO_CODE_SETS

    async def current(self) -> CodeSets:
        """Return the editions, reading rows that are new at most once in REFRESH_S seconds."""
        if self._monotonic() >= self._look_at:
            self._look_at = self._monotonic() + REFRESH_S
            try:
                await self._refresh()
            except Exception:
                self._look_at = float("-inf")
                raise
        return self._sets

    async def store(self, uow: UnitOfWork, results: dict[UUID, StoredCodeSet]) -> None:
        """Keep fetched releases; this process reads them as soon as they are committed."""
        await repository.save_code_sets(uow.conn, list(results.values()))
        self._look_at = self._monotonic() + COMMIT_S

    async def _refresh(self) -> None:
        known = await repository.list_code_sets(self._pool)
        missing = [sha256 for sha256 in known if sha256 not in self._loaded]
        for row in await repository.get_code_sets(self._pool, missing) if missing else ():
            try:
                codes = await asyncio.to_thread(read_codes, row.codes, row.codes_sha256)
            except BadCodeSetError as error:
                log().error("stored code set refused", code=error.code)
                continue
            self._loaded[row.sha256] = CodeSet(row.edition, row.effective_from, row.effective_to, codes)
        self._loaded = {sha256: found for sha256, found in self._loaded.items() if sha256 in known}
        self._sets = CodeSets(tuple(self._loaded.values()))
