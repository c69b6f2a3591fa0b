"""The job as a PyFlink tutorial would write it: record by record, ValueState by user.

It writes alerts alone, no card profiles: less work than the others have.
"""

import argparse
import sys
from collections.abc import Sequence

from pyflink.common import Configuration, SimpleStringSchema, Types, WatermarkStrategy
from pyflink.datastream import CheckpointingMode, StreamExecutionEnvironment
from pyflink.datastream.connectors.base import DeliveryGuarantee
from pyflink.datastream.connectors.kafka import (
    KafkaOffsetsInitializer,
    KafkaRecordSerializationSchema,
    KafkaSink,
    KafkaSource,
)

from benchmarks.programs.naive_score import ScoreTransactions, user_of
from cardwatch_contracts.topics import ALERTS, TRANSACTIONS

_TRANSACTION_TIMEOUT_MS = 600_000
_CACHED_USERS = 1_000_000


def main(arguments: Sequence[str]) -> None:
    """Run the job until it is cancelled."""
    options = _parser().parse_args(arguments)
    configuration = Configuration()
    configuration.set_string("python.execution-mode", options.mode)
    # For process mode; with the default of 1,000 nearly all state is asked for over and over.
    configuration.set_integer("python.state.cache-size", _CACHED_USERS)
    # The interpreter inside a TaskManager does not know of virtual environments.
    configuration.set_string("python.pythonpath", ":".join(filter(None, sys.path)))
    environment = StreamExecutionEnvironment.get_execution_environment(configuration)
    environment.enable_checkpointing(options.checkpoint_interval_ms, CheckpointingMode.EXACTLY_ONCE)
    source = (
        KafkaSource.builder()
        .set_bootstrap_servers(options.bootstrap_servers)
        .set_topics(TRANSACTIONS.name)
        .set_group_id(options.group)
        .set_starting_offsets(KafkaOffsetsInitializer.earliest())
        .set_value_only_deserializer(SimpleStringSchema())
        .build()
    )
    serializer = (
        KafkaRecordSerializationSchema.builder()
        .set_topic(ALERTS.name)
        .set_value_serialization_schema(SimpleStringSchema())
        .build()
    )
    sink = (
        KafkaSink.builder()
        .set_bootstrap_servers(options.bootstrap_servers)
        .set_record_serializer(serializer)
        .set_delivery_guarantee(DeliveryGuarantee.EXACTLY_ONCE)
        .set_transactional_id_prefix(options.group)
        .set_property("transaction.timeout.ms", str(_TRANSACTION_TIMEOUT_MS))
        .build()
    )
    (
        environment.from_source(source, WatermarkStrategy.no_watermarks(), "transactions")
        .key_by(user_of, key_type=Types.STRING())
        .process(ScoreTransactions(), output_type=Types.STRING())
        .sink_to(sink)
    )
    environment.execute("naive")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="naive_pyflink", allow_abbrev=False)
    parser.add_argument("--bootstrap-servers", required=True)
    parser.add_argument("--group", required=True)
    parser.add_argument("--checkpoint-interval-ms", type=int, required=True)
    parser.add_argument("--mode", choices=("process", "thread"), required=True)
    return parser


if __name__ == "__main__":
    main(sys.argv[1:])
