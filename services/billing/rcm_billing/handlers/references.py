"""Reference tables for the scrubber: fetch what coding released, read the operator's files, and give each batch of
claims the rows that concern it, with what its patients had before.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
from rcm_shared.contracts.coding import CodesetReleaseActivated
from rcm_shared.errors import RcmError, Transient
from rcm_shared.messaging.decide import Decision, Moment
from rcm_shared.messaging.uow import UnitOfWork, Work
from rcm_shared.messaging.work import WorkItem
from rcm_shared.telemetry import log

from rcm_billing.domain import reference_rows as rows
from rcm_billing.domain.document import ClaimDocument
from rcm_billing.domain.errors import BadCodeSetError
from rcm_billing.domain.history import PriorClaim
from rcm_billing.domain.reference import FILES, SYSTEMS, Dated, Reference, Table, index
from rcm_billing.domain.released_rows import (
    COVERAGE,
    COVERAGE_COLUMNS,
    PAIR_COLUMNS,
    PAIRS,
    coverage_records,
    pair_records,
    read_row,
    row_records,
)
from rcm_billing.gateways import reference_files
from rcm_billing.gateways.reference_files import BadReferenceFileError
from rcm_billing.gateways.reference_rows import ReleasedRows
from rcm_billing.repository import references
from rcm_billing.repository.references import ReferenceRelease

FETCH_REFERENCE = "fetch-reference"
REFRESH_S = 60.0
COMMIT_S = 1.0  # a release that was just completed can be read once its transaction has committed
LOADING_S = 40.0  # shorter than the lease of a work item: the rest is fetched in the next turn
GLOBAL_DAYS = timedelta(days=90)  # how far back an earlier operation's own fees are asked for
_FIELD_OF = {system: name for name, system in SYSTEMS.items()}


def activated(event: CodesetReleaseActivated, moment: Moment) -> Decision[None]:
    """Ask for the rows of a released table; keyed by the release's own id."""
    payload = {
        "system": event.system,
        "edition": event.edition,
        "effective_from": event.effective_from.isoformat(),
        "effective_to": event.effective_to.isoformat() if event.effective_to else None,
        "sha256": event.sha256,
        "activated_at": (moment.cause.time if moment.cause else moment.now).isoformat(),
    }
    return Decision(work=(Work(FETCH_REFERENCE, payload),))


async def compute_reference_fetches(
    released: ReleasedRows, pool: asyncpg.Pool, items: list[WorkItem]
) -> dict[UUID, int | Exception]:
    """Fetch each release's rows into its table, a page in a transaction; the result is its id here."""
    results: dict[UUID, int | Exception] = {}
    for item in items:
        try:
            results[item.key] = await _fetch(released, pool, item.payload)
        except RcmError as error:
            results[item.key] = error
    return results


async def _fetch(released: ReleasedRows, pool: asyncpg.Pool, wanted: Mapping[str, Any]) -> int:
    until = wanted["effective_to"]
    async with pool.acquire() as conn:
        release = await references.announce_release(
            conn,
            system=wanted["system"],
            edition=wanted["edition"],
            effective_from=date.fromisoformat(wanted["effective_from"]),
            effective_to=date.fromisoformat(until) if until else None,
            sha256=wanted["sha256"],
            activated_at=datetime.fromisoformat(wanted["activated_at"]),
        )
    if release.complete:
        return release.release_id
    offset, stop_at = release.loaded, time.monotonic() + LOADING_S
    while True:
        page = await released.page(release.system, release.edition, release.sha256, offset)
        table, names, records = await asyncio.to_thread(_records, release.system, page.heads, page.lines)
        async with pool.acquire() as conn, conn.transaction():
            offset = await references.add_rows(
                conn, release, offset, page.heads, table, names, records, len(page.lines)
            )
        if page.last:
            return release.release_id
        if time.monotonic() > stop_at:
            raise Transient("reference-loading")


