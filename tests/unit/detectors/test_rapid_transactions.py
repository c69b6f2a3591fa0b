import pytest
from tests.unit.detectors.past import Past, detector_of
from tests.unit.transactions import make_transaction


def _past(**settings: float) -> Past:
    detector = detector_of("rapid_transactions", **settings)
    return Past(detector, transactions=[make_transaction()])


def test_three_seconds_after_the_previous_one_are_found_with_their_figures() -> None:
    finding = _past().score(make_transaction(after_s=3))

    assert finding is not None
    assert (finding.observed, finding.threshold, finding.unit) == (3.0, 10.0, "s")
    assert finding.reason == "3 s after the card's previous transaction"
    assert finding.counterfactual == "no finding from 10 s after it"


@pytest.mark.parametrize(
    ("after_s", "found"), [(0, True), (9.999, True), (10, False), (-0.001, False)]
)
def test_the_edge_is_at_ten_seconds(after_s: float, found: bool) -> None:
    assert (_past().score(make_transaction(after_s=after_s)) is not None) == found


def test_the_gap_is_counted_from_the_latest_transaction_even_after_a_late_one() -> None:
    past = _past()
    past.judge(make_transaction(after_s=-100))

    assert past.score(make_transaction(after_s=9)) is not None
    assert past.score(make_transaction(after_s=-95)) is None


def test_another_card_of_the_user_may_pay_at_once() -> None:
    assert _past().score(make_transaction(card_id="card-2", after_s=1)) is None


def test_the_shortest_gap_can_be_set() -> None:
    past = _past(min_gap_s=2.5)

    assert past.score(make_transaction(after_s=2.499)) is not None
    assert past.score(make_transaction(after_s=2.5)) is None
