"""Take messages in: what waits is committed together, each message judged by itself, each sender answered.

Load what the messages are about, apply them in order in memory, save; a message that breaks a rule is refused
and kept, and never stops the others.
"""

import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from uuid import UUID

import asyncpg
from rcm_shared.contracts.event import Event
from rcm_shared.contracts.records import AnswerText
from rcm_shared.errors import NotFound, Refused, Transient
from rcm_shared.ids import uuid7
from rcm_shared.messaging.uow import UnitOfWork
from rcm_shared.postgres.pool import is_bad_data, is_transient
from rcm_shared.telemetry import log

from rcm_intake import repository
from rcm_intake.domain import changes
from rcm_intake.domain.changes import Action, Change, CoverageChange, EncounterMessage, StoredText
from rcm_intake.domain.encounter import Encounter
from rcm_intake.domain.errors import MessageRefused
from rcm_intake.gateways.reading import Reading, Refusal, content_id
from rcm_intake.repository import Key, RawMessage

ACTOR = "system:intake"
MAX_BATCH = 200
MAX_TRIES = 4
RETRY_PAUSE_S = 0.05


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one message. `outcome`: accepted, refused, ignored, duplicate; `reason` is a code."""

    outcome: str
    reason: str = ""
    position: str = ""
    encounter_ids: tuple[UUID, ...] = ()
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Submission:
    """One message on its way in. `key` is (caller, Idempotency-Key) of an HTTP command.

    `on_refused` runs inside the transaction that keeps a refusal.
    """

    raw: bytes
    judged: Reading | Refusal
    transport: str
    actor: str = ACTOR
    key: tuple[str, str] | None = None
    on_refused: Callable[[UnitOfWork, str], Awaitable[None]] | None = None

    @property
    def identity(self) -> Key:
        """Return (facility, source, message id); content stands in for a missing id."""
        judged = self.judged
        return judged.facility_id, judged.source, judged.message_id or content_id(self.raw)


@dataclass(slots=True)
class _Batch:
    """What one transaction changes, collected in memory."""

    encounters: dict[Key, Encounter] = field(default_factory=dict)
    changed: dict[UUID, Encounter] = field(default_factory=dict)
    texts: list[StoredText] = field(default_factory=list)
    facts: list[tuple[UUID, Event]] = field(default_factory=list)
    moves: list[tuple[UUID, UUID]] = field(default_factory=list)


Begin = Callable[[], AbstractAsyncContextManager[UnitOfWork]]


class GroupCommit:
    """Concurrent submissions share transactions: take what waits, commit once, answer each.

    While one batch commits, the next one gathers; nobody waits for company.
    """

    def __init__(self, begin: Begin) -> None:
        self._begin = begin
        self._waiting: list[tuple[Submission, asyncio.Future[Outcome]]] = []
        self._flusher: asyncio.Task[None] | None = None

    async def submit(self, *submissions: Submission) -> list[Outcome]:
        """Store messages in their order and return what became of each.

        Raises: Transient when the database cannot be reached; then nothing of them is stored, or a retry is
        recognised.
        """
        loop = asyncio.get_running_loop()
        futures: list[asyncio.Future[Outcome]] = [loop.create_future() for _ in submissions]
        self._waiting.extend(zip(submissions, futures, strict=True))
        if self._flusher is None or self._flusher.done():
            self._flusher = asyncio.create_task(self._flush())
        results = await asyncio.gather(*futures, return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return [result for result in results if isinstance(result, Outcome)]

    async def _flush(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:MAX_BATCH], self._waiting[MAX_BATCH:]
            outcomes = await self._commit([submission for submission, _ in batch])
            for (_, future), outcome in zip(batch, outcomes, strict=True):
                if future.done():
                    continue  # the caller has gone; what it sent is stored all the same
                if isinstance(outcome, Outcome):
                    future.set_result(outcome)
                else:
                    future.set_exception(outcome)

    async def _commit(self, submissions: list[Submission]) -> list[Outcome | Exception]:
        """Commit a batch; when the database refuses the data, one by one to find the culprit."""
        for attempt in range(1, MAX_TRIES + 1):
            try:
                async with self._begin() as uow:
                    return list(await take_in(uow, submissions))
            except Exception as error:
                if isinstance(error, asyncpg.UniqueViolationError) or is_transient(error):
                    if attempt < MAX_TRIES:
                        await asyncio.sleep(RETRY_PAUSE_S * attempt)
                        continue
                    log().warning("messages not stored", error=type(error).__name__, count=len(submissions))
                    return [Transient("not-stored")] * len(submissions)
                if len(submissions) > 1:
                    return [outcome for single in submissions for outcome in await self._commit([single])]
                if isinstance(submissions[0].judged, Reading) and is_bad_data(error):
                    log().error("message refused by the database", error=type(error).__name__)
                    return await self._commit([_refused_by_database(submissions[0])])
                log().error("message not stored", error=type(error).__name__)
                return [Transient("not-stored")]
        return [Transient("not-stored")] * len(submissions)


def _refused_by_database(submission: Submission) -> Submission:
    judged = submission.judged
    refusal = Refusal(
        "unstorable", "", judged.facility_id, judged.source, judged.message_id, judged.source_format
    )
    return replace(submission, judged=refusal)


async def take_in(uow: UnitOfWork, submissions: Sequence[Submission]) -> list[Outcome]:
    """Judge and apply messages in their order within one transaction; one outcome each."""
    known = await repository.find_messages(
        uow.conn, (s.identity for s in submissions if isinstance(s.judged, Reading))
    )
    keys = [s.key for s in submissions if s.key]
    answers = await repository.find_answers(uow.conn, keys) if keys else {}
    batch = _Batch(await repository.lock_encounters_by_source(uow.conn, _encounter_keys(submissions)))
    taken = {identity: (message.sha256, message.encounter_ids) for identity, message in known.items()}
    stored_keys: dict[tuple[str, str], tuple[bytes, Outcome]] = {}
    rows: list[RawMessage] = []
    outcomes: list[Outcome] = []
    for submission in submissions:
        sha256 = hashlib.sha256(submission.raw).digest()
        if submission.key and (replay := _replay(submission.key, sha256, answers, stored_keys)):
            outcomes.append(replay)
            continue
        outcome = _take_one(uow, batch, submission, sha256, taken)
        if outcome.outcome in ("accepted", "ignored"):
            taken[submission.identity] = (sha256, outcome.encounter_ids)
        elif outcome.outcome == "refused" and submission.on_refused:
            await submission.on_refused(uow, outcome.reason)
        if submission.key and outcome.outcome != "refused":
            stored_keys[submission.key] = (sha256, outcome)
        rows.append(_row(uow, submission, sha256, outcome))
        outcomes.append(outcome)
    await _save(uow, batch, rows)
    if stored_keys:
        await repository.insert_answers(
            uow.conn,
            [(*key, sha, 202, _encode(outcome)) for key, (sha, outcome) in stored_keys.items()],
        )
    return outcomes


def _encounter_keys(submissions: Sequence[Submission]) -> set[Key]:
    keys: set[Key] = set()
    for submission in submissions:
        if isinstance(submission.judged, Reading):
            for message in submission.judged.messages:
                keys.add(message.key)
                if message.merged_external_id:
                    keys.add((message.facility_id, message.source, message.merged_external_id))
    return keys


def _replay(
    key: tuple[str, str],
    sha256: bytes,
    answers: dict[tuple[str, str], tuple[bytes, int, bytes]],
    fresh: dict[tuple[str, str], tuple[bytes, Outcome]],
) -> Outcome | None:
    """Return the answer that this Idempotency-Key already has, or a refusal of its reuse."""
    if key in fresh:
        fingerprint, outcome = fresh[key]
    elif key in answers:
        fingerprint, _, body = answers[key]
        outcome = _decode(body)
    else:
        return None
    if fingerprint != sha256:
        return Outcome("refused", "idempotency-key-reused")
    return replace(outcome, replayed=True)


def _encode(outcome: Outcome) -> bytes:
    ids = [str(encounter_id) for encounter_id in outcome.encounter_ids]
    return json.dumps({"outcome": outcome.outcome, "reason": outcome.reason, "encounter_ids": ids}).encode()


def _decode(body: bytes) -> Outcome:
    stored = json.loads(body)
    return Outcome(
        stored["outcome"], stored["reason"], encounter_ids=tuple(map(UUID, stored["encounter_ids"]))
    )


def _take_one(
    uow: UnitOfWork,
    batch: _Batch,
    submission: Submission,
    sha256: bytes,
    taken: dict[Key, tuple[bytes, tuple[UUID, ...]]],
) -> Outcome:
    judged = submission.judged
    if isinstance(judged, Refusal):
        return Outcome("refused", judged.code, judged.position)
    if submission.identity in taken:
        before, ids = taken[submission.identity]
        if before == sha256:
            return Outcome("duplicate", "same-message", encounter_ids=ids)
        return Outcome("refused", "message-id-reused")
    if judged.ignored:
        return Outcome("ignored", judged.ignored)
    try:
        ids = _apply_all(uow, batch, judged.messages, submission.actor)
    except MessageRefused as refused:
        return Outcome("refused", refused.code, refused.position)
    except Exception as error:
        log().error("message could not be applied", error=type(error).__name__)
        return Outcome("refused", "not-applicable")
    return Outcome("accepted", encounter_ids=ids)


def _apply_all(
    uow: UnitOfWork, batch: _Batch, messages: Sequence[EncounterMessage], actor: str
) -> tuple[UUID, ...]:
    """Apply the encounters of one message, all or none."""
    trial: dict[Key, Encounter] = {}
    results: list[Change] = []
    moves: list[tuple[UUID, UUID]] = []
    ids: list[UUID] = []
    for message in messages:
        current = trial.get(message.key) or batch.encounters.get(message.key)
        change = changes.apply(
            current,
            message,
            encounter_id=current.encounter_id if current else uuid7(),
            actor=actor,
            now=uow.now,
        )
        trial[message.key] = change.encounter
        results.append(change)
        ids.append(change.encounter.encounter_id)
        if message.action is Action.MERGE:
            prior_key = (message.facility_id, message.source, message.merged_external_id)
            prior = trial.get(prior_key) or batch.encounters.get(prior_key)
            if prior is None:
                continue  # nothing of the merged visit has come; the survivor's record stands alone
            survived, gone = changes.merge(change.encounter, prior, actor=actor)
            trial[message.key], trial[prior_key] = survived.encounter, gone.encounter
            results.extend((survived, gone))
            moves.append((prior.encounter_id, survived.encounter.encounter_id))
    for change in results:
        batch.facts.extend((change.encounter.encounter_id, event) for event in change.events)
        batch.texts.extend(change.texts)
    batch.moves.extend(moves)
    for key, encounter in trial.items():
        if encounter is not batch.encounters.get(key):
            batch.encounters[key] = encounter
            batch.changed[encounter.encounter_id] = encounter
    return tuple(dict.fromkeys(ids))


def _row(uow: UnitOfWork, submission: Submission, sha256: bytes, outcome: Outcome) -> RawMessage:
    facility, source, message_id = submission.identity
    return RawMessage(
        facility_id=facility,
        source=source,
        message_id=message_id,
        source_format=submission.judged.source_format,
        transport=submission.transport,
        received_at=uow.now,
        sha256=sha256,
        body=None if outcome.outcome == "duplicate" else submission.raw,
        outcome=outcome.outcome,
        reason=outcome.reason,
        position=outcome.position,
        encounter_ids=outcome.encounter_ids,
    )


async def _save(uow: UnitOfWork, batch: _Batch, rows: Sequence[RawMessage]) -> None:
    if batch.changed:
        await repository.save_encounters(uow.conn, list(batch.changed.values()), uow.now)
    if batch.texts:
        facilities = {encounter.encounter_id: encounter.facility_id for encounter in batch.changed.values()}
        await repository.insert_texts(uow.conn, batch.texts, facilities)
    for merged, survivor in batch.moves:
        await repository.move_documents(uow.conn, merged, survivor)
    for key, event in batch.facts:
        uow.emit(key, event)
    if rows:
        await repository.insert_messages(uow.conn, rows)
        counts: dict[tuple[str, str, str], Counter[str]] = {}
        for row in rows:
            counts.setdefault((row.facility_id, row.source, row.transport), Counter())[row.outcome] += 1
        await repository.count_feeds(uow.conn, counts, uow.now)


async def correct_coverage(
    uow: UnitOfWork,
    encounter_id: UUID,
    *,
    facilities: list[str] | None,
    order: str,
    member_id: str,
    given: dict[str, object],
    actor: str,
) -> Encounter:
    """Correct the coverage of one order; what is not given stays as it was.

    Raises: NotFound, also for an encounter of another facility; Refused when a new coverage lacks its payer.
    """
    encounter = (await repository.lock_encounters(uow.conn, [encounter_id])).get(encounter_id)
    if encounter is None or (facilities is not None and encounter.facility_id not in facilities):
        raise NotFound("encounter")
    old = next((coverage for coverage in encounter.coverages if coverage.order == order), None)
    if old is not None:
        said = {name: value for name, value in old if name != "coverage_id"}
        correction = replace(CoverageChange(**said), member_id=member_id, **given)  # type: ignore[arg-type]
    elif given.get("payer_id") and given.get("payer_name"):
        correction = CoverageChange(order=order, member_id=member_id, **given)  # type: ignore[arg-type]
    else:
        raise Refused("missing-field", "a new coverage needs its payer", status=422, pointer="/payer_id")
    try:
        change = changes.correct_coverage(encounter, correction, actor=actor)
    except MessageRefused as refused:
        raise Refused(refused.code, "the encounter is not open for changes") from None
    if change.encounter is not encounter:
        await repository.save_encounters(uow.conn, [change.encounter], uow.now)
        for event in change.events:
            uow.emit(encounter_id, event)
    return change.encounter


async def file_answers(uow: UnitOfWork, answers: Sequence[AnswerText]) -> None:
    """File providers' answers as signed addenda to their encounters."""
    encounters = await repository.lock_encounters(uow.conn, sorted({a.encounter_id for a in answers}))
    saved: dict[UUID, Encounter] = {}
    texts: list[StoredText] = []
    for answer in answers:
        encounter = encounters.get(answer.encounter_id)
        if encounter is None:
            log().warning("answer to an unknown encounter", encounter_id=str(answer.encounter_id))
            continue
        change = changes.file_answer(
            encounter,
            answer_id=answer.answer_id,
            query_id=answer.query_id,
            provider_id=answer.provider_id,
            text=answer.text,
            answered_at=answer.answered_at,
            actor=ACTOR,
        )
        if change.encounter is encounter:
            continue
        encounters[answer.encounter_id] = saved[answer.encounter_id] = change.encounter
        texts.extend(change.texts)
        for event in change.events:
            uow.emit(answer.encounter_id, event)
    if saved:
        await repository.save_encounters(uow.conn, list(saved.values()), uow.now)
        await repository.insert_texts(
            uow.conn, texts, {encounter.encounter_id: encounter.facility_id for encounter in saved.values()}
        )
