"""The sets that `rcm bench cac` measures: a coded corpus, generated notes, and the published example of a mole."""

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from rcm_coding.engine.evidence import Document, Evidence, Suggestion, Suggestions
from rcm_coding.engine.knowledge import Knowledge
from rcm_coding.engine.pcs import compose_pcs
from rcm_coding.engine.ranking.model import DIAGNOSES, Model
from rcm_coding.engine.ranking.words import Language
from rcm_coding.engine.suggest import THRESHOLD, suggest
from rcm_coding.training.codiesp import Corpus
from rcm_coding.training.generated import generated_notes
from rcm_coding.training.lessons import CASE_SETTING, Read, read_case, read_generated
from rcm_coding.training.measures import Judged, report

GENERATED_COUNT = 2000
GENERATED_SEED = 2026
_TIMED = 60  # notes whose whole pass is timed
_DAY = date(2026, 9, 14)

#: An office visit that ends with a destroyed mole: the facts of a published walk-through, told anew.
MOLE = (
    "Diagnosis: Pigmented mole\n"
    "Procedure: Cryoablation\n\n"
    "Reason for visit: A man of 50 wants a mole taken off. It is a pigmented mole on his back, just where the belt "
    "sits; the belt rubs on it and it has become sore.\n\n"
    "What was done: The skin was cleaned with Betadine and numbed with 1 cc of lidocaine with epinephrine. Liquid "
    "nitrogen was applied to the mole until it was frozen down to the level of the skin and the lesion was destroyed. "
    "A dressing was put on to keep clothing off the wound. There were no complications. He comes back in one week.\n"
)
MOLE_GOLD = frozenset({"D225", "17110"})
_MOLE_WORDS = {"lesion": "mole", "site": "back", "agent": "liquid nitrogen"}


@dataclass(frozen=True, slots=True)
class Bench:
    """What all sets are measured with; no `model`: the rules alone."""

    knowledge: Knowledge
    model: Model | None
    pcs_codes: Collection[str] = ()


def bench_corpus(bench: Bench, corpus: Corpus, language: Language, system: str) -> dict[str, Any] | None:
    """Measure one code system on a corpus; None when nothing can speak: no model of that language.

    The figures are agreement with the corpus' own coders, who use an older edition and code what a note denies;
    `gated` is what the product would show: codes in force, nothing denied or of a relative.
    """
    model = bench.model
    if language != (model.language if model else "en"):
        return None
    reads = [read_case(note, language, bench.knowledge) for note in corpus.notes]
    golds = [note.codes[system] for note in corpus.notes]
    judged = [_judge(bench, read, gold, system, True) for read, gold in zip(reads, golds, strict=True)]
    gated = [_judge(bench, read, gold, system, False) for read, gold in zip(reads, golds, strict=True)]
    timed = [(list(read.documents), CASE_SETTING) for read in reads[:_TIMED]]
    return {**report(judged), "notes_per_s": _speed(bench, timed), "gated": report(gated)["code"]}


def bench_generated(bench: Bench, count: int = GENERATED_COUNT, seed: int = GENERATED_SEED) -> dict[str, Any]:
    """Measure exact codes on generated notes of the part that nobody tunes on."""
    notes = generated_notes("test", count, seed)
    reads = [read_generated(note, at, bench.knowledge) for at, note in enumerate(notes)]
    judged = [
        _judge(bench, read, note.gold, DIAGNOSES, False, note.forbidden)
        for read, note in zip(reads, notes, strict=True)
    ]
    timed = [(list(read.documents), read.setting) for read in reads[:_TIMED]]
    families = {
        name: round(_f1([one for one, note in zip(judged, notes, strict=True) if note.family == name]), 4)
        for name in sorted({note.family for note in notes})
    }
    return {
        **report(judged),
        "notes_per_s": _speed(bench, timed),
        "forbidden": sum(note.wrong for note in judged),
        "families": families,
    }


