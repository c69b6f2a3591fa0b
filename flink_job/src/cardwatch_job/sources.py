"""Kafka topics as streams.

The Table API's connector is used because only it gives a record's headers, key, offset and
timestamp; the DataStream connector of PyFlink gives values alone.
"""

from typing import Final

from pyflink.common import Types
from pyflink.datastream import DataStream, KeyedStream
from pyflink.java_gateway import get_gateway
from pyflink.table import StreamTableEnvironment

from cardwatch_contracts.telemetry import TRACEPARENT_HEADER
from cardwatch_contracts.topics import CARDS, DETECTOR_CONFIGS, REKEYED, TRANSACTIONS, Topic
from cardwatch_job.settings import JobSettings

CONSUMER_GROUP: Final = "cardwatch-job"
"""Offsets are committed under this name for people and tools to see; the job's own are in its
checkpoints."""

_BYTES = Types.PRIMITIVE_ARRAY(Types.BYTE())
_KEY_TYPE = Types.INT()
RECORD_TYPE: Final = Types.ROW_NAMED(
    ["topic", "key", "value", "partition", "offset", "timestamp", "traceparent"],
    [
        Types.STRING(),
        _BYTES,
        _BYTES,
        Types.INT(),
        Types.LONG(),
        Types.INSTANT(),
        Types.STRING(),
    ],
)


def keyed_records(tables: StreamTableEnvironment, settings: JobSettings) -> KeyedStream:
    """Read transactions and cards, keyed by the bucket of the user in the record's key."""
    _create_source(tables, "records_in", settings, TRANSACTIONS, REKEYED, CARDS)
    table = tables.sql_query(
        f"""
        SELECT
            -- before a `/` stands the user, whether the key is `user_id` or `user_id/card_id`
            COALESCE(
                MOD(HASH_CODE(SPLIT_INDEX(DECODE(`key`, 'UTF-8'), '/', 0)), {settings.buckets}), 0
            ) AS bucket,
            ROW(
                `topic`, `key`, `value`, `partition`, `offset`, `timestamp`,
                DECODE(`headers`['{TRACEPARENT_HEADER}'], 'UTF-8')
            ) AS record
        FROM records_in
        """
    )
    rows = tables.to_append_stream(table, Types.ROW([_KEY_TYPE, RECORD_TYPE]))
    return _keyed_by_first_column(rows)


def config_values(tables: StreamTableEnvironment, settings: JobSettings) -> DataStream:
    """Read DetectorConfigs as rows of name and JSON; a missing JSON withdraws the name."""
    _create_source(tables, "configs_in", settings, DETECTOR_CONFIGS)
    table = tables.sql_query("SELECT `key`, `value` FROM configs_in")
    return tables.to_append_stream(table, Types.ROW_NAMED(["name", "value"], [_BYTES, _BYTES]))


def _create_source(
    tables: StreamTableEnvironment, name: str, settings: JobSettings, *topics: Topic
) -> None:
    tables.execute_sql(
        f"""
        CREATE TEMPORARY TABLE {name} (
            `key` BYTES,
            `value` BYTES,
            `topic` STRING METADATA VIRTUAL,
            `partition` INT METADATA VIRTUAL,
            `offset` BIGINT METADATA VIRTUAL,
            `timestamp` TIMESTAMP_LTZ(3) METADATA VIRTUAL,
            `headers` MAP<STRING, BYTES> METADATA VIRTUAL
        ) WITH (
            'connector' = 'kafka',
            'topic' = '{";".join(topic.name for topic in topics)}',
            'properties.bootstrap.servers' = '{settings.bootstrap_servers}',
            'properties.group.id' = '{CONSUMER_GROUP}',
            'properties.isolation.level' = 'read_committed',
            'scan.startup.mode' = 'earliest-offset',
            'key.format' = 'raw',
            'key.fields' = 'key',
            'value.format' = 'raw',
            'value.fields-include' = 'EXCEPT_KEY'
        )
        """
    )


def _keyed_by_first_column(rows: DataStream) -> KeyedStream:
    """Key rows of (key, record) by their first column, inside the JVM.

    PyFlink's own `key_by` runs a Python operator that only puts the key in front of each record,
    so every record would cross into Python twice. The key stands there already; what follows is
    what `key_by` does after that operator.
    """
    selector = get_gateway().jvm.KeyByKeySelector()
    key_type = Types.ROW([_KEY_TYPE]).get_java_type_info()
    keyed = rows._j_data_stream.keyBy(selector, key_type)
    return KeyedStream(keyed, RECORD_TYPE, rows)
