"""Every name that traces and metrics use, with its unit and what it says.

Spans and their attributes follow OpenTelemetry's conventions for messaging, version 1.44
(https://opentelemetry.io/docs/specs/semconv/messaging/); what those do not know begins with
`cardwatch.`. No attribute holds a card, a user or a text that somebody wrote.
"""

from dataclasses import dataclass
from enum import IntEnum
from functools import partial
from typing import Final, Literal

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


POST_TRANSACTIONS: Final = SpanName(
    "POST /v1/transactions",
    Kind.SERVER,
    "The gateway takes transactions: from when it has read them until Kafka has them.",
)
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
    POST_TRANSACTIONS,
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
HTTP_METHOD: Final = Attribute("http.request.method", str, "", "Such as `POST`.")
HTTP_ROUTE: Final = Attribute("http.route", str, "", "The pattern of what was asked for.")
HTTP_STATUS: Final = Attribute("http.response.status_code", int, "", "How it was answered.")
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
    HTTP_METHOD,
    HTTP_ROUTE,
    HTTP_STATUS,
)
EVENTS: Final = (FINDING,)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Metric:
    """Something that Prometheus reads."""

    name: str
    """As Prometheus' text names it: a counter's ends in `_total`. Of a histogram there are
    `_bucket`, `_sum` and `_count`."""
    kind: Literal["counter", "gauge", "histogram"]
    """Prometheus' type. Flink's reporter calls its counters gauges."""
    unit: str = ""
    """By UCUM; empty where it counts what its name says."""
    labels: tuple[str, ...] = ()
    """Its own, besides those that say who serves it."""
    service: Literal["job", "operator", "archiver", "generator", "gateway", "visualizer"]
    """The component that serves it."""
    description: str


FLINK_SCOPE: Final = "flink_taskmanager_job_task_operator_cardwatch_"
"""How Flink's reporter for Prometheus begins the names of the job's own metrics."""


def _of_job(name: str, description: str, *labels: str) -> Metric:
    return Metric(
        name=FLINK_SCOPE + name, kind="gauge", labels=labels, service="job", description=description
    )


JUDGED: Final = _of_job("judged", "Transactions judged since the subtask started.")
DUPLICATES: Final = _of_job("duplicates", "Transactions left out: they were judged already.")
LATE: Final = _of_job("late", "Transactions judged that are older than their card's latest.")
REKEYED: Final = _of_job("rekeyed", "Transactions that came under another user's key.")
DEAD_LETTERS: Final = _of_job("dead_letters", "Records that cannot be read.")
MALFORMED_TRACEPARENTS: Final = _of_job(
    "malformed_traceparents", "Headers that are no W3C trace context."
)
DROPPED_SPANS: Final = _of_job("dropped_spans", "Spans of the job that no collector has taken.")
RAISED: Final = _of_job("alerts", "Alerts to act on.")
RAISED_IN_SHADOW: Final = _of_job("shadow_alerts", "Alerts of detectors on trial alone.")
SCORED: Final = _of_job("scored", "Transactions that a model judged.")
UNSCORED: Final = _of_job(
    "unscored", "Transactions that no model could judge: a feature was no finite number."
)
FEEDBACK_HEARD: Final = _of_job(
    "feedback_heard", "Answers of analysts that taught something of a merchant."
)
FEEDBACK_REFUSED: Final = _of_job("feedback_refused", "Answers of analysts that cannot be read.")
FINDINGS: Final = _of_job(
    "detector_findings", "What detectors object to, to act on, by detector.", "detector"
)
SHADOW_FINDINGS: Final = _of_job(
    "detector_shadow_findings", "What detectors on trial object to, by detector.", "detector"
)
CONFIG_IN_FORCE: Final = _of_job(
    "config_generation", "Newest generation of a config that the subtask judges by.", "config"
)
LATE_SUMS: Final = _of_job(
    "late_sums", "Partial sums that came after their window was given up: it is lower by them."
)
JOB_METRICS: Final = (
    JUDGED,
    DUPLICATES,
    LATE,
    REKEYED,
    DEAD_LETTERS,
    MALFORMED_TRACEPARENTS,
    DROPPED_SPANS,
    RAISED,
    RAISED_IN_SHADOW,
    SCORED,
    UNSCORED,
    FEEDBACK_HEARD,
    FEEDBACK_REFUSED,
    FINDINGS,
    SHADOW_FINDINGS,
    CONFIG_IN_FORCE,
    LATE_SUMS,
)

