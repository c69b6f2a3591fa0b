"""The platform's collector keeps the traces that matter, and lets no card number through."""

import time
from collections.abc import Iterator, Mapping, Sequence

import pytest
from tests.integration.job.feed import wait_until
from tests.integration.tracing.conftest import BUILD_S
from tests.tracing.collector import Collector, running_collector
from tests.tracing.jaeger import Jaeger
from tests.tracing.otlp import ERROR, Document, Value, attributes, new_trace_id, send, span
from tests.tracing.traces import Span as Passed
from tests.unit.card_numbers import in_groups, with_check_digit

from cardwatch_contracts.span_export import HttpTarget
from cardwatch_contracts.spans import Event, Span, encode_resource, encode_spans, write_span
from cardwatch_contracts.telemetry import ATTRIBUTES, FINDING, PROCESS_TRANSACTIONS
from cardwatch_contracts.trace_context import new_trace

pytestmark = pytest.mark.timeout(BUILD_S)
_WAIT_S = 1
_CARD = with_check_digit("411111111111111")
_ALERT = {"cardwatch.alert": True}


@pytest.fixture(scope="module")
def alerts_only(jaeger: Jaeger) -> Iterator[Collector]:
    """A collector that keeps nothing but what it has to."""
    with running_collector(environment=settings(jaeger, share=0)) as collector:
        yield collector


@pytest.fixture(scope="module")
def everything(jaeger: Jaeger) -> Iterator[Collector]:
    """A collector that keeps all traces."""
    with running_collector(environment=settings(jaeger, share=100)) as collector:
        yield collector


def test_a_trace_with_an_alert_is_kept_whole(jaeger: Jaeger, alerts_only: Collector) -> None:
    trace_id = new_trace_id()
    sent = span("send transactions", trace_id)
    judged = span(
        "process transactions",
        trace_id,
        parent_id=sent["spanId"],
        attributes=attributes(_ALERT),
    )
    shown = span("process alerts", trace_id, parent_id=judged["spanId"])
    for each in (sent, judged, shown):  # before, with and after what speaks for it
        send(alerts_only.otlp_endpoint, [each], service="test")

    trace = jaeger.wait_for(trace_id, lambda trace: len(trace.spans) == 3)
    assert [root.name for root in trace.roots()] == ["send transactions"]


def test_a_trace_with_an_error_is_kept(jaeger: Jaeger, alerts_only: Collector) -> None:
    trace_id = new_trace_id()
    failed = span("process transactions", trace_id, status={"code": ERROR, "message": "no"})
    send(alerts_only.otlp_endpoint, [failed], service="test")
    assert jaeger.wait_for(trace_id).span("process transactions").is_error


def test_of_the_others_a_share_is_kept(
    jaeger: Jaeger, alerts_only: Collector, everything: Collector
) -> None:
    dropped, kept, alerting = new_trace_id(), new_trace_id(), new_trace_id()
    send_until_decided(alerts_only, span("send transactions", dropped))
    send(everything.otlp_endpoint, [span("send transactions", kept)], service="test")
    jaeger.wait_for(kept)

    # What the collector keeps of later ones is in Jaeger.
    alert = span("process transactions", alerting, attributes=attributes(_ALERT))
    send(alerts_only.otlp_endpoint, [alert], service="test")
    jaeger.wait_for(alerting)
    assert jaeger.trace(dropped) is None


def test_an_alert_that_comes_after_an_outage_is_kept(
    jaeger: Jaeger, alerts_only: Collector
) -> None:
    trace_id = new_trace_id()
    sent = span("send transactions", trace_id)
    send_until_decided(alerts_only, sent)

    judged = span(
        "process transactions",
        trace_id,
        parent_id=sent["spanId"],
        attributes=attributes(_ALERT),
    )
    send(alerts_only.otlp_endpoint, [judged], service="test")
    # What came before it is forgotten by then.
    assert [s.name for s in jaeger.wait_for(trace_id).spans] == ["process transactions"]


def test_what_could_be_a_card_number_is_masked(jaeger: Jaeger, everything: Collector) -> None:
    could_be: list[str | int] = [
        _CARD,
        in_groups(_CARD, " "),
        in_groups(_CARD, "-"),
        in_groups(_CARD, "."),
        in_groups(_CARD, "%20"),
        with_check_digit("4" * 12),
        with_check_digit("4" * 18),
        int(_CARD),
        _CARD.translate({ord("0") + digit: 0x0660 + digit for digit in range(10)}),
    ]
    key = "cardwatch.transaction.id"
    passed = passed_through(jaeger, everything, *({key: text} for text in could_be))
    assert [span.tags[key] for span in passed] == ["****"] * len(could_be)