def _records(
    system: str, heads: str, lines: Sequence[str]
) -> tuple[str, Sequence[str], list[tuple[Any, ...]]]:
    if system in PAIRS:
        return "ptp_pair", PAIR_COLUMNS, list(pair_records(heads, lines))
    if system == COVERAGE:
        return "coverage_code", COVERAGE_COLUMNS, list(coverage_records(heads, lines))
    return "reference_row", ("code", "body"), list(row_records(system, heads, lines))


class LoadedReferences:
    """The operator's tables in memory, and the way to the released ones in the database."""

    def __init__(
        self,
        pool: asyncpg.Pool,
        directory: Path | None = None,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pool = pool
        self._directory = directory
        self._monotonic = monotonic
        self._look_at = float("-inf")
        self._releases: tuple[ReferenceRelease, ...] = ()
        self._known: dict[str, tuple[int, int]] = {}
        self._files = Reference()
        self._refused: dict[str, BadReferenceFileError] = {}

    async def complete(self, uow: UnitOfWork, results: Mapping[UUID, int]) -> None:
        """Put fetched releases in use; this process reads them as soon as that is committed."""
        for release_id in sorted(results.values()):
            await references.complete_release(uow.conn, release_id)
        self._look_at = self._monotonic() + COMMIT_S

    async def for_batch(
        self, documents: Sequence[ClaimDocument], history: Iterable[PriorClaim] = ()
    ) -> Reference:
        """Return the tables with the rows that concern these claims: one question a family, whatever the batch."""
        await self._refresh()
        history = list(history)
        codes, diagnoses, first, last = _asked(documents, history)
        near = [
            release
            for release in self._releases
            if release.effective_from <= last
            and (release.effective_to is None or first - GLOBAL_DAYS <= release.effective_to)
        ]
        if not near or not documents:
            return self._files
        found: dict[int, list[rows.Row]] = {release.release_id: [] for release in near}
        pairs = [release.release_id for release in near if release.system in PAIRS]
        if pairs and (beside := _beside(documents, history)):
            for row in await references.find_pairs(self._pool, pairs, beside):
                found[row["release_id"]].append(
                    rows.Pair(
                        column1=row["column1"],
                        column2=row["column2"],
                        modifier=row["modifier"],
                        effective_from=row["effective"],
                        effective_to=row["deleted"],
                    )
                )
        coverage = [release.release_id for release in near if release.system == COVERAGE]
        if coverage and codes:
            for row in await references.find_coverage(self._pool, coverage, sorted(codes), sorted(diagnoses)):
                found[row["release_id"]].append(_article(row))
        others = {release.release_id: release for release in near if release.system in _FIELD_OF}
        others = {key: item for key, item in others.items() if key not in {*pairs, *coverage}}
        if others:
            wanted = sorted(codes | diagnoses)
            for row in await references.find_rows(self._pool, sorted(others), wanted):
                release = others[row["release_id"]]
                read = read_row(release.system, release.heads, row["body"])
                if (
                    not isinstance(read, rows.Fee) or not read.modifier
                ):  # the parts have no policy of their own
                    found[row["release_id"]].append(read)
        return replace(self._files, **_editions(near, found))

    async def overview(self) -> tuple[list[ReferenceRelease], list[Table[Any]], list[BadReferenceFileError]]:
        """Return every release with what is loaded of it, the operator's tables in use, and the files refused."""
        await self._refresh()
        releases = await references.list_releases(self._pool)
        dated = [getattr(self._files, name) for name in FILES]
        return (
            releases,
            [table for one in dated for table in one.editions],
            sorted(self._refused.values(), key=lambda error: error.name),
        )

    async def _refresh(self) -> None:
        if self._monotonic() < self._look_at:
            return
        self._look_at = self._monotonic() + REFRESH_S
        try:
            known = await references.list_releases(self._pool)
            self._releases = tuple(release for release in known if release.complete)
        except Exception:
            self._look_at = float("-inf")
            raise
        if self._directory is not None:
            await asyncio.to_thread(self._read_files, self._directory)

    def _read_files(self, directory: Path) -> None:
        """Read the files that are new or changed; a broken one leaves its table as it was, a removed one takes it."""
        try:
            present = reference_files.list_files(directory)
        except OSError as error:
            log().error("reference folder cannot be read", error=type(error).__name__)
            return
        changes: dict[str, Any] = {}
        empty = {item.name: item.default for item in fields(Reference)}
        for name in self._known.keys() - present.keys():
            self._refused.pop(name, None)
            table = name.removesuffix(reference_files.SUFFIX)
            if table in FILES:
                changes[table] = empty[table]
        for name, stamp in present.items():
            if self._known.get(name) == stamp:
                continue
            self._refused.pop(name, None)
            try:
                changes[name.removesuffix(reference_files.SUFFIX)] = reference_files.read_file(
                    directory / name
                )
            except BadReferenceFileError as error:
                self._refused[name] = error
                log().error("reference file refused", file=error.name, line=error.line, reason=error.reason)
        self._known = present
        if changes:
            self._files = replace(self._files, **changes)


def _asked(
    documents: Sequence[ClaimDocument], history: Iterable[PriorClaim]
) -> tuple[set[str], set[str], date, date]:
    """Return procedures with modifiers, diagnoses, and the first and last day that these claims are about."""
    codes: set[str] = set()
    diagnoses: set[str] = set()
    first, last = date.max, date.min
    for document in documents:
        first, last = min(first, document.service_from), max(last, document.service_through)
        diagnoses.update(diagnosis.code for diagnosis in document.diagnoses)
        for line in document.lines:
            first, last = min(first, line.service_date), max(last, line.service_date)
            if line.code:
                codes.add(line.code)
                codes.update(line.modifiers)
    if documents:
        since = first - GLOBAL_DAYS
        codes.update(
            service.code for prior in history for service in prior.services if service.service_date >= since
        )
    else:
        first = last = date.min + GLOBAL_DAYS
    return codes, diagnoses, first, last


def _beside(documents: Sequence[ClaimDocument], history: Sequence[PriorClaim]) -> list[tuple[str, str]]:
    """Return every ordered pair of codes that stand on one day of one claim, or of a claim and another claim's."""
    before: dict[date, set[str]] = defaultdict(set)
    for prior in history:
        for service in prior.services:
            before[service.service_date].add(service.code)
    beside: set[tuple[str, str]] = set()
    for document in documents:
        days: dict[date, set[str]] = defaultdict(set)
        for line in document.lines:
            if line.code:
                days[line.service_date].add(line.code)
        for day, codes in days.items():
            if len(codes) > 1:
                beside.update((first, second) for first in codes for second in codes if first != second)
            if day in before:
                beside.update((first, second) for first in before[day] for second in codes if first != second)
    return sorted(beside)


def _article(row: asyncpg.Record) -> rows.Article:
    return rows.Article(
        code=row["code"],
        article=row["article"],
        covered=frozenset(row["covered"]),
        denied=frozenset(row["denied"]),
        lists_covered=row["lists_covered"],
        contractors=frozenset(row["contractors"]),
        effective_from=row["effective"],
        effective_to=row["ended"],
    )


def _editions(
    releases: Iterable[ReferenceRelease], found: Mapping[int, list[rows.Row]]
) -> dict[str, Dated[Any]]:
    editions: dict[str, list[Table[Any]]] = defaultdict(list)
    for release in releases:
        name = _FIELD_OF.get(release.system)
        if name is None:
            raise BadCodeSetError("reference-system")
        editions[name].append(
            Table(
                release.name,
                index(name, found[release.release_id]),
                release.effective_from,
                release.effective_to,
            )
        )
    return {name: Dated(SYSTEMS[name], tuple(tables)) for name, tables in editions.items()}
