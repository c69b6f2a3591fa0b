"""Traces of requests, and the contexts under which transactions are sent."""

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec

from cardwatch_contracts import telemetry as t
from cardwatch_contracts.messaging import place, sending
from cardwatch_contracts.spans import Span, Value, write_span
from cardwatch_contracts.trace_context import TraceContext

SERVICE: Final = "cardwatch-gateway"
_MOST_LINKS: Final = 128


class Tracer:
    """Begins and goes on with traces.

    Args:
        sampled_share: how many of the traces begun here are recorded, 0 to 1.
        random_bits: gives the ids; injected by tests.
    """

    def __init__(self, sampled_share: float, random_bits: random.Random | None = None) -> None:
        self._share = sampled_share
        self._random = random_bits or random.Random()

    def begin(self) -> TraceContext:
        """Begin a trace."""
        trace_id = self._random.getrandbits(128) or 1
        return TraceContext(
            f"{trace_id:032x}", self._span_id(), self._random.random() < self._share
        )

    def below(self, context: TraceContext) -> TraceContext:
        """Return the context of a new span below another."""
        return TraceContext(context.trace_id, self._span_id(), context.sampled)

    def _span_id(self) -> str:
        return f"{self._random.getrandbits(64) or 1:016x}"


class SentSpan(msgspec.Struct, frozen=True, kw_only=True):
    """A record that Kafka has, or has not taken."""

    name: t.SpanName
    topic: str
    context: TraceContext
    parent_id: str
    start_ns: int
    end_ns: int
    partition: int
    offset: int
    of: Mapping[t.Attribute, Value]
    error: str = ""

    def __len__(self) -> int:
        return 1

    def written(self) -> Iterator[bytes]:
        """Make its span."""
        span = Span(
            name=self.name,
            context=self.context,
            parent_id=self.parent_id,
            start_ns=self.start_ns,
            end_ns=self.end_ns,
            attributes={**sending(self.topic), **place(self.partition, self.offset), **self.of},
            error=self.error,
        )
        yield write_span(span)


def request_span(  # each is a part of the span
    context: TraceContext,
    *,
    parent_id: str,
    start_ns: int,
    end_ns: int,
    status: int,
    transactions: int,
    links: Sequence[TraceContext] = (),
) -> Span:
    """Return the span of a request that brought transactions."""
    return Span(
        name=t.POST_TRANSACTIONS,
        context=context,
        parent_id=parent_id,
        start_ns=start_ns,
        end_ns=end_ns,
        attributes={
            t.HTTP_METHOD: "POST",
            t.HTTP_ROUTE: "/v1/transactions",
            t.HTTP_STATUS: status,
            t.BATCH_COUNT: transactions,
        },
        links=links[:_MOST_LINKS],
        error=f"answered {status}" if status >= 500 else "",
    )
