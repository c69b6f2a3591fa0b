"""Asks Kafka, before a job goes on from a checkpoint, whether its transactions can be committed.

A checkpoint holds the names of Kafka transactions that were flushed before it and that are
committed after it. A job that is down in between commits them when it is back, unless it was down
longer than the transactions' timeout: then Kafka has aborted them, and the alerts in them are
lost. Flink's sink writes a line into its log about that and goes on; here it is asked first.
"""

import re
import time
from collections.abc import Collection, Iterator
from typing import Any, Final

from py4j.protocol import Py4JJavaError
from pyflink.datastream import StreamExecutionEnvironment
from pyflink.java_gateway import get_gateway

from cardwatch_contracts.kafka_settings import Kafka
from cardwatch_job.connection import connector_properties
from cardwatch_job.settings import JobSettings

_RESTORE_PATH: Final = "execution.state-recovery.path"
_LAST_STATE: Final = "KUBERNETES_OPERATOR_LAST_STATE"
"""What Flink's Kubernetes operator gives as path where high availability knows the checkpoint."""
_HIGH_AVAILABILITY: Final = "high-availability.type"
_CHECKPOINTS: Final = "execution.checkpointing.dir"
_JOB_ID: Final = "$internal.pipeline.job-id"
_KEPT: Final = frozenset({"ONGOING", "PREPARE_COMMIT", "COMPLETE_COMMIT"})
"""States of a transaction that is, or can still be, committed."""
_START_MS: Final = 60_000
"""From this question to the job's first commit."""
_CHECKPOINT_FOLDER: Final = re.compile(r"chk-(\d+)")
_LENGTH_BYTES: Final = 2
"""A name in a checkpoint comes after its length, as Java writes texts."""


class LostTransactionsError(Exception):
    """Kafka has aborted alerts of the checkpoint; the text says how to get them back."""


def check_pending(environment: StreamExecutionEnvironment, settings: JobSettings) -> None:
    """Return if all that the checkpoint to go on from still has to commit can be committed.

    Raises:
        LostTransactionsError: Kafka has aborted some of it, or does not know it any more.
    """
    path = _restored_from(environment._j_stream_execution_environment.getConfiguration().toMap())
    if path is None:
        return
    checkpoint = _Checkpoint(path)
    age_ms = time.time_ns() // 1_000_000 - checkpoint.written_ms
    if age_ms + _START_MS < settings.transaction_timeout_ms:
        return
    names = checkpoint.transactions(settings.sink_prefix)
    states = _states(settings.bootstrap_servers, names)
    lost = sorted(name for name, state in states.items() if state not in _KEPT)
    if lost:
        raise LostTransactionsError(_refusal(path, age_ms, settings, lost))


def _restored_from(configuration: Any) -> str | None:
    """Return the checkpoint that the job goes on from, None where it begins anew.

    With high availability that is the job's newest one, whatever path a first start was given.
    """
    given: str | None = configuration.get(_RESTORE_PATH)
    if (configuration.get(_HIGH_AVAILABILITY) or "NONE").upper() == "NONE":
        return given
    folder, job_id = configuration.get(_CHECKPOINTS), configuration.get(_JOB_ID)
    newest = _newest_below(f"{folder}/{job_id}") if folder and job_id else None
    return newest or (None if given == _LAST_STATE else given)


def _newest_below(folder: str) -> str | None:
    """Return the newest complete checkpoint of a job's folder, on whatever storage it is."""
    fs = get_gateway().jvm.org.apache.flink.core.fs
    path = fs.Path(folder)
    storage = path.getFileSystem()
    if not storage.exists(path):
        return None
    numbers = {
        int(found[1]): str(entry.getPath())
        for entry in storage.listStatus(path)
        if (found := _CHECKPOINT_FOLDER.fullmatch(entry.getPath().getName()))
        and storage.exists(fs.Path(entry.getPath(), "_metadata"))
    }
    return numbers[max(numbers)] if numbers else None


class _Checkpoint:
    """A checkpoint or savepoint as Flink reads it."""

    def __init__(self, path: str) -> None:
        self._jvm = get_gateway().jvm
        storage = self._jvm.org.apache.flink.runtime.state.filesystem
        self._location = storage.AbstractFsCheckpointStorageAccess.resolveCheckpointPointer(path)

    @property
    def written_ms(self) -> int:
        """When it was completed, epoch milliseconds."""
        file = self._location.getMetadataHandle().getFilePath()
        return int(file.getFileSystem().getFileStatus(file).getModificationTime())

    def transactions(self, prefix: str) -> set[str]:
        """Return the names of transactions in it that begin with `prefix`."""
        return {name for state in self._operator_states() for name in names_in(state, prefix)}

    def _operator_states(self) -> Iterator[bytes]:
        runtime, lists = self._jvm.org.apache.flink.runtime, self._jvm.java.util
        metadata = runtime.checkpoint.Checkpoints.loadCheckpointMetadata(
            self._jvm.java.io.DataInputStream(self._location.getMetadataHandle().openInputStream()),
            self._jvm.java.lang.Thread.currentThread().getContextClassLoader(),
            self._location.getExternalPointer(),
        )
        for operator in lists.ArrayList(metadata.getOperatorStates()):
            for subtask in lists.ArrayList(operator.getStates()):
                for handle in lists.ArrayList(subtask.getManagedOperatorState()):
                    stream = handle.openInputStream()
                    yield stream.readAllBytes()
                    stream.close()


def names_in(state: bytes, prefix: str) -> set[str]:
    """Find the names `prefix-SUBTASK-NUMBER` in an operator's state."""
    shape = re.compile(re.escape(prefix).encode() + rb"-\d+-\d+")
    found = set()
    for match in re.finditer(re.escape(prefix).encode(), state):
        start = match.start()
        length = int.from_bytes(state[max(0, start - _LENGTH_BYTES) : start])
        name = state[start : start + length]
        if shape.fullmatch(name):
            found.add(name.decode())
    return found


def _states(kafka: Kafka, names: Collection[str]) -> dict[str, str]:
    """Ask Kafka for the state of each transaction, by the connector's own client."""
    jvm = get_gateway().jvm
    properties = jvm.java.util.Properties()
    for name, value in connector_properties(kafka).items():
        properties.put(name, value)
    clients = jvm.org.apache.flink.kafka.shaded.org.apache.kafka.clients.admin
    admin = clients.AdminClient.create(properties)
    try:
        return {name: _state(jvm, admin, name) for name in names}
    finally:
        admin.close()


def _state(jvm: Any, admin: Any, name: str) -> str:
    try:
        names = jvm.java.util.Collections.singletonList(name)
        return str(admin.describeTransactions(names).description(name).get().state().name())
    except Py4JJavaError as error:
        if "TransactionalIdNotFoundException" in str(error.java_exception):
            return "FORGOTTEN"
        raise


def _refusal(path: str, age_ms: int, settings: JobSettings, lost: Collection[str]) -> str:
    return (
        f"the checkpoint {path} is {age_ms / 1000:.0f} s old, and Kafka keeps a transaction open "
        f"for {settings.transaction_timeout_ms / 1000:.0f} s (--transaction-timeout-ms): it has "
        f"aborted {', '.join(lost)}, and the alerts in it are lost. Start the job without the "
        "checkpoint: it judges the retained transactions again and writes each alert under the "
        "id it had, so that a consumer that knows ids sees each once"
    )
