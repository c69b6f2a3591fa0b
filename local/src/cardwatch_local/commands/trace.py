"""`cardwatch trace`."""

from collections.abc import Iterable, Sequence
from typing import Annotated, Final

import typer

from cardwatch_contracts.privacy import redact_card_numbers
from cardwatch_contracts.wording import printable
from cardwatch_local.commands import output
from cardwatch_local.commands.options import Json, StackName
from cardwatch_local.errors import StackError
from cardwatch_local.reading.traces import Event, RecordedSpan, find_trace
from cardwatch_local.settings import StackSettings

EXAMPLES: Final = (
    "cardwatch trace A-kqbvdthg-17",
    "cardwatch trace --name demo 4bf92f3577b34da6a3ce929d0e0e4736",
)
_BAR: Final = 40
"""Width of the waterfall. Characters."""


def trace(
    *,
    wanted: Annotated[str, typer.Argument(metavar="TRANSACTION_ID")],
    as_json: Json = False,
    name: StackName = "default",
) -> None:
    """Draw the way of a transaction: who had it when, and what was found. Also by trace id."""
    roots = find_trace(StackSettings(name=name).traces_dir, wanted)
    if not roots:
        raise StackError(
            f"no spans of {printable(redact_card_numbers(wanted))} in stack {name!r}: recorded are "
            "transactions that raise an alert, and a share of the others; with "
            "OTEL_EXPORTER_OTLP_ENDPOINT set they are where that is"
        )
    lines = list(_in_order(roots, 0))
    if as_json:
        output.say_json([_as_json(span, depth) for depth, span in lines])
        return
    start_ns = min(span.start_ns for _, span in lines)
    whole_ns = max(1, max(span.end_ns for _, span in lines) - start_ns)
    output.say(f"Trace {roots[0].trace_id}, {whole_ns / 1e6:,.1f} ms")
    output.table(
        ("span", "service", "from ms:right", "for ms:right", ""),
        (row for depth, span in lines for row in _rows(depth, span, start_ns, whole_ns)),
    )


def _in_order(spans: Iterable[RecordedSpan], depth: int) -> Iterable[tuple[int, RecordedSpan]]:
    for span in spans:
        yield depth, span
        yield from _in_order(span.children, depth + 1)


def _rows(
    depth: int, span: RecordedSpan, start_ns: int, whole_ns: int
) -> Iterable[tuple[str, str, str, str, str]]:
    before_ns, length_ns = span.start_ns - start_ns, span.end_ns - span.start_ns
    first = min(_BAR - 1, before_ns * _BAR // whole_ns)
    length = max(1, min(_BAR - first, -(-length_ns * _BAR // whole_ns)))
    yield (
        f"{'  ' * depth}{span.name}",
        span.service,
        f"{before_ns / 1e6:,.1f}",
        f"{length_ns / 1e6:,.1f}",
        f"{' ' * first}{'█' * length}",
    )
    for line in _remarks(span):
        yield f"{'  ' * depth}  {line}", "", "", "", ""


def _remarks(span: RecordedSpan) -> Iterable[str]:
    queued_ms = span.attributes.get("cardwatch.queue.duration")
    if queued_ms is not None:
        yield f"waited {queued_ms:,} ms in Kafka"
    config = span.attributes.get("cardwatch.config.name")
    if config is not None:
        yield f"config {config}, generation {span.attributes['cardwatch.config.generation']}"
    if span.error:
        yield f"error: {span.error}"
    yield from map(_remark, span.events)


def _remark(event: Event) -> str:
    said = {name.rpartition(".")[2]: value for name, value in event.attributes.items()}
    shadow = " (shadow)" if said["mode"] == "shadow" else ""
    return (
        f"{said['detector']}{shadow}: {said['observed']:,g} {said['unit']}, "
        f"threshold {said['threshold']:,g}"
    )


def _as_json(span: RecordedSpan, depth: int) -> dict[str, object]:
    events: Sequence[Event] = span.events
    return {
        "trace_id": span.trace_id,
        "span_id": span.span_id,
        "parent_id": span.parent_id,
        "depth": depth,
        "service": span.service,
        "name": span.name,
        "start_ns": span.start_ns,
        "duration_ns": span.end_ns - span.start_ns,
        "attributes": span.attributes,
        "events": [{"name": event.name, **event.attributes} for event in events],
        "error": span.error,
    }
