"""The job's operators in the JVM, put between Flink's streams.

They are written in Java, ship as source inside this package, and are compiled by the compiler
that Flink's SQL uses for its own operators, on the client and on every TaskManager; so there is
no jar of ours to build, publish or match. `docs/decisions/` tells why they exist and what they
save. What PyFlink does not offer in its public interface is used here and nowhere else.
"""

from importlib.resources import files
from typing import Any, Final

from pyflink.common import TypeInformation, Types
from pyflink.datastream import DataStream
from pyflink.java_gateway import get_gateway
from pyflink.table import StreamTableEnvironment, Table
from pyflink.util.java_utils import get_j_env_configuration

from cardwatch_contracts.detector_config import MAX_PARALLELISM
from cardwatch_contracts.topics import STATS
from cardwatch_job.judge import COUNTERS
from cardwatch_job.settings import JobSettings
from cardwatch_job.sinks import OUTPUT_TYPE
from cardwatch_job.windows import QUIET_MS, RETAINED_MS, WINDOW_MS

_PACKAGE: Final = "dev.cardwatch"
_EVERY_MS: Final = 1000
"""How often sums are asked for, and windows that changed are written. Milliseconds."""
_PIECE_BYTES: Final = 512 * 1024
"""Batches that go to Python in one call, once there are so many. Bytes."""
_PIECE_DELAY_MS: Final = 5
"""How long a batch waits at most for others that go with it. Milliseconds."""
_BUCKET_TYPE: Final = Types.INT()
_SUMMED_TYPE: Final = Types.ROW([Types.STRING(), Types.STRING(), Types.STRING()])
"""What is summed up: dimension, name, currency."""
BATCH_TYPE: Final = Types.ROW([_BUCKET_TYPE, Types.PRIMITIVE_ARRAY(Types.BYTE())])
"""A bucket, and the bytes of one of its batches."""
PARTIAL_SUM_TYPE: Final = Types.ROW([_SUMMED_TYPE, *(Types.LONG() for _ in range(5))])
"""What is summed up, start of the window, count, sum, smallest and largest amount."""


def batch_records(
    tables: StreamTableEnvironment, records: Table, settings: JobSettings
) -> DataStream:
    """Gather the rows of a Kafka table into batches: rows of bucket and bytes."""
    jvm = get_gateway().jvm
    # As RowData, the connector's own rows: converting each record would cost more than batching.
    row_data = jvm.Class.forName("org.apache.flink.table.data.RowData")
    columns = records._j_table.getResolvedSchema().toPhysicalRowDataType()
    rows = tables._j_tenv.toDataStream(records._j_table, columns.bridgedTo(row_data))
    factory = _factory(
        "BatchRecords", MAX_PARALLELISM, settings.batch_delay_ms, settings.batch_bytes
    )
    transformation = jvm.org.apache.flink.streaming.api.transformations.OneInputTransformation(
        rows.getTransformation(),
        "batch records",
        factory,
        BATCH_TYPE.get_java_type_info(),
        rows.getParallelism(),
        False,
    )
    return _stream(rows.getExecutionEnvironment(), transformation, "batch-records")


def score_batches(
    batches: DataStream, controls: DataStream, settings: JobSettings
) -> tuple[DataStream, DataStream]:
    """Judge batches by what every subtask is told: configs, models, feedback.

    Returns:
        The records to write, of type `OUTPUT_TYPE`, and partial sums of windows, of type
        `PARTIAL_SUM_TYPE`.
    """
    jvm = get_gateway().jvm
    keyed, selector = _keyed(batches, _BUCKET_TYPE)
    everywhere = controls._j_data_stream.broadcast()
    environment = keyed.getExecutionEnvironment()
    sums = jvm.org.apache.flink.util.OutputTag("sums", PARTIAL_SUM_TYPE.get_java_type_info())
    factory = _factory(
        "ScoreBatches",
        get_j_env_configuration(environment),
        ",".join(COUNTERS),
        sums,
        _EVERY_MS,
        _PIECE_BYTES,
        _PIECE_DELAY_MS,
        settings.out_of_orderness_ms,
    )
    transformation = jvm.org.apache.flink.streaming.api.transformations.TwoInputTransformation(
        keyed.getTransformation(),
        everywhere.getTransformation(),
        "score users",
        factory,
        OUTPUT_TYPE.get_java_type_info(),
        environment.getParallelism(),
        False,
    )
    transformation.setStateKeySelectors(selector, None)
    transformation.setStateKeyType(keyed.getKeyType())
    scored = _stream(environment, transformation, "score-users")
    return scored, DataStream(scored._j_data_stream.getSideOutput(sums))


def merge_windows(sums: DataStream) -> DataStream:
    """Merge partial sums into windows: records to write, of type `OUTPUT_TYPE`."""
    keyed, selector = _keyed(sums, _SUMMED_TYPE)
    factory = _factory("MergeWindows", STATS.name, WINDOW_MS, RETAINED_MS, QUIET_MS, _EVERY_MS)
    transformations = get_gateway().jvm.org.apache.flink.streaming.api.transformations
    transformation = transformations.OneInputTransformation(
        keyed.getTransformation(),
        "merge windows",
        factory,
        OUTPUT_TYPE.get_java_type_info(),
        keyed.getExecutionEnvironment().getParallelism(),
        False,
    )
    transformation.setStateKeySelector(selector)
    transformation.setStateKeyType(keyed.getKeyType())
    return _stream(keyed.getExecutionEnvironment(), transformation, "merge-windows")


def _keyed(stream: DataStream, first_field: TypeInformation) -> tuple[Any, Any]:
    """Key rows by their first field, in the JVM; also return the selector."""
    selector = get_gateway().jvm.KeyByKeySelector()
    key_type = Types.ROW([first_field]).get_java_type_info()
    return stream._j_data_stream.keyBy(selector, key_type), selector


def _factory(name: str, *references: Any) -> Any:
    """Make the operator `name` from its source, with what its constructor is given."""
    gateway = get_gateway()
    jvm = gateway.jvm
    arguments = gateway.new_array(jvm.Object, len(references))
    for index, reference in enumerate(references):
        arguments[index] = reference
    source = files("cardwatch_job").joinpath("jvm", f"{name}.java").read_text()
    generated = jvm.org.apache.flink.table.runtime.generated.GeneratedOperator(
        f"{_PACKAGE}.{name}", source, arguments, jvm.org.apache.flink.configuration.Configuration()
    )
    return jvm.org.apache.flink.table.runtime.operators.CodeGenOperatorFactory(generated)


def _stream(environment: Any, transformation: Any, uid: str) -> DataStream:
    transformation.setUid(uid)
    environment.addOperator(transformation)
    util = get_gateway().jvm.org.apache.flink.python.util.PythonConfigUtil
    return DataStream(util.createSingleOutputStreamOperator(environment, transformation))
