"""Code sets in billing: announced, fetched, verified, kept, loaded lazily, chosen by date."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import pytest
from rcm_billing import consumers
from rcm_billing.app import build
from rcm_billing.domain.code_set import CodeSet, CodeSets, read_codes
from rcm_billing.domain.errors import BadCodeSetError
from rcm_billing.domain.released_rows import RELEASED
from rcm_billing.gateways.coding import BillableCodes, CodingReleases
from rcm_billing.handlers.code_sets import (
    COMMIT_S,
    FETCH_CODESET,
    REFRESH_S,
    LoadedCodeSets,
    activated,
    compute_fetches,
)
from rcm_billing.handlers.references import FETCH_REFERENCE
from rcm_billing.repository import StoredCodeSet
from rcm_billing.settings import BillingSettings
from rcm_coding.api import BillableOut
from rcm_shared.contracts import topics
from rcm_shared.contracts.coding import CodesetReleaseActivated
from rcm_shared.contracts.envelope import Envelope
from rcm_shared.errors import Poison, Transient
from rcm_shared.messaging.decide import Moment
from rcm_shared.messaging.delivery import Delivery
from rcm_shared.messaging.uow import UnitOfWork
from rcm_shared.messaging.work import WorkItem
from unit.billing import cases

KEY = UUID(int=77)
RELEASE_HASH = "ab" * 32
CODES = "D225\nI10\nS52532A"
CODES_HASH = hashlib.sha256(CODES.encode()).hexdigest()
EVENT = CodesetReleaseActivated(
    actor="system:coding",
    system="ICD-10-CM",
    edition="2026-04-01",
    effective_from=date(2025, 10, 1),
    effective_to=date(2026, 9, 30),
    sha256=RELEASE_HASH,
)
STORED = StoredCodeSet(
    "2026-04-01",
    EVENT.effective_from,
    EVENT.effective_to,
    RELEASE_HASH,
    CODES_HASH,
    CODES.encode(),
    cases.NOW,
)


def an_edition(first_day: str, *codes: str, until: date | None = date(2026, 9, 30)) -> CodeSet:
    """Return an edition of the year that began in October 2025."""
    return CodeSet(first_day, date(2025, 10, 1), until, frozenset(codes))


@pytest.mark.parametrize(
    ("day", "edition"),
    [
        (date(2025, 9, 30), None),
        (date(2025, 10, 1), "2025-10-01"),
        (date(2026, 3, 31), "2025-10-01"),
        (date(2026, 4, 1), "2026-04-01"),
        (date(2026, 9, 30), "2026-04-01"),
        (date(2026, 10, 1), None),
    ],
)
def test_newest_edition_that_had_begun_governs(day: date, edition: str | None) -> None:
    sets = CodeSets((an_edition("2026-04-01"), an_edition("2025-10-01")))
    found = sets.on(day)
    assert (found.edition if found else None) == edition


def test_mid_year_edition_stands_in_for_the_start_of_its_year() -> None:
    found = CodeSets((an_edition("2026-04-01"),)).on(date(2026, 1, 15))
    assert found is not None


def test_edition_without_end_covers_every_later_day() -> None:
    assert CodeSets((an_edition("2026-04-01", until=None),)).on(date(2031, 1, 1)) is not None


def test_codes_are_read_only_as_their_hash_promises() -> None:
    assert read_codes(CODES.encode(), CODES_HASH) == {"D225", "I10", "S52532A"}
    with pytest.raises(BadCodeSetError, match="code-set-hash"):
        read_codes(CODES.encode()[:-1], CODES_HASH)


@pytest.mark.parametrize("text", ["", "D22.5", "D225\n", "D225\n\nI10", "d225", "D225\r\nI10", "D225 I10"])
def test_text_that_is_no_list_of_codes_is_refused(text: str) -> None:
    with pytest.raises(BadCodeSetError, match="code-set-form"):
        read_codes(text.encode(), hashlib.sha256(text.encode()).hexdigest())


def test_only_diagnosis_releases_are_fetched() -> None:
    (work,) = activated(None, EVENT, Moment(cases.NOW, KEY)).work
    assert (work.kind, work.payload["sha256"]) == (FETCH_CODESET, RELEASE_HASH)
    other = EVENT.model_copy(update={"system": "CPT"})
    assert activated(None, other, Moment(cases.NOW, KEY)).work == ()


async def test_release_becomes_work_and_never_an_account() -> None:
    envelope = Envelope(UUID(int=9), EVENT.TYPE, "coding", KEY, cases.NOW, 1, UUID(int=9), None, "")
    uow = UnitOfWork(cast(Any, None), now=cases.NOW, service="billing", topic="rcm.billing.claim")
    await consumers.on_chart(uow, [Delivery(envelope, EVENT.model_dump_json().encode(), "topic", 0, 1)])
    assert list(uow._work) == [(KEY, FETCH_CODESET)]
    assert uow.dead == []


class FakeClient:
    """Coding's answer, or its error."""

    def __init__(self, answer: BillableCodes | Exception) -> None:
        self.answer = answer

    async def get(self, _base: str, path: str, _model: object) -> BillableCodes:
        assert path == f"/v1/codesets/{RELEASE_HASH}/billable"
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def an_answer(**changes: object) -> BillableCodes:
    """Return what coding says, through its own model."""
    said = BillableOut(
        system="ICD-10-CM",
        edition="2026-04-01",
        effective_from=EVENT.effective_from,
        effective_to=date(2026, 9, 30),
        sha256=RELEASE_HASH,
        codes_sha256=CODES_HASH,
        count=3,
        codes=CODES,
    )
    return BillableCodes.model_validate_json(said.model_dump_json()).model_copy(update=changes)


