"""What the archiver, the generator and the operator serve, against what is declared."""

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from confluent_kafka import Producer
from prometheus_client import Metric
from prometheus_client.samples import Sample
from tests.integration.job.feed import wait_until
from tests.integration.metrics.scraping import scrape, scrape_with_exemplars, value
from tests.unit.transactions import encoded_transaction

from cardwatch_contracts import telemetry as t
from cardwatch_contracts.alert import Alert, Finding, FindingMode, alert_id_of
from cardwatch_contracts.card import CardProfile
from cardwatch_contracts.codec import encode
from cardwatch_contracts.prometheus import DroppedSpans, serve
from cardwatch_contracts.topics import ALERTS, CARD_PROFILES
from cardwatch_contracts.transaction import decode_transaction
from cardwatch_local.endpoints import Endpoints
from cardwatch_local.ports import free_ports, is_listening
from cardwatch_operator.alert_rate import AlertReader

_OF_PYTHON = ("process_", "python_")
_TRACE = "0af7651916cd43dd8448eb211c80319c"


def test_the_archiver_serves_what_is_declared_and_counts_what_it_writes(
    stack_without_job: Endpoints,
) -> None:
    servers = stack_without_job.bootstrap_servers
    arguments = ["--bootstrap-servers", servers, "--valkey-url", stack_without_job.valkey_url or ""]
    with running("cardwatch_archiver", arguments) as port:
        before = value(scrape(port), t.PROFILES_WRITTEN.name)
        producer = Producer({"bootstrap.servers": servers})
        for number in range(20):
            card_id = f"tok_metrics_{number}"
            profile = CardProfile(card_id=card_id, user_id="u", version=1, transactions=1)
            producer.produce(CARD_PROFILES.name, encode(profile), card_id.encode())
        producer.produce(CARD_PROFILES.name, b"not JSON", b"tok_metrics_0")
        assert producer.flush(20) == 0
        wait_until(
            lambda: value(scrape(port), t.PROFILES_WRITTEN.name) >= before + 20, "20 are written"
        )
        wait_until(lambda: value(scrape(port), t.LEFT_OUT.name) >= 1, "the other is left out")
        wait_until(lambda: value(scrape(port), t.ARCHIVER_LAG.name) == 0, "nothing is left")
        assert value(scrape(port), f"{t.WRITE_SECONDS.name}_count") >= 1
        held_against_what_is_declared(scrape(port), "archiver")


def test_the_generator_serves_what_is_declared_with_traces_as_exemplars(
    stack_without_job: Endpoints, tmp_path: Path
) -> None:
    config = tmp_path / "generator.yaml"
    config.write_text("sampled_share: 1.0\n")
    servers = stack_without_job.bootstrap_servers
    arguments = ["--bootstrap-servers", servers, "--cards", "2000", "--config", str(config)]
    with running("cardwatch_generator", arguments) as port:
        wait_until(lambda: value(scrape(port), t.ACKNOWLEDGED.name) >= 20, "20 are acknowledged")
        assert value(scrape(port), t.SENT.name) >= 20
        assert value(scrape(port), t.FAILED.name) == 0
        assert len(exemplars(port, t.SEND_SECONDS)[0]) == 32
        held_against_what_is_declared(scrape(port), "generator")


def test_a_consumer_of_alerts_says_how_long_they_took_and_in_which_trace(
    stack_without_job: Endpoints,
) -> None:
    (port,) = free_ports(1)
    DroppedSpans(None)
    serve(port)
    reader = AlertReader(stack_without_job.bootstrap_servers)
    reader.start()
    producer = Producer({"bootstrap.servers": stack_without_job.bootstrap_servers})
    config = f"config-{uuid4()}"

    def count(mode: str) -> float:
        return value(scrape(port), t.CONSUMED_ALERTS.name, config=config, mode=mode)

    def one_comes() -> bool:
        producer.produce(ALERTS.name, encode(alert(config, "active")), b"user-1")
        return count("active") > 0

    try:
        # It begins at the end of the topic, whenever it gets there.
        wait_until(one_comes, "alerts are counted")
        producer.produce(ALERTS.name, encode(alert(config, "shadow")), b"user-1")
        wait_until(lambda: count("shadow") == 1, "one of a trial, too")
        for stage in ("written", "committed"):
            assert value(scrape(port), f"{t.ALERT_LATENCY.name}_count", stage=stage) >= 2
            # They are a quarter of a second old when they are written.
            name = f"{t.ALERT_LATENCY.name}_bucket"
            assert value(scrape(port), name, stage=stage, le="0.2") == 0
        assert set(exemplars(port, t.ALERT_LATENCY)) == {_TRACE}
        held_against_what_is_declared(scrape(port), "operator")
    finally:
        producer.flush(20)
        reader.end()


@contextmanager
def running(module: str, arguments: Sequence[str]) -> Iterator[int]:
    """Run a component; give the port of its metrics."""
    (port,) = free_ports(1)
    command = [sys.executable, "-m", module, *arguments, "--metrics-port", str(port)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE)
    try:
        wait_until(lambda: is_listening(port), f"{module} serves metrics")
        yield port
    finally:
        process.terminate()
        process.communicate(timeout=30)


def held_against_what_is_declared(served: Sequence[Metric], service: str) -> None:
    # Prometheus' text gives counters without `_total` as the name of their family.
    found = {
        f"{metric.name}_total" if metric.type == "counter" else metric.name: metric
        for metric in served
        if not metric.name.startswith(_OF_PYTHON)
    }
    declared = {
        metric.name: metric
        for metric in t.METRICS
        if metric.service == service or metric is t.COMPONENT_DROPPED_SPANS
    }
    assert set(found) == set(declared)
    for name, metric in declared.items():
        assert found[name].type == metric.kind, name
        for sample in found[name].samples:
            assert set(sample.labels) - {"le"} == set(metric.labels), name


def exemplars(port: int, metric: t.Metric) -> list[str]:
    """Return the traces that a histogram names."""
    samples: Iterator[Sample] = (
        sample
        for each in scrape_with_exemplars(port)
        if each.name == metric.name
        for sample in each.samples
    )
    return [sample.exemplar.labels["trace_id"] for sample in samples if sample.exemplar]


def alert(config: str, mode: FindingMode) -> Alert:
    txn = decode_transaction(encoded_transaction(transaction_id=f"metrics-{uuid4()}"))
    return Alert(
        alert_id=alert_id_of(txn.transaction_id),
        transaction=txn,
        findings=(
            Finding(
                detector="negative_amount",
                observed=-1,
                threshold=0,
                unit="minor",
                reason="for a test",
                counterfactual="none",
                mode=mode,
            ),
        ),
        config=config,
        generation=1,
        ingested_at=time.time_ns() // 1_000_000 - 250,
        mode=mode,
        trace_id=_TRACE,
    )


def test_a_port_is_needed_or_none(capsys: pytest.CaptureFixture[str]) -> None:
    for module in ("cardwatch_archiver", "cardwatch_generator"):
        done = subprocess.run(
            [sys.executable, "-m", module, "--metrics-port", "65536"],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 2
        assert "1 to 65535" in done.stderr
