"""A forest as plain numbers: grown elsewhere, evaluated here for all candidates of a note at once."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray


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
    """All nodes of a forest in a row. A leaf is its own child on both sides, so that a walk may go on over it."""

    def __init__(self, trees: Sequence[Tree]) -> None:
        starts: list[int] = []
        feature: list[int] = []
        threshold: list[float] = []
        children: list[int] = []  # of every node the right child, then the left one
        value: list[float] = []
        self.depth = 0
        for tree in trees:
            start = len(feature)
            starts.append(start)
            depths = [0] * len(tree.feature)
            for at, column in enumerate(tree.feature):
                if column < 0:
                    children += (start + at, start + at)
                else:
                    children += (start + tree.right[at], start + at + 1)
                    depths[at + 1] = depths[tree.right[at]] = depths[at] + 1
            feature += (max(column, 0) for column in tree.feature)
            threshold += tree.threshold
            value += tree.value
            self.depth = max(self.depth, *depths)
        self.starts = np.array(starts, dtype=np.intp)[:, None]
        self.feature = np.array(feature, dtype=np.intp)
        self.threshold = np.array(threshold, dtype=np.float64)
        self.children = np.array(children, dtype=np.intp)
        self.value = np.array(value, dtype=np.float64)

    def means(self, rows: Sequence[Sequence[float]]) -> list[float]:
        table: NDArray[np.float64] = np.asarray(rows, dtype=np.float64)
        cells, firsts = table.ravel(), np.arange(len(table)) * table.shape[1]
        node = np.repeat(self.starts, len(table), axis=1)
        for _ in range(self.depth):
            left = cells[firsts + self.feature[node]] <= self.threshold[node]
            node = self.children[2 * node + left]
        # one tree after the other, so that the sum is the same on every machine
        return [float(total) / len(self.starts) for total in np.add.accumulate(self.value[node])[-1]]


@dataclass(frozen=True)
class Forest:
    """The mean of the trees' shares."""

    trees: tuple[Tree, ...]

    @cached_property
    def _nodes(self) -> _Nodes:
        return _Nodes(self.trees)

    def probabilities(self, rows: Sequence[Sequence[float]]) -> list[float]:
        """Return the probability of each row before calibration."""
        return self._nodes.means(rows) if rows else []

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
