"""Kafka topics as streams.

The Table API's connector is used because only it gives a record's headers, key, offset and
timestamp; the DataStream connector of PyFlink gives values alone.
"""

from typing import Final

from pyflink.common import Types
from pyflink.datastream import DataStream
from pyflink.table import StreamTableEnvironment, Table

from cardwatch_contracts.topics import (
    CARDS,
    DETECTOR_CONFIGS,
    FEEDBACK,
    JOB_GROUP,
    MODELS,
    REKEYED,
    TRANSACTIONS,
    USER_HABITS,
    Topic,
)
from cardwatch_job.connection import connector_options, in_sql
from cardwatch_job.settings import JobSettings

_BYTES: Final = Types.PRIMITIVE_ARRAY(Types.BYTE())
CONTROL_TYPE: Final = Types.ROW_NAMED(["topic", "key", "value"], [Types.STRING(), _BYTES, _BYTES])
"""A record that every subtask takes; one without a value withdraws its key."""


def records_of_users(tables: StreamTableEnvironment, settings: JobSettings) -> Table:
    """Read transactions, cards and habits with everything Kafka knows of each record."""
    _create_source(tables, "records_in", settings, TRANSACTIONS, REKEYED, CARDS, USER_HABITS)
    return tables.sql_query(
        """
        SELECT `key`, `value`, `topic`, `partition`, `offset`, `timestamp`, `headers`
        FROM records_in
        """
    )


def records_for_all(tables: StreamTableEnvironment, settings: JobSettings) -> DataStream:
    """Read DetectorConfigs, models and feedback: rows of type `CONTROL_TYPE`."""
    _create_source(tables, "configs_in", settings, DETECTOR_CONFIGS, MODELS, FEEDBACK)
    table = tables.sql_query("SELECT `topic`, `key`, `value` FROM configs_in")
    return tables.to_append_stream(table, CONTROL_TYPE)


def _create_source(
    tables: StreamTableEnvironment, name: str, settings: JobSettings, *topics: Topic
) -> None:
    options = {
        "connector": "kafka",
        "topic": ";".join(topic.name for topic in topics),
        **connector_options(settings.bootstrap_servers),
        "properties.group.id": JOB_GROUP,
        "properties.isolation.level": "read_committed",
        "scan.startup.mode": "earliest-offset",
        "key.format": "raw",
        "key.fields": "key",
        "value.format": "raw",
        "value.fields-include": "EXCEPT_KEY",
    }
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
        ) WITH ({in_sql(options)})
        """
    )