RECONCILES: Final = Metric(
    name="cardwatch_operator_reconciles_total",
    kind="counter",
    service="operator",
    description="Passes over all DetectorConfigs.",
)
FAILURES: Final = Metric(
    name="cardwatch_operator_failures_total",
    kind="counter",
    labels=("what",),
    service="operator",
    description="Passes that failed, by what failed them: kafka, kubernetes or unexpected.",
)
PUBLISHED: Final = Metric(
    name="cardwatch_operator_published_total",
    kind="counter",
    service="operator",
    description="Generations that were published.",
)
REPUBLISHED: Final = Metric(
    name="cardwatch_operator_republished_total",
    kind="counter",
    service="operator",
    description="Generations published once more: not all subtasks had acknowledged in time.",
)
APPLY_SECONDS: Final = Metric(
    name="cardwatch_operator_apply_seconds",
    kind="histogram",
    unit="s",
    service="operator",
    description="From publishing a generation to its last acknowledgement.",
)
CONFIGS: Final = Metric(
    name="cardwatch_operator_detectorconfigs",
    kind="gauge",
    labels=("ready",),
    service="operator",
    description="DetectorConfigs by whether they are ready.",
)
PUBLISHED_GENERATION: Final = Metric(
    name="cardwatch_operator_published_generation",
    kind="gauge",
    labels=("config",),
    service="operator",
    description="Generation that was published last.",
)
APPLIED_GENERATION: Final = Metric(
    name="cardwatch_operator_applied_generation",
    kind="gauge",
    labels=("config",),
    service="operator",
    description="Generation that every subtask has acknowledged; 0 before the first.",
)
LEADS: Final = Metric(
    name="cardwatch_operator_leads",
    kind="gauge",
    service="operator",
    description="1 where this operator is the one that acts.",
)
CONSUMED_ALERTS: Final = Metric(
    name="cardwatch_alerts_total",
    kind="counter",
    labels=("config", "mode"),
    service="operator",
    description="Committed alerts by the config that judged, and whether they are to be acted on.",
)
ALERT_LATENCY: Final = Metric(
    name="cardwatch_alert_latency_seconds",
    kind="histogram",
    unit="s",
    labels=("stage",),
    service="operator",
    description="From when Kafka took a transaction until its alert is `written` by the job, and "
    "until it is `committed`: a consumer that reads committed has it.",
)
COMPONENT_DROPPED_SPANS: Final = Metric(
    name="cardwatch_dropped_spans_total",
    kind="counter",
    service="operator",
    description="Spans that no collector has taken.",
)
PROFILES_WRITTEN: Final = Metric(
    name="cardwatch_archiver_profiles_written_total",
    kind="counter",
    service="archiver",
    description="Card profiles written into Valkey.",
)
LEFT_OUT: Final = Metric(
    name="cardwatch_archiver_left_out_total",
    kind="counter",
    service="archiver",
    description="Records that are no card profile.",
)
ARCHIVER_RETRIES: Final = Metric(
    name="cardwatch_archiver_retries_total",
    kind="counter",
    labels=("reason",),
    service="archiver",
    description="Batches begun again: Valkey was `away`, or not where it was left (`moved`).",
)
WRITE_SECONDS: Final = Metric(
    name="cardwatch_archiver_write_seconds",
    kind="histogram",
    unit="s",
    service="archiver",
    description="Writing a batch into Valkey.",
)
ARCHIVER_LAG: Final = Metric(
    name="cardwatch_archiver_lag_records",
    kind="gauge",
    service="archiver",
    description="Card profiles in Kafka that are not in Valkey yet.",
)
ROWS_WRITTEN: Final = Metric(
    name="cardwatch_archiver_rows_written_total",
    kind="counter",
    labels=("table",),
    service="archiver",
    description="Records written into PostgreSQL, by the table they are rows of.",
)
ROWS_LEFT_OUT: Final = Metric(
    name="cardwatch_archiver_rows_left_out_total",
    kind="counter",
    labels=("table",),
    service="archiver",
    description="Records that the table has no row of: they are not what their topic is for, or "
    "of a day that is not kept.",
)
DATABASE_RETRIES: Final = Metric(
    name="cardwatch_archiver_database_retries_total",
    kind="counter",
    labels=("table", "reason"),
    service="archiver",
    description="Batches begun again: PostgreSQL was `away`, or not where it was left (`moved`).",
)
DATABASE_WRITE_SECONDS: Final = Metric(
    name="cardwatch_archiver_database_write_seconds",
    kind="histogram",
    unit="s",
    labels=("table",),
    service="archiver",
    description="Writing a batch into PostgreSQL.",
)
DATABASE_LAG: Final = Metric(
    name="cardwatch_archiver_database_lag_records",
    kind="gauge",
    labels=("topic",),
    service="archiver",
    description="Records in Kafka that are not in PostgreSQL yet, by topic.",
)
DROPPED_PARTITIONS: Final = Metric(
    name="cardwatch_archiver_dropped_partitions_total",
    kind="counter",
    service="archiver",
    description="Days of a table that were dropped: they were too old.",
)
PART_FAILURES: Final = Metric(
    name="cardwatch_archiver_failures_total",
    kind="counter",
    labels=("topic",),
    service="archiver",
    description="How often writing a topic ended, to be begun again: waiting would not mend it.",
)
SENT: Final = Metric(
    name="cardwatch_generator_sent_total",
    kind="counter",
    service="generator",
    description="Transactions given to Kafka's client.",
)
ACKNOWLEDGED: Final = Metric(
    name="cardwatch_generator_acknowledged_total",
    kind="counter",
    service="generator",
    description="Transactions that every in-sync replica has.",
)
FAILED: Final = Metric(
    name="cardwatch_generator_failed_total",
    kind="counter",
    service="generator",
    description="Transactions that were given up.",
)
SEND_SECONDS: Final = Metric(
    name="cardwatch_generator_send_seconds",
    kind="histogram",
    unit="s",
    service="generator",
    description="From Kafka's client until every in-sync replica has a transaction.",
)