def test_card_numbers_are_masked_wherever_a_text_is(jaeger: Jaeger, everything: Collector) -> None:
    trace_id = new_trace_id()
    text = f"card {in_groups(_CARD, ' ')} is no good"
    sent = span(
        text,
        trace_id,
        status={"code": ERROR, "message": text},
        events=[
            {
                "name": text,
                "timeUnixNano": "1",
                "attributes": attributes({"cardwatch.finding.detector": text}),
            }
        ],
    )
    send(everything.otlp_endpoint, [sent], service=text)

    (passed,) = jaeger.wait_for(trace_id).spans
    masked = "card **** is no good"
    assert passed.name == passed.service == masked
    assert passed.tags["otel.status_description"] == masked
    (event,) = passed.events
    assert (event.name, event.tags) == (masked, {"cardwatch.finding.detector": masked})
    assert _CARD[:4] not in repr(passed)


def test_what_is_no_card_number_stays(jaeger: Jaeger, everything: Collector) -> None:
    given: list[tuple[str, Value]] = [
        ("cardwatch.transaction.id", "6ba7b810-9dad-11d1-80b4-00c04fd430c8"),
        ("cardwatch.transaction.id", "41111111-1111-4111-8111-111111111111"),
        ("cardwatch.finding.observed", 812.3456789012345),
        ("cardwatch.finding.observed", 1.5e-7),
        ("messaging.kafka.offset", 123_456_789_012),
        ("cardwatch.alert", True),
    ]
    passed = passed_through(jaeger, everything, *({key: value} for key, value in given))
    assert [span.tags[key] for span, (key, _) in zip(passed, given, strict=True)] == [
        value for _, value in given
    ]


def test_all_that_spans_say_by_the_contract_arrives(jaeger: Jaeger, everything: Collector) -> None:
    samples: dict[type, Value] = {str: "some-text", int: 7, float: 0.5, bool: True}
    said = {attribute: samples[attribute.type] for attribute in ATTRIBUTES}
    context = new_trace(new_trace_id()).child("process")
    now_ns = time.time_ns()
    finding = Event(FINDING, now_ns, said)
    made = Span(
        name=PROCESS_TRANSACTIONS,
        context=context,
        start_ns=now_ns,
        end_ns=now_ns + 1_000_000,
        attributes=said,
        events=[finding],
        links=[context],
    )
    resource = {
        "service.namespace": "cardwatch",
        "service.name": "job",
        "service.instance.id": "a/1",
    }
    post = HttpTarget(f"{everything.otlp_endpoint}/v1/traces", {})
    post(encode_spans(encode_resource(resource), [write_span(made)]))

    (passed,) = jaeger.wait_for(context.trace_id).spans
    expected = {attribute.name: value for attribute, value in said.items()}
    assert (passed.name, passed.service, passed.kind) == (made.name.name, "job", "consumer")
    assert passed.tags.items() >= expected.items()
    assert passed.resource == {key: resource[key] for key in resource if key != "service.name"}
    (event,) = passed.events
    assert (event.name, event.tags) == (FINDING, expected)
    assert [link.span_id for link in passed.links] == [context.span_id]


def test_what_spans_do_not_say_by_the_contract_is_removed(
    jaeger: Jaeger, everything: Collector
) -> None:
    given: dict[str, Value] = {"cardwatch.bank.id": "A", "card.holder": "Ada", "http.url": "/x"}
    (passed,) = passed_through(jaeger, everything, given)
    assert passed.tags["cardwatch.bank.id"] == "A"
    assert not passed.tags.keys() & {"card.holder", "http.url"}
    assert passed.resource == {"service.version": "1"}


def passed_through(
    jaeger: Jaeger, collector: Collector, *given: Mapping[str, Value]
) -> Sequence[Passed]:
    """Send a span with each of some attributes; return them as Jaeger got them."""
    trace_id = new_trace_id()
    sent = [
        span("process transactions", trace_id, start_ms=place, attributes=attributes(each))
        for place, each in enumerate(given)
    ]
    resource: dict[str, Value] = {"service.version": "1", "host.owner": "Ada"}
    send(collector.otlp_endpoint, sent, service="test", resource=resource)
    return jaeger.wait_for(trace_id, lambda trace: len(trace.spans) == len(given)).spans


def send_until_decided(collector: Collector, first: Document) -> None:
    """Send the first span of a trace; return when the collector has decided on that."""
    before = collector.decided()
    send(collector.otlp_endpoint, [first], service="test")
    wait_until(lambda: collector.decided() > before, "the collector to decide", 30)


def settings(jaeger: Jaeger, *, share: float) -> dict[str, str]:
    return {
        "CARDWATCH_JAEGER_ENDPOINT": jaeger.otlp_grpc,
        "CARDWATCH_TRACE_SHARE": str(share),
        "CARDWATCH_DECISION_WAIT": f"{_WAIT_S}s",
    }
