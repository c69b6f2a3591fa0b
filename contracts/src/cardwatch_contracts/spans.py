"""Spans, and how they are written: OTLP's JSON (https://opentelemetry.io/docs/specs/otlp/). Pure.

OpenTelemetry's own spans and their protobuf cost four to six times as much to make and write,
measured in `docs/decisions`, which a job that judges 100,000 transactions a second cannot pay.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Final

import msgspec

from cardwatch_contracts.telemetry import Attribute, SpanName
from cardwatch_contracts.trace_context import TraceContext

Value = str | int | float | bool
_json: Final = msgspec.json.Encoder().encode
_SCOPE: Final = b'{"name":"cardwatch"}'
_ERROR: Final = 2


class Event(msgspec.Struct, frozen=True, gc=False):
    """Something that happened within a span."""

    name: str
    time_ns: int
    attributes: Mapping[Attribute, Value]


class Span(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A piece of work. Times are nanoseconds since 1970-01-01 UTC."""

    name: SpanName
    context: TraceContext
    parent_id: str = ""
    """Empty: the first span of its trace."""
    start_ns: int
    end_ns: int
    attributes: Mapping[Attribute, Value]
    events: Sequence[Event] = ()
    links: Sequence[TraceContext] = ()
    error: str = ""
    """What went wrong, if anything did."""


def encode_spans(resource: bytes, spans: Iterable[Span]) -> bytes:
    """Return an OTLP request of JSON, in one line; `resource` is that of `encode_resource`."""
    written = b",".join([_span(span) for span in spans])
    return b"".join(
        (
            b'{"resourceSpans":[{"resource":',
            resource,
            b',"scopeSpans":[{"scope":',
            _SCOPE,
            b',"spans":[',
            written,
            b"]}]}]}",
        )
    )


def encode_resource(attributes: Mapping[str, Value]) -> bytes:
    """Return who makes the spans, for `encode_spans`."""
    pairs = [_key(name) + _value(value) for name, value in attributes.items()]
    return b'{"attributes":[' + b",".join(pairs) + b"]}"


def _span(span: Span) -> bytes:
    context = span.context
    # Ids are hexadecimal digits: nothing in them needs to be escaped.
    head = (
        f'{{"traceId":"{context.trace_id}","spanId":"{context.span_id}",'
        f'"parentSpanId":"{span.parent_id}",{_named(span.name)},'
        f'"flags":{int(context.sampled)},'
        f'"startTimeUnixNano":"{span.start_ns}","endTimeUnixNano":"{span.end_ns}",'
        '"attributes":['
    )
    parts = [head.encode(), _attributes(span.attributes), b"]"]
    if span.events:
        parts += [b',"events":[', b",".join([_event(event) for event in span.events]), b"]"]
    if span.links:
        links = [f'{{"traceId":"{c.trace_id}","spanId":"{c.span_id}"}}' for c in span.links]
        parts.append(f',"links":[{",".join(links)}]'.encode())
    if span.error:
        parts += [f',"status":{{"code":{_ERROR},"message":'.encode(), _json(span.error), b"}"]
    parts.append(b"}")
    return b"".join(parts)


def _event(event: Event) -> bytes:
    head = f'{{"timeUnixNano":"{event.time_ns}","name":"{event.name}","attributes":['
    return head.encode() + _attributes(event.attributes) + b"]}"


@cache
def _named(name: SpanName) -> str:
    return f'"name":"{name.name}","kind":{name.kind.value}'


_MOST_KEPT: Final = 256
_kept: Final[defaultdict[Attribute, dict[Value, bytes]]] = defaultdict(dict)
"""The first values of each attribute, written. Most attributes have no more than a few."""


def _attributes(attributes: Mapping[Attribute, Value]) -> bytes:
    return b",".join([_pair(attribute, value) for attribute, value in attributes.items()])


def _pair(attribute: Attribute, value: Value) -> bytes:
    kept = _kept[attribute]
    written = kept.get(value)
    if written is None:
        written = _key(attribute.name) + _value(value)
        if len(kept) < _MOST_KEPT:
            kept[value] = written
    return written


@cache
def _key(name: str) -> bytes:
    return b'{"key":' + _json(name) + b',"value":'


def _value(value: Value) -> bytes:
    """Return a value and what closes its pair."""
    if isinstance(value, str):
        return b'{"stringValue":' + _json(value) + b"}}"
    if isinstance(value, bool):
        return b'{"boolValue":true}}' if value else b'{"boolValue":false}}'
    if isinstance(value, int):
        return b'{"intValue":"%d"}}' % value
    return b'{"doubleValue":' + _json(value) + b"}}"
