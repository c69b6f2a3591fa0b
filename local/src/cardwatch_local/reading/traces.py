"""Spans that the stack's processes have written into its folder."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

Value = str | int | float | bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened within a span."""

    name: str
    attributes: dict[str, Value]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedSpan:
    """A span as it was written. Times are nanoseconds since 1970-01-01 UTC."""

    service: str
    name: str
    trace_id: str
    span_id: str
    parent_id: str
    start_ns: int
    end_ns: int
    attributes: dict[str, Value]
    events: Sequence[Event] = ()
    error: str = ""
    children: list["RecordedSpan"] = field(default_factory=list)


def find_trace(folder: Path, wanted: str) -> list[RecordedSpan]:
    """Return the first spans of a trace, each with its children, in the order of their starts.

    `wanted`: the trace's id, a transaction's, or an alert's. Empty where nobody recorded it.
    """
    trace_id = next((span.trace_id for span in _mentioning(folder, wanted)), None)
    if trace_id is None:
        return []
    # A part that repeats its work after a failure writes its spans again, under the same ids.
    spans = {span.span_id: span for span in _mentioning(folder, trace_id)}
    roots: list[RecordedSpan] = []
    for span in sorted(spans.values(), key=lambda span: span.start_ns):
        parent = spans.get(span.parent_id)
        (roots if parent is None else parent.children).append(span)
    return roots


def _mentioning(folder: Path, wanted: str) -> Iterator[RecordedSpan]:
    """Yield the spans of which an id is `wanted`."""
    needle = b'"' + wanted.encode() + b'"'
    for path in sorted(folder.glob("*.jsonl")):
        with path.open("rb") as file:
            for line in file:
                if needle not in line or not line.endswith(b"\n"):
                    continue  # the last line may just be written
                for span in _spans(msgspec.json.decode(line)):
                    ids = ("cardwatch.transaction.id", "cardwatch.alert.id")
                    if wanted in (span.trace_id, *map(span.attributes.get, ids)):
                        yield span


def _spans(request: dict[str, Any]) -> Iterator[RecordedSpan]:
    for of_resource in request["resourceSpans"]:
        resource = _attributes(of_resource["resource"])
        for of_scope in of_resource["scopeSpans"]:
            for span in of_scope["spans"]:
                yield RecordedSpan(
                    service=str(resource.get("service.name", "")),
                    name=span["name"],
                    trace_id=span["traceId"],
                    span_id=span["spanId"],
                    parent_id=span.get("parentSpanId", ""),
                    start_ns=int(span["startTimeUnixNano"]),
                    end_ns=int(span["endTimeUnixNano"]),
                    attributes=_attributes(span),
                    events=[
                        Event(name=event["name"], attributes=_attributes(event))
                        for event in span.get("events", ())
                    ],
                    error=span.get("status", {}).get("message", ""),
                )


def _attributes(of: dict[str, Any]) -> dict[str, Value]:
    return {pair["key"]: _value(pair["value"]) for pair in of.get("attributes", ())}


def _value(value: dict[str, Any]) -> Value:
    ((kind, content),) = value.items()
    return int(content) if kind == "intValue" else content
