"""The whole embedded stack sends its spans to a real Jaeger, which then tells each trace."""

import os
import secrets
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from tests.integration.job.feed import wait_until
from tests.integration.tracing.conftest import BUILD_S
from tests.tracing.jaeger import Jaeger
from tests.tracing.traces import Trace
from tests.unit.transactions import make_transaction
from websockets.sync.client import connect

from cardwatch_archiver.tracing import SERVICE as ARCHIVER
from cardwatch_contracts.codec import encode
from cardwatch_contracts.detector_config import (
    ConfigRecord,
    DetectorConfigSpec,
    Detectors,
    VeryHighValueConfig,
)
from cardwatch_contracts.messaging import config_context
from cardwatch_gateway.tracing import SERVICE as GATEWAY
from cardwatch_generator.batches import TransactionBatch
from cardwatch_generator.publish import KafkaSettings, KafkaSink
from cardwatch_generator.tracing import SERVICE as GENERATOR
from cardwatch_local.configs.apply import publish_and_wait
from cardwatch_local.demo.watch import VIEWER, Watch
from cardwatch_local.reading.offsets import OffsetReader
from cardwatch_local.settings import StackSettings
from cardwatch_local.stack import Stack
from cardwatch_visualizer.live.tracing import SERVICE as VISUALIZER

pytestmark = pytest.mark.timeout(BUILD_S)
_JOB: Final = "cardwatch-job"


class Traced:
    """A running stack whose spans go to Jaeger, and what a user does with it."""

    def __init__(self, stack: Stack, settings: StackSettings) -> None:
        state = stack.status()
        assert state is not None
        assert state.endpoints is not None
        self.endpoints = state.endpoints
        self.settings = settings
        self._stack = stack

    def send(self, traceparents: Sequence[str], **changes: Any) -> str:
        """Send a transaction as the generator does; return its id."""
        transaction_id = f"txn-{secrets.token_hex(6)}"
        txn = make_transaction(
            transaction_id=transaction_id,
            user_id=f"user-{transaction_id}",
            event_time=time.time_ns() // 1_000_000,
            **changes,
        )
        exporter = self.settings.exporter(GENERATOR)
        sink = KafkaSink(
            KafkaSettings(bootstrap_servers=self.endpoints.bootstrap_servers), exporter=exporter
        )
        with closing(sink):
            sink.send(TransactionBatch([txn], traceparents))
            sink.flush()
        assert exporter is not None
        exporter.close(5)
        return transaction_id

    def end_taskmanagers(self) -> None:
        """Send SIGTERM to every TaskManager."""
        state = self._stack.status()
        assert state is not None
        for service in state.services:
            if service.name.startswith("taskmanager") and service.pid is not None:
                os.kill(service.pid, signal.SIGTERM)

    def watch(self) -> Watch:
        """Watch alerts as the demo does."""
        offsets = OffsetReader(self.endpoints.bootstrap_servers)
        exporter = self.settings.exporter(VIEWER)
        return Watch(self.endpoints, offsets, live_from={}, exporter=exporter)


