from collections.abc import Callable

import numpy as np
import pytest

from cardwatch_local.training.measures import auc_roc, average_precision, card_precision


def _bad(*marks: int) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    return np.array(marks, bool)


def test_auc_is_the_share_of_pairs_in_the_right_order() -> None:
    # Frauds 0.9 and 0.4 against genuine 0.8, 0.4, 0.1: 3 + (1 + half a tie) of 6 pairs.
    scores = np.array([0.9, 0.8, 0.4, 0.4, 0.1])
    assert auc_roc(_bad(1, 0, 1, 0, 0), scores) == pytest.approx(4.5 / 6)


def test_average_precision_weighs_precision_by_the_recall_it_adds() -> None:
    # By score: fraud, genuine, fraud: 1/2 * 1/1 + 1/2 * 2/3.
    assert average_precision(_bad(1, 0, 1), np.array([3.0, 2.0, 1.0])) == pytest.approx(5 / 6)
    # Of three that tie one is a fraud: one step of precision 1/3.
    assert average_precision(_bad(0, 1, 0), np.zeros(3)) == pytest.approx(1 / 3)


@pytest.mark.parametrize("measure", [auc_roc, average_precision])
def test_where_there_is_no_fraud_there_is_no_figure(measure: Callable[..., float]) -> None:
    assert np.isnan(measure(_bad(0, 0), np.array([1.0, 2.0])))


def test_card_precision_counts_cards_and_leaves_out_those_already_found() -> None:
    # Day 1: cards 1 (fraud, twice), 2. Day 2: card 1 again, 3 (fraud), 4.
    days = np.array([1, 1, 1, 2, 2, 2])
    cards = np.array([1, 1, 2, 1, 3, 4])
    bad = _bad(1, 0, 0, 1, 1, 0)
    scores = np.array([0.1, 0.9, 0.5, 0.99, 0.2, 0.3])

    # Day 1: card 1 is first. Day 2: card 1 is out, card 4 comes first.
    assert card_precision(days, cards, bad, scores, top=1) == pytest.approx(0.5)
    assert card_precision(days, cards, bad, scores, top=2) == pytest.approx(0.5)
