"""How far a model is from its training, against values worked out by hand."""

from dataclasses import replace
from math import log

import msgspec
import pytest
from tests.unit.visualizer.model_samples import a_feature, bins, seen

from cardwatch_visualizer.live.drift import (
    MIN_SCORED,
    FeatureMove,
    drift_of,
    moves_of,
    share_from,
    stability,
    verdict_of,
)


def test_the_index_is_the_sum_over_all_bins() -> None:
    # (0.6 - 0.5) ln(0.6 / 0.5) + (0.4 - 0.5) ln(0.4 / 0.5) = 0.01823 + 0.02231
    assert stability([60, 40], [0.5, 0.5]) == pytest.approx(0.040547, abs=1e-6)
    # (0.2 - 0.5) ln(0.4) + (0.8 - 0.5) ln(1.6)
    assert stability([200, 800], [5, 5]) == pytest.approx(0.415888, abs=1e-6)
    assert stability([3, 7], [30, 70]) == 0


def test_the_index_does_not_know_which_side_is_now() -> None:
    assert stability([1, 9], [4, 6]) == pytest.approx(stability([4, 6], [1, 9]))


def test_a_bin_that_is_empty_counts_as_one_in_ten_thousand() -> None:
    wanted = (0.5 - 1e-4) * log(0.5 / 1e-4) + (0.5 - 1) * log(0.5 / 1)
    assert stability([50, 50], [0, 1]) == pytest.approx(wanted)
    assert stability([0, 100, 0], [0, 7, 0]) == 0, "empty in both is no drift"


@pytest.mark.parametrize(("now", "trained"), [([1], [1, 2]), ([0, 0], [1, 2]), ([1, 2], [0, 0])])
def test_what_cannot_be_compared_is_refused(now: list[float], trained: list[float]) -> None:
    with pytest.raises(ValueError, match=r"bins against|nothing in any bin"):
        stability(now, trained)


@pytest.mark.parametrize(
    ("psi", "verdict"),
    [
        *((None, "unknown"), (0.0, "stable"), (0.0999, "stable")),
        *((0.1, "moderate"), (0.25, "moderate"), (0.2501, "drifted")),
    ],
)
def test_the_index_is_read_as_is_usual(psi: float | None, verdict: str) -> None:
    assert verdict_of(psi) == verdict


def test_a_shift_is_told_in_deviations_of_training() -> None:
    (move,) = moves_of({"amount": a_feature(50, 10, trained_mean=40, trained_deviation=20)})
    assert (move.shift, move.spread) == (0.5, 0.5)
    assert move.size == 1, "half the spread weighs as much as one deviation"
    assert move.has_moved


def test_the_feature_that_moved_most_is_first() -> None:
    moves = moves_of(
        {
            "still": a_feature(41, 20),  # by 0.05
            "wider": a_feature(40, 160),  # eight times the spread: 3
            "higher": a_feature(80, 20),  # by 2
            "stuck": a_feature(40, 0),  # always the same now: a sixteenth of the spread, 4
        }
    )
    assert [each.name for each in moves] == ["stuck", "wider", "higher", "still"]
    assert [each.has_moved for each in moves] == [True, True, True, False]


def test_a_feature_that_was_always_the_same_has_moved_if_it_is_another() -> None:
    same, other = a_feature(7, 0, trained_mean=7, trained_deviation=0), a_feature(8, 0)
    other = msgspec.structs.replace(other, trained_mean=7, trained_deviation=0)
    first, last = moves_of({"same": same, "other": other})
    assert (first.name, first.shift, first.has_moved) == ("other", None, True)
    assert (last.name, last.shift, last.has_moved) == ("same", None, False)


def test_half_a_deviation_is_a_move_and_less_is_none() -> None:
    move = FeatureMove(name="amount", seen=a_feature(), shift=-0.5, spread=1.0)
    assert move.has_moved
    assert not replace(move, shift=-0.49).has_moved
    assert replace(move, shift=0.0, spread=2.0).has_moved
    assert not replace(move, shift=0.0, spread=1.9).has_moved


def test_there_is_no_verdict_on_few_transactions() -> None:
    few = drift_of(seen(scored=MIN_SCORED - 1))
    assert (few.psi, few.verdict, few.moves, few.largest_shift) == (None, "unknown", (), None)
    enough = drift_of(seen(scored=MIN_SCORED))
    assert enough.verdict == "stable"
    assert enough.psi == pytest.approx(0, abs=1e-9)
    assert enough.largest_shift == 0.5


def test_risks_that_moved_up_are_another_population() -> None:
    drift = drift_of(seen(risks=bins(1_000, 1_000)))
    # (0.5 - 0.9) ln(0.5 / 0.9) + (0.5 - 0.05) ln(0.5 / 0.05) + (1e-4 - 0.05) ln(1e-4 / 0.05)
    assert drift.psi == pytest.approx(0.235115 + 1.036163 + 0.310109, abs=1e-5)
    assert drift.verdict == "drifted"


def test_a_model_without_risks_of_training_has_moves_alone() -> None:
    drift = drift_of(seen(trained_risks=()))
    assert (drift.psi, drift.verdict) == (None, "unknown")
    assert [move.name for move in drift.moves] == ["amount"]


def test_the_largest_shift_has_no_sign() -> None:
    features = {"low": a_feature(0, 20), "high": a_feature(60, 20)}  # by -2 and by 1
    assert drift_of(seen(features=features)).largest_shift == 2


def test_a_share_counts_from_a_bins_lower_edge() -> None:
    counts = [1] * 20
    assert share_from(counts, 0.5) == 0.5
    assert share_from(counts, 0.95) == 0.05
    assert share_from([0] * 20, 0.5) == 0
