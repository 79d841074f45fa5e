"""The gate before a model is used: what it must not lose, and which batches of decisions it must not learn from.

Every refusal has a name and its figures. The bootstrap draws whole notes and compares both models on the same draws.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from rcm_coding.domain.learning import Action, CoderDecision
from rcm_coding.training.measures import calibration_error

MAX_DROP = 0.005  # of F1, over all notes
MAX_CHAPTER_DROP = 0.02
CHAPTER_CASES = 50
MAX_ECE = 0.03
HOLDOUT = timedelta(days=30)
MIN_NOTES = 20
_DRAWS, _SEED = 1000, 0
#: Above this share of draws with a drop over the limit, luck is no excuse. A facility or a chapter has few notes, so
#: its drop counts only when it is over the limit and this share of draws drops at all.
_DOUBT, _SURE = 0.25, 0.9
_PROMISED = 0.8  # suggestions that were shown this surely are held against what coders then did
_MIN_PROMISED = 30
_MAX_Z = 3.3  # about 1 in 2,000 honest batches

Given = tuple[tuple[float, bool], ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model showed for a note, and the calibrated probability of each code it considered."""

    shown: frozenset[str]
    given: Given = ()


@dataclass(frozen=True, slots=True)
class Trial:
    """One coded note answered by the model in use and by the candidate."""

    note: str
    gold: frozenset[str]
    active: Answer
    candidate: Answer
    facility: str = ""


