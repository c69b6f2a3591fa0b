"""Small models, made by hand, for tests."""

from array import array
from typing import Any

from msgspec.structs import replace

from cardwatch_job.model.artefact import Artefact, Calibration, Scale, Training, seal
from cardwatch_job.model.packed_trees import pack_trees
from cardwatch_job.model.trees import LEAF, TreeArrays

FEATURES = ("amount", "merchant_frauds")


def two_trees() -> TreeArrays:
    """Two trees over (amount, merchant_frauds).

    The first: amount <= 100 ? -1 : (frauds <= 0.5 ? 1 : 3). The second: frauds <= 0.5 ? 0 : 2.
    Inner values are means of leaves with equal weights.
    """
    return TreeArrays(
        roots=array("i", [0, 5]),
        feature=array("h", [0, LEAF, 1, LEAF, LEAF, 1, LEAF, LEAF]),
        left=array("i", [1, 0, 3, 0, 0, 6, 0, 0]),
        threshold=array("d", [100.0, 0.0, 0.5, 0.0, 0.0, 0.5, 0.0, 0.0]),
        value=array("d", [0.5, -1.0, 2.0, 1.0, 3.0, 1.0, 0.0, 2.0]),
    )


def artefact(**changes: Any) -> Artefact:
    """A whole model of these trees, with its hash; `changes` are made before that."""
    plain = Artefact(
        name="made",
        kind="boostedTrees",
        features=FEATURES,
        scales=(Scale(mean=50.0, deviation=20.0), Scale(mean=0.1, deviation=0.3)),
        base=-0.5,
        trees=pack_trees(two_trees()),
        calibration=Calibration(source="labels", raw=(-1.5, 0.5, 4.5), risk=(0.0, 0.2, 1.0)),
        threshold=0.5,
        training=Training(
            begins_ms=0,
            ends_ms=86_400_000,
            known_until_ms=86_400_000,
            transactions=100,
            frauds=5,
            users=10,
            seed=1,
        ),
        metrics={"auc_roc": 0.9},
    )
    return seal(replace(plain, **changes))
