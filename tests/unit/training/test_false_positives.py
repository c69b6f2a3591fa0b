import numpy as np
import pytest

from cardwatch_local.training.false_positives import Point, Stretch, point_of, points_at

_STRETCH = Stretch(
    fraudulent=np.array([True, False, True, False, False, True, False, True]), cards=100, days=2.0
)


def test_the_least_alerts_that_find_a_share_are_counted_by_hand() -> None:
    scores = np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.0])
    quarter, half, three, all_ = points_at(_STRETCH, scores, (0.25, 0.5, 0.75, 1.0))

    assert quarter == Point(
        recall=0.25, false_positives_a_day=0.0, alerts_per_thousand_cards_a_day=5.0
    )
    # 3 alerts in 2 days, of which 1 is false, among 100 cards.
    assert half == Point(
        recall=0.5, false_positives_a_day=0.5, alerts_per_thousand_cards_a_day=15.0
    )
    assert three is not None
    assert three.false_positives_a_day == 1.5
    assert all_ is None  # its score is 0: it never alerts


def test_payments_that_score_alike_alert_together() -> None:
    (point,) = points_at(_STRETCH, np.array([1, 1, 1, 1, 0, 0, 0, 0], float), (0.25,))
    assert point == Point(
        recall=0.5, false_positives_a_day=1.0, alerts_per_thousand_cards_a_day=20.0
    )


def test_rules_are_one_point() -> None:
    alerts = np.array([True, True, False, False, False, False, False, False])
    assert point_of(_STRETCH, alerts) == Point(
        recall=0.25, false_positives_a_day=0.5, alerts_per_thousand_cards_a_day=10.0
    )


def test_without_frauds_or_with_an_impossible_share_there_is_no_curve() -> None:
    none = Stretch(fraudulent=np.zeros(2, bool), cards=1, days=1.0)
    with pytest.raises(ValueError, match="no fraud"):
        points_at(none, np.ones(2))
    with pytest.raises(ValueError, match="over 0"):
        points_at(_STRETCH, np.ones(8), (0.0,))
