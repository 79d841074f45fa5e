"""A forest as plain numbers: grown elsewhere, evaluated here for all candidates of a note at once."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

_SCOUTS = 12
_HOPELESS = 0.02
_STEPS = 3


@dataclass(frozen=True, slots=True)
class Tree:
    """One tree as parallel lists; `feature` is -1 at a leaf, whose `value` is a share of right candidates.

    Left is "at most the threshold"; the left child follows its parent, so only the right one is named.
    """

    feature: tuple[int, ...]
    threshold: tuple[float, ...]
    right: tuple[int, ...]
    value: tuple[float, ...]


class _Nodes:
    """All nodes of a forest in a row, for walking down all trees with all rows at once.

    A leaf leads to itself, so that a few steps may be taken before the rows that have arrived are set aside.
    """

    def __init__(self, trees: Sequence[Tree]) -> None:
        starts: list[int] = []
        feature: list[int] = []
        threshold: list[float] = []
        children: list[int] = []  # of every node the right child, then the left one
        value: list[float] = []
        for tree in trees:
            start = len(feature)
            starts.append(start)
            for at, (right, tested) in enumerate(zip(tree.right, tree.feature, strict=True)):
                children += (start + right, start + at + 1) if tested >= 0 else (start + at, start + at)
            feature += tree.feature
            threshold += tree.threshold
            value += tree.value
        self.starts = np.array(starts, dtype=np.intp)
        self.feature = np.maximum(np.array(feature, dtype=np.intp), 0)
        self.inner = np.array(feature, dtype=np.intp) >= 0
        self.threshold = np.array(threshold, dtype=np.float64)
        self.children = np.array(children, dtype=np.intp)
        self.value = np.array(value, dtype=np.float64)

    def means(self, rows: Sequence[Sequence[float]]) -> list[float]:
        table: NDArray[np.float64] = np.asarray(rows, dtype=np.float64)
        count, width = table.shape
        cells = table.ravel()
        node = np.repeat(self.starts, count)
        first = np.tile(np.arange(count, dtype=np.intp) * width, len(self.starts))
        reached = node.copy()
        walking = np.arange(len(node))
        while len(walking):
            for _ in range(_STEPS):
                left = cells.take(first + self.feature.take(node)) <= self.threshold.take(node)
                node = self.children.take(2 * node + left)
            reached[walking] = node
            on = np.flatnonzero(self.inner.take(node))
            node, first, walking = node.take(on), first.take(on), walking.take(on)
        # one tree after the other, so that the sum is the same on every machine
        by_tree = self.value.take(reached).reshape(len(self.starts), count)
        return [float(total) / len(self.starts) for total in np.add.accumulate(by_tree)[-1]]


@dataclass(frozen=True)
class Forest:
    """The mean of the trees' shares."""

    trees: tuple[Tree, ...]

    @cached_property
    def _nodes(self) -> tuple[_Nodes, _Nodes | None]:
        rest = self.trees[_SCOUTS:]
        return _Nodes(self.trees[:_SCOUTS]), _Nodes(rest) if rest else None

    def probabilities(self, rows: Sequence[Sequence[float]]) -> list[float]:
        """Return the probability of each row before calibration.

        A row that the first trees find hopeless stays with their word: most candidates are of this kind.
        """
        if not rows:
            return []
        scouts, rest = self._nodes
        found = scouts.means(rows)
        open_rows = [at for at, mean in enumerate(found) if mean >= _HOPELESS] if rest else []
        if rest and open_rows:
            for at, mean in zip(open_rows, rest.means([rows[at] for at in open_rows]), strict=True):
                found[at] += (mean - found[at]) * (1 - _SCOUTS / len(self.trees))
        return found

    def dump(self) -> list[list[Sequence[float]]]:
        """Return a plain form."""
        return [[tree.feature, tree.threshold, tree.right, tree.value] for tree in self.trees]

    @classmethod
    def load(cls, body: Sequence[Sequence[Sequence[float]]]) -> "Forest":
        """Read what `dump` gave."""
        return cls(
            tuple(
                Tree(tuple(map(int, feature)), tuple(threshold), tuple(map(int, right)), tuple(value))
                for feature, threshold, right, value in body
            )
        )


@dataclass(frozen=True, slots=True)
class Calibration:
    """A rising curve from the forest's probability to the observed one, linear between its points."""

    given: tuple[float, ...]
    observed: tuple[float, ...]

    def __call__(self, probability: float) -> float:
        """Return the calibrated probability."""
        given, observed = self.given, self.observed
        at = bisect_right(given, probability)
        if at == 0:
            return observed[0]
        if at == len(given):
            return observed[-1]
        low, high = given[at - 1], given[at]
        share = (probability - low) / (high - low) if high > low else 0.0
        return observed[at - 1] + share * (observed[at] - observed[at - 1])

    def dump(self) -> Mapping[str, Any]:
        """Return a plain form."""
        return {"given": self.given, "observed": self.observed}

    @classmethod
    def load(cls, body: Mapping[str, Any]) -> "Calibration":
        """Read what `dump` gave."""
        return cls(tuple(body["given"]), tuple(body["observed"]))