@dataclass(frozen=True, slots=True)
class SafetyCase:
    """A note of the safety suite: what the candidate showed, and what the note denies or says of a relative."""

    shown: frozenset[str]
    invalid: frozenset[str] = frozenset()
    denied: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a model or a batch is refused."""

    name: str
    where: str
    figure: float
    limit: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """The gate's answer with the figures it was given by."""

    reasons: tuple[Reason, ...]
    figures: Mapping[str, float] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Tell whether nothing stands against the model."""
        return not self.reasons


def golden_hash(trials: Iterable[Trial]) -> str:
    """Return the hash of a golden set: its notes and their codes, whatever their order and whoever is answered."""
    rows = sorted({f"{trial.note}\t{','.join(sorted(trial.gold))}" for trial in trials})
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()


def holdout_from(newest: datetime) -> datetime:
    """Return the moment from which notes are held out of learning: the newest thirty days."""
    return newest - HOLDOUT


def judge_model(
    golden: Sequence[Trial], holdout: Sequence[Trial], safety: Sequence[SafetyCase], frozen: str
) -> Verdict:
    """Judge a candidate beside the model in use; `frozen` is the hash that the golden set was frozen with."""
    reasons: list[Reason] = []
    figures: dict[str, float] = {}
    if golden_hash(golden) != frozen:
        reasons.append(Reason("golden-set-changed", "golden", 1, 0))
    for name, trials in (("golden", golden), ("holdout", holdout)):
        if len(trials) < MIN_NOTES:
            reasons.append(Reason("too-few-notes", name, len(trials), MIN_NOTES))
        else:
            reasons += _drops(name, trials, figures)
    if not safety:
        reasons.append(Reason("too-few-notes", "safety", 0, 1))
    for name, count in (
        ("invalid-codes", sum(len(case.shown & case.invalid) for case in safety)),
        ("denied-codes", sum(len(case.shown & case.denied) for case in safety)),
    ):
        figures[name] = count
        if count:
            reasons.append(Reason(name, "safety", count, 0))
    given = [pair for trial in (*golden, *holdout) for pair in trial.candidate.given]
    if given:
        figures["ece"] = round(calibration_error(given), 4)
        if figures["ece"] > MAX_ECE:
            reasons.append(Reason("calibration", "all", figures["ece"], MAX_ECE))
    return Verdict(tuple(reasons), figures)


def _drops(name: str, trials: Sequence[Trial], figures: dict[str, float]) -> list[Reason]:
    """Compare both models overall, by facility and by chapter."""
    reasons = []
    counts = np.array([_counts(trial) for trial in trials], dtype=np.float64)
    before, after = _f1s(counts.sum(axis=0))
    figures[f"{name}-f1"], figures[f"{name}-f1-before"] = round(after, 4), round(before, 4)
    groups = [("", counts)]
    facilities = sorted({trial.facility for trial in trials if trial.facility})
    for facility in facilities if len(facilities) > 1 else ():
        mine = counts[[trial.facility == facility for trial in trials]]
        if len(mine) >= MIN_NOTES:
            groups.append((facility, mine))
    for facility, table in groups:
        drop, doubt, sure = _paired(table, MAX_DROP)
        lost = drop > MAX_DROP and sure >= _SURE if facility else drop > MAX_DROP or doubt > _DOUBT
        if lost:
            reason = "facility-f1-drop" if facility else "f1-drop"
            reasons.append(Reason(reason, f"{name} {facility}".strip(), round(drop, 4), MAX_DROP))
    cases = Counter(code[0] for trial in trials for code in trial.gold)
    for chapter in sorted(letter for letter, count in cases.items() if count >= CHAPTER_CASES):
        table = np.array([_counts(trial, chapter) for trial in trials], dtype=np.float64)
        drop, _, sure = _paired(table, MAX_CHAPTER_DROP)
        if drop > MAX_CHAPTER_DROP and sure >= _SURE:
            reasons.append(Reason("chapter-f1-drop", f"{name} {chapter}", round(drop, 4), MAX_CHAPTER_DROP))
    return reasons


def _counts(trial: Trial, chapter: str = "") -> tuple[int, int, int, int, int]:
    gold, active, candidate = (
        {code for code in codes if code.startswith(chapter)}
        for codes in (trial.gold, trial.active.shown, trial.candidate.shown)
    )
    return len(gold & active), len(active), len(gold & candidate), len(candidate), len(gold)


def _f1s(sums: NDArray[np.float64]) -> tuple[float, float]:
    right, shown, right_after, shown_after, gold = (float(value) for value in sums)
    return 2 * right / max(shown + gold, 1.0), 2 * right_after / max(shown_after + gold, 1.0)


def _paired(table: NDArray[np.float64], limit: float) -> tuple[float, float, float]:
    """Return the drop of F1, the share of draws that drop by more than the limit, and of those that drop at all."""
    before, after = _f1s(table.sum(axis=0))
    draw = np.random.default_rng(_SEED)
    drawn = np.array(
        [_f1s(table[draw.integers(0, len(table), len(table))].sum(axis=0)) for _ in range(_DRAWS)]
    )
    drops = drawn[:, 0] - drawn[:, 1]
    return before - after, float((drops > limit).mean()), float((drops > 0).mean())


def screen(batch: Iterable[CoderDecision]) -> dict[str, Verdict]:
    """Judge each facility's new decisions by what the model in use had promised; refused ones are not learned from.

    Codes shown at a calibrated probability p are kept in a share p of cases. A facility whose coders turn down far
    more than that has changed its ways or its labels are wrong; either way a person looks first.
    """
    promised: dict[str, list[tuple[float, bool]]] = defaultdict(list)
    for decision in batch:
        promised[decision.facility]  # a facility without promises passes
        if decision.action is not Action.ADD and decision.p is not None and decision.p >= _PROMISED:
            promised[decision.facility].append((decision.p, decision.action is Action.ACCEPT))
    return {facility: _screened(facility, given) for facility, given in sorted(promised.items())}


def _screened(facility: str, given: Sequence[tuple[float, bool]]) -> Verdict:
    if len(given) < _MIN_PROMISED:
        return Verdict((), {"promised": len(given)})
    expected = sum(1 - p for p, _ in given)
    against = sum(not kept for _, kept in given)
    z = (against - expected) / sqrt(max(sum(p * (1 - p) for p, _ in given), 0.25))
    figures = {"promised": len(given), "expected": round(expected, 2), "against": against, "z": round(z, 2)}
    reasons = (Reason("labels-contradict", facility, round(z, 2), _MAX_Z),) if z > _MAX_Z else ()
    return Verdict(reasons, figures)


def learnable(batch: Sequence[CoderDecision]) -> list[CoderDecision]:
    """Return the decisions of the facilities that the screen lets through, in their order."""
    verdicts = screen(batch)
    return [decision for decision in batch if verdicts[decision.facility].passed]
