"""A model at work: features in, a risk in [0, 1] and its reasons out. Pure."""

from array import array
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cardwatch_job.model.artefact import Artefact, Calibration
from cardwatch_job.model.features import FEATURES
from cardwatch_job.model.reasons import in_words
from cardwatch_job.model.trees import LEAF, TreeArrays, Trees

try:
    from cardwatch_job.model.flat_trees import FlatTrees
except ImportError:  # not compiled: the same scores, later
    FlatTrees = Trees  # type: ignore[assignment, misc]

MAX_REASONS: Final = 3


def quickest_trees(arrays: TreeArrays, *, features: int, base: float) -> Trees:
    """Return trees that score in machine code where it was compiled.

    Args:
        arrays: the trees.
        features: how many numbers a vector has.
        base: what every raw score begins with.

    Raises:
        BrokenTreesError: they lead nowhere, or ask for a feature that is not there.
    """
    return FlatTrees(arrays, features=features, base=base)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """A feature that made a payment look worse."""

    feature: str
    contribution: float
    """By how much it raised the raw score. Exact: all contributions and the mean add up to it."""
    text: str
    """In words, with the usual value beside."""


class Scorer:
    """Scores by one artefact."""

    def __init__(self, artefact: Artefact) -> None:
        """Take an artefact that `read_artefact` has checked.

        Raises:
            ArtefactError: its trees are broken.
        """
        self.artefact = artefact
        self.trees = quickest_trees(
            _for_all_features(artefact), features=len(FEATURES), base=artefact.base
        )

    def risks(self, vectors: "array[float]") -> list[float]:
        """Return the risk of each vector of `FEATURES`, which stand behind one another.

        Raises:
            ValueError: a feature is no finite number.
        """
        calibration = self.artefact.calibration
        return [risk_of(raw, calibration) for raw in self.trees.score_all(vectors)]

    def raw(self, vectors: "array[float]") -> "array[float]":
        """Return the raw scores of the same."""
        return self.trees.score_all(vectors)

    def contributions(self, vector: "array[float]") -> tuple[float, list[float]]:
        """Return the mean raw score and what each of `FEATURES` adds to it for one payment."""
        return self.trees.explain(vector)

    def reasons(self, vector: "array[float]", currency: str) -> tuple[Reason, ...]:
        """Return what drove a payment's score up, the strongest first; three at most."""
        _, contributions = self.contributions(vector)
        strongest = sorted(range(len(FEATURES)), key=lambda index: -contributions[index])
        seen = dict(zip(FEATURES, vector, strict=True))
        return tuple(
            Reason(
                feature=FEATURES[index],
                contribution=contributions[index],
                text=in_words(FEATURES[index], seen, currency),
            )
            for index in strongest[:MAX_REASONS]
            if contributions[index] > 0
        )


def risk_of(raw: float, calibration: Calibration) -> float:
    """Return the risk of a raw score; scores outside of the calibration get its ends."""
    points: Sequence[float] = calibration.raw
    risks: Sequence[float] = calibration.risk
    if raw <= points[0]:
        return risks[0]
    if raw >= points[-1]:
        return risks[-1]
    right = bisect_right(points, raw)
    left = right - 1
    share = (raw - points[left]) / (points[right] - points[left])
    return risks[left] + share * (risks[right] - risks[left])


def _for_all_features(artefact: Artefact) -> TreeArrays:
    """Return the trees with the numbers that the features have in a whole vector."""
    arrays = artefact.tree_arrays()
    places = [FEATURES.index(name) for name in artefact.features]
    return TreeArrays(
        roots=arrays.roots,
        feature=array("h", [LEAF if own == LEAF else places[own] for own in arrays.feature]),
        left=arrays.left,
        threshold=arrays.threshold,
        value=arrays.value,
    )
