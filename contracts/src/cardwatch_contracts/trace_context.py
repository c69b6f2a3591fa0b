"""W3C trace context: where in which trace a record was sent. Pure.

https://www.w3.org/TR/trace-context/
"""

import re
from hashlib import blake2b
from typing import Final

import msgspec

_TRACEPARENT: Final = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")


class TraceContext(msgspec.Struct, frozen=True, gc=False):
    """A span to which others are children."""

    trace_id: str
    """32 hexadecimal digits, not all zero."""
    span_id: str
    """16 hexadecimal digits; empty where the trace begins here and there is no span yet."""
    sampled: bool
    """Whether who began the trace records it."""

    @property
    def traceparent(self) -> str:
        """Return it as the header's value; a context without a span has none."""
        assert self.span_id, "a trace without a span has no parent"
        return f"00-{self.trace_id}-{self.span_id}-{'01' if self.sampled else '00'}"

    def child(self, *what: object) -> "TraceContext":
        """Return the context of a recorded span below this one.

        `what` tells it from others below: the same always has the same id, so that who repeats
        its work after a failure records the same spans.
        """
        text = "\0".join((self.trace_id, self.span_id, *map(str, what)))
        span_id = blake2b(text.encode(), digest_size=8).hexdigest()
        return TraceContext(self.trace_id, span_id, True)


def read_traceparent(traceparent: str | None) -> TraceContext | None:
    """Return the context, None where it is missing or malformed.

    A version above 00 is read as far as 00 goes, as the standard asks.
    """
    match = _TRACEPARENT.fullmatch(traceparent or "")
    if match is None:
        return None
    version, trace_id, span_id, flags, more = match.groups()
    if version == "ff" or (version == "00" and more is not None):
        return None
    if trace_id == "0" * 32 or span_id == "0" * 16:
        return None
    return TraceContext(trace_id, span_id, bool(int(flags, 16) & 1))


def new_trace(*of: object) -> TraceContext:
    """Begin the trace of something: always the same one."""
    trace_id = blake2b("\0".join(map(str, of)).encode(), digest_size=16).hexdigest()
    return TraceContext(trace_id, "", False)


def trace_id_of(traceparent: str | None) -> str | None:
    """Return the trace id, or None where the context is missing or malformed."""
    context = read_traceparent(traceparent)
    return None if context is None else context.trace_id
