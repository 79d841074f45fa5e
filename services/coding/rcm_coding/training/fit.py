"""The fit: lessons to a model. Deterministic: sorted rows, fixed seed, one thread; the same input, the same bytes."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from rcm_coding.engine.ranking.features import Candidate
from rcm_coding.engine.ranking.memory import Lesson, PhraseMemory, learn
from rcm_coding.engine.ranking.model import Scorer
from rcm_coding.engine.ranking.trees import Calibration, Forest, Tree
from rcm_coding.engine.ranking.words import Language

FOLDS = 8
OUTER_FOLDS = 8
TREES = 64
_LEAF = 4
_SEED = 0
_MANY_ROWS = 10_000
_GRID = 50
_NEAR_ZERO = 0.002

#: What a memory sees in the n-th note: the candidates for its codes.
Gather = Callable[[int, PhraseMemory | None], list[Candidate]]


@dataclass(frozen=True, slots=True)
class Taught:
    """One note of the training set: what the memory learns from it, and which codes are right."""

    lesson: Lesson
    right: frozenset[str]


@dataclass(frozen=True, slots=True)
class Fitted:
    """A scorer with what the held-out folds said of it."""

    scorer: Scorer
    rows: int
    f1: float


@dataclass(slots=True)
class _Table:
    """Candidates of some notes: what the ranker sees, whether the code was right, whether the record denies it."""

    rows: list[list[float]] = field(default_factory=list)
    right: list[bool] = field(default_factory=list)
    denied: list[bool] = field(default_factory=list)

    def add(self, found: Sequence[Candidate], right: frozenset[str]) -> None:
        self.rows += (candidate.row for candidate in found)
        self.right += (candidate.code in right for candidate in found)
        self.denied += (candidate.denied for candidate in found)


def fit(
    language: Language, notes: Sequence[Taught], gather: Gather, *, with_memory: bool, trees: int = TREES
) -> Fitted:
    """Fit a scorer.

    Every row comes from a memory that has not seen its note. Calibration and thresholds come from notes that neither
    the memory nor the ranker that scored them, nor any memory that the ranker learned from, has seen.
    """
    everyone = range(len(notes))
    table = _learnable(language, notes, gather, everyone, with_memory)
    if len(set(table.right)) < 2:
        raise ValueError(
            "nothing to learn from: no candidate of these notes was ever right, or none ever wrong"
        )
    unseen = _Table()
    given: list[float] = []
    with threadpool_limits(1):
        for fold in range(OUTER_FOLDS):
            inside = [at for at in everyone if at % OUTER_FOLDS != fold]
            learned = _learnable(language, notes, gather, inside, with_memory)
            if len(set(learned.right)) < 2:
                continue
            ranker = _grown(np.asarray(learned.rows), np.asarray(learned.right), trees)
            memory = _memory(language, notes, inside, with_memory)
            out = _Table()
            for at in range(fold, len(notes), OUTER_FOLDS):
                found = gather(at, memory)
                out.add(found, notes[at].right)
                unseen.add(found, notes[at].right)
            if out.rows:
                given += (float(value) for value in ranker.predict_proba(np.asarray(out.rows))[:, 1])
        final = _grown(np.asarray(table.rows), np.asarray(table.right), trees)
    if len(set(unseen.right)) < 2:
        raise ValueError(
            "too few notes: no candidate of the held-out ones was ever right, or none ever wrong"
        )
    right, shown = np.asarray(unseen.right), ~np.asarray(unseen.denied)
    calibration = _calibration(np.asarray(given), right)
    calibrated = np.asarray([calibration(value) for value in given])
    all_right = sum(len(note.right) for note in notes)
    threshold, _ = _threshold(calibrated, right & shown, shown, all_right)
    taught_threshold, f1 = _threshold(calibrated, right, np.ones(len(right), dtype=bool), all_right)
    memory = _memory(language, notes, everyone, with_memory)
    return Fitted(
        Scorer(_plain(final), calibration, threshold, taught_threshold, memory), len(table.rows), f1
    )


def _memory(
    language: Language, notes: Sequence[Taught], chosen: Iterable[int], with_memory: bool
) -> PhraseMemory | None:
    return learn(language, [notes[at].lesson for at in chosen]) if with_memory else None


def _learnable(
    language: Language, notes: Sequence[Taught], gather: Gather, chosen: Sequence[int], with_memory: bool
) -> _Table:
    """Return the candidates of chosen notes, each seen by a memory of the other folds."""
    table = _Table()
    for fold in range(FOLDS if with_memory else 1):
        memory = _memory(
            language, notes, (at for place, at in enumerate(chosen) if place % FOLDS != fold), with_memory
        )
        for at in chosen[fold::FOLDS] if with_memory else chosen:
            table.add(gather(at, memory), notes[at].right)
    return table


def _grown(x: np.ndarray, y: np.ndarray, trees: int) -> ExtraTreesClassifier:
    return ExtraTreesClassifier(
        trees, min_samples_leaf=_LEAF, max_features=0.5, random_state=_SEED, n_jobs=1
    ).fit(x, y)


def _plain(grown: ExtraTreesClassifier) -> Forest:
    """Take the trees out of the library's own form, which stores a left child right after its parent."""
    trees = []
    for estimator in grown.estimators_:
        nodes = estimator.tree_
        leaf = nodes.children_left < 0
        share = nodes.value[:, 0, 1] / nodes.value[:, 0, :].sum(axis=1)
        trees.append(
            Tree(
                tuple(int(v) for v in np.where(leaf, -1, nodes.feature)),
                tuple(
                    0.0 if end else round(float(v), 4) for v, end in zip(nodes.threshold, leaf, strict=True)
                ),
                tuple(0 if end else int(v) for v, end in zip(nodes.children_right, leaf, strict=True)),
                tuple(round(float(v), 4) if end else 0.0 for v, end in zip(share, leaf, strict=True)),
            )
        )
        if not all(
            end or left == at + 1
            for at, (left, end) in enumerate(zip(nodes.children_left, leaf, strict=True))
        ):
            raise RuntimeError("scikit-learn stores its trees in another order than this was written for")
    return Forest(tuple(trees))