def _of_server(
    service: Literal["gateway", "visualizer"],
    name: str,
    kind: Literal["counter", "gauge", "histogram"],
    description: str,
    *labels: str,
) -> Metric:
    return Metric(
        name=f"cardwatch_{service}_{name}",
        kind=kind,
        unit="s" if kind == "histogram" else "",
        labels=labels,
        service=service,
        description=description,
    )


_of_gateway: Final = partial(_of_server, "gateway")
_of_visualizer: Final = partial(_of_server, "visualizer")
_OF_MODEL: Final = ("config", "role", "model")
"""Labels: a config, `model` or `challenger`, and the model's name."""


GATEWAY_REQUESTS: Final = _of_gateway(
    "requests_total",
    "counter",
    "Requests, by the route's pattern and the status.",
    "route",
    "status",
)
GATEWAY_REQUEST_SECONDS: Final = _of_gateway(
    "request_seconds", "histogram", "From a request's headers to the start of its answer.", "route"
)
GATEWAY_REJECTED: Final = _of_gateway(
    "rejected_total",
    "counter",
    "Problems that were answered, by the last word of their type.",
    "code",
)
GATEWAY_ACCEPTED: Final = _of_gateway(
    "accepted_total", "counter", "Transactions that were answered as accepted."
)
GATEWAY_FAILED: Final = _of_gateway(
    "failed_total", "counter", "Transactions that Kafka has not taken."
)
GATEWAY_IN_FLIGHT: Final = _of_gateway(
    "in_flight", "gauge", "Records given to Kafka's client of which there is no word yet."
)
GATEWAY_SEND_SECONDS: Final = _of_gateway(
    "send_seconds",
    "histogram",
    "From Kafka's client until every in-sync replica has a transaction.",
)
GATEWAY_VERDICTS: Final = _of_gateway(
    "verdicts_total",
    "counter",
    "Transactions whose sender waited for a verdict: `in_time`, `timeout`, `busy` (too many wait), "
    "`unavailable`.",
    "outcome",
)
GATEWAY_STREAM_CLIENTS: Final = _of_gateway(
    "stream_clients", "gauge", "Clients that follow alerts."
)
GATEWAY_LET_GO: Final = _of_gateway(
    "let_go_total", "counter", "Clients that followed alerts and were let go, by why.", "reason"
)
GATEWAY_DEGRADED: Final = _of_gateway(
    "degraded_total", "counter", "Idempotency-Keys that other replicas do not know: Valkey is away."
)

