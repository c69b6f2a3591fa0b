from array import array
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.model.made import two_trees

from cardwatch_job.model.packed_trees import pack_trees, unpack_trees
from cardwatch_job.model.trees import BrokenTreesError, TreeArrays, Trees

_FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)


def _trees() -> Trees:
    return Trees(two_trees(), features=2, base=-0.5)


@pytest.mark.parametrize(
    ("row", "raw"),
    [
        ((100.0, 0.0), -1.5),  # -1 + 0 - 0.5: a threshold itself goes left
        ((100.5, 0.0), 0.5),  # 1 + 0 - 0.5
        ((100.5, 1.0), 4.5),  # 3 + 2 - 0.5
        ((0.0, 1.0), 0.5),  # -1 + 2 - 0.5
    ],
)
def test_leaves_are_added_up(row: tuple[float, float], raw: float) -> None:
    assert list(_trees().score_all(array("f", row))) == [raw]


def test_rows_are_scored_each_by_itself() -> None:
    rows = array("f", [100.5, 1.0, 0.0, 1.0, 100.0, 0.0])
    assert list(_trees().score_all(rows)) == [4.5, 0.5, -1.5]
    assert list(_trees().score_all(array("f"))) == []


def test_contributions_are_the_steps_of_the_paths() -> None:
    mean, changes = _trees().explain(array("f", [100.5, 1.0]))

    # Tree 1: 0.5 -> 2 by the amount, 2 -> 3 by the frauds. Tree 2: 1 -> 2 by the frauds.
    assert mean == -0.5 + 0.5 + 1.0
    assert changes == [1.5, 2.0]


@given(_FLOATS, _FLOATS)
def test_contributions_and_the_mean_add_up_to_the_score(first: float, second: float) -> None:
    row = array("f", [first, second])
    mean, changes = _trees().explain(row)
    assert mean + sum(changes) == pytest.approx(_trees().score_all(row)[0], abs=1e-12)


@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), float("-inf")])
def test_what_is_no_number_is_refused(wrong: float) -> None:
    for ask in (_trees().score_all, _trees().explain):
        with pytest.raises(ValueError, match="no finite number"):
            ask(array("f", [1.0, wrong]))


def test_rows_of_another_length_are_refused() -> None:
    with pytest.raises(ValueError, match="no rows of 2 features"):
        _trees().score_all(array("f", [1.0, 2.0, 3.0]))
    with pytest.raises(ValueError, match="one row has 2"):
        _trees().explain(array("f", [1.0, 2.0, 3.0, 4.0]))


def test_bounds_are_the_sums_of_extreme_leaves() -> None:
    assert two_trees().bounds == (-1.0, 5.0)


def test_packed_trees_come_back_as_they_were() -> None:
    assert unpack_trees(pack_trees(two_trees())) == two_trees()


@pytest.mark.parametrize("text", ["", "!", "AAAA", pack_trees(two_trees())[:-8]])
def test_what_is_no_packed_tree_is_refused(text: str) -> None:
    with pytest.raises(BrokenTreesError):
        unpack_trees(text)


@pytest.mark.parametrize(
    ("name", "node", "value", "said"),
    [
        ("feature", 0, 2, "feature that there is not"),
        ("feature", 0, -2, "feature that there is not"),
        ("left", 0, 0, "children outside"),
        ("left", 2, 1, "children outside"),
        ("left", 5, 7, "children outside"),
        ("threshold", 2, float("nan"), "threshold"),
        ("value", 4, float("inf"), "value"),
        ("roots", 1, 8, "begins outside"),
    ],
)
def test_a_path_that_does_not_end_is_refused(name: str, node: int, value: Any, said: str) -> None:
    arrays = two_trees()
    getattr(arrays, name)[node] = value
    with pytest.raises(BrokenTreesError, match=said):
        arrays.check(2)


def test_arrays_of_other_lengths_are_refused() -> None:
    arrays = two_trees()
    arrays.left.pop()
    with pytest.raises(BrokenTreesError, match="differ in length"):
        arrays.check(2)
    empty = TreeArrays(
        roots=array("i"),
        feature=array("h"),
        left=array("i"),
        threshold=array("d"),
        value=array("d"),
    )
    with pytest.raises(BrokenTreesError, match="no tree"):
        empty.check(2)
