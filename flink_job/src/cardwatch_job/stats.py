"""Counts and sums of windows of event time, merged from the subtasks' partial sums."""

from typing import Final

from pyflink.common import Types
from pyflink.datastream import DataStream
from pyflink.table import Schema, StreamTableEnvironment

from cardwatch_contracts.topics import STATS
from cardwatch_job.settings import JobSettings
from cardwatch_job.windows import WINDOW_MS

_NUMBERS: Final = ("window_start", "count", "sum_minor", "min_minor", "max_minor")
_NAMES: Final = ("dimension", "name", "currency")
PARTIAL_SUM_TYPE: Final = Types.ROW_NAMED(
    [*_NUMBERS, *_NAMES],
    [*(Types.LONG() for _ in _NUMBERS), *(Types.STRING() for _ in _NAMES)],
)
"""The fields of `windows.PartialSum`, numbers first."""

_EMIT: Final = {
    # A window is written a second after it changed, not when it is over: so it does not matter
    # that a watermark stands still, or runs ahead because of one producer's clock.
    "table.exec.emit.early-fire.enabled": "true",
    "table.exec.emit.early-fire.delay": "1 s",
    "table.exec.emit.late-fire.enabled": "true",
    "table.exec.emit.late-fire.delay": "1 s",
    "table.exec.emit.allow-lateness": "10 min",
    "table.exec.source.idle-timeout": "10 s",
    # Every record has its window's key, and Kafka keeps the order of a key: nothing to put right.
    "table.exec.sink.upsert-materialize": "NONE",
}


def write_stats(sums: DataStream, tables: StreamTableEnvironment, settings: JobSettings) -> str:
    """Declare the windows and their topic; return the statement that fills it.

    A record of `transaction-stats` holds all that is known of its window: a later one replaces
    it, so that a second copy changes nothing.
    """
    for option, value in _EMIT.items():
        tables.get_config().set(option, value)
    columns = Schema.new_builder()
    for name in _NUMBERS:
        columns = columns.column(name, "BIGINT")
    for name in _NAMES:
        columns = columns.column(name, "STRING")
    schema = (
        columns.column_by_expression("event_time", "TO_TIMESTAMP_LTZ(window_start, 3)")
        .watermark("event_time", "event_time")
        .build()
    )
    tables.create_temporary_view("partial_sums", tables.from_data_stream(sums, schema))
    tables.execute_sql(_stats_table(settings))
    return f"""
        INSERT INTO stats_out
        SELECT
            window_start, window_start + {WINDOW_MS}, dimension, name, currency,
            SUM(`count`), SUM(sum_minor), MIN(min_minor), MAX(max_minor),
            CAST(SUM(sum_minor) AS DOUBLE) / SUM(`count`)
        FROM partial_sums
        GROUP BY
            TUMBLE(event_time, INTERVAL '{WINDOW_MS // 1000}' SECOND),
            window_start, dimension, name, currency
    """


def _stats_table(settings: JobSettings) -> str:
    return f"""
        CREATE TEMPORARY TABLE stats_out (
            window_start BIGINT,
            window_end BIGINT,
            dimension STRING,
            name STRING,
            currency STRING,
            `count` BIGINT,
            sum_minor BIGINT,
            min_minor BIGINT,
            max_minor BIGINT,
            average_minor DOUBLE,
            PRIMARY KEY (window_start, dimension, name, currency) NOT ENFORCED
        ) WITH (
            'connector' = 'upsert-kafka',
            'topic' = '{STATS.name}',
            'properties.bootstrap.servers' = '{settings.bootstrap_servers}',
            'properties.compression.type' = 'lz4',
            'sink.delivery-guarantee' = 'at-least-once',
            'key.format' = 'json',
            'value.format' = 'json'
        )
    """
