"""Wires the job together: sources, the keyed operator, sinks."""

import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from py4j.protocol import Py4JError
from pyflink.common import Configuration
from pyflink.datastream import CheckpointingMode, StreamExecutionEnvironment
from pyflink.table import StreamTableEnvironment

from cardwatch_contracts.detector_config import MAX_PARALLELISM
from cardwatch_contracts.kafka_settings import KafkaSettingsError
from cardwatch_job.broker_limits import TimeoutNotAllowedError, check_timeout
from cardwatch_job.claim import PrefixClaimedError, claimed
from cardwatch_job.connection import KafkaRefusedError, check_user
from cardwatch_job.operators import batch_records, merge_windows, score_batches
from cardwatch_job.pending import LostTransactionsError, check_pending
from cardwatch_job.settings import JobSettings
from cardwatch_job.sinks import write
from cardwatch_job.sources import records_for_all, records_of_users

JOB_NAME = "cardwatch"
_HAND_ON_MS: Final = 10
"""How long a batch waits at most in a half-full network buffer; Flink's default is 100 ms."""


def build(environment: StreamExecutionEnvironment, settings: JobSettings) -> None:
    """Add the whole job to an environment."""
    environment.enable_checkpointing(
        settings.checkpoint_interval_ms, CheckpointingMode.EXACTLY_ONCE
    )
    environment.set_max_parallelism(MAX_PARALLELISM)
    environment.set_buffer_timeout(_HAND_ON_MS)
    tables = StreamTableEnvironment.create(environment)
    tables.get_config().set("table.exec.uid.generation", "ALWAYS")
    batches = batch_records(tables, records_of_users(tables, settings), settings)
    outputs, sums = score_batches(batches, records_for_all(tables, settings), settings)
    write(outputs, merge_windows(sums), tables, settings)


def main(args: Sequence[str]) -> None:
    """Run the job until it ends.

    It does not start where Kafka refuses its user, nor, if alerts are to come exactly once, where
    that could not be kept: the process ends with a sentence that says why.
    """
    settings = JobSettings.from_args(args)
    configuration = Configuration()
    configuration.set_string("python.execution-mode", "thread")
    # The interpreter inside a TaskManager does not know of virtual environments.
    configuration.set_string("python.pythonpath", ":".join(filter(None, sys.path)))
    # No operator of this job keeps or changes a record that it has handed on.
    configuration.set_string("pipeline.object-reuse", "true")
    environment = StreamExecutionEnvironment.get_execution_environment(configuration)
    try:
        check_user(settings.bootstrap_servers)
        build(environment, settings)
        if settings.delivery == "at-least-once":
            environment.execute(JOB_NAME)
        else:
            _run_exactly_once(environment, settings)
    except (
        KafkaRefusedError,
        KafkaSettingsError,
        LostTransactionsError,
        PrefixClaimedError,
        TimeoutError,
        TimeoutNotAllowedError,
    ) as refusal:
        sys.exit(f"cardwatch_job: {refusal}")


def _run_exactly_once(environment: StreamExecutionEnvironment, settings: JobSettings) -> None:
    check_timeout(settings.bootstrap_servers, settings.transaction_timeout_ms)
    with claimed(settings.bootstrap_servers, settings.transactional_id_prefix):
        check_pending(environment, settings)
        job = environment.execute_async(JOB_NAME)
        # The claim is to last as long as the job. How that ended, Flink says itself.
        with suppress(Py4JError):
            job.get_job_execution_result().result()


if __name__ == "__main__":
    main(sys.argv[1:])
