"""A Flink SQL job that only reads: the same topic, raw values, nothing crosses to Python.

The limit for Flink: what is left when nobody judges.
"""

import argparse
import sys
from collections.abc import Sequence

from pyflink.datastream import CheckpointingMode, StreamExecutionEnvironment
from pyflink.table import StreamTableEnvironment

from cardwatch_contracts.topics import TRANSACTIONS


def main(arguments: Sequence[str]) -> None:
    """Read until the job is cancelled."""
    parser = argparse.ArgumentParser(prog="pass_through", allow_abbrev=False)
    parser.add_argument("--bootstrap-servers", required=True)
    parser.add_argument("--group", required=True)
    parser.add_argument("--checkpoint-interval-ms", type=int, required=True)
    options = parser.parse_args(arguments)
    environment = StreamExecutionEnvironment.get_execution_environment()
    environment.enable_checkpointing(options.checkpoint_interval_ms, CheckpointingMode.EXACTLY_ONCE)
    tables = StreamTableEnvironment.create(environment)
    tables.execute_sql(
        f"""
        CREATE TEMPORARY TABLE records_in (`key` BYTES, `value` BYTES) WITH (
            'connector' = 'kafka',
            'topic' = '{TRANSACTIONS.name}',
            'properties.bootstrap.servers' = '{options.bootstrap_servers}',
            'properties.group.id' = '{options.group}',
            'scan.startup.mode' = 'earliest-offset',
            'key.format' = 'raw',
            'key.fields' = 'key',
            'value.format' = 'raw',
            'value.fields-include' = 'EXCEPT_KEY'
        )
        """
    )
    tables.execute_sql(
        "CREATE TEMPORARY TABLE nowhere (`key` BYTES, `value` BYTES) "
        "WITH ('connector' = 'blackhole')"
    )
    inserts = tables.create_statement_set()
    inserts.add_insert_sql("INSERT INTO nowhere SELECT `key`, `value` FROM records_in")
    inserts.attach_as_datastream()
    environment.execute("pass-through")


if __name__ == "__main__":
    main(sys.argv[1:])
