"""Models that nothing was learned for: they have the job say what the scorecard has to know."""

from array import array
from typing import Final

from cardwatch_job.model.artefact import Artefact, Calibration, Scale, Training, seal
from cardwatch_job.model.features import FEATURES
from cardwatch_job.model.lessons import HIGH_DEVIATIONS
from cardwatch_job.model.packed_trees import pack_trees
from cardwatch_job.model.trees import LEAF, TreeArrays

NO: Final = 0.25
YES: Final = 0.75
"""The risk that they say, by the answer to their question."""


def onlooker() -> Artefact:
    """Return a model that asks about the amount: feedback has to know by how much it deviates.

    It judges until there are trained ones. Their own features do not depend on it.
    """
    return _asks("onlooker", "amount_deviations", HIGH_DEVIATIONS)


def told_of() -> Artefact:
    """Return a model that asks whether a fraud was reported of the merchant."""
    return _asks("told-of", "merchant_frauds", 0.5)


def _asks(name: str, feature: str, threshold: float) -> Artefact:
    assert feature in FEATURES, "the job works it out"
    tree = TreeArrays(
        roots=array("i", [0]),
        feature=array("h", [0, LEAF, LEAF]),
        left=array("i", [1, 0, 0]),
        threshold=array("d", [threshold, 0.0, 0.0]),
        value=array("d", [0.0, -1.0, 1.0]),
    )
    return seal(
        Artefact(
            name=name,
            kind="boostedTrees",
            features=(feature,),
            scales=(Scale(mean=0.0, deviation=1.0),),
            base=0.0,
            trees=pack_trees(tree),
            calibration=Calibration(source="ranks", raw=(-1.0, 1.0), risk=(NO, YES)),
            threshold=0.0,
            training=Training(
                begins_ms=0, ends_ms=1, known_until_ms=1, transactions=1, frauds=0, users=1, seed=0
            ),
        )
    )
