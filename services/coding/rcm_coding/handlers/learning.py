"""The refit of the service: read the log and the words behind it, learn apart from the event loop, keep what came out.

One process refits at a time. What passes the gate becomes the shadow; only a person's command puts it into use.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from multiprocessing import get_context
from pathlib import Path
from uuid import UUID, uuid5

import asyncpg
from rcm_shared.errors import Transient
from rcm_shared.messaging.uow import UnitOfWork

from rcm_coding.domain.case import CodingCase
from rcm_coding.domain.decision_log import leading
from rcm_coding.engine.evidence import Document
from rcm_coding.engine.ranking.model import Model
from rcm_coding.engine.ranking.words import read_words
from rcm_coding.gateways.codeset_store import CodesetStore
from rcm_coding.gateways.editions import Editions
from rcm_coding.gateways.intake import Intake
from rcm_coding.gateways.model_registry import EventRange, ModelRegistry
from rcm_coding.gateways.models import default_model
from rcm_coding.gateways.serving import LANGUAGE, ServedModels
from rcm_coding.repository import learning
from rcm_coding.training.refit import FinishedNote, Material, Refit, refit, verdict_body

BATCH = 500  # decisions whose words are read at once
MAX_NOTES = 2_000  # finished charts, the newest, that the ranker and the holdout may come from
GOLDEN = "generated"  # beside the language, the name under which the golden set is frozen
_RUNS = UUID("5b0f7a52-3a5e-5d0c-9d5b-0c3f6a1e7d21")

Begin = Callable[[], AbstractAsyncContextManager[UnitOfWork]]


@dataclass(frozen=True, slots=True)
class Workshop:
    """Where a refit finds its editions and models; plain values, as the learning runs in a process of its own."""

    registry: Path
    cache_dir: Path | None
    codesets_dir: Path | None
    choice: str


@dataclass(frozen=True, slots=True)
class Learner:
    """What a refit needs beside the database: the texts of intake and the workshop."""

    intake: Intake
    workshop: Workshop
    begin: Begin
    learn: Callable[[Workshop, Material], Refit] | None = None  # None: in a process of its own


async def run_refit(learner: Learner, turn: asyncpg.Connection) -> learning.Run | None:
    """Refit once; None when nothing was decided since the last time.

    `turn` is a connection that holds the place until the end. Raises: Transient when another process refits or intake
    is away; nothing is changed then but the words that were read.
    """
    if not await learning.take_turn(turn):
        raise Transient("refit-elsewhere")
    try:
        await _read_phrases(learner)
        async with learner.begin() as uow:
            now = uow.now
            last = await learning.last_decision(uow.conn)
            before = await learning.runs(uow.conn)
            learned_to = before[0].last if before else 0
            if last <= learned_to:
                return None
            lines = await learning.lines(uow.conn, last)
            charts = await learning.finished(uow.conn, MAX_NOTES)
        material = Material(
            tuple(lines),
            learned_to,
            tuple(refusal for run in before for refusal in run.refusals),
            await _notes(learner.intake, charts),
            now,
        )
        found = await _learn(learner, material)
        run = await asyncio.to_thread(_register, learner.workshop, material, found)
        async with learner.begin() as uow:
            await learning.keep_run(uow.conn, run, found.standings)
        return run
    finally:
        await learning.end_turn(turn)


async def _read_phrases(learner: Learner) -> None:
    """Read the cited words of new decisions from their texts, once for ever."""
    while True:
        async with learner.begin() as uow:
            batch = await learning.unread(uow.conn, BATCH)
        if not batch:
            return
        places = {item.number: leading(item.evidence) for item in batch}
        keys = {(place.document_id, place.version) for place in places.values() if place}
        texts = await learner.intake.documents(sorted(keys))
        phrases = []
        for item in batch:
            place = places[item.number]
            text = texts.get((place.document_id, place.version)) if place else None
            words = read_words(text.text[place.start : place.end], LANGUAGE) if place and text else ()
            phrases.append((item.number, item.facility, " ".join(word.key for word in words)))
        async with learner.begin() as uow:
            await learning.keep_phrases(uow.conn, phrases)


async def _notes(intake: Intake, charts: Sequence[CodingCase]) -> tuple[FinishedNote, ...]:
    """Return the finished charts with their texts; one of which a text is gone is left out."""
    keys = {(ref.document_id, ref.version) for case in charts for ref in case.documents if ref.signed}
    texts = await intake.documents(sorted(keys))
    notes = []
    for case in charts:
        signed = [ref for ref in case.documents if ref.signed]
        if (
            case.final is None
            or not signed
            or any((ref.document_id, ref.version) not in texts for ref in signed)
        ):
            continue
        documents = tuple(
            Document(ref.document_id, ref.version, found.kind, found.text, order)
            for order, (ref, found) in enumerate((ref, texts[ref.document_id, ref.version]) for ref in signed)
        )
        codes = frozenset(item.code for item in case.final.diagnoses)
        notes.append(
            FinishedNote(
                str(case.encounter_id),
                case.facility_id,
                case.setting.value,
                case.final.finalised_at,
                documents,
                codes,
            )
        )
    return tuple(notes)


async def _learn(learner: Learner, material: Material) -> Refit:
    if learner.learn is not None:
        return await asyncio.to_thread(learner.learn, learner.workshop, material)
    apart = ProcessPoolExecutor(1, mp_context=get_context("spawn"))
    try:
        return await asyncio.get_running_loop().run_in_executor(apart, learn, learner.workshop, material)
    finally:
        apart.shutdown(wait=False, cancel_futures=True)  # a service that stops does not wait for it


def learn(workshop: Workshop, material: Material) -> Refit:
    """Refit from plain material: reads the edition that governs today and the model in use."""
    registry = ModelRegistry(workshop.registry)
    served = ServedModels(workshop.choice, registry)
    served.load()
    base: Model | None = served.live or default_model()
    if base is None:
        raise RuntimeError("no model is packaged")
    editions = Editions(
        workshop.cache_dir, CodesetStore(workshop.codesets_dir) if workshop.codesets_dir else None
    )
    editions.load()
    knowledge = editions.on(material.now.date())
    return refit(
        material, base, served.live, knowledge, lambda digest: registry.frozen(f"{LANGUAGE}-{GOLDEN}", digest)
    )


def _register(workshop: Workshop, material: Material, found: Refit) -> learning.Run:
    """Put the candidate into the registry with the gate's answer; one that passed becomes the shadow."""
    registry = ModelRegistry(workshop.registry)
    against = registry.active(LANGUAGE) or "packaged"
    numbers = [line.number for line in material.lines]
    events = EventRange(str(min(numbers)), str(max(numbers)), len(numbers))
    manifest = registry.add(found.model, events, material.now)
    verdict = verdict_body(found, against)
    registry.record(manifest.name, verdict)
    registry.shade(manifest.name)
    new = [number for number in numbers if number > material.learned_to]
    return learning.Run(
        uuid5(_RUNS, f"{manifest.name}:{max(numbers)}"),
        min(new),
        max(new),
        len(new),
        found.refusals,
        manifest.name,
        manifest.sha256,
        against,
        verdict,
        material.now,
    )


def due(hour: int | None, now: datetime, runs: Iterable[learning.Run], last_try: datetime | None) -> bool:
    """Tell whether tonight's refit is to be made: from its hour on, once a day, however it came out."""
    if hour is None or now.hour < hour:
        return False
    times = [run.at for run in runs] + ([last_try] if last_try else [])
    return not any(moment.date() == now.date() and moment.hour >= hour for moment in times)


def outcome(run: learning.Run | None, before: Sequence[learning.Run]) -> dict[str, object]:
    """Return what a refit came to, without any words of notes; `decisions` is 0 where the one before still stands."""
    stands = run or next(iter(before), None)
    if stands is None:
        return {"model": None, "passed": None, "decisions": 0, "reasons": [], "refused": []}
    return {
        "model": stands.model,
        "passed": stands.verdict["passed"],
        "decisions": run.decisions if run else 0,
        "reasons": [reason["name"] for reason in stands.verdict["reasons"]],
        "refused": [refusal.facility for refusal in stands.refusals],
    }
