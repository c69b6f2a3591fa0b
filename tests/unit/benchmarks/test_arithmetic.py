import pytest
from benchmarks.arithmetic import Sample, at, figures, quantile, slowest_slice
from benchmarks.errors import BenchError


def _sample(
    at_s: float, offsets: dict[int, int], *, cpu_s: float = 0.0, rss_mb: float = 1.0
) -> Sample:
    return Sample(at_s, offsets, cpu_s, cpu_s / 4, rss_mb, at_s / 10)


def test_a_rate_does_not_depend_on_where_in_the_rhythm_of_commits_the_window_lies() -> None:
    # 100 a second in one partition, committed every 5 s; looked at every second.
    samples = [_sample(second, {0: second // 5 * 500}) for second in range(31)]

    rates = [figures(samples, start, start + 12).tx_per_s for start in (5, 6.5, 9)]

    assert rates == pytest.approx([100, 100, 100])


def test_partitions_that_commit_at_different_times_are_each_taken_in_their_own_rhythm() -> None:
    samples = [
        _sample(second, {0: second // 5 * 500, 1: (second + 2) // 5 * 500}) for second in range(31)
    ]

    assert figures(samples, 10, 20).tx_per_s == pytest.approx(200)


def test_cpu_is_that_of_the_window_and_memory_that_of_the_whole_run() -> None:
    samples = [
        _sample(0, {0: 0}, cpu_s=3, rss_mb=900),
        _sample(10, {0: 1_000}, cpu_s=4, rss_mb=500),
        _sample(20, {0: 2_000}, cpu_s=5, rss_mb=600),
    ]

    result = figures(samples, 10, 20)

    assert result.cpu_us_per_tx == pytest.approx(1_000)
    assert result.broker_cpu_us_per_tx == pytest.approx(250)
    assert result.peak_rss_mb == 900
    assert result.stolen_share == pytest.approx(0.1)


def test_a_window_without_a_commit_has_no_figures() -> None:
    with pytest.raises(BenchError, match="nothing was committed in the window of 5 s"):
        figures([_sample(0, {0: 7}), _sample(9, {0: 7})], 2, 7)


def test_a_slow_slice_is_not_hidden_by_the_average() -> None:
    samples = [
        _sample(0, {0: 0}),
        _sample(10, {0: 1_000}),
        _sample(20, {0: 1_200}),
        _sample(30, {0: 2_200}),
    ]

    assert figures(samples, 0, 30).tx_per_s == pytest.approx(2_200 / 30)
    assert slowest_slice(samples, 0, 30, 10) == pytest.approx(20)


@pytest.mark.parametrize(("at_s", "value"), [(-1, 4), (0, 4), (5, 7), (10, 10), (99, 10)])
def test_a_curve_is_straight_between_its_points_and_level_outside(
    at_s: float, value: float
) -> None:
    assert at([(0, 4), (10, 10)], at_s) == value


@pytest.mark.parametrize(
    ("share", "value"), [(0.0, 1), (0.5, 5), (0.51, 6), (0.9, 9), (0.99, 10), (1.0, 10)]
)
def test_a_quantile_is_a_value_that_occurred(share: float, value: float) -> None:
    assert quantile(list(range(1, 11)), share) == value