async def fetched(answer: BillableCodes | Exception) -> StoredCodeSet | Exception:
    """Run the work of one announced release."""
    (work,) = activated(None, EVENT, Moment(cases.NOW, KEY)).work
    coding = CodingReleases(cast(Any, FakeClient(answer)), "http://coding")
    return (await compute_fetches(coding, [WorkItem(KEY, work.kind, 1, work.payload, 0)]))[KEY]


async def test_fetched_release_is_kept_as_announced() -> None:
    assert await fetched(an_answer()) == STORED


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (an_answer(sha256="cd" * 32), "code-set-release"),
        (an_answer(edition="2025-10-01"), "code-set-release"),
        (an_answer(system="ICD-10-PCS"), "code-set-release"),
        (an_answer(codes="D225"), "code-set-hash"),
    ],
)
async def test_answer_that_is_not_what_was_announced_is_refused(answer: BillableCodes, code: str) -> None:
    error = await fetched(answer)
    assert isinstance(error, BadCodeSetError)
    assert error.code == code


async def test_release_that_this_replica_of_coding_lacks_is_asked_for_again() -> None:
    assert isinstance(await fetched(Poison("http-404")), Transient)
    assert isinstance(await fetched(Transient("http-ConnectError")), Transient)
    forbidden = await fetched(Poison("http-403"))
    assert isinstance(forbidden, Poison)


class FakePool:
    """The table, with a count of questions."""

    def __init__(self, *rows: StoredCodeSet) -> None:
        self.rows = list(rows)
        self.looks = 0
        self.reads = 0
        self.down = False

    async def fetch(self, sql: str, *arguments: Any) -> list[dict[str, Any]]:
        if self.down:
            raise ConnectionError
        if not arguments:
            self.looks += 1
            return [{"sha256": row.sha256} for row in self.rows]
        self.reads += 1
        wanted = arguments[0]
        return [
            {name: getattr(row, name) for name in StoredCodeSet.__slots__}
            for row in self.rows
            if row.sha256 in wanted
        ]

    async def execute(self, _sql: str, *columns: list[Any]) -> None:
        self.rows = [StoredCodeSet(*values) for values in zip(*columns, strict=True)]


def loaded(pool: FakePool) -> tuple[LoadedCodeSets, Callable[[float], None]]:
    """Return what a process holds, and how to let time pass."""
    at = [100.0]

    def wait(seconds: float) -> None:
        at[0] += seconds

    return LoadedCodeSets(cast(Any, pool), monotonic=lambda: at[0]), wait


async def test_rows_are_looked_for_once_a_minute_and_read_once() -> None:
    pool = FakePool()
    sets, wait = loaded(pool)
    assert (await sets.current()).editions == ()
    pool.rows = [STORED]
    wait(REFRESH_S - 1)
    assert (await sets.current()).editions == ()
    assert pool.looks == 1
    wait(1)
    found = (await sets.current()).on(date(2026, 9, 2))
    assert found is not None
    assert found.codes == {"D225", "I10", "S52532A"}
    wait(REFRESH_S)
    assert (await sets.current()).on(date(2026, 9, 2)) is found
    assert (pool.looks, pool.reads) == (3, 1)


async def test_process_that_stored_a_release_reads_it_after_the_commit() -> None:
    pool = FakePool()
    sets, wait = loaded(pool)
    await sets.current()
    await sets.store(cast(Any, SimpleNamespace(conn=pool)), {KEY: STORED})
    assert (await sets.current()).editions == ()
    wait(COMMIT_S)
    assert [edition.edition for edition in (await sets.current()).editions] == ["2026-04-01"]


async def test_corrected_file_takes_the_place_of_its_edition() -> None:
    pool = FakePool(STORED)
    sets, wait = loaded(pool)
    await sets.current()
    body = b"D225"
    pool.rows = [replace(STORED, sha256="cd" * 32, codes=body, codes_sha256=hashlib.sha256(body).hexdigest())]
    wait(REFRESH_S)
    (edition,) = (await sets.current()).editions
    assert edition.codes == {"D225"}


async def test_damaged_row_is_not_judged_by() -> None:
    sets, _ = loaded(FakePool(replace(STORED, codes=b"D225\nI1O")))
    assert (await sets.current()).editions == ()


async def test_failed_look_is_made_again_at_once() -> None:
    pool = FakePool(STORED)
    pool.down = True
    sets, _ = loaded(pool)
    with pytest.raises(ConnectionError):
        await sets.current()
    pool.down = False
    assert len((await sets.current()).editions) == 1


@pytest.mark.parametrize("system", sorted(RELEASED))
def test_table_that_a_rule_needs_is_asked_for_row_by_row(system: str) -> None:
    (work,) = activated(
        None, EVENT.model_copy(update={"system": system, "effective_to": None}), Moment(cases.NOW, KEY)
    ).work
    assert work.kind == FETCH_REFERENCE
    assert work.payload == {
        "system": system,
        "edition": "2026-04-01",
        "effective_from": "2025-10-01",
        "effective_to": None,
        "sha256": RELEASE_HASH,
        "activated_at": cases.NOW.isoformat(),
    }


def test_releases_are_facts_of_coding() -> None:
    assert set(consumers.RELEASES) <= set(topics.CHART.events)
    assert not set(consumers.RELEASES) & set(consumers.CHART)


def test_service_fetches_what_it_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RCM_MASTER_FILE", "master.json")
    kinds = {kind.kind for kind in build(BillingSettings(dsn="postgresql://unused")).work}
    assert kinds >= {"build-claim", FETCH_CODESET, FETCH_REFERENCE}
