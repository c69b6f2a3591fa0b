"""Spans of transactions that are sent."""

import time
from collections.abc import Callable, Iterator
from typing import Final, Protocol

import msgspec
from confluent_kafka import KafkaError, Message

from cardwatch_contracts import telemetry as t
from cardwatch_contracts.messaging import place, sending
from cardwatch_contracts.span_export import Exporter
from cardwatch_contracts.spans import Span, write_span
from cardwatch_contracts.topics import TRANSACTIONS
from cardwatch_contracts.trace_context import TraceContext, read_traceparent
from cardwatch_contracts.transaction import Transaction

SERVICE: Final = "cardwatch-generator"
Delivered = Callable[[KafkaError | None, Message], None]


class SendTimes(Protocol):
    """Takes how long transactions took to arrive."""

    def note(self, seconds: float, trace_id: str | None) -> None:
        """Take one; with its trace where that is recorded."""


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """A transaction that Kafka has, or has not taken."""

    transaction_id: str
    bank_id: str
    context: TraceContext
    start_ns: int
    end_ns: int
    partition: int
    offset: int
    error: str = ""

    def __len__(self) -> int:
        return 1

    def written(self) -> Iterator[bytes]:
        """Make its span, the first of its trace."""
        span = Span(
            name=t.SEND_TRANSACTIONS,
            context=self.context,
            start_ns=self.start_ns,
            end_ns=self.end_ns,
            attributes={
                **sending(TRANSACTIONS.name),
                **place(self.partition, self.offset),
                t.TRANSACTION_ID: self.transaction_id,
                t.BANK_ID: self.bank_id,
            },
            error=self.error,
        )
        yield write_span(span)


def on_delivery(
    exporter: Exporter | None, txn: Transaction, traceparent: str, report: Delivered
) -> Delivered:
    """Return what is to be called when Kafka has a transaction: `report`, and a span if sampled."""
    context = read_traceparent(traceparent) if exporter is not None else None
    if exporter is None or context is None or not context.sampled:
        return report
    start_ns = time.time_ns()

    def delivered(error: KafkaError | None, message: Message) -> None:
        exporter.put(
            Sent(
                transaction_id=txn.transaction_id,
                bank_id=txn.bank_id,
                context=context,
                start_ns=start_ns,
                end_ns=time.time_ns(),
                partition=message.partition() or 0,
                offset=message.offset() or 0,
                error="" if error is None else error.str(),
            )
        )
        report(error, message)

    return delivered


def timed(times: SendTimes, traceparent: str, report: Delivered) -> Delivered:
    """Return what is to be called when Kafka has a transaction: `report`, after noting the time."""
    began_s = time.perf_counter()

    def delivered(error: KafkaError | None, message: Message) -> None:
        if error is None:
            context = read_traceparent(traceparent)
            trace_id = context.trace_id if context is not None and context.sampled else None
            times.note(time.perf_counter() - began_s, trace_id)
        report(error, message)

    return delivered
