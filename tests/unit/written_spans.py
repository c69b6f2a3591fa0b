"""Spans, read back from OTLP's JSON."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from cardwatch_contracts import telemetry as t
from cardwatch_contracts.spans import Event, Span, Value
from cardwatch_contracts.trace_context import TraceContext

_TYPES: Final[Mapping[str, Callable[[Any], Value]]] = {
    "stringValue": str,
    "intValue": int,
    "boolValue": bool,
    "doubleValue": float,
}
_NAMES: Final = {each.name: each for each in t.SPANS}
_ATTRIBUTES: Final = {each.name: each for each in t.ATTRIBUTES}


def read_span(written: bytes) -> Span:
    """Return a span as it was before it was written."""
    span = json.loads(written)
    name = _NAMES[span["name"]]
    assert span["kind"] == name.kind
    return Span(
        name=name,
        context=TraceContext(span["traceId"], span["spanId"], span["flags"] == 1),
        parent_id=span["parentSpanId"],
        start_ns=int(span["startTimeUnixNano"]),
        end_ns=int(span["endTimeUnixNano"]),
        attributes=_attributes(span["attributes"]),
        events=[
            Event(each["name"], int(each["timeUnixNano"]), _attributes(each["attributes"]))
            for each in span.get("events", ())
        ],
        links=tuple(
            TraceContext(each["traceId"], each["spanId"], True) for each in span.get("links", ())
        ),
        error=span.get("status", {}).get("message", ""),
    )


def _attributes(pairs: list[dict[str, Any]]) -> dict[t.Attribute, Value]:
    read: dict[t.Attribute, Value] = {}
    for pair in pairs:
        ((kind, value),) = pair["value"].items()
        read[_ATTRIBUTES[pair["key"]]] = _TYPES[kind](value)
    return read
