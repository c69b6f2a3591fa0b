import pytest
from benchmarks.arithmetic import median_with_error
from benchmarks.collector import Way
from benchmarks.commands.tracing import by_figure
from benchmarks.switching import compared_with_neighbours


def test_a_phase_is_compared_with_those_without_spans_on_both_sides() -> None:
    values = [
        (Way.REFUSES, 100.0),
        (Way.TAKES, 45.0),
        (Way.REFUSES, 81.0),
        (Way.TAKES, 81.0),
        (Way.REFUSES, 81.0),
    ]
    assert compared_with_neighbours(values) == [pytest.approx(0.5), pytest.approx(1.0)]


def test_a_median_s_error_shrinks_with_the_number_of_values_and_ignores_who_is_far_off() -> None:
    few = [0.9, 1.0, 1.1, 5.0]
    assert median_with_error(few)[0] == pytest.approx(1.05)
    many, error = median_with_error([0.9, 1.0, 1.1] * 30 + [50.0])
    assert many == 1.0
    assert error < median_with_error(few)[1] / 5
    assert median_with_error([0.3, 0.3]) == (0.3, 0.0)


def test_the_report_has_each_figure_by_share() -> None:
    found = {"1%": {"overhead": 0.01}, "100%": {"overhead": 0.2}}
    assert by_figure(found) == {"overhead": {"1%": 0.01, "100%": 0.2}}
