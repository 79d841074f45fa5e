"""Precision, recall, F1, average precision and calibration over coded notes, each with a bootstrap interval.

The bootstrap draws whole notes, because codes of one note stand and fall together.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_DRAWS = 1000
_SEED = 0
_BINS = 10
_CHANCES = 200
_CATEGORY = 3  # characters of a code that name its category
_TOP = 5

Table = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Judged:
    """One note's answer beside its gold codes.

    `shown` are the codes shown, the likeliest first; `ranked` all that were considered, in the same order;
    `given` the probability of every considered code with whether it was right (empty when nothing was calibrated).
    """

    gold: frozenset[str]
    shown: tuple[str, ...]
    ranked: tuple[str, ...]
    given: tuple[tuple[float, bool], ...] = ()
    wrong: int = 0  # shown codes of conditions that the note denies or gives to another person


def report(judged: Sequence[Judged]) -> dict[str, Any]:
    """Return every figure of a set of notes; intervals hold 95 % of the bootstrap draws."""
    codes = _table(judged, lambda code: code)
    categories = _table(judged, lambda code: code[:_CATEGORY])
    with_gold = [note for note in judged if note.gold]
    lists = np.array([_list_figures(note) for note in with_gold], dtype=np.float64).reshape(-1, 3)
    bins = np.array([_bins(note.given) for note in judged], dtype=np.float64)
    draw = np.random.default_rng(_SEED)
    picks = [draw.integers(0, len(judged), len(judged)) for _ in range(_DRAWS)]
    list_picks = [draw.integers(0, len(lists), len(lists)) for _ in range(_DRAWS)] if len(lists) else []
    figures: dict[str, Any] = {"notes": len(judged)}
    for name, table in (("code", codes), ("category", categories)):
        drawn = np.array([_prf(table[pick]) for pick in picks])
        p, r, f1 = _prf(table)
        figures[name] = {
            "p": _round(p),
            "r": _round(r),
            "f1": _round(f1),
            "ci": _interval(drawn[:, 2]),
            "p_ci": _interval(drawn[:, 0]),
            "r_ci": _interval(drawn[:, 1]),
        }
    for at, name in enumerate(("map", "r_at_5", "top_1")):
        figures[name] = _round(float(lists[:, at].mean())) if len(lists) else 0.0
        figures[f"{name}_ci"] = _interval(np.array([lists[pick, at].mean() for pick in list_picks]))
    known = any(note.given for note in judged)
    figures["ece"] = _round(_ece(bins)) if known else None
    figures["ece_by_chance"] = _round(_chance(judged)) if known else None
    figures["ece_ci"] = _interval(np.array([_ece(bins[pick]) for pick in picks])) if known else None
    return figures


def average_precision(ranked: Sequence[str], gold: Collection[str]) -> float:
    """Return the mean, over the gold codes, of the precision at each one's place; a missing code counts as 0."""
    right = 0
    total = 0.0
    for place, code in enumerate(ranked, 1):
        if code in gold:
            right += 1
            total += right / place
    return total / len(gold) if gold else 0.0


def calibration_error(given: Sequence[tuple[float, bool]]) -> float:
    """Return the expected calibration error over ten equal bins of probability."""
    return _ece(np.array([_bins(given)], dtype=np.float64))


def _table(judged: Sequence[Judged], key: Callable[[str], str]) -> Table:
    rows = []
    for note in judged:
        gold, shown = {key(code) for code in note.gold}, {key(code) for code in note.shown}
        rows.append((len(gold & shown), len(shown), len(gold)))
    return np.array(rows, dtype=np.float64)


def _prf(table: Table) -> tuple[float, float, float]:
    right, shown, gold = (float(value) for value in table.sum(axis=0))
    return (
        right / shown if shown else 0.0,
        right / gold if gold else 0.0,
        2 * right / (shown + gold) if shown + gold else 0.0,
    )


def _list_figures(note: Judged) -> tuple[float, float, float]:
    return (
        average_precision(note.ranked, note.gold),
        len(note.gold.intersection(note.ranked[:_TOP])) / len(note.gold),
        float(bool(note.ranked) and note.ranked[0] in note.gold),
    )


def _bins(given: Sequence[tuple[float, bool]]) -> list[list[float]]:
    """Sum what was promised, what was right and how many there were, by bin of probability."""
    bins = [[0.0, 0.0, 0.0] for _ in range(_BINS)]
    for probability, right in given:
        cell = bins[min(int(probability * _BINS), _BINS - 1)]
        cell[0] += probability
        cell[1] += right
        cell[2] += 1
    return bins


def _ece(bins: Table) -> float:
    total = bins.sum(axis=0)
    count = float(total[:, 2].sum())
    return float(np.abs(total[:, 0] - total[:, 1]).sum()) / count if count else 0.0


def _chance(judged: Sequence[Judged]) -> float:
    """Return the error that the same probabilities would show if every one were true: what few candidates cost."""
    given = np.array([probability for note in judged for probability, _ in note.given])
    draw = np.random.default_rng(_SEED)
    places = np.minimum((given * _BINS).astype(int), _BINS - 1)
    promised = np.bincount(places, given, _BINS)
    errors = [
        np.abs(promised - np.bincount(places, draw.random(len(given)) < given, _BINS)).sum() / len(given)
        for _ in range(_CHANCES)
    ]
    return float(np.mean(errors))


def _interval(drawn: Table) -> list[float]:
    if not len(drawn):
        return [0.0, 0.0]
    low, high = np.percentile(drawn, (2.5, 97.5))
    return [_round(float(low)), _round(float(high))]


def _round(value: float) -> float:
    return round(value, 4)


def as_rows(sets: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """Return the figures of named sets for people, one row a set."""
    rows: list[tuple[str, ...]] = []
    for name, found in sets.items():
        code, category = found["code"], found["category"]
        rows.append(
            (
                name,
                str(found["notes"]),
                f"{code['p']:.3f}",
                f"{code['r']:.3f}",
                f"{code['f1']:.3f} [{code['ci'][0]:.3f}-{code['ci'][1]:.3f}]",
                f"{category['f1']:.3f} [{category['ci'][0]:.3f}-{category['ci'][1]:.3f}]",
                f"{found['r_at_5']:.3f}",
                f"{found['top_1']:.3f}",
                f"{found['map']:.3f}",
                "-" if found["ece"] is None else f"{found['ece']:.4f}",
                f"{found['notes_per_s']:.0f}",
            )
        )
    return rows
