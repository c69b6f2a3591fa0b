import json
from typing import Any

from cardwatch_contracts import telemetry as t
from cardwatch_contracts.spans import Event, Span, encode_resource, encode_spans, write_span
from cardwatch_contracts.trace_context import TraceContext

_CONTEXT = TraceContext("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", True)


def written(*spans: Span) -> Any:
    (of_resource,) = json.loads(
        encode_spans(encode_resource({"service.name": "x"}), map(write_span, spans))
    )["resourceSpans"]
    assert of_resource["resource"]["attributes"] == [
        {"key": "service.name", "value": {"stringValue": "x"}}
    ]
    (of_scope,) = of_resource["scopeSpans"]
    return of_scope["spans"]


def test_a_span_is_written_as_otlp_says() -> None:
    span = Span(
        name=t.PROCESS_TRANSACTIONS,
        context=_CONTEXT,
        parent_id="00f067aa0ba902b7",
        start_ns=1_760_000_400_000_000_001,
        end_ns=1_760_000_400_000_000_002,
        attributes={t.DESTINATION: 'a"\n\u00fc', t.OFFSET: 2**40, t.IS_ALERT: True},
        events=[Event(t.FINDING, 3, {t.OBSERVED: 1.5, t.DETECTOR: "amount_spike"})],
        links=[TraceContext("a" * 32, "b" * 16, True)],
        error="what was wrong",
    )
    assert written(span) == [
        {
            "traceId": _CONTEXT.trace_id,
            "spanId": _CONTEXT.span_id,
            "parentSpanId": "00f067aa0ba902b7",
            "name": "process transactions",
            "kind": 5,
            "flags": 1,
            "startTimeUnixNano": "1760000400000000001",
            "endTimeUnixNano": "1760000400000000002",
            "attributes": [
                {"key": "messaging.destination.name", "value": {"stringValue": 'a"\n\u00fc'}},
                {"key": "messaging.kafka.offset", "value": {"intValue": str(2**40)}},
                {"key": "cardwatch.alert", "value": {"boolValue": True}},
            ],
            "events": [
                {
                    "timeUnixNano": "3",
                    "name": "cardwatch.finding",
                    "attributes": [
                        {"key": "cardwatch.finding.observed", "value": {"doubleValue": 1.5}},
                        {
                            "key": "cardwatch.finding.detector",
                            "value": {"stringValue": "amount_spike"},
                        },
                    ],
                }
            ],
            "links": [{"traceId": "a" * 32, "spanId": "b" * 16}],
            "status": {"code": 2, "message": "what was wrong"},
        }
    ]


def test_spans_stand_one_after_another_in_one_line() -> None:
    span = Span(name=t.JUDGE_BATCH, context=_CONTEXT, start_ns=1, end_ns=2, attributes={})
    assert [each["name"] for each in written(span, span)] == ["judge batch"] * 2
    assert b"\n" not in encode_spans(encode_resource({}), [write_span(span)])


def test_every_name_is_there_once() -> None:
    names = [*(span.name for span in t.SPANS), *(each.name for each in t.ATTRIBUTES), *t.EVENTS]
    assert len(names) == len(set(names))
    assert all(each.description.endswith(".") for each in (*t.SPANS, *t.ATTRIBUTES))
