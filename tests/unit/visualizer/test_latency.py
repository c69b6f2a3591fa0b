import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardwatch_visualizer.live.latency import LatencyWindow


def test_nothing_is_known_before_the_first() -> None:
    assert LatencyWindow(30).percentiles(100, (0.5, 0.99)) == [None, None]


def test_half_are_below_the_median_and_the_slowest_is_in_the_last_hundredth() -> None:
    window = LatencyWindow(30)
    for duration_ms in range(1, 100):
        window.add(duration_ms, 100)
    window.add(5_000, 100)

    half, most, all_of_them = window.percentiles(100, (0.5, 0.99, 1.0))

    assert half == pytest.approx(50, rel=0.11)
    assert most == pytest.approx(99, rel=0.11)
    assert all_of_them == pytest.approx(5_000, rel=0.11)


def test_what_is_too_old_says_nothing_any_more() -> None:
    window = LatencyWindow(10)
    window.add(1_000, 100)

    assert window.percentiles(109, (0.5,)) != [None]
    assert window.percentiles(110, (0.5,)) == [None]


@given(st.lists(st.floats(-10, 1e9), min_size=1, max_size=50), st.floats(0.01, 1.0))
def test_a_percentile_is_never_below_the_truth_by_more_than_rounding(
    durations: list[float], share: float
) -> None:
    window = LatencyWindow(30)
    for duration in durations:
        window.add(duration, 0)

    (found,) = window.percentiles(0, (share,))

    assert found is not None
    below = sum(duration <= found + 0.06 or found > 1e8 for duration in durations)
    assert below >= share * len(durations) - 1e-9
