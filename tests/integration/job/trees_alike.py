"""Holds trees in machine code against interpreted ones, bit by bit: `... SEED`.

Prints how many scores and how many explanations were equal.
"""

import sys
from array import array
from random import Random

from cardwatch_job.model.flat_trees import FlatTrees
from cardwatch_job.model.trees import LEAF, TreeArrays, Trees

_FEATURES, _TREES, _ROWS, _DEEPEST = 7, 40, 500, 9


def drawn_trees(
    draws: Random, *, features: int = _FEATURES, trees: int = _TREES, spread: float = 1.0
) -> TreeArrays:
    """Return trees of random shape; values of inner nodes are of no meaning here.

    `spread`: of the thresholds, around 0.
    """
    arrays = TreeArrays(
        roots=array("i"),
        feature=array("h"),
        left=array("i"),
        threshold=array("d"),
        value=array("d"),
    )
    for _ in range(trees):
        arrays.roots.append(len(arrays.feature))
        level, place = [0], len(arrays.feature)
        count = 1
        while level:
            depth = level.pop(0)
            inner = depth < _DEEPEST and draws.random() < 0.8
            arrays.feature.append(draws.randrange(features) if inner else LEAF)
            arrays.left.append(place + count if inner else 0)
            arrays.threshold.append(draws.choice((draws.gauss(0, spread), 0.0)))
            arrays.value.append(draws.gauss(0, 1))
            if inner:
                level += (depth + 1, depth + 1)
                count += 2
    arrays.check(features)
    return arrays


def main(seed: int) -> None:
    """Compare, and say how much was."""
    draws = Random(seed)
    arrays = drawn_trees(draws)
    flat = FlatTrees(arrays, features=_FEATURES, base=0.25)
    plain = Trees(arrays, features=_FEATURES, base=0.25)
    numbers = [draws.choice((0.0, -0.0, draws.gauss(0, 1))) for _ in range(_FEATURES * _ROWS)]
    rows = array("f", numbers)
    scores = flat.score_all(rows)
    assert scores.tobytes() == plain.score_all(rows).tobytes()
    for begin in range(0, len(rows), _FEATURES):
        row = rows[begin : begin + _FEATURES]
        assert flat.explain(row) == plain.explain(row)
        assert flat.score_all(row)[0] == scores[begin // _FEATURES]
    for wrong in (float("nan"), float("inf")):
        for ask in (flat.score_all, flat.explain):
            try:
                ask(array("f", [wrong] * _FEATURES))
            except ValueError as error:
                assert "no finite number" in str(error)
            else:
                raise AssertionError(f"{wrong} was scored")
    sys.stdout.write(f"{len(scores)} {_ROWS}\n")


if __name__ == "__main__":
    main(int(sys.argv[1]))
