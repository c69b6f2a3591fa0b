from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardwatch_job.model.artefact import Calibration
from cardwatch_local.training.calibrate import alerts_allowed, calibrate, threshold_for


def _rises(calibration: Calibration) -> bool:
    return all(
        first < second
        for numbers in (calibration.raw, calibration.risk)
        for first, second in pairwise(numbers)
    )


def test_with_labels_a_risk_is_the_share_of_frauds_at_such_a_score() -> None:
    draws = np.random.default_rng(1)
    raw = draws.uniform(0, 1, 40_000)
    bad = draws.uniform(0, 1, 40_000) < raw**2

    calibration = calibrate(raw, bad, (0.0, 1.0))

    assert calibration.source == "labels"
    found = np.interp([0.3, 0.5, 0.8], calibration.raw, calibration.risk)
    assert found == pytest.approx([0.09, 0.25, 0.64], abs=0.05)
    assert _rises(calibration)


def test_without_labels_a_risk_is_the_share_of_lower_scores() -> None:
    calibration = calibrate(np.linspace(-5, 0, 1_001), None, (-9.0, 0.5))

    assert calibration.source == "ranks"
    found = np.interp([-4.0, -2.5, -1.0], calibration.raw, calibration.risk)
    assert found == pytest.approx([0.2, 0.5, 0.8], abs=0.01)
    assert (calibration.raw[0], calibration.raw[-1]) == (-9.0, 0.5)
    assert (calibration.risk[0], calibration.risk[-1]) == (0.0, 1.0)


def test_too_few_frauds_are_no_labels() -> None:
    bad = np.zeros(1_000, bool)
    bad[:3] = True
    assert calibrate(np.linspace(0, 1, 1_000), bad, (0.0, 1.0)).source == "ranks"


@given(
    st.lists(st.tuples(st.floats(-5, 5), st.booleans()), min_size=20, max_size=60),
    st.booleans(),
)
def test_a_calibration_always_rises_within_bounds(
    scored: list[tuple[float, bool]], labelled: bool
) -> None:
    raw = np.array([score for score, _ in scored])
    bad = np.array([mark for _, mark in scored])

    calibration = calibrate(raw, bad if labelled else None, (-5.0, 5.0))

    assert _rises(calibration)
    assert (calibration.risk[0], calibration.risk[-1]) == (0.0, 1.0)


def test_a_model_that_says_the_same_of_everything_gets_a_calibration() -> None:
    assert _rises(calibrate(np.zeros(200), None, (0.0, 0.0)))


@pytest.mark.parametrize("budget", [0.5, 1.0, 10.0, 1e9])
def test_the_threshold_keeps_to_the_budget_and_uses_it(budget: float) -> None:
    risks = np.random.default_rng(2).uniform(0, 1, 5_000)

    allowed = alerts_allowed(cards=500, days=4.0, per_thousand_cards_a_day=budget)

    assert allowed == int(2 * budget)
    threshold = threshold_for(risks, allowed)
    assert int((risks >= threshold).sum()) == min(len(risks), allowed)


@pytest.mark.parametrize(
    ("allowed", "alike", "alerts"),
    [
        (5, 5, 5),  # as many as allowed
        (5, 6, 6),  # one too many to tell apart: all of them
        (5, 50, 50),  # ten times what is allowed
        (5, 51, 0),  # more than that
        (0, 1, 0),  # nothing is allowed
    ],
)
def test_the_highest_that_are_alike_alert_together_but_not_without_end(
    allowed: int, alike: int, alerts: int
) -> None:
    risks = np.concatenate((np.linspace(0, 0.5, 900), np.full(alike, 0.8)))
    assert int((risks >= threshold_for(risks, allowed)).sum()) == alerts


def test_alike_risks_below_the_highest_stay_within_the_budget() -> None:
    risks = np.array([0.9, 0.8, *[0.7] * 20, *[0.1] * 100])
    assert int((risks >= threshold_for(risks, 10)).sum()) == 2


def test_a_model_that_says_the_same_of_everything_raises_no_alert() -> None:
    assert threshold_for(np.full(50, 0.3), 1) > 0.3
