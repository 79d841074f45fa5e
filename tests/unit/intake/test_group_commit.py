"""Group commit: many submissions share a transaction, one poisoned message never fails the others."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import asyncpg
import pytest
from rcm_intake import handlers, repository
from rcm_intake.domain.changes import Action
from rcm_intake.gateways.readers import read_message
from rcm_intake.gateways.reading import Reading
from rcm_intake.handlers import GroupCommit, Outcome, Submission
from rcm_shared.errors import Transient
from rcm_shared.messaging.uow import UnitOfWork
from unit.intake.messages import NOW, as_bytes, canonical


def submission(number: int = 1, *, key: str = "", raw: bytes = b"", **more: Any) -> Submission:
    said = canonical(message_id=f"M{number}", **more)
    said["encounter"] = {**said["encounter"], "external_id": f"V{number}"}
    body = raw or as_bytes(said)
    return Submission(body, read_message(body, "json"), "test", key=("caller", key) if key else None)


class Memory:
    """The tables of the repository as dictionaries; writes count only when the block ends well."""

    def __init__(self) -> None:
        self.messages: list[repository.RawMessage] = []
        self.encounters: dict[repository.Key, Any] = {}
        self.answers: dict[tuple[str, str], tuple[bytes, int, bytes]] = {}
        self.events: list[tuple[UUID, Any]] = []
        self.transactions: list[int] = []
        self.fail: list[Exception] = []

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[UnitOfWork]:
        before = len(self.messages)
        uow = SimpleNamespace(conn=None, now=NOW, emit=lambda key, event: self.events.append((key, event)))
        yield cast(UnitOfWork, uow)
        await asyncio.sleep(0.001)
        self.transactions.append(len(self.messages) - before)


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> Memory:
    tables = Memory()

    async def find_messages(_conn: Any, ids: Any) -> dict[repository.Key, repository.KnownMessage]:
        wanted = set(ids)
        return {
            (m.facility_id, m.source, m.message_id): repository.KnownMessage(m.sha256, m.encounter_ids)
            for m in tables.messages
            if m.outcome == "accepted" and (m.facility_id, m.source, m.message_id) in wanted
        }

    async def lock(_conn: Any, keys: Any) -> dict[repository.Key, Any]:
        return {key: tables.encounters[key] for key in keys if key in tables.encounters}

    async def save_encounters(_conn: Any, encounters: Sequence[Any], _at: Any) -> None:
        if tables.fail:
            raise tables.fail.pop(0)
        for e in encounters:
            tables.encounters[e.facility_id, e.source, e.external_id] = e

    async def insert_messages(_conn: Any, rows: Sequence[repository.RawMessage]) -> None:
        tables.messages.extend(rows)

    async def find_answers(_conn: Any, keys: Any) -> dict[tuple[str, str], tuple[bytes, int, bytes]]:
        return {key: tables.answers[key] for key in keys if key in tables.answers}

    async def insert_answers(_conn: Any, answers: Sequence[Any]) -> None:
        for subject, key, fingerprint, status, body in answers:
            tables.answers[subject, key] = (fingerprint, status, body)

    async def nothing(*_: Any) -> None:
        return None

    for name, fake in {
        "find_messages": find_messages,
        "lock_encounters_by_source": lock,
        "save_encounters": save_encounters,
        "insert_messages": insert_messages,
        "find_answers": find_answers,
        "insert_answers": insert_answers,
        "insert_texts": nothing,
        "count_feeds": nothing,
    }.items():
        monkeypatch.setattr(repository, name, fake)
    monkeypatch.setattr(handlers, "RETRY_PAUSE_S", 0)
    return tables


def outcomes(results: Sequence[Outcome]) -> list[tuple[str, str]]:
    return [(result.outcome, result.reason) for result in results]


async def test_concurrent_submissions_share_transactions(memory: Memory) -> None:
    desk = GroupCommit(memory.begin)
    results = await asyncio.gather(*(desk.submit(submission(n)) for n in range(500)))
    assert {r[0].outcome for r in results} == {"accepted"}
    assert sum(memory.transactions) == 500
    assert len(memory.transactions) <= 5
    assert max(memory.transactions) <= handlers.MAX_BATCH


async def test_poisoned_messages_do_not_fail_the_others(memory: Memory) -> None:
    desk = GroupCommit(memory.begin)
    gone = submission(2)
    gone_raw = gone.raw.replace(b'"setting": "office"', b'"setting": "office", "status": "cancelled"')
    batch = [submission(1), submission(raw=gone_raw), submission(raw=b"{bad"), submission(3)]
    assert outcomes(await desk.submit(*batch)) == [
        ("accepted", ""),
        ("refused", "encounter-unknown"),
        ("refused", "json-malformed"),
        ("accepted", ""),
    ]
    assert memory.transactions == [4]
    assert [m.body is not None for m in memory.messages] == [True] * 4


async def test_same_message_is_a_duplicate_and_other_content_is_refused(memory: Memory) -> None:
    desk = GroupCommit(memory.begin)
    (first,) = await desk.submit(submission())
    again, other = await desk.submit(submission(), submission(diagnoses=["I10"]))
    assert outcomes([again, other]) == [("duplicate", "same-message"), ("refused", "message-id-reused")]
    assert again.encounter_ids == first.encounter_ids
    assert [m.body is None for m in memory.messages] == [False, True, False]


async def test_twins_in_one_batch_are_recognised(memory: Memory) -> None:
    results = await GroupCommit(memory.begin).submit(submission(), submission())
    assert outcomes(results) == [("accepted", ""), ("duplicate", "same-message")]


async def test_refused_message_may_come_again_corrected(memory: Memory) -> None:
    desk = GroupCommit(memory.begin)
    bad = submission(raw=as_bytes(canonical(message_id="M1", patient={})))
    assert outcomes(await desk.submit(bad, submission(1))) == [("refused", "missing-field"), ("accepted", "")]


async def test_idempotency_key_replays_its_answer_and_refuses_another_body(memory: Memory) -> None:
    desk = GroupCommit(memory.begin)
    (first, twin) = await desk.submit(submission(1, key="K"), submission(1, key="K"))
    (later,) = await desk.submit(submission(1, key="K"))
    (reused,) = await desk.submit(submission(2, key="K"))
    assert (twin.replayed, later.replayed) == (True, True)
    assert first.encounter_ids == twin.encounter_ids == later.encounter_ids
    assert (reused.outcome, reused.reason) == ("refused", "idempotency-key-reused")
    assert len(memory.messages) == 1


async def test_lost_race_for_a_visit_number_is_tried_again(memory: Memory) -> None:
    memory.fail = [asyncpg.UniqueViolationError("race")]
    assert (
        outcomes(await GroupCommit(memory.begin).submit(submission(), submission(2)))
        == [("accepted", "")] * 2
    )


async def test_message_that_the_database_refuses_is_found_and_kept(memory: Memory) -> None:
    memory.fail = [asyncpg.DataError("bad"), asyncpg.DataError("bad")]
    results = await GroupCommit(memory.begin).submit(submission(1), submission(2))
    assert outcomes(results) == [("refused", "unstorable"), ("accepted", "")]


async def test_unreachable_database_fails_the_submission_for_now(memory: Memory) -> None:
    memory.fail = [OSError() for _ in range(handlers.MAX_TRIES)]
    desk = GroupCommit(memory.begin)
    with pytest.raises(Transient):
        await desk.submit(submission())
    assert outcomes(await desk.submit(submission())) == [("accepted", "")]


async def test_bundle_of_encounters_is_all_or_nothing(memory: Memory) -> None:
    one = submission(1)
    judged = one.judged
    assert isinstance(judged, Reading)
    bad = replace(judged.messages[0], external_id="V9", action=Action.CANCEL)
    both = replace(one, judged=replace(judged, messages=(judged.messages[0], bad)))
    assert outcomes(await GroupCommit(memory.begin).submit(both)) == [("refused", "encounter-unknown")]
    assert not memory.encounters
    assert not memory.events
