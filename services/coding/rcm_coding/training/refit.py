"""The nightly refit: the decision log to a candidate model and the gate's answer to it.

Deterministic: the same log, notes, model in use and edition give the same bytes, in whatever order they come. The
holdout of the newest 30 days is answered by a probe that learned from what came before it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from rcm_coding.domain.decision_log import Logged, Refusal, decisions
from rcm_coding.domain.learning import Rulebook, Standing, judge, memory_of, outside, project
from rcm_coding.engine import ENGINE_VERSION
from rcm_coding.engine.evidence import Document
from rcm_coding.engine.knowledge import Knowledge
from rcm_coding.engine.ranking.memory import PhraseMemory
from rcm_coding.engine.ranking.model import DIAGNOSES, Model, Scorer, dump_model
from rcm_coding.engine.ranking.words import Language, read_words
from rcm_coding.engine.synonyms import PHRASES, TERMS
from rcm_coding.engine.wording import MORE_PHRASES, MORE_TERMS
from rcm_coding.training.fit import digest
from rcm_coding.training.gate import (
    SafetyCase,
    Trial,
    Verdict,
    golden_hash,
    holdout_from,
    judge_model,
    screen,
)
from rcm_coding.training.generated import generated_notes
from rcm_coding.training.lessons import Read, read_generated
from rcm_coding.training.train import fit_ranker
from rcm_coding.training.trials import answered, safety_cases

GOLDEN_NOTES, GOLDEN_SEED = 300, 47
#: Below this many finished notes the ranker stays as it is, and only aliases are learned.
RANKER_NOTES = 300
LANGUAGE: Language = "en"


@dataclass(frozen=True, slots=True)
class FinishedNote:
    """The record of a finished chart with its final diagnoses."""

    encounter: str
    facility: str
    setting: str
    finished_at: datetime
    documents: tuple[Document, ...]
    codes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Material:
    """What a refit is made from: the log up to its last line, `learned_to` the last line of the refit before."""

    lines: tuple[Logged, ...]
    learned_to: int
    refusals: tuple[Refusal, ...]
    notes: tuple[FinishedNote, ...]
    now: datetime


@dataclass(frozen=True, slots=True)
class Refit:
    """A candidate with everything that is kept about it."""

    model: Model
    verdict: Verdict
    golden: str
    refusals: tuple[Refusal, ...]  # of this batch
    standings: tuple[Standing, ...]


def refit(
    material: Material, base: Model, in_use: Model | None, knowledge: Knowledge, frozen: Callable[[str], str]
) -> Refit:
    """Learn and judge. `base` lends its ranker, `in_use` answers beside the candidate (None: the rules alone),
    `frozen` gives the hash that the golden set was frozen with.
    """
    lines = tuple(sorted(material.lines, key=lambda line: line.number))
    refusals = _screened(lines, material.learned_to)
    closed = (*material.refusals, *refusals)
    taught = decisions(lines, closed)
    shut = {refusal.facility for refusal in refusals}
    notes = sorted(
        (note for note in material.notes if note.facility not in shut), key=lambda one: one.encounter
    )
    cut = holdout_from(material.now)
    older = [note for note in notes if note.finished_at < cut]
    rulebook, day = rulebook_of(knowledge), material.now.date()
    standings = tuple(judge(project(taught), rulebook, day))
    events = {"first": lines[0].number, "last": lines[-1].number, "decisions": len(taught)} if lines else {}
    model = _model(base, _memories(standings), notes, events, knowledge)
    held_back = {note.encounter for note in notes if note.finished_at >= cut}
    before = judge(project(one for one in taught if one.encounter not in held_back), rulebook, day)
    probe = _model(base, _memories(before), older, {}, knowledge)
    holdout = [
        Trial(
            note.encounter,
            note.codes,
            answered(read, in_use, knowledge, note.codes, note.facility),
            answered(read, probe, knowledge, note.codes, note.facility),
            note.facility,
        )
        for note, read in ((note, _read(note, knowledge)) for note in notes if note.finished_at >= cut)
    ]
    golden = _golden(model, in_use, knowledge)
    safety: list[SafetyCase] = [
        case for facility in _facilities(model) for case in safety_cases(knowledge, model, facility=facility)
    ]
    key = golden_hash(golden)
    return Refit(model, judge_model(golden, holdout, safety, frozen(key)), key, refusals, standings)


def rulebook_of(knowledge: Knowledge) -> Rulebook:
    """Return what the promotion rule asks of an edition; whatever no title, term or synonym says may be a name."""
    tabular = knowledge.tabular
    words = {
        word.key
        for text in (
            *(concept.title for concept in tabular.concepts.values()),
            *(text for kinds in tabular.notes.values() for texts in kinds.values() for text in texts),
            PHRASES,
            TERMS,
            MORE_PHRASES,
            MORE_TERMS,
        )
        for word in read_words(text, LANGUAGE)
    }
    return Rulebook(
        lambda code, day: tabular.billable(code) and tabular.effective_from <= day <= tabular.effective_to,
        lambda code, other: tabular.excluded_by(code, other) is not None,
        outside(frozenset(words)),
    )


def _screened(lines: Sequence[Logged], learned_to: int) -> tuple[Refusal, ...]:
    batch = [line for line in lines if line.number > learned_to]
    verdicts = screen(decisions(batch))
    found = []
    for facility, verdict in verdicts.items():
        if not verdict.passed:
            numbers = [line.number for line in batch if line.facility == facility]
            found.append(
                Refusal(facility, numbers[0], numbers[-1], tuple(reason.name for reason in verdict.reasons))
            )
    return tuple(found)


def _memories(standings: Iterable[Standing]) -> Mapping[str, PhraseMemory]:
    standings = list(standings)
    facilities = sorted({item.alias.facility for item in standings if item.promoted})
    return {facility: memory_of(LANGUAGE, facility, standings) for facility in facilities}


def _model(
    base: Model,
    aliases: Mapping[str, PhraseMemory],
    notes: Sequence[FinishedNote],
    events: Mapping[str, int],
    knowledge: Knowledge,
) -> Model:
    """Make a model; its name follows from its content."""
    scorers: Mapping[str, Scorer] = base.scorers
    ranker = str(base.facts.get("ranker", base.name))
    if len(notes) >= RANKER_NOTES:
        fitted = fit_ranker([(_read(note, knowledge), note.codes) for note in notes], knowledge)
        scorers = {**scorers, DIAGNOSES: fitted.scorer}
        ranker = f"refit:{len(notes)}"
    facts = {
        "engine": ENGINE_VERSION,
        "release": knowledge.release,
        "ranker": ranker,
        "aliases": sum(len(memory.phrases) for memory in aliases.values()),
        "notes": len(notes),
        **({"decisions": dict(events)} if events else {}),
    }
    nameless = Model("", LANGUAGE, scorers, facts, aliases)
    return replace(nameless, name=f"{LANGUAGE}-{digest(dump_model(nameless))[:12]}")


def _read(note: FinishedNote, knowledge: Knowledge) -> Read:
    return Read(note.documents, note.setting, knowledge)


def _facilities(model: Model) -> tuple[str, ...]:
    return ("", *sorted(model.aliases))


def _golden(model: Model, in_use: Model | None, knowledge: Knowledge) -> list[Trial]:
    """Answer the golden set once for everybody and once for every facility that has aliases of its own."""
    reads = [
        (note, read_generated(note, at, knowledge))
        for at, note in enumerate(generated_notes("test", GOLDEN_NOTES, GOLDEN_SEED))
    ]
    return [
        Trial(
            f"golden-{at}",
            note.gold,
            answered(read, in_use, knowledge, note.gold, facility),
            answered(read, model, knowledge, note.gold, facility),
            facility,
        )
        for facility in _facilities(model)
        for at, (note, read) in enumerate(reads)
    ]


def verdict_body(found: Refit, against: str) -> dict[str, object]:
    """Return the gate's answer as plain data."""
    return {
        "model": found.model.name,
        "against": against,
        "passed": found.verdict.passed,
        "reasons": [
            {"name": one.name, "where": one.where, "figure": one.figure, "limit": one.limit}
            for one in found.verdict.reasons
        ],
        "figures": dict(found.verdict.figures),
    }
