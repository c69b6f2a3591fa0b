"""The job's two operators in the JVM, put between Flink's streams.

They are written in Java, ship as source inside this package, and are compiled by the compiler
that Flink's SQL uses for its own operators, on the client and on every TaskManager; so there is
no jar of ours to build, publish or match. `docs/decisions/` tells why they exist and what they
save. What PyFlink does not offer in its public interface is used here and nowhere else.
"""

from dataclasses import fields
from importlib.resources import files
from typing import Any, Final

from pyflink.common import Types
from pyflink.datastream import DataStream
from pyflink.datastream.data_stream import _create_j_data_stream_python_function_info
from pyflink.fn_execution.flink_fn_execution_pb2 import UserDefinedDataStreamFunction
from pyflink.java_gateway import get_gateway
from pyflink.table import StreamTableEnvironment, Table
from pyflink.util.java_utils import get_j_env_configuration

from cardwatch_contracts.detector_config import MAX_PARALLELISM
from cardwatch_job.judge import Counts
from cardwatch_job.scoring import BATCH_TYPE, CONFIG_TYPE, ScoreUsers
from cardwatch_job.settings import JobSettings
from cardwatch_job.sinks import OUTPUT_TYPE
from cardwatch_job.stats import PARTIAL_SUM_TYPE

_PACKAGE: Final = "dev.cardwatch"
_SUMS_EVERY_MS: Final = 1000
_KEY_TYPE: Final = Types.ROW([Types.INT()])


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


def score_batches(batches: DataStream, configs: DataStream) -> tuple[DataStream, DataStream]:
    """Judge batches by the configs.

    Returns:
        The records to write, of type `OUTPUT_TYPE`, and sums of what was judged, of type
        `PARTIAL_SUM_TYPE`.
    """
    jvm = get_gateway().jvm
    selector = jvm.KeyByKeySelector()
    keyed = batches._j_data_stream.keyBy(selector, _KEY_TYPE.get_java_type_info())
    everywhere = configs._j_data_stream.broadcast()
    environment = keyed.getExecutionEnvironment()
    configuration = get_j_env_configuration(environment)
    function = _create_j_data_stream_python_function_info(
        ScoreUsers(), UserDefinedDataStreamFunction.KEYED_CO_BROADCAST_PROCESS
    )
    sums = jvm.org.apache.flink.util.OutputTag("sums", PARTIAL_SUM_TYPE.get_java_type_info())
    factory = _factory(
        "ScoreBatches",
        configuration,
        function,
        BATCH_TYPE.get_java_type_info(),
        CONFIG_TYPE.get_java_type_info(),
        ",".join(field.name for field in fields(Counts)),
        sums,
        _SUMS_EVERY_MS,
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
    python = jvm.org.apache.flink.core.memory.ManagedMemoryUseCase.PYTHON
    transformation.declareManagedMemoryUseCaseAtSlotScope(python)
    scored = _stream(environment, transformation, "score-users")
    return scored, DataStream(scored._j_data_stream.getSideOutput(sums))


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
