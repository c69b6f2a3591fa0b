"""The two detectors that count in a sliding window: PIN avoidance and many without PIN."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.detectors.past import Past, detector_of
from tests.unit.transactions import make_transaction

from cardwatch_contracts.transaction import Transaction
from cardwatch_job.detectors._window import count_within, remember
from cardwatch_job.detectors.history import MAX_WINDOW_ENTRIES


def _near_limit(*after_s: float, amount_minor: int = 9_500) -> list[Transaction]:
    return [make_transaction(amount_minor=amount_minor, after_s=second) for second in after_s]


def _no_pin(*after_s: float) -> list[Transaction]:
    return [make_transaction(pin_used=False, after_s=second) for second in after_s]


def test_the_third_amount_just_below_the_limit_is_found_with_its_figures() -> None:
    past = Past(detector_of("pin_avoidance"), transactions=_near_limit(0, 200))

    finding = past.score(_near_limit(400)[0])

    assert finding is not None
    assert (finding.observed, finding.threshold, finding.unit) == (3, 3, "transactions")
    assert finding.reason == "3 amounts just below 100.00 EUR within 10 min"
    assert finding.counterfactual == "no finding with fewer than 3"


@pytest.mark.parametrize(
    ("amount_minor", "counts"), [(8_999, False), (9_000, True), (9_999, True), (10_000, False)]
)
def test_just_below_is_from_90_to_under_100(amount_minor: int, counts: bool) -> None:
    past = Past(detector_of("pin_avoidance"), transactions=_near_limit(0, 1))

    assert (past.score(_near_limit(2, amount_minor=amount_minor)[0]) is not None) == counts


def test_other_amounts_in_between_do_not_count() -> None:
    past = Past(detector_of("pin_avoidance"), transactions=_near_limit(0))
    for txn in _near_limit(1, 2, 3, amount_minor=500):
        past.judge(txn)

    assert past.judge(_near_limit(4)[0]) == ()
    assert past.judge(_near_limit(5)[0]) != ()


@pytest.mark.parametrize(("after_s", "found"), [(599.999, True), (600, False)])
def test_the_series_must_lie_within_ten_minutes(after_s: float, found: bool) -> None:
    past = Past(detector_of("pin_avoidance"), transactions=_near_limit(0, 300))

    assert (past.score(_near_limit(after_s)[0]) is not None) == found


def test_the_fifth_transaction_without_pin_is_found_with_its_figures() -> None:
    past = Past(detector_of("many_no_pin"), transactions=_no_pin(0, 100, 200, 300))

    finding = past.score(_no_pin(400)[0])

    assert finding is not None
    assert (finding.observed, finding.threshold, finding.unit) == (5, 5, "transactions")
    assert finding.reason == "5 transactions without PIN within 10 min"
    assert finding.counterfactual == "no finding with fewer than 5"


def test_transactions_with_pin_do_not_count() -> None:
    past = Past(detector_of("many_no_pin"), transactions=_no_pin(0, 1, 2, 3))

    assert past.judge(make_transaction(pin_used=True, after_s=4)) == ()
    assert past.judge(_no_pin(5)[0]) != ()


@pytest.mark.parametrize(("after_s", "found"), [(599.999, True), (600, False)])
def test_the_five_must_lie_within_ten_minutes(after_s: float, found: bool) -> None:
    past = Past(detector_of("many_no_pin"), transactions=_no_pin(0, 1, 2, 3))

    assert (past.score(_no_pin(after_s)[0]) is not None) == found


@pytest.mark.parametrize("name", ["pin_avoidance", "many_no_pin"])
def test_each_card_is_counted_by_itself(name: str) -> None:
    past = Past(detector_of(name))

    for place in range(10):
        txn = make_transaction(
            amount_minor=9_500, pin_used=False, card_id=f"card-{place}", after_s=place
        )
        assert past.judge(txn) == ()


def test_a_late_transaction_is_counted_with_those_before_it_only() -> None:
    past = Past(detector_of("many_no_pin"), transactions=_no_pin(0, 100, 200, 300))

    # At 150 s there were those of 0 s and 100 s, so this is the third.
    assert past.judge(_no_pin(150)[0]) == ()
    # At 400 s there are five before it.
    (finding,) = past.judge(_no_pin(400)[0])
    assert finding.observed == 6


@given(
    st.lists(st.integers(0, 100_000), min_size=1, max_size=200),
    st.floats(0.001, 100),
)
def test_a_window_counts_what_lies_in_it_and_nothing_older(
    moments_ms: list[int], window_s: float
) -> None:
    times: tuple[int, ...] = ()
    earlier: list[int] = []

    for now_ms in sorted(moments_ms):
        inside = [time for time in earlier if now_ms - int(window_s * 1000) < time <= now_ms]
        assert count_within(times, now_ms, window_s) == min(len(inside), MAX_WINDOW_ENTRIES)
        times = remember(times, now_ms, window_s)
        earlier.append(now_ms)


@given(st.lists(st.integers(0, 100_000), max_size=200), st.floats(0.001, 100))
def test_a_window_stays_sorted_and_bounded_whatever_the_order(
    moments_ms: list[int], window_s: float
) -> None:
    times: tuple[int, ...] = ()

    for place, now_ms in enumerate(moments_ms):
        oldest_ms = now_ms - int(window_s * 1000)
        inside = sum(oldest_ms < time <= now_ms for time in moments_ms[:place])
        assert count_within(times, now_ms, window_s) <= inside
        times = remember(times, now_ms, window_s)
        assert len(times) <= MAX_WINDOW_ENTRIES
        assert all(earlier <= later for earlier, later in pairwise(times))


@given(st.integers(1, MAX_WINDOW_ENTRIES))
def test_the_largest_count_that_can_be_asked_for_is_reached(min_transactions: int) -> None:
    past = Past(detector_of("many_no_pin", min_transactions=min_transactions))

    found = [past.judge(txn) != () for txn in _no_pin(*range(MAX_WINDOW_ENTRIES + 5))]

    assert found.index(True) == min_transactions - 1
    assert all(found[min_transactions - 1 :])
