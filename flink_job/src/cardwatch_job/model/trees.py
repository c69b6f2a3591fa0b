"""Many decision trees whose leaves are added up: forests and boosted trees alike.

A node is inner or a leaf. A row goes to the left child where its feature is at most the node's
threshold, else to the right one, which stands behind the left. The sum of the leaves reached, and
`base`, is the raw score: the higher, the more suspicious.

What drove a score is read off the paths: each step changes the mean score of the rows that got
so far, and the change belongs to the feature that was asked (Saabas 2014). The changes and `bias`,
the mean of all, add up to the raw score. `cardwatch_job.model.flat_trees` does the same in machine
code, to the same bits.
"""

import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

LEAF: Final = -1
"""What stands for the feature in a leaf."""


class BrokenTreesError(ValueError):
    """Arrays that make no trees; the message says what is wrong and where."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeArrays:
    """All trees' nodes behind one another, one number of each array a node."""

    roots: "array[int]"
    """Where each tree begins ('i')."""
    feature: "array[int]"
    """Which feature is asked; `LEAF` in a leaf ('h')."""
    left: "array[int]"
    """Where the left child is; the right one is behind it ('i')."""
    threshold: "array[float]"
    """The largest value that goes left ('d')."""
    value: "array[float]"
    """Leaf: what it adds. Inner node: the mean of what the rows through it got ('d')."""

    def check(self, features: int) -> None:
        """Check that every path ends, inside its arrays.

        Raises:
            BrokenTreesError: one does not, or a number is no number.
        """
        nodes = len(self.feature)
        lengths = {len(self.left), len(self.threshold), len(self.value), nodes}
        if len(lengths) != 1 or not self.roots:
            raise BrokenTreesError("the trees' arrays differ in length, or there is no tree")
        if not all(0 <= root < nodes for root in self.roots):
            raise BrokenTreesError("a tree begins outside of the nodes")
        if not all(map(math.isfinite, self.value)):
            raise BrokenTreesError("a node's value is no finite number")
        for node in range(nodes):
            if self.feature[node] == LEAF:
                continue
            if not 0 <= self.feature[node] < features:
                raise BrokenTreesError(f"node {node} asks for a feature that there is not")
            # Children lie behind their parents, so that no path comes back.
            if not node < self.left[node] < nodes - 1:
                raise BrokenTreesError(f"node {node} has children outside of the nodes")
            if not math.isfinite(self.threshold[node]):
                raise BrokenTreesError(f"node {node} has a threshold that is no finite number")

    @property
    def bounds(self) -> tuple[float, float]:
        """The smallest and largest sum of leaves that any row could get."""
        ends = [*self.roots[1:], len(self.feature)]
        lowest = highest = 0.0
        for begin, end in zip(self.roots, ends, strict=True):
            leaves = [self.value[node] for node in range(begin, end) if self.feature[node] == LEAF]
            lowest += min(leaves)
            highest += max(leaves)
        return lowest, highest


class Trees:
    """Scores rows by trees, interpreted."""

    def __init__(self, arrays: TreeArrays, *, features: int, base: float = 0.0) -> None:
        """Take checked arrays, how many features a row has, and what every score begins with."""
        self._arrays = arrays
        self.features = features
        self.base = base

    def score_all(self, rows: "array[float]") -> "array[float]":
        """Return the raw scores of rows that stand behind one another."""
        self._check(rows)
        scores = array("d", [self.base]) * (len(rows) // self.features)
        for root in self._arrays.roots:
            for number in range(len(scores)):
                scores[number] += self._arrays.value[self._leaf(rows, number, root)]
        return scores

    def explain(self, row: "array[float]") -> tuple[float, list[float]]:
        """Return what all rows get on average, and by how much each feature changed it."""
        self._check(row)
        if len(row) != self.features:
            raise ValueError(f"one row has {self.features} features, not {len(row)}")
        arrays = self._arrays
        bias, changes = self.base, [0.0] * self.features
        for root in arrays.roots:
            bias += arrays.value[root]
            node = root
            while arrays.feature[node] != LEAF:
                child = self._child(row, 0, node)
                changes[arrays.feature[node]] += arrays.value[child] - arrays.value[node]
                node = child
        return bias, changes

    def _check(self, rows: Sequence[float]) -> None:
        if len(rows) % self.features:
            raise ValueError(f"{len(rows)} numbers are no rows of {self.features} features")
        if not all(map(math.isfinite, rows)):
            raise ValueError("a feature is no finite number")

    def _leaf(self, rows: Sequence[float], number: int, root: int) -> int:
        node = root
        while self._arrays.feature[node] != LEAF:
            node = self._child(rows, number * self.features, node)
        return node

    def _child(self, rows: Sequence[float], begin: int, node: int) -> int:
        arrays = self._arrays
        goes_right = rows[begin + arrays.feature[node]] > arrays.threshold[node]
        return arrays.left[node] + goes_right
