"""Wires the job together: sources, the keyed operator, sinks."""

import sys
from collections.abc import Sequence

from pyflink.common import Configuration
from pyflink.datastream import CheckpointingMode, StreamExecutionEnvironment
from pyflink.table import StreamTableEnvironment

from cardwatch_contracts.detector_config import MAX_PARALLELISM
from cardwatch_job.scoring import CONFIGS, ScoreUsers
from cardwatch_job.settings import JobSettings
from cardwatch_job.sinks import OUTPUT_TYPE, write
from cardwatch_job.sources import config_values, keyed_records

JOB_NAME = "cardwatch"


def build(environment: StreamExecutionEnvironment, settings: JobSettings) -> None:
    """Add the whole job to an environment."""
    environment.enable_checkpointing(
        settings.checkpoint_interval_ms, CheckpointingMode.EXACTLY_ONCE
    )
    environment.set_max_parallelism(MAX_PARALLELISM)
    tables = StreamTableEnvironment.create(environment)
    tables.get_config().set("table.exec.uid.generation", "ALWAYS")
    records = keyed_records(tables, settings)
    configs = config_values(tables, settings).broadcast(CONFIGS)
    outputs = (
        records.connect(configs)
        .process(ScoreUsers(), output_type=OUTPUT_TYPE)
        .name("score users")
        .uid("score-users")
    )
    write(outputs, tables, settings)


def main(args: Sequence[str]) -> None:
    """Run the job until it is cancelled."""
    settings = JobSettings.from_args(args)
    configuration = Configuration()
    configuration.set_string("python.execution-mode", "process")
    configuration.set_string("python.fn-execution.bundle.time", str(settings.bundle_time_ms))
    environment = StreamExecutionEnvironment.get_execution_environment(configuration)
    build(environment, settings)
    environment.execute(JOB_NAME)


if __name__ == "__main__":
    main(sys.argv[1:])
