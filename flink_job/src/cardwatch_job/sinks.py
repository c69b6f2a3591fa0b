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
    REKEYED,
    Topic,
)
from cardwatch_job.settings import JobSettings

_BYTES = Types.PRIMITIVE_ARRAY(Types.BYTE())
OUTPUT_TYPE: Final = Types.ROW_NAMED(
    ["topic", "key", "value", "traceparent"], [Types.STRING(), _BYTES, _BYTES, Types.STRING()]
)
"""What the job writes: one record of any of its topics."""

EXACTLY_ONCE: Final = (ALERTS, DEAD_LETTERS, REKEYED)
AT_LEAST_ONCE: Final = (CARD_PROFILES, CONFIG_ACKS)
"""Absolute values: a second copy changes nothing, and nobody waits for a checkpoint."""


def write(outputs: DataStream, tables: StreamTableEnvironment, settings: JobSettings) -> None:
    """Send each output to its topic: facts in transactions, absolute values at once."""
    tables.create_temporary_view("outputs", tables.from_data_stream(outputs))
    _create_sink(tables, "facts_out", settings, EXACTLY_ONCE, _transactional(settings))
    _create_sink(
        tables, "values_out", settings, AT_LEAST_ONCE, {"sink.delivery-guarantee": "at-least-once"}
    )
    inserts = tables.create_statement_set()
    inserts.add_insert_sql(_insert("facts_out", EXACTLY_ONCE))
    inserts.add_insert_sql(_insert("values_out", AT_LEAST_ONCE))
    inserts.attach_as_datastream()


def _transactional(settings: JobSettings) -> dict[str, str]:
    return {
        "sink.delivery-guarantee": "exactly-once",
        "sink.transactional-id-prefix": settings.transactional_id_prefix,
        "properties.transaction.timeout.ms": str(settings.transaction_timeout_ms),
    }


def _insert(table: str, topics: tuple[Topic, ...]) -> str:
    names = ", ".join(f"'{topic.name}'" for topic in topics)
    return f"""
        INSERT INTO {table}
        SELECT
            `topic`, `key`, `value`,
            CASE WHEN `traceparent` IS NOT NULL
                THEN MAP['{TRACEPARENT_HEADER}', ENCODE(`traceparent`, 'UTF-8')] END
        FROM outputs WHERE `topic` IN ({names})
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
        "properties.bootstrap.servers": settings.bootstrap_servers,
        "properties.compression.type": "lz4",
        "key.format": "raw",
        "key.fields": "key",
        "value.format": "raw",
        "value.fields-include": "EXCEPT_KEY",
    } | options
    tables.execute_sql(
        f"""
        CREATE TEMPORARY TABLE {name} (
            `topic` STRING METADATA,
            `key` BYTES,
            `value` BYTES,
            `headers` MAP<STRING, BYTES> METADATA
        ) WITH ({", ".join(f"'{key}' = '{value}'" for key, value in properties.items())})
        """
    )
