from hypothesis import given
from hypothesis import strategies as st

from cardwatch_local.demo.latency import Latencies, Percentiles, Rate


def of(*values: float) -> Latencies:
    latencies = Latencies()
    for value in values:
        latencies.add(value)
    return latencies


def test_without_a_latency_there_is_no_percentile() -> None:
    assert of().percentiles == Percentiles(p50=None, p99=None)


def test_percentiles_are_nearest_ranks() -> None:
    latencies = of(*range(1, 101))
    assert (latencies.percentile(0.5), latencies.percentile(0.99)) == (50.0, 99.0)
    assert of(10, 20).percentiles == Percentiles(p50=10.0, p99=20.0)
    assert of(7).percentiles == Percentiles(p50=7.0, p99=7.0)


def test_a_clock_that_is_behind_does_not_make_a_latency_negative() -> None:
    assert of(-3.2).percentile(0.5) == 0.0


@given(st.lists(st.integers(0, 5000), min_size=1), st.sampled_from([0.5, 0.9, 0.99]))
def test_a_percentile_is_the_smallest_value_that_enough_others_do_not_exceed(
    values: list[int], share: float
) -> None:
    found = of(*values).percentile(share)
    enough = [v for v in values if sum(w <= v for w in values) >= share * len(values)]
    assert found == min(enough)


def test_a_rate_is_the_growth_within_its_window() -> None:
    rate = Rate(window_s=5)
    for second in range(11):
        rate.sample(second, 0 if second < 5 else (second - 5) * 20)
    assert rate.per_s == 20.0


def test_a_rate_is_zero_before_it_can_be_known() -> None:
    rate = Rate()
    assert rate.per_s == 0.0
    rate.sample(1.0, 10)
    assert rate.per_s == 0.0
    rate.sample(1.0, 20)
    assert rate.per_s == 0.0
