"""What Prometheus reads, by its own conventions: https://prometheus.io/docs/practices/naming/."""

import re

import pytest

from cardwatch_contracts import telemetry as t
from cardwatch_job.judge import COUNTERS

_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


@pytest.mark.parametrize("metric", t.METRICS, ids=lambda metric: metric.name)
def test_a_metric_is_named_as_is_the_custom(metric: t.Metric) -> None:
    assert _NAME.fullmatch(metric.name)
    assert "cardwatch" in metric.name
    assert metric.name.endswith("_total") == (metric.kind == "counter")
    assert metric.name.endswith("_seconds") == (metric.unit == "s")
    assert metric.description.endswith(".")
    assert all(_NAME.fullmatch(label) for label in metric.labels)


def test_no_name_is_declared_twice() -> None:
    names = [metric.name for metric in t.METRICS]
    assert len(names) == len(set(names))
    assert len(t.FLINK_METRICS) == len(set(t.FLINK_METRICS))


def test_all_that_the_job_counts_is_declared() -> None:
    counted = set()
    for counter in COUNTERS:
        name, _, label = counter.partition(";")
        counted.add(t.FLINK_SCOPE + (f"{label.partition('=')[0]}_{name}" if label else name))
    others = {t.CONFIG_IN_FORCE.name, t.LATE_SUMS.name}
    assert counted | others == {metric.name for metric in t.JOB_METRICS}
