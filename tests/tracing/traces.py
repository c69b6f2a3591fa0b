"""Traces as Jaeger's query API tells them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

_INDENT: Final = "  "
Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Another span that this one refers to, in whichever trace."""

    trace_id: str
    span_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened within a span."""

    name: str
    time_us: int
    tags: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A piece of work. Times are microseconds since 1970-01-01 UTC, as Jaeger keeps them."""

    trace_id: str
    span_id: str
    parent_id: str | None
    name: str
    service: str
    kind: str
    """`producer`, `consumer`, `client`, `server` or `internal`; empty where nothing is said."""
    start_us: int
    duration_us: int
    tags: Mapping[str, Any]
    resource: Mapping[str, Any]
    """What is said of the service that made it."""
    links: Sequence[Link]
    events: Sequence[Event]

    @property
    def end_us(self) -> int:
        """When it ended."""
        return self.start_us + self.duration_us

    @property
    def is_error(self) -> bool:
        """Whether its status says that it failed."""
        return bool(self.tags.get("error"))


@dataclass(frozen=True, slots=True)
class Trace:
    """All that is known of a trace."""

    trace_id: str
    spans: Sequence[Span]
    """In the order of their starts."""

    def span(self, name: str) -> Span:
        """Return the one span of a name."""
        found = [span for span in self.spans if span.name == name]
        assert len(found) == 1, f"{len(found)} spans of the name {name} in\n{self.tree()}"
        return found[0]

    def children(self, parent: Span) -> list[Span]:
        """Return the spans directly below one."""
        return [span for span in self.spans if span.parent_id == parent.span_id]

    def roots(self) -> list[Span]:
        """Return the spans whose parent is not in the trace, or that have none."""
        ids = {span.span_id for span in self.spans}
        return [span for span in self.spans if span.parent_id not in ids]

    def tree(self) -> str:
        """Write the trace, a line for each span: when it began, what it is, how long it took."""
        lines = [f"trace {self.trace_id}, spans: {len(self.spans)}"]
        for root in self.roots():
            lines.extend(self._lines(root, 1))
        return "\n".join(lines)

    def _lines(self, span: Span, depth: int) -> Iterator[str]:
        began_ms = (span.start_us - self.spans[0].start_us) / 1000
        who = ", ".join(filter(None, (span.service, span.kind, "error" * span.is_error)))
        orphan = f", below {span.parent_id}" if depth == 1 and span.parent_id else ""
        yield (
            f"{began_ms:10.3f} ms {_INDENT * depth}{span.name} ({who}{orphan})"
            f" {span.duration_us / 1000:.3f} ms"
        )
        for child in self.children(span):
            yield from self._lines(child, depth + 1)


def read_trace(document: Json) -> Trace:
    """Read one trace of an answer of `/api/traces`."""
    processes = document["processes"]
    spans = [_span(span, processes[span["processID"]]) for span in document["spans"]]
    spans.sort(key=lambda span: (span.start_us, -span.duration_us))
    return Trace(document["traceID"], spans)


def _span(document: Json, process: Json) -> Span:
    tags = _tags(document["tags"])
    parents = [r for r in document["references"] if r["refType"] == "CHILD_OF"]
    links = [r for r in document["references"] if r["refType"] != "CHILD_OF"]
    return Span(
        trace_id=document["traceID"],
        span_id=document["spanID"],
        parent_id=parents[0]["spanID"] if parents else None,
        name=document["operationName"],
        service=process["serviceName"],
        kind=tags.get("span.kind", ""),
        start_us=document["startTime"],
        duration_us=document["duration"],
        tags=tags,
        resource=_tags(process["tags"]),
        links=[Link(trace_id=link["traceID"], span_id=link["spanID"]) for link in links],
        events=[_event(event) for event in document["logs"]],
    )


def _event(document: Json) -> Event:
    tags = _tags(document["fields"])
    return Event(name=tags.pop("event", ""), time_us=document["timestamp"], tags=tags)


def _tags(pairs: Sequence[Json]) -> dict[str, Any]:
    return {pair["key"]: pair["value"] for pair in pairs}