VISUALIZER_REQUESTS: Final = _of_visualizer(
    "requests_total",
    "counter",
    "Requests, by the route's pattern and the status.",
    "route",
    "status",
)
VISUALIZER_REQUEST_SECONDS: Final = _of_visualizer(
    "request_seconds", "histogram", "From a request to the start of its answer.", "route"
)
VISUALIZER_STREAM_CLIENTS: Final = _of_visualizer(
    "stream_clients", "gauge", "Browsers that follow what happens now."
)
VISUALIZER_FEEDBACK: Final = _of_visualizer(
    "feedback_total", "counter", "Analysts' answers that Kafka has.", "label"
)
VISUALIZER_TICKS: Final = _of_visualizer(
    "ticks_total", "counter", "Times that what happens now was written for browsers."
)
VISUALIZER_ALERTS: Final = _of_visualizer(
    "alerts_total", "counter", "Committed alerts that the collector has read."
)
VISUALIZER_LEFT_OUT: Final = _of_visualizer(
    "left_out_total",
    "counter",
    "Alerts that were counted and not pushed one by one: too many came at once.",
)
VISUALIZER_MODEL_PSI: Final = _of_visualizer(
    "model_risk_psi",
    "gauge",
    "Population stability index of a model's risks of the last half hour against training: above "
    "0.25 it judges another population. NaN: not known, or stopped.",
    *_OF_MODEL,
)
VISUALIZER_MODEL_SHIFT: Final = _of_visualizer(
    "model_feature_shift",
    "gauge",
    "Furthest that the mean of a model's feature is from training, in standard deviations of "
    "training. NaN: not known, or stopped.",
    *_OF_MODEL,
)
VISUALIZER_MODEL_SCORED: Final = _of_visualizer(
    "model_scored_total", "counter", "Transactions that a model has scored.", *_OF_MODEL
)
VISUALIZER_MODEL_WANTED: Final = _of_visualizer(
    "model_wanted", "gauge", "1 while a config in force asks for a model; 0: no more.", *_OF_MODEL
)
VISUALIZER_MODEL_REFUSALS: Final = _of_visualizer(
    "model_refusals",
    "gauge",
    "Subtasks that do not judge with the models that a config asks for.",
    "config",
)
METRICS: Final = (
    *JOB_METRICS,
    RECONCILES,
    FAILURES,
    PUBLISHED,
    REPUBLISHED,
    APPLY_SECONDS,
    CONFIGS,
    PUBLISHED_GENERATION,
    APPLIED_GENERATION,
    LEADS,
    CONSUMED_ALERTS,
    ALERT_LATENCY,
    COMPONENT_DROPPED_SPANS,
    PROFILES_WRITTEN,
    LEFT_OUT,
    ARCHIVER_RETRIES,
    WRITE_SECONDS,
    ARCHIVER_LAG,
    ROWS_WRITTEN,
    ROWS_LEFT_OUT,
    DATABASE_RETRIES,
    DATABASE_WRITE_SECONDS,
    DATABASE_LAG,
    DROPPED_PARTITIONS,
    PART_FAILURES,
    SENT,
    ACKNOWLEDGED,
    FAILED,
    SEND_SECONDS,
    GATEWAY_REQUESTS,
    GATEWAY_REQUEST_SECONDS,
    GATEWAY_REJECTED,
    GATEWAY_ACCEPTED,
    GATEWAY_FAILED,
    GATEWAY_IN_FLIGHT,
    GATEWAY_SEND_SECONDS,
    GATEWAY_VERDICTS,
    GATEWAY_STREAM_CLIENTS,
    GATEWAY_LET_GO,
    GATEWAY_DEGRADED,
    VISUALIZER_REQUESTS,
    VISUALIZER_REQUEST_SECONDS,
    VISUALIZER_STREAM_CLIENTS,
    VISUALIZER_FEEDBACK,
    VISUALIZER_TICKS,
    VISUALIZER_ALERTS,
    VISUALIZER_LEFT_OUT,
    VISUALIZER_MODEL_PSI,
    VISUALIZER_MODEL_SHIFT,
    VISUALIZER_MODEL_SCORED,
    VISUALIZER_MODEL_WANTED,
    VISUALIZER_MODEL_REFUSALS,
)

FLINK_METRICS: Final = (
    "flink_jobmanager_job_lastCheckpointCompletedTimestamp",
    "flink_jobmanager_job_lastCheckpointDuration",
    "flink_jobmanager_job_lastCheckpointSize",
    "flink_jobmanager_job_numRestarts",
    "flink_jobmanager_job_numberOfCompletedCheckpoints",
    "flink_jobmanager_job_numberOfFailedCheckpoints",
    "flink_jobmanager_job_uptime",
    "flink_jobmanager_numRunningJobs",
    "flink_taskmanager_Status_JVM_CPU_Load",
    "flink_taskmanager_Status_JVM_CPU_Time",
    "flink_taskmanager_Status_JVM_GarbageCollector_All_TimeMsPerSecond",
    "flink_taskmanager_Status_JVM_Memory_Heap_Max",
    "flink_taskmanager_Status_JVM_Memory_Heap_Used",
    "flink_taskmanager_Status_JVM_Memory_NonHeap_Used",
    "flink_taskmanager_job_task_backPressuredTimeMsPerSecond",
    "flink_taskmanager_job_task_busyTimeMsPerSecond",
    "flink_taskmanager_job_task_operator_pendingRecords",
)
"""Flink's own that the chart's dashboard and rules ask for; served by every running job."""
