"""`rcm cac train`: a corpus to a model, and the shipped default model from generated notes and a corpus."""

import json
from collections.abc import Sequence
from typing import Any

from rcm_coding.engine import ENGINE_VERSION
from rcm_coding.engine.knowledge import Knowledge
from rcm_coding.engine.ranking.model import DIAGNOSES, PROCEDURES, Model, Scorer
from rcm_coding.engine.ranking.words import Language
from rcm_coding.training.codiesp import Corpus
from rcm_coding.training.fit import TREES, Fitted, Taught, digest, fit
from rcm_coding.training.generated import generated_notes
from rcm_coding.training.lessons import Read, carrier, read_case, read_generated, teach_cases, teach_codes

GENERATED = 1500
GENERATED_SEED = 11
_DEFAULT_TREES = 60


def train(corpus: Corpus, language: Language, knowledge: Knowledge) -> Model:
    """Learn a facility's own model from its coded notes: phrase memory, ranker and calibration, by code system."""
    reads = [read_case(note, language, knowledge) for note in corpus.notes]
    carry = carrier(corpus.notes, language)
    scorers: dict[str, Scorer] = {}
    facts: dict[str, Any] = {}
    for system in (DIAGNOSES, PROCEDURES):
        if not any(note.codes[system] for note in corpus.notes):
            continue
        taught = teach_cases(corpus.notes, language, system, carry)
        fitted = _fit(language, taught, reads, system, with_memory=True)
        scorers[system] = fitted.scorer
        facts[system] = {"rows": fitted.rows, "held_out_f1": round(fitted.f1, 4)}
    return _named(
        language,
        scorers,
        {"corpus": corpus.name, "corpus_sha256": corpus.sha256, "notes": len(reads), **facts},
        knowledge,
    )


def train_default(corpus: Corpus, knowledge: Knowledge) -> Model:
    """Learn the model that ships: generated notes and a public corpus, weights only, nobody's phrases."""
    notes = [(read_case(note, "en", knowledge), note.codes[DIAGNOSES]) for note in corpus.notes]
    fitted = fit_ranker(notes, knowledge)
    return _named(
        "en",
        {DIAGNOSES: fitted.scorer},
        {
            "corpus": f"generated:{GENERATED} + {corpus.name}",
            "corpus_sha256": corpus.sha256,
            "credit": "CodiEsp (Miranda-Escalada et al. 2020), CC BY 4.0",
            "notes": GENERATED + len(notes),
            DIAGNOSES: {"rows": fitted.rows, "held_out_f1": round(fitted.f1, 4)},
        },
        knowledge,
    )


def fit_ranker(notes: Sequence[tuple[Read, frozenset[str]]], knowledge: Knowledge) -> Fitted:
    """Fit weights from generated notes and read notes with their right codes: no phrase of any text is kept."""
    generated = generated_notes("train", GENERATED, GENERATED_SEED)
    taught = teach_codes([*(note.gold for note in generated), *(codes for _, codes in notes)])
    reads = [
        *(read_generated(note, number, knowledge) for number, note in enumerate(generated)),
        *(read for read, _ in notes),
    ]
    return _fit("en", taught, reads, DIAGNOSES, with_memory=False, trees=_DEFAULT_TREES)


def _fit(
    language: Language,
    taught: Sequence[Taught],
    reads: Sequence[Read],
    system: str,
    *,
    with_memory: bool,
    trees: int = TREES,
) -> Fitted:
    return fit(
        language,
        taught,
        lambda at, memory: reads[at].candidates(memory, system),
        with_memory=with_memory,
        trees=trees,
    )


def _named(
    language: Language, scorers: dict[str, Scorer], facts: dict[str, Any], knowledge: Knowledge
) -> Model:
    facts = {"engine": ENGINE_VERSION, "release": knowledge.release, **facts}
    name = f"{language}-{digest(json.dumps(facts, sort_keys=True).encode())[:12]}"
    return Model(name, language, scorers, facts)
