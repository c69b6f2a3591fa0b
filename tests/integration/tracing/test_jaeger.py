"""Spans go into Jaeger, by themselves and by a collector, and come back as they were."""

from pathlib import Path

import pytest
import yaml
from tests.integration.tracing.conftest import BUILD_S
from tests.tracing.collector import running_collector
from tests.tracing.jaeger import Jaeger, running_jaeger
from tests.tracing.otlp import (
    CONSUMER,
    ERROR,
    PRODUCER,
    Document,
    attributes,
    new_trace_id,
    send,
    span,
)
from tests.tracing.traces import Link, Trace

pytestmark = pytest.mark.timeout(BUILD_S)


def test_spans_come_back_as_they_were_sent(jaeger: Jaeger) -> None:
    trace_id = new_trace_id()
    batch, other_trace_id = "00f067aa0ba902b7", new_trace_id()
    sent = span("send", trace_id, kind=PRODUCER, duration_ms=12)
    processed = span(
        "process",
        trace_id,
        parent_id=sent["spanId"],
        kind=CONSUMER,
        start_ms=5,
        duration_ms=7,
        attributes=attributes({"topic": "transactions", "offset": 42, "alert": True}),
        links=[{"traceId": other_trace_id, "spanId": batch}],
        events=[
            {
                "name": "finding",
                "timeUnixNano": sent["endTimeUnixNano"],
                "attributes": attributes({"detector": "amount_spike", "observed": 9.5}),
            }
        ],
        status={"code": ERROR, "message": "cannot be read"},
    )
    send(jaeger.otlp_endpoint, [sent], service="shop", resource={"service.version": "1"})
    send(jaeger.otlp_endpoint, [processed], service="job")

    trace = jaeger.wait_for(trace_id, both)

    (root,) = trace.roots()
    assert (root.name, root.service, root.kind) == ("send", "shop", "producer")
    assert (root.parent_id, root.duration_us, root.is_error) == (None, 12_000, False)
    assert root.start_us == int(sent["startTimeUnixNano"]) // 1000
    assert root.resource["service.version"] == "1"
    (child,) = trace.children(root)
    assert child is trace.span("process")
    assert (child.parent_id, child.service, child.kind) == (sent["spanId"], "job", "consumer")
    assert (child.start_us - root.start_us, child.end_us) == (5_000, root.end_us)
    assert child.tags.items() >= {"topic": "transactions", "offset": 42, "alert": True}.items()
    assert child.is_error
    assert list(child.links) == [Link(trace_id=other_trace_id, span_id=batch)]
    (event,) = child.events
    assert (event.name, event.time_us) == ("finding", root.end_us)
    assert event.tags == {"detector": "amount_spike", "observed": 9.5}
    assert trace.tree().splitlines() == [
        f"trace {trace_id}, spans: 2",
        "     0.000 ms   send (shop, producer) 12.000 ms",
        "     5.000 ms     process (job, consumer, error) 7.000 ms",
    ]


def test_traces_are_found_by_service_and_tags(jaeger: Jaeger) -> None:
    wanted, other = new_trace_id(), new_trace_id()
    for trace_id, alert in ((wanted, "a-1"), (other, "a-2")):
        tagged = span("process", trace_id, attributes=attributes({"alert.id": alert}))
        send(jaeger.otlp_endpoint, [tagged], service="finder")
    jaeger.wait_for(wanted)
    jaeger.wait_for(other)

    assert "finder" in jaeger.services()
    assert {trace.trace_id for trace in jaeger.find("finder")} == {wanted, other}
    (found,) = jaeger.find("finder", {"alert.id": "a-1"})
    assert found.trace_id == wanted
    assert jaeger.find("nobody") == []


def test_a_trace_that_is_not_there_is_none(jaeger: Jaeger) -> None:
    trace_id = new_trace_id()
    assert jaeger.trace(trace_id) is None
    with pytest.raises(
        AssertionError, match=f"trace {trace_id} is not complete after 0 s: nothing"
    ):
        jaeger.wait_for(trace_id, timeout_s=0)


def test_the_oldest_trace_makes_room_for_the_newest(jaeger: Jaeger) -> None:
    trace_ids = [new_trace_id() for _ in range(3)]
    with running_jaeger(max_traces=2) as small:
        for trace_id in trace_ids:
            send(small.otlp_endpoint, [span("send", trace_id)], service="shop")
            small.wait_for(trace_id)
        assert small.trace(trace_ids[0]) is None
        assert small.trace(trace_ids[1]) is not None


def test_a_collector_hands_spans_on(jaeger: Jaeger, tmp_path: Path) -> None:
    trace_id = new_trace_id()
    sent = span("send", trace_id, kind=PRODUCER)
    processed = span("process", trace_id, parent_id=sent["spanId"], kind=CONSUMER)
    config = tmp_path / "collector.yaml"
    config.write_text(yaml.safe_dump(HANDS_ON))
    with running_collector(config, {"TARGET": jaeger.otlp_grpc}) as collector:
        send(collector.otlp_endpoint, [sent, processed], service="shop")
        trace = jaeger.wait_for(trace_id, both)

    (child,) = trace.children(trace.span("send"))
    assert child.name == "process"


def test_what_a_server_said_is_shown_when_a_test_fails(
    jaeger: Jaeger, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "collector.yaml"
    config.write_text(yaml.safe_dump(HANDS_ON))
    with (
        pytest.raises(ZeroDivisionError),
        running_collector(config, {"TARGET": jaeger.otlp_grpc}),
    ):
        raise ZeroDivisionError
    assert "Everything is ready" in capsys.readouterr().err


def both(trace: Trace) -> bool:
    return len(trace.spans) == 2


HANDS_ON: Document = {
    "receivers": {"otlp": {"protocols": {"grpc": {}, "http": {}}}},
    "exporters": {"otlp_grpc": {"endpoint": "${env:TARGET}", "tls": {"insecure": True}}},
    "extensions": {"health_check": {}},
    "service": {
        "extensions": ["health_check"],
        "pipelines": {"traces": {"receivers": ["otlp"], "exporters": ["otlp_grpc"]}},
    },
}