def bench_mole(bench: Bench) -> dict[str, Any]:
    """Measure the published example: the codes of the lesion and of its destruction, and the words behind them."""
    document = Document(UUID(int=1), 1, "office-note", MOLE)
    found = _suggest(bench, [document], "office")
    items = [item for item in found.suggestions if not item.code.startswith("99")]
    diagnoses = [item.code for item in items if item.system == DIAGNOSES]
    shown = tuple(item.code for item in items)
    judged = Judged(
        MOLE_GOLD,
        shown,
        shown,
        tuple((item.score, item.code in MOLE_GOLD) for item in items) if bench.model else (),
    )
    return {
        **report([judged]),
        "notes_per_s": _speed(bench, [([document], "office")] * _TIMED),
        "first": diagnoses[0] if diagnoses else None,
        "spans": {name: _stands_behind(words, items, MOLE_GOLD, MOLE) for name, words in _MOLE_WORDS.items()},
    }


def _judge(
    bench: Bench,
    read: Read,
    gold: frozenset[str],
    system: str,
    as_taught: bool,
    forbidden: Collection[str] = (),
) -> Judged:
    shown, ranked, given = _answer(bench, read, system, as_taught)
    right = tuple((probability, code in gold) for code, probability in given)
    wrong = sum(code.startswith(tuple(forbidden)) for code in shown) if forbidden else 0
    return Judged(gold, shown, ranked, right, wrong)


def _answer(
    bench: Bench, read: Read, system: str, as_taught: bool
) -> tuple[tuple[str, ...], tuple[str, ...], list[tuple[str, float]]]:
    """Return what is shown, everything in its order, and the calibrated probabilities."""
    record, suggestions, suppressed = read.considered
    documents = record.documents if record else read.documents
    diagnoses = system == DIAGNOSES
    if not diagnoses and record is not None and (bench.model is None or system not in bench.model.scorers):
        composed = [item.code for item in compose_pcs(record, bench.pcs_codes).suggestions]
        return tuple(composed), tuple(composed), []
    if bench.model is None:
        ordered = sorted(suggestions, key=lambda item: (-item.score, item.code))
        shown = [item.code for item in ordered if item.score >= THRESHOLD]
        return tuple(shown), tuple(item.code for item in ordered), []
    scored = bench.model.scored(
        documents,
        system,
        record=record,
        suggestions=suggestions if diagnoses else (),
        suppressed=suppressed if diagnoses else (),
        tabular=bench.knowledge.tabular,
    )
    kept, _ = bench.model.rank(
        documents,
        system,
        record=record,
        suggestions=suggestions if diagnoses else (),
        suppressed=suppressed if diagnoses else (),
        tabular=bench.knowledge.tabular if diagnoses else None,
        as_taught=as_taught,
    )
    given = [(candidate.code, probability) for candidate, probability in scored]
    ranked = sorted(given, key=lambda item: (-item[1], item[0]))
    return tuple(item.code for item in kept), tuple(code for code, _ in ranked), given


def _suggest(bench: Bench, documents: list[Document], setting: str) -> Suggestions:
    form = "837I" if setting == "inpatient" else "837P"
    return suggest(documents, setting, _DAY, bench.knowledge, form, bench.pcs_codes, bench.model)


def _speed(bench: Bench, texts: Sequence[tuple[list[Document], str]]) -> float:
    """Return notes per second of one core for the whole pass, warm."""
    for documents, setting in texts[:3]:
        _suggest(bench, documents, setting)
    started = time.process_time()
    for documents, setting in texts:
        _suggest(bench, documents, setting)
    return round(len(texts) / max(time.process_time() - started, 1e-6), 1)


def _f1(judged: Sequence[Judged]) -> float:
    right = sum(len(note.gold.intersection(note.shown)) for note in judged)
    total = sum(len(note.gold) + len(set(note.shown)) for note in judged)
    return 2 * right / total if total else 0.0


def _stands_behind(words: str, items: Sequence[Suggestion], codes: Collection[str], text: str) -> bool:
    """Tell whether words of the note are among the evidence of any of the codes."""
    holds: Callable[[Evidence], bool] = lambda place: words in text[place.start : place.end].lower()  # noqa: E731
    return any(holds(place) for item in items if item.code in codes for place in item.evidence)
