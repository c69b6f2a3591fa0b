import pytest
from benchmarks.collector import Way
from benchmarks.commands.tracing import compared_with_neighbours


def test_a_phase_is_compared_with_those_without_spans_on_both_sides() -> None:
    values = [
        (Way.TAKES, 1.0),  # nothing before it
        (Way.REFUSES, 100.0),
        (Way.TAKES, 45.0),
        (Way.GONE, 60.0),
        (Way.REFUSES, 80.0),
        (Way.TAKES, 2.0),  # nothing behind it
    ]
    assert compared_with_neighbours(values, Way.TAKES) == [pytest.approx(0.5)]
    assert compared_with_neighbours(values, Way.GONE) == [pytest.approx(60 / 90)]
