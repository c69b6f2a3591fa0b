"""What a running job serves by Flink's reporter for Prometheus, against what is declared."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from confluent_kafka import Producer
from tests.integration.job.feed import Feed, drain, wait_until
from tests.integration.job.stack import JobStack, running_job
from tests.integration.metrics.scraping import scrape_range, value

from cardwatch_contracts import telemetry as t
from cardwatch_contracts.alert import decode_alert
from cardwatch_contracts.detector_config import (
    ConfigRecord,
    DetectorConfigSpec,
    Detectors,
    VeryHighValueConfig,
)
from cardwatch_contracts.topics import ALERTS, DETECTOR_CONFIGS
from cardwatch_job.detectors import DETECTORS
from cardwatch_local.ports import free_port_range
from cardwatch_local.reading.topic import read_topic, value_of

_TRANSACTIONS = 600
_ON_TRIAL = ConfigRecord(
    name="on-trial",
    generation=3,
    created_at=0,
    spec=DetectorConfigSpec(
        detectors=Detectors(very_high_value=VeryHighValueConfig(mode="Shadow"))
    ),
)
_OF_FLINK = {
    *("host", "tm_id", "job_id", "job_name", "task_id", "task_name", "task_attempt_id"),
    *("task_attempt_num", "operator_id", "operator_name", "subtask_index"),
}
"""Labels that Flink gives to whatever an operator counts."""


@dataclass(frozen=True)
class Running:
    stack: JobStack
    ports: range

    def value(self, metric: t.Metric, **labels: str) -> float:
        return value(scrape_range(self.ports), metric.name, **labels)


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory, fetched_jars: Path) -> Iterator[Running]:
    """A job of two subtasks that has judged by a config of its own."""
    ports = free_port_range(10)
    home = tmp_path_factory.mktemp("metrics")
    with running_job(
        home, fetched_jars, taskmanagers=2, metrics_ports=f"{ports[0]}-{ports[-1]}"
    ) as stack:
        running = Running(stack, ports)
        feed = Feed(stack.bootstrap_servers)
        feed.send_config(_ON_TRIAL)
        wait_until(
            lambda: running.value(t.CONFIG_IN_FORCE, config="on-trial") == 2 * 3,
            "both subtasks judge by generation 3",
        )
        feed.send(_TRANSACTIONS)
        feed.send_values([b"not JSON"])
        drain(stack)
        wait_until(lambda: running.value(t.JUDGED) >= _TRANSACTIONS, "all are counted")
        yield running


def test_the_job_serves_exactly_what_is_declared(job: Running) -> None:
    served = {
        metric.name: metric
        for metric in scrape_range(job.ports)
        if metric.name.startswith(t.FLINK_SCOPE)
    }
    assert set(served) == {metric.name for metric in t.JOB_METRICS}
    for declared in t.JOB_METRICS:
        metric = served[declared.name]
        assert metric.type == declared.kind, declared.name
        for sample in metric.samples:
            assert set(sample.labels) - _OF_FLINK == set(declared.labels), declared.name


def test_flinks_own_metrics_that_the_chart_asks_for_are_served(job: Running) -> None:
    assert set(t.FLINK_METRICS) - {metric.name for metric in scrape_range(job.ports)} == set()


def test_each_subtask_says_which_generation_it_judges_by(job: Running) -> None:
    for subtask in ("0", "1"):
        assert job.value(t.CONFIG_IN_FORCE, config="on-trial", subtask_index=subtask) == 3


def test_what_is_judged_is_counted_once(job: Running) -> None:
    assert job.value(t.JUDGED) == _TRANSACTIONS
    assert job.value(t.DEAD_LETTERS) == 1
    assert job.value(t.DUPLICATES) == job.value(t.REKEYED) == 0


def test_alerts_and_findings_are_counted_as_they_are_in_the_topic(job: Running) -> None:
    alerts = [decode_alert(value_of(m)) for m in read_topic(job.stack.bootstrap_servers, ALERTS)]
    modes = Counter(alert.mode for alert in alerts)
    assert job.value(t.RAISED) == modes["active"] > 0
    assert job.value(t.RAISED_IN_SHADOW) == modes["shadow"]

    found = Counter((each.detector, each.mode) for alert in alerts for each in alert.findings)
    assert found["very_high_value", "shadow"] > 0
    for detector in DETECTORS:
        name = detector.name
        assert job.value(t.FINDINGS, detector=name) == found[name, "active"]
        assert job.value(t.SHADOW_FINDINGS, detector=name) == found[name, "shadow"]


def test_a_config_that_kafka_was_let_forget_is_shown_no_longer(job: Running) -> None:
    producer = Producer({"bootstrap.servers": job.stack.bootstrap_servers})
    producer.produce(DETECTOR_CONFIGS.name, key=b"on-trial", value=None)
    assert producer.flush(20) == 0
    wait_until(lambda: job.value(t.CONFIG_IN_FORCE, config="on-trial") == 0, "it is gone")

    Feed(job.stack.bootstrap_servers).send_config(_ON_TRIAL)  # and comes again
    wait_until(lambda: job.value(t.CONFIG_IN_FORCE, config="on-trial") == 2 * 3, "it is back")
