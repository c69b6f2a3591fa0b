"""Fits trees with scikit-learn, and takes them over into the job's own form.

The one module that imports scikit-learn; it comes with the extra `train`.
"""

import math
from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cardwatch_job.model.artefact import Kind
from cardwatch_job.model.trees import LEAF, TreeArrays
from cardwatch_local.errors import StackError

BOOSTED_TREES: Final = 150
_EULER: Final = 0.5772156649015329
FOREST_TREES: Final = 100
_SPLIT_FEATURES: Final = 0.5
"""Share of the features that a split of boosted trees chooses among, drawn by the seed."""
_FOREST_ROWS: Final = 2_048
"""Rows a tree isolates; with the usual 256 of Liu, Ting and Zhou (2008) it finds less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """Trees, and what every raw score begins with."""

    trees: TreeArrays
    base: float


@dataclass(frozen=True, slots=True)
class _Node:
    """One node of a tree of scikit-learn's."""

    feature: int
    threshold: float
    left: int
    right: int
    value: float
    rows: float


def check_available() -> None:
    """Check that scikit-learn is here.

    Raises:
        StackError: it is not; says how it comes.
    """
    if find_spec("sklearn") is None:
        raise StackError(
            "training needs scikit-learn, which is not installed: run "
            "`sh scripts/bootstrap.sh train`, or install the extra `train`"
        )


def fit(
    kind: Kind, features: NDArray[np.float32], fraudulent: NDArray[np.bool_], seed: int
) -> Fitted:
    """Fit a model to rows of features; `fraudulent` is read by boosted trees alone."""
    if kind == "isolationForest":
        return _fit_forest(features, seed)
    return _fit_boosted(features, fraudulent, seed)


def _fit_forest(features: NDArray[np.float32], seed: int) -> Fitted:
    from sklearn.ensemble import IsolationForest  # noqa: PLC0415

    forest = IsolationForest(
        n_estimators=FOREST_TREES, max_samples=min(_FOREST_ROWS, len(features)), random_state=seed
    ).fit(features)
    trees = [_isolating(estimator.tree_) for estimator in forest.estimators_]
    return Fitted(trees=_arrays(trees), base=0.0)


def _isolating(tree: Any) -> list[_Node]:
    """Return the nodes of an isolation tree; a leaf's value rises as its path gets shorter.

    The raw score is minus the mean path length, of which the usual score, 2 to the power of minus
    its share of the expected one, is a rising function.
    """
    depths = np.zeros(tree.node_count)
    for node in range(tree.node_count):  # children lie behind their parents
        if tree.children_left[node] != LEAF:
            depths[tree.children_left[node]] = depths[tree.children_right[node]] = depths[node] + 1
    return [
        _Node(
            feature=int(tree.feature[node]) if tree.children_left[node] != LEAF else LEAF,
            threshold=float(tree.threshold[node]),
            left=int(tree.children_left[node]),
            right=int(tree.children_right[node]),
            value=-(depths[node] + _expected(int(tree.n_node_samples[node]))) / FOREST_TREES,
            rows=float(tree.n_node_samples[node]),
        )
        for node in range(tree.node_count)
    ]


def _expected(rows: int) -> float:
    """Return the mean path length in a tree of so many rows (Liu, Ting and Zhou 2008, eq. 1)."""
    if rows <= 1:
        return 0.0
    if rows == 2:
        return 1.0
    return 2 * (math.log(rows - 1) + _EULER) - 2 * (rows - 1) / rows


def _fit_boosted(features: NDArray[np.float32], fraudulent: NDArray[np.bool_], seed: int) -> Fitted:
    from sklearn.ensemble import HistGradientBoostingClassifier  # noqa: PLC0415
    from threadpoolctl import threadpool_limits  # noqa: PLC0415

    # One thread: sums in one order, so that a seed gives the same model on every machine; and on
    # busy cores it is the quickest, because threads that wait for each other do nothing else.
    with threadpool_limits(limits=1):
        boosted = HistGradientBoostingClassifier(
            max_iter=BOOSTED_TREES,
            learning_rate=0.05,
            max_leaf_nodes=8,
            max_features=_SPLIT_FEATURES,
            min_samples_leaf=min(50, max(1, len(features) // 20)),
            l2_regularization=1.0,
            early_stopping=False,
            random_state=seed,
        ).fit(features, fraudulent)
    trees = [
        [
            _Node(
                feature=LEAF if node["is_leaf"] else int(node["feature_idx"]),
                threshold=float(node["num_threshold"]) if not node["is_leaf"] else 0.0,
                left=int(node["left"]),
                right=int(node["right"]),
                value=float(node["value"]),
                rows=float(node["count"]),
            )
            for node in predictors[0].nodes
        ]
        for predictors in boosted._predictors
    ]
    return Fitted(trees=_arrays(trees), base=float(np.ravel(boosted._baseline_prediction)[0]))


def _arrays(trees: Iterable[list[_Node]]) -> TreeArrays:
    """Lay trees out: children beside each other and behind their parents, level by level."""
    arrays = TreeArrays(
        roots=array("i"),
        feature=array("h"),
        left=array("i"),
        threshold=array("d"),
        value=array("d"),
    )
    for nodes in trees:
        means = _means(nodes)
        first = len(arrays.feature)
        arrays.roots.append(first)
        order = [0]
        for number in order:  # grows while it is read
            node = nodes[number]
            arrays.feature.append(node.feature)
            arrays.value.append(means[number])
            if node.feature == LEAF:
                arrays.left.append(0)
                arrays.threshold.append(0.0)
            else:
                arrays.left.append(first + len(order))
                arrays.threshold.append(node.threshold)
                order += (node.left, node.right)
    return arrays


def _means(nodes: list[_Node]) -> list[float]:
    """Return each node's value; of an inner one the mean of its leaves, weighted by their rows."""
    means = [node.value for node in nodes]
    stack, order = [0], []
    while stack:
        number = stack.pop()
        order.append(number)
        if nodes[number].feature != LEAF:
            stack += (nodes[number].left, nodes[number].right)
    for number in reversed(order):
        node = nodes[number]
        if node.feature != LEAF:
            left, right = nodes[node.left], nodes[node.right]
            both = left.rows + right.rows
            means[number] = (means[node.left] * left.rows + means[node.right] * right.rows) / both
    return means