def _calibration(given: np.ndarray, right: np.ndarray) -> Calibration:
    """Return a rising curve: free when there are many rows, else half way to one of two numbers."""
    free = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(given, right.astype(float))
    if len(given) >= _MANY_ROWS:
        return _curve(free.X_thresholds_, free.y_thresholds_)
    grid = np.linspace(0.0, 1.0, _GRID + 1)
    smooth = LogisticRegression(C=10.0).fit(_logit(given)[:, None], right)
    return _curve(grid, (free.predict(grid) + smooth.predict_proba(_logit(grid)[:, None])[:, 1]) / 2)


def _curve(given: np.ndarray, observed: np.ndarray) -> Calibration:
    return Calibration(
        tuple(round(float(value), 6) for value in given), tuple(round(float(value), 6) for value in observed)
    )


def _logit(share: np.ndarray) -> np.ndarray:
    inner = np.clip(share, _NEAR_ZERO, 1 - _NEAR_ZERO)
    found: np.ndarray = np.log(inner / (1 - inner))
    return found


def _threshold(
    scores: np.ndarray, right: np.ndarray, showable: np.ndarray, all_right: int
) -> tuple[float, float]:
    """Return the score that gives the best F1 over the held-out notes, and that F1."""
    best = (0.5, 0.0)
    for step in range(10, 80):
        threshold = step / 100
        shown = (scores >= threshold) & showable
        f1 = 2 * float((shown & right).sum()) / max(1.0, float(shown.sum()) + all_right)
        if f1 > best[1]:
            best = (threshold, f1)
    return best


def digest(*parts: bytes) -> str:
    """Return a hash over parts."""
    found = hashlib.sha256()
    for part in parts:
        found.update(len(part).to_bytes(8, "big") + part)
    return found.hexdigest()
