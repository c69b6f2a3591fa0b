"""Spans, and how they are written: OTLP's JSON (https://opentelemetry.io/docs/specs/otlp/). Pure.

OpenTelemetry's own spans and their protobuf cost four to six times as much to make and write,
measured in `docs/decisions`, which a job that judges 100,000 transactions a second cannot pay.
"""

from collections.abc import Iterable, Mapping, Sequence
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


def encode_spans(resource: bytes, written: Iterable[bytes]) -> bytes:
    """Return an OTLP request of JSON, in one line.

    `resource` is that of `encode_resource`, each of `written` that of `write_span` or a form.
    """
    return b"".join(
        (
            b'{"resourceSpans":[{"resource":',
            resource,
            b',"scopeSpans":[{"scope":',
            _SCOPE,
            b',"spans":[',
            b",".join(written),
            b"]}]}]}",
        )
    )


def encode_resource(attributes: Mapping[str, Value]) -> bytes:
    """Return who makes the spans, for `encode_spans`."""
    pairs = [_key(name) + _value(value) for name, value in attributes.items()]
    return b'{"attributes":[' + b",".join(pairs) + b"]}"


def write_span(span: Span) -> bytes:
    """Return one span as OTLP's JSON."""
    context = span.context
    # Ids are hexadecimal digits: nothing in them needs to be escaped.
    head = (
        f'{{"traceId":"{context.trace_id}","spanId":"{context.span_id}",'
        f'"parentSpanId":"{span.parent_id}","name":"{span.name.name}",'
        f'"kind":{span.name.kind.value},"flags":{int(context.sampled)},'
        f'"startTimeUnixNano":"{span.start_ns}","endTimeUnixNano":"{span.end_ns}",'
        '"attributes":['
    )
    parts = [head.encode(), _attributes(span.attributes), b"]"]
    if span.events:
        parts += [b',"events":[', b",".join([_event(event) for event in span.events]), b"]"]
    if span.links:
        parts.append(links_to(*span.links).encode())
    if span.error:
        parts += [f',"status":{{"code":{_ERROR},"message":'.encode(), _json(span.error), b"}"]
    parts.append(b"}")
    return b"".join(parts)


class SpanForm:
    """Spans of one name that differ in few attributes: written once, and filled in for each.

    `differ` are texts and whole numbers. `pieces`: what is the same, with a blank between two.
    """

    def __init__(
        self, name: SpanName, same: Mapping[Attribute, Value], differ: Sequence[Attribute]
    ) -> None:
        start = '{"traceId":"', '","spanId":"', '","parentSpanId":"'
        kind = f'","name":"{name.name}","kind":{name.kind.value},"flags":1,"startTimeUnixNano":"'
        first = f'","attributes":[{_attributes(same).decode()}'
        pieces = [*start, kind, '","endTimeUnixNano":"', first]
        blanks = ["%s", "%s", "%s", "%d", "%d"]
        comma = "," if same else ""
        for each in differ:
            before, blank, after = _BLANKS[each.type]
            pieces[-1] += comma + _key(each.name).decode() + before
            pieces.append(after)
            blanks.append(blank)
            comma = ","
        pieces[-1] += "]"
        self._text, self.pieces = _form([*pieces, "}"], [*blanks, "%s"])

    def fill(  # noqa: PLR0917 - what spans differ in; names would take time
        self,
        context: TraceContext,
        parent_id: str,
        start_ns: int,
        end_ns: int,
        values: tuple[int | str, ...],
        more: str = "",
    ) -> bytes:
        """Return a span as `write_span` does.

        `values`: of the attributes that differ, in their order; texts are `quoted`. `more`:
        events and links as `events_of` and `links_to` write them.
        """
        ids = (context.trace_id, context.span_id, parent_id)
        return (self._text % (*ids, start_ns, end_ns, *values, more)).encode()


class EventForm:
    """Events that differ in their time and in two numbers, the blanks between the `pieces`."""

    def __init__(
        self, name: str, same: Mapping[Attribute, Value], first: Attribute, second: Attribute
    ) -> None:
        head = f'","name":"{name}","attributes":[{_attributes(same).decode()},'
        keys = [_key(each.name).decode() + '{"doubleValue":' for each in (first, second)]
        pieces = ['{"timeUnixNano":"', head + keys[0], "}}," + keys[1], "}}]}"]
        self._text, self.pieces = _form(pieces, ["%d", "%r", "%r"])

    def fill(self, time_ns: int, first: float, second: float) -> str:
        """Return an event for `events_of`; the numbers are finite."""
        return self._text % (time_ns, first, second)


def quoted(text: str) -> str:
    """Return a text as JSON."""
    return _json(text).decode()


def events_of(written: Iterable[str]) -> str:
    """Return what stands behind a span's attributes where it has events."""
    return f',"events":[{",".join(written)}]'


def links_to(*contexts: TraceContext) -> str:
    """Return what stands behind a span's attributes and events where it is linked to others."""
    links = [f'{{"traceId":"{each.trace_id}","spanId":"{each.span_id}"}}' for each in contexts]
    return f',"links":[{",".join(links)}]'


_BLANKS: Final[Mapping[type, tuple[str, str, str]]] = {
    str: ('{"stringValue":', "%s", "}}"),
    int: ('{"intValue":"', "%d", '"}}'),
}
"""What stands before a value, how it is formatted, and what stands behind it."""


def _form(pieces: Sequence[str], blanks: Sequence[str]) -> tuple[str, tuple[bytes, ...]]:
    """Return a text to format, with a blank between two pieces, and the pieces."""
    escaped = [piece.replace("%", "%%") for piece in pieces]
    text = "".join(piece + blank for piece, blank in zip(escaped, [*blanks, ""], strict=True))
    return text, tuple(piece.encode() for piece in pieces)


def _event(event: Event) -> bytes:
    head = f'{{"timeUnixNano":"{event.time_ns}","name":"{event.name}","attributes":['
    return head.encode() + _attributes(event.attributes) + b"]}"


def _attributes(attributes: Mapping[Attribute, Value]) -> bytes:
    return b",".join(
        [_key(attribute.name) + _value(value) for attribute, value in attributes.items()]
    )


_keys: Final[dict[str, bytes]] = {}


def _key(name: str) -> bytes:
    written = _keys.get(name)
    if written is None:
        written = _keys[name] = b'{"key":' + _json(name) + b',"value":'
    return written


def _value(value: Value) -> bytes:
    """Return a value and what closes its pair."""
    if isinstance(value, str):
        return b'{"stringValue":' + _json(value) + b"}}"
    if isinstance(value, bool):
        return b'{"boolValue":true}}' if value else b'{"boolValue":false}}'
    if isinstance(value, int):
        return b'{"intValue":"%d"}}' % value
    return b'{"doubleValue":' + _json(value) + b"}}"
