"""Names that components share for tracing."""

import re
from typing import Final

TRACEPARENT_HEADER: Final = "traceparent"
"""Kafka header with the W3C trace context (https://www.w3.org/TR/trace-context/)."""

_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")


def trace_id_of(traceparent: str | None) -> str | None:
    """Return the trace id, or None where the context is missing or malformed."""
    match = _TRACEPARENT.fullmatch(traceparent or "")
    if match is None or match[1] == "0" * 32 or match[2] == "0" * 16:
        return None
    return match[1]
