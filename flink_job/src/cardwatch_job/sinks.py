"""Streams into Kafka topics."""

from typing import Final

from pyflink.common import Types
from pyflink.datastream import DataStream
from pyflink.table import StreamTableEnvironment

from cardwatch_contracts.telemetry import TRACEPARENT_HEADER
from cardwatch_contracts.topics import (
    ALERTS,
    CARD_PROFILES,
    CONFIG_ACKS,
    DEAD_LETTERS,
    MODEL_STATS,
    REKEYED,
    STATS,
    VERDICTS,
    Topic,
)
from cardwatch_job.connection import connector_options, in_sql
from cardwatch_job.settings import JobSettings

_BYTES = Types.PRIMITIVE_ARRAY(Types.BYTE())
OUTPUT_TYPE: Final = Types.ROW_NAMED(
    ["topic", "key", "value", "traceparent"], [Types.STRING(), _BYTES, _BYTES, Types.STRING()]
)
"""What the job writes: one record of any of its topics."""

FACTS: Final = (ALERTS, DEAD_LETTERS, REKEYED)
"""Written exactly once, where the settings say so."""
VALUES: Final = (CARD_PROFILES, CONFIG_ACKS, MODEL_STATS, VERDICTS)
"""Absolute values: a second copy changes nothing, and nobody waits for a checkpoint."""

_AT_LEAST_ONCE: Final = {"sink.delivery-guarantee": "at-least-once"}


def write(
    outputs: DataStream, windows: DataStream, tables: StreamTableEnvironment, settings: JobSettings
) -> None:
    """Send each output to its topic: facts in transactions, absolute values at once."""
    tables.create_temporary_view("outputs", tables.from_data_stream(outputs))
    # A stream and a sink of their own: united with the outputs they would break the chain that
    # hands those to their sinks without a copy.
    tables.create_temporary_view("windows", tables.from_data_stream(windows))
    inserts = tables.create_statement_set()
    for source, name, topics, delivery in (
        ("outputs", "facts_out", FACTS, _delivery(settings)),
        ("outputs", "values_out", VALUES, _AT_LEAST_ONCE),
        ("windows", "windows_out", (STATS,), _AT_LEAST_ONCE),
    ):
        _create_sink(tables, name, settings, topics, delivery)
        inserts.add_insert_sql(_insert(source, name, topics))
    inserts.attach_as_datastream()


def _delivery(settings: JobSettings) -> dict[str, str]:
    if settings.delivery == "at-least-once":
        return _AT_LEAST_ONCE
    return {
        "sink.delivery-guarantee": "exactly-once",
        "sink.transactional-id-prefix": settings.sink_prefix,
        # The default takes a new id for each checkpoint, which the broker keeps for days, and after
        # a crash guesses which of them were left open; this one asks the broker.
        "sink.transaction-naming-strategy": "pooling",
        "properties.transaction.timeout.ms": str(settings.transaction_timeout_ms),
    }


def _insert(source: str, table: str, topics: tuple[Topic, ...]) -> str:
    names = ", ".join(f"'{topic.name}'" for topic in topics)
    return f"""
        INSERT INTO {table}
        SELECT
            {"`topic`," if len(topics) > 1 else ""} `key`, `value`,
            CASE WHEN `traceparent` IS NOT NULL
                THEN MAP['{TRACEPARENT_HEADER}', ENCODE(`traceparent`, 'UTF-8')] END
        FROM {source} WHERE `topic` IN ({names})
    """


def _create_sink(
    tables: StreamTableEnvironment,
    name: str,
    settings: JobSettings,
    topics: tuple[Topic, ...],
    options: dict[str, str],
) -> None:
    properties = {
        "connector": "kafka",
        "topic": ";".join(topic.name for topic in topics),
        **connector_options(settings.bootstrap_servers),
        "properties.compression.type": "lz4",
        "key.format": "raw",
        "key.fields": "key",
        "value.format": "raw",
        "value.fields-include": "EXCEPT_KEY",
    } | options
    tables.execute_sql(
        f"""
        CREATE TEMPORARY TABLE {name} (
            {"`topic` STRING METADATA," if len(topics) > 1 else ""}
            `key` BYTES,
            `value` BYTES,
            `headers` MAP<STRING, BYTES> METADATA
        ) WITH ({in_sql(properties)})
        """
    )