@pytest.fixture(scope="module")
def traced(
    jaeger: Jaeger, tmp_path_factory: pytest.TempPathFactory, fetched_jars: Path
) -> Iterator[Traced]:
    home = tmp_path_factory.mktemp("traced")
    (home / "jars").symlink_to(fetched_jars)
    settings = StackSettings(home=home, name="traced", parallelism=2, slots_per_taskmanager=2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", jaeger.otlp_endpoint)
        with Stack(settings) as stack:
            yield Traced(stack, settings)


def test_a_sampled_transaction_was_sent_queued_and_judged(traced: Traced, jaeger: Jaeger) -> None:
    trace_id, span_id = secrets.token_hex(16), secrets.token_hex(8)
    transaction_id = traced.send([f"00-{trace_id}-{span_id}-01"])

    trace = jaeger.wait_for(trace_id, has("send transactions", "process transactions"))

    print(trace.tree())
    (sent,) = trace.roots()
    (judged,) = trace.children(sent)
    assert len(trace.spans) == 2
    assert (sent.name, sent.service, sent.kind) == ("send transactions", GENERATOR, "producer")
    assert (judged.name, judged.service, judged.kind) == (
        *("process transactions", _JOB),
        "consumer",
    )
    assert sent.span_id == span_id
    assert sent.start_us < judged.start_us
    for span in trace.spans:
        assert span.tags["cardwatch.transaction.id"] == transaction_id
        assert span.tags["messaging.destination.name"] == "transactions"
    assert judged.tags["messaging.kafka.offset"] == sent.tags["messaging.kafka.offset"]
    assert 0 <= judged.tags["cardwatch.queue.duration"] < 60_000
    (batch,) = judged.links
    call = jaeger.wait_for(batch.trace_id).span("judge batch")
    assert (call.start_us, call.end_us) == (judged.start_us, judged.end_us)


def test_an_alert_is_followed_to_all_who_take_it_though_nobody_chose_it(
    traced: Traced, jaeger: Jaeger
) -> None:
    trace_id, span_id = secrets.token_hex(16), secrets.token_hex(8)
    stream = f"ws{traced.endpoints.gateway_url.removeprefix('http')}/v1/alerts/stream"
    with traced.watch(), connect(stream):
        transaction_id = traced.send([f"00-{trace_id}-{span_id}-00"], amount_minor=-500)
        trace = jaeger.wait_for(trace_id, lambda trace: len(trace.spans) >= 6)

    print(trace.tree())
    (judged,) = trace.roots()
    (sent,) = trace.children(judged)
    taken = trace.children(sent)
    assert len(trace.spans) == 6
    assert judged.parent_id == span_id  # of a span that its sender did not record
    assert [(span.name, span.service, span.kind) for span in (judged, sent)] == [
        ("process transactions", _JOB, "consumer"),
        ("send alerts", _JOB, "producer"),
    ]
    assert {(span.name, span.service, span.kind) for span in taken} == {
        ("process alerts", VIEWER, "consumer"),
        ("process alerts", ARCHIVER, "consumer"),
        ("process alerts", GATEWAY, "consumer"),
        ("process alerts", VISUALIZER, "consumer"),
    }
    assert judged.end_us <= sent.start_us <= min(span.start_us for span in taken)
    for span in trace.spans:
        assert span.tags["cardwatch.alert"] is True
    assert judged.tags["cardwatch.transaction.id"] == transaction_id
    (finding,) = judged.events
    assert finding.name == "cardwatch.finding"
    assert finding.tags["cardwatch.finding.detector"] == "negative_amount"
    assert finding.tags["cardwatch.finding.observed"] == -500
    assert finding.tags["cardwatch.finding.threshold"] == 0


def test_a_payment_by_http_is_one_trace_from_the_bank_to_the_archive(
    traced: Traced, jaeger: Jaeger
) -> None:
    trace_id, span_id = secrets.token_hex(16), secrets.token_hex(8)
    txn = make_transaction(
        transaction_id=f"txn-{secrets.token_hex(6)}",
        user_id=f"user-{secrets.token_hex(6)}",
        event_time=time.time_ns() // 1_000_000,
        amount_minor=-500,
    )
    answer = httpx.post(
        f"{traced.endpoints.gateway_url}/v1/transactions",
        content=encode(txn),
        headers={
            "Content-Type": "application/json",
            "traceparent": f"00-{trace_id}-{span_id}-01",
        },
    )
    assert answer.status_code == 202, answer.text
    assert answer.json()["trace_id"] == trace_id
    trace = jaeger.wait_for(trace_id, lambda trace: len(trace.spans) >= 6)

    print(trace.tree())
    (span,) = trace.roots()
    way = [(span.name, span.service)]
    while len(below := trace.children(span)) == 1:
        (span,) = below
        way.append((span.name, span.service))
    assert {(span.name, span.service) for span in below} == {
        ("process alerts", ARCHIVER),
        ("process alerts", VISUALIZER),
    }
    assert way == [
        ("POST /v1/transactions", GATEWAY),
        ("send transactions", GATEWAY),
        ("process transactions", _JOB),
        ("send alerts", _JOB),
    ]


def test_what_cannot_be_read_is_an_error(traced: Traced, jaeger: Jaeger) -> None:
    trace_id, span_id = secrets.token_hex(16), secrets.token_hex(8)
    traced.send([f"00-{trace_id}-{span_id}-01"], currency="euro")
    trace = jaeger.wait_for(trace_id, has("send transactions", "process transactions"))
    judged = trace.span("process transactions")
    assert judged.is_error
    assert judged.tags["error.type"] == "InvalidRecordError"
    assert "currency" in judged.tags["otel.status_description"]


def test_a_change_of_thresholds_is_followed_to_every_subtask(
    traced: Traced, jaeger: Jaeger
) -> None:
    detectors = Detectors(very_high_value=VeryHighValueConfig(max_amount_minor=77_700))
    record = ConfigRecord(
        name="traced",
        generation=1,
        created_at=1,
        spec=DetectorConfigSpec(detectors=detectors),
    )
    exporter = traced.settings.exporter("cardwatch-cli")
    assert exporter is not None
    (applied,) = publish_and_wait(
        traced.endpoints.bootstrap_servers, lambda _: [record], timeout_s=30, exporter=exporter
    )
    assert applied.is_complete
    exporter.close(5)

    trace = jaeger.wait_for(config_context(record).trace_id, lambda trace: len(trace.spans) == 4)

    print(trace.tree())
    (published,) = trace.roots()
    assert (published.name, published.service) == ("send detector-configs", "cardwatch-cli")
    below = trace.children(published)
    subtasks = [span for span in below if span.name == "process detector-configs"]
    (acknowledged,) = (span for span in below if span.name == "process config-acks")
    assert sorted(span.tags["cardwatch.subtask"] for span in subtasks) == [0, 1]
    assert {span.service for span in subtasks} == {_JOB}
    assert acknowledged.tags["cardwatch.subtasks"] == 2
    assert acknowledged.end_us >= max(span.start_us for span in subtasks)
    for span in trace.spans:
        assert span.tags["cardwatch.config.generation"] == 1


def test_what_was_judged_just_before_sigterm_is_recorded(traced: Traced, jaeger: Jaeger) -> None:
    """The last test of the stack: its job ends."""
    trace_id, span_id = secrets.token_hex(16), secrets.token_hex(8)
    with traced.watch() as watch:
        traced.send([f"00-{trace_id}-{span_id}-01"], amount_minor=-500)
        wait_until(lambda: watch.seen.alerts > 0, "the alert")
        traced.end_taskmanagers()
    trace = jaeger.wait_for(trace_id, has("process transactions", "send alerts"))
    assert trace.span("send alerts").service == _JOB


def has(*names: str) -> Callable[[Trace], bool]:
    """Return whether a trace has a span of each name."""
    return lambda trace: set(names) <= {span.name for span in trace.spans}
