"""Settings of the embedded stack. The only module here that reads the environment."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Final, Literal

from cardwatch_contracts.database_settings import VARIABLES as DATABASE_VARIABLES
from cardwatch_contracts.kafka_settings import VARIABLES as KAFKA_VARIABLES
from cardwatch_contracts.span_export import TRACE_DIR_VARIABLE, Exporter, exporter_of
from cardwatch_job.compiled import find_compiled
from cardwatch_local.errors import StackError

STACK_VARIABLE: Final = "CARDWATCH_STACK_DIR"
"""Set in the environment of the services, to the folder of their stack."""

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_PORTS = re.compile(r"\d{1,5}-\d{1,5}")


def _default_home() -> Path:
    return Path(os.environ.get("CARDWATCH_HOME") or Path.home() / ".cardwatch")


def _default_repository() -> str | None:
    return os.environ.get("CARDWATCH_MAVEN_REPOSITORY") or None


@dataclass(frozen=True, slots=True, kw_only=True)
class StackSettings:
    """Where the embedded stack lives and how large its servers are.

    Raises:
        StackError: A value is not allowed; the text names the field and what is allowed.
    """

    home: Path = field(default_factory=_default_home)
    """The one folder everything is kept in, and that `cardwatch clean` removes.
    From CARDWATCH_HOME, else `~/.cardwatch`."""
    name: str = "default"
    """Which stack: each name has its own data, logs and ports."""
    kafka_port: int | None = None
    """Port of the broker on 127.0.0.1; None takes a free one."""
    valkey_port: int | None = None
    """Port of Valkey on 127.0.0.1; None takes a free one."""
    postgres_port: int | None = None
    """Port of PostgreSQL on 127.0.0.1; None takes a free one."""
    gateway_port: int | None = None
    """Port of the gateway on 127.0.0.1; None takes a free one."""
    visualizer_port: int | None = None
    """Port of the visualizer on 127.0.0.1; None takes a free one."""
    flink_rest_port: int | None = None
    """Port of Flink's REST interface on 127.0.0.1; None takes a free one."""
    flink_metrics_ports: str = ""
    """Ports `FIRST-LAST` of which each of Flink's processes takes one, to serve metrics for
    Prometheus to whoever reaches this machine; empty: none are served."""
    kafka_heap_mb: int = 512
    """Heap of the broker, MiB."""
    jobmanager_heap_mb: int = 512
    """Heap of Flink's JobManager, MiB."""
    taskmanager_heap_mb: int = 512
    """Heap of each TaskManager for the job and the framework, MiB. Keyed state lives in it."""
    valkey_memory_mb: int = 256
    """Most memory Valkey may take, MiB."""
    parallelism: int = 1
    """Subtasks of the job; the reactive scheduler follows the number of slots."""
    slots_per_taskmanager: int = 1
    """Subtasks that share a TaskManager's JVM and its heap; each has a Python process of its own.
    A divisor of the parallelism."""
    checkpoint_interval_ms: int = 1000
    """Time between two checkpoints, milliseconds: what an exactly-once alert waits at most."""
    delivery: Literal["exactly-once", "at-least-once"] = "exactly-once"
    """Whether an alert waits for its checkpoint and is seen once by who reads committed, or is
    seen by everybody at once and after a failure perhaps twice."""
    serves_pages: bool = True
    """Whether the visualizer is started."""
    records_spans: bool = True
    """Whether spans are written: into `traces_dir`, or to where OpenTelemetry's variables say."""
    maven_repository: str | None = field(default_factory=_default_repository)
    """Base URL of a Maven repository to fetch jars from instead of the public one.
    From CARDWATCH_MAVEN_REPOSITORY."""

    def __post_init__(self) -> None:
        """Refuse what the servers would refuse later and less clearly."""
        if not _NAME.fullmatch(self.name):
            raise StackError(
                f"stack name {self.name!r} is not allowed: "
                "use 1 to 40 of a-z, 0-9 and '-', not starting with '-'"
            )
        for entry in fields(self):
            value = getattr(self, entry.name)
            if entry.name.endswith("_port") and value is not None and not 1 <= value <= 65535:
                raise StackError(f"{entry.name} is {value}; a port is 1 to 65535")
        if self.flink_metrics_ports and not _PORTS.fullmatch(self.flink_metrics_ports):
            raise StackError(
                f"flink_metrics_ports is {self.flink_metrics_ports}; allowed is FIRST-LAST"
            )
        self._require("parallelism", 1, 128)
        self._require("slots_per_taskmanager", 1, 16)
        if self.parallelism % self.slots_per_taskmanager:
            raise StackError(
                f"slots_per_taskmanager is {self.slots_per_taskmanager}; "
                f"allowed is a divisor of the parallelism of {self.parallelism}"
            )
        self._require("checkpoint_interval_ms", 100, 600_000)
        for heap in ("kafka_heap_mb", "jobmanager_heap_mb", "taskmanager_heap_mb"):
            self._require(heap, 256, 65_536)
        self._require("valkey_memory_mb", 16, 65_536)

    def _require(self, name: str, low: int, high: int) -> None:
        value = getattr(self, name)
        if not low <= value <= high:
            raise StackError(f"{name} is {value}; allowed is {low} to {high}")

    @property
    def jars_dir(self) -> Path:
        """Downloaded jars, shared by all stacks of this home."""
        return self.home / "jars"

    @property
    def class_archives_dir(self) -> Path:
        """Class archives of the servers, shared by all stacks that share the jars."""
        return self.jars_dir.resolve() / "classes"

    @property
    def stack_dir(self) -> Path:
        """Everything of this stack."""
        return self.home / "stacks" / self.name

    @property
    def data_dir(self) -> Path:
        """Kafka's log, PostgreSQL's and Valkey's folders, and Flink's checkpoints."""
        return self.stack_dir / "data"

    @property
    def logs_dir(self) -> Path:
        """One log file a service."""
        return self.stack_dir / "logs"

    @property
    def traces_dir(self) -> Path:
        """Spans of every process of this stack, where no collector takes them."""
        return self.stack_dir / "traces"

    @property
    def state_file(self) -> Path:
        """Ports, pids and status of the running stack, for other processes."""
        return self.stack_dir / "stack.json"

    @property
    def mark(self) -> dict[str, str]:
        """Environment of every process of this stack: what is left of it can be told by it."""
        return {
            STACK_VARIABLE: str(self.stack_dir.absolute()),
            # Of a Kafka and a PostgreSQL elsewhere: the stack has its own.
            **dict.fromkeys((*KAFKA_VARIABLES, *DATABASE_VARIABLES), ""),
            "PYTHONPATH": os.pathsep.join(self.python_path),
            **self._tracing,
        }

    def exporter(self, service: str) -> Exporter | None:
        """Return what takes spans of a part that runs in this process."""
        return exporter_of({**os.environ, **self._tracing}, service=service)

    @property
    def _tracing(self) -> dict[str, str]:
        if not self.records_spans:
            return {"OTEL_SDK_DISABLED": "true"}
        return {TRACE_DIR_VARIABLE: str(self.traces_dir.absolute())}

    @property
    def python_path(self) -> list[str]:
        """Folders in which Python looks first: the compiled job, if it is there."""
        compiled = find_compiled()
        own = os.environ.get("PYTHONPATH")
        return [*([str(compiled)] if compiled else []), *([own] if own else [])]


def exporter_elsewhere(service: str) -> Exporter | None:
    """Return what takes spans of a part that belongs to no stack of this machine."""
    return exporter_of(os.environ, service=service)


def child_environment(extra: Mapping[str, str]) -> dict[str, str]:
    """Return this process's environment with `extra` over it, for a child process."""
    return {**os.environ, **extra}
