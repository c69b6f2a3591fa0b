"""Spans written by hand, and sent as OTLP's JSON (https://opentelemetry.io/docs/specs/otlp/)."""

import json
import secrets
import time
import urllib.request
from collections.abc import Mapping, Sequence
from typing import Any, Final

INTERNAL: Final = 1
PRODUCER: Final = 4
CONSUMER: Final = 5
ERROR: Final = 2
Document = dict[str, Any]
Value = str | bool | int | float


def new_trace_id() -> str:
    """Draw a trace id."""
    return secrets.token_hex(16)


def span(
    name: str,
    trace_id: str,
    *,
    parent_id: str = "",
    kind: int = INTERNAL,
    start_ms: int = 0,
    duration_ms: int = 1,
    **more: Any,
) -> Document:
    """Write a span that begins `start_ms` after the second that it is now.

    `more`: fields by OTLP's own names, such as `status`, `events`, `links` and `attributes`.
    """
    start_ns = int(time.time()) * 1_000_000_000 + start_ms * 1_000_000
    return {
        "traceId": trace_id,
        "spanId": secrets.token_hex(8),
        "parentSpanId": parent_id,
        "name": name,
        "kind": kind,
        "startTimeUnixNano": str(start_ns),
        "endTimeUnixNano": str(start_ns + duration_ms * 1_000_000),
        **more,
    }


def attributes(values: Mapping[str, Value]) -> list[Document]:
    """Write attributes."""
    return [{"key": key, "value": _value(value)} for key, value in values.items()]


def send(
    endpoint: str,
    spans: Sequence[Document],
    *,
    service: str,
    resource: Mapping[str, Value] | None = None,
) -> None:
    """Post spans of a service to who takes them at `endpoint`.

    Raises:
        OSError: it cannot be reached, or refuses.
    """
    said = attributes({"service.name": service, **(resource or {})})
    body = {"resourceSpans": [{"resource": {"attributes": said}, "scopeSpans": [{"spans": spans}]}]}
    request = urllib.request.Request(
        f"{endpoint}/v1/traces",
        json.dumps(body).encode(),
        {"Content-Type": "application/json"},
        method="POST",
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        answer.read()


def _value(value: Value) -> Document:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    return {"stringValue": value}
