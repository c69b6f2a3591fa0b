"""A model that only looks on: it has the job say of every payment what feedback has to know."""

from array import array
from typing import Final

from cardwatch_job.model.artefact import Artefact, Calibration, Scale, Training, seal
from cardwatch_job.model.features import FEATURES
from cardwatch_job.model.lessons import HIGH_DEVIATIONS
from cardwatch_job.model.packed_trees import pack_trees
from cardwatch_job.model.trees import LEAF, TreeArrays

_LOOKS_AT: Final = "amount_deviations"


def onlooker() -> Artefact:
    """Return a model that nothing was learned for: one question about the amount.

    It judges until there are trained ones. Their own features do not depend on it.
    """
    assert _LOOKS_AT in FEATURES, "the job works it out"
    tree = TreeArrays(
        roots=array("i", [0]),
        feature=array("h", [0, LEAF, LEAF]),
        left=array("i", [1, 0, 0]),
        threshold=array("d", [HIGH_DEVIATIONS, 0.0, 0.0]),
        value=array("d", [0.0, -1.0, 1.0]),
    )
    return seal(
        Artefact(
            name="onlooker",
            kind="boostedTrees",
            features=(_LOOKS_AT,),
            scales=(Scale(mean=0.0, deviation=1.0),),
            base=0.0,
            trees=pack_trees(tree),
            calibration=Calibration(source="ranks", raw=(-2.0, 2.0), risk=(0.0, 1.0)),
            threshold=0.0,
            training=Training(
                begins_ms=0, ends_ms=1, known_until_ms=1, transactions=1, frauds=0, users=1, seed=0
            ),
        )
    )
