"""What spans say of Kafka records that are sent and processed, the same in every component. Pure.

By OpenTelemetry's conventions for messaging; a span that processes one record is a child of the
span that sent it.
"""

from typing import Final

from cardwatch_contracts import telemetry as t
from cardwatch_contracts.alert import Alert
from cardwatch_contracts.detector_config import ConfigRecord
from cardwatch_contracts.spans import Span, Value
from cardwatch_contracts.topics import ALERTS, CONFIG_ACKS, DETECTOR_CONFIGS
from cardwatch_contracts.trace_context import TraceContext, new_trace, read_traceparent

_SAMPLED: Final = b"1"
"""The last digit of a context's flags where they are recorded; other flags there are none yet."""


def sending(topic: str) -> dict[t.Attribute, Value]:
    """Return the attributes of a span that sends a record."""
    return {
        t.MESSAGING_SYSTEM: "kafka",
        t.DESTINATION: topic,
        t.OPERATION_NAME: "send",
        t.OPERATION_TYPE: "send",
    }


def processing(topic: str, group: str) -> dict[t.Attribute, Value]:
    """Return the attributes of a span that processes a record."""
    return {
        t.MESSAGING_SYSTEM: "kafka",
        t.DESTINATION: topic,
        t.OPERATION_NAME: "process",
        t.OPERATION_TYPE: "process",
        t.CONSUMER_GROUP: group,
    }


def place(partition: int, offset: int) -> dict[t.Attribute, Value]:
    """Return the attributes that say where a record is."""
    return {t.PARTITION: str(partition), t.OFFSET: offset}


def recorded_in(headers: object) -> str | None:
    """Return a record's trace context if its trace is recorded, without reading more than needed.

    `headers`: as a Kafka client gives them, pairs of name and bytes, or none.
    """
    for name, value in headers if isinstance(headers, list) else ():
        if name == t.TRACEPARENT_HEADER and isinstance(value, bytes) and value[-1:] == _SAMPLED:
            return value.decode("ascii", errors="replace")
    return None


def processed_alert(
    alert: Alert, traceparent: str | None, *, consumer: str, start_ns: int, end_ns: int
) -> Span | None:
    """Return the span of a consumer that has done its work with an alert.

    None where the alert came without a context, or nobody records its trace.
    """
    context = read_traceparent(traceparent)
    if context is None or not context.sampled:
        return None
    return Span(
        name=t.PROCESS_ALERTS,
        context=context.child("process", consumer),
        parent_id=context.span_id,
        start_ns=start_ns,
        end_ns=end_ns,
        attributes={
            **processing(ALERTS.name, consumer),
            t.TRANSACTION_ID: alert.transaction.transaction_id,
            t.ALERT_ID: alert.alert_id,
            t.IS_ALERT: True,
        },
    )


def config_context(record: ConfigRecord) -> TraceContext:
    """Return the context in which a generation is published: whoever has the record knows it."""
    trace = new_trace("detector-config", record.name, record.generation, record.created_at)
    return trace.child("send")


def sent_config(record: ConfigRecord, *, start_ns: int, end_ns: int) -> Span:
    """Return the span of a generation that was published, the first of its trace."""
    return Span(
        name=t.SEND_CONFIGS,
        context=config_context(record),
        start_ns=start_ns,
        end_ns=end_ns,
        attributes={**sending(DETECTOR_CONFIGS.name), **_config(record)},
    )


def acknowledged_config(
    record: ConfigRecord, *, reader: str, subtasks: int, start_ns: int, end_ns: int
) -> Span:
    """Return the span of waiting until all subtasks have acknowledged a generation."""
    context = config_context(record)
    return Span(
        name=t.PROCESS_ACKS,
        context=context.child("acknowledged", reader),
        parent_id=context.span_id,
        start_ns=start_ns,
        end_ns=end_ns,
        attributes={
            **processing(CONFIG_ACKS.name, reader),
            **_config(record),
            t.SUBTASKS: subtasks,
        },
    )


def _config(record: ConfigRecord) -> dict[t.Attribute, Value]:
    return {t.CONFIG_NAME: record.name, t.CONFIG_GENERATION: record.generation}
