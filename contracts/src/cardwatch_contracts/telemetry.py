"""Every name that traces and metrics use, with its unit and what it says.

Spans and their attributes follow OpenTelemetry's conventions for messaging, version 1.44
(https://opentelemetry.io/docs/specs/semconv/messaging/); what those do not know begins with
`cardwatch.`. No attribute holds a card, a user or a text that somebody wrote.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

TRACEPARENT_HEADER: Final = "traceparent"
"""Kafka header with the W3C trace context (https://www.w3.org/TR/trace-context/)."""


class Kind(IntEnum):
    """What a span stands for, by OTLP's numbers."""

    INTERNAL = 1
    SERVER = 2
    CLIENT = 3
    PRODUCER = 4
    CONSUMER = 5


@dataclass(frozen=True, slots=True, eq=False)
class SpanName:
    """A kind of span."""

    name: str
    kind: Kind
    description: str


@dataclass(frozen=True, slots=True, eq=False)
class Attribute:
    """Something a span or an event says of itself."""

    name: str
    type: type[str] | type[int] | type[float] | type[bool]
    unit: str
    """By UCUM; empty where there is none."""
    description: str


SEND_TRANSACTIONS: Final = SpanName(
    "send transactions",
    Kind.PRODUCER,
    "From when a transaction is given to Kafka's client until every in-sync replica has it.",
)
PROCESS_TRANSACTIONS: Final = SpanName(
    "process transactions",
    Kind.CONSUMER,
    "The job judges a transaction: from the start to the end of the batch it is in.",
)
JUDGE_BATCH: Final = SpanName(
    "judge batch",
    Kind.INTERNAL,
    "One call from Flink into Python, in a trace of its own; the transactions link to it.",
)
SEND_ALERTS: Final = SpanName(
    "send alerts",
    Kind.PRODUCER,
    "The job hands an alert to its sink. Exactly once, consumers get it after the next checkpoint.",
)
PROCESS_ALERTS: Final = SpanName(
    "process alerts", Kind.CONSUMER, "A consumer has read an alert and does with it what it is for."
)
SEND_CONFIGS: Final = SpanName(
    "send detector-configs",
    Kind.PRODUCER,
    "A change of thresholds is published: from when it was seen until every replica has it.",
)
PROCESS_CONFIGS: Final = SpanName(
    "process detector-configs", Kind.CONSUMER, "A subtask of the job puts thresholds into force."
)
PROCESS_ACKS: Final = SpanName(
    "process config-acks",
    Kind.CONSUMER,
    "From publishing thresholds until every subtask has acknowledged them.",
)
SPANS: Final = (
    SEND_TRANSACTIONS,
    PROCESS_TRANSACTIONS,
    JUDGE_BATCH,
    SEND_ALERTS,
    PROCESS_ALERTS,
    SEND_CONFIGS,
    PROCESS_CONFIGS,
    PROCESS_ACKS,
)

MESSAGING_SYSTEM: Final = Attribute("messaging.system", str, "", "Always `kafka`.")
DESTINATION: Final = Attribute("messaging.destination.name", str, "", "The topic.")
OPERATION_NAME: Final = Attribute("messaging.operation.name", str, "", "`send` or `process`.")
OPERATION_TYPE: Final = Attribute("messaging.operation.type", str, "", "`send` or `process`.")
CONSUMER_GROUP: Final = Attribute("messaging.consumer.group.name", str, "", "Who reads.")
OFFSET: Final = Attribute("messaging.kafka.offset", int, "", "Where in its partition a record is.")
PARTITION: Final = Attribute("messaging.destination.partition.id", str, "", "Its partition.")
BATCH_COUNT: Final = Attribute(
    "messaging.batch.message_count", int, "{message}", "Records in a batch."
)
ERROR_TYPE: Final = Attribute("error.type", str, "", "What went wrong: `InvalidRecordError`.")
TRANSACTION_ID: Final = Attribute("cardwatch.transaction.id", str, "", "Which transaction.")
BANK_ID: Final = Attribute("cardwatch.bank.id", str, "", "Whose card it is.")
QUEUED: Final = Attribute(
    "cardwatch.queue.duration", int, "ms", "From when Kafka took a record to the span's start."
)
IS_ALERT: Final = Attribute(
    "cardwatch.alert", bool, "", "True on spans of a transaction that raised an alert."
)
ALERT_ID: Final = Attribute("cardwatch.alert.id", str, "", "Which alert.")
CONFIG_NAME: Final = Attribute("cardwatch.config.name", str, "", "The DetectorConfig that judged.")
CONFIG_GENERATION: Final = Attribute(
    "cardwatch.config.generation", int, "", "Its generation; 0 for the built-in defaults."
)
SUBTASK: Final = Attribute("cardwatch.subtask", int, "", "Which subtask of the job, from 0.")
SUBTASKS: Final = Attribute("cardwatch.subtasks", int, "{subtask}", "How many the job has.")
FINDING: Final = "cardwatch.finding"
"""Event on `process transactions`: a detector objects."""
DETECTOR: Final = Attribute("cardwatch.finding.detector", str, "", "Which detector.")
OBSERVED: Final = Attribute(
    "cardwatch.finding.observed", float, "", "What it measured, in its unit."
)
THRESHOLD: Final = Attribute(
    "cardwatch.finding.threshold", float, "", "What it held that against, in its unit."
)
FINDING_UNIT: Final = Attribute(
    "cardwatch.finding.unit", str, "", "`minor`, `s`, `d`, `km/h` or `transactions`."
)
FINDING_MODE: Final = Attribute("cardwatch.finding.mode", str, "", "`active` or `shadow`.")
ATTRIBUTES: Final = (
    MESSAGING_SYSTEM,
    DESTINATION,
    OPERATION_NAME,
    OPERATION_TYPE,
    CONSUMER_GROUP,
    OFFSET,
    PARTITION,
    BATCH_COUNT,
    ERROR_TYPE,
    TRANSACTION_ID,
    BANK_ID,
    QUEUED,
    IS_ALERT,
    ALERT_ID,
    CONFIG_NAME,
    CONFIG_GENERATION,
    SUBTASK,
    SUBTASKS,
    DETECTOR,
    OBSERVED,
    THRESHOLD,
    FINDING_UNIT,
    FINDING_MODE,
)
EVENTS: Final = (FINDING,)
