"""The Flink cluster as it runs on Kubernetes: standalone application mode, reactive scheduler."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pyflink

from cardwatch_local.checkpoints import newest_checkpoint
from cardwatch_local.flink_config import (
    OPEN_MODULES,
    FlinkPorts,
    cluster_config,
    jobmanager_jvm_options,
    taskmanager_jvm_options,
    to_yaml,
)
from cardwatch_local.flink_rest import FlinkRest
from cardwatch_local.java import JAVA_HOME, LOGGING_OPTION, java_command
from cardwatch_local.ports import LOOPBACK, free_ports
from cardwatch_local.service import Service, ServiceSpec
from cardwatch_local.settings import StackSettings

_HOME: Final = Path(pyflink.__file__).parent
_JOBMANAGER: Final = "org.apache.flink.container.entrypoint.StandaloneApplicationClusterEntryPoint"
_TASKMANAGER: Final = "org.apache.flink.runtime.taskexecutor.TaskManagerRunner"
_PYTHON_DRIVER: Final = "org.apache.flink.client.python.PythonDriver"
_JOB_TIMEOUT_S: Final = 120.0
_JVM_OPTIONS: Final = ("-XX:+UseG1GC", *OPEN_MODULES, LOGGING_OPTION)


class JobManager(Service):
    """The JobManager with the job in it. It is ready when every subtask of the job runs."""

    def __init__(self, spec: ServiceSpec, *, rest: FlinkRest, checkpoints: Path) -> None:
        """Run `spec`'s command, which ends with where to restore from, if anywhere."""
        super().__init__(spec, ready=self._job_runs)
        self._rest = rest
        self._checkpoints = checkpoints

    def command(self) -> tuple[str, ...]:
        """Return the command, with the newest checkpoint there is at this moment."""
        newest = newest_checkpoint(self._checkpoints)
        restore = () if newest is None else ("--fromSavepoint", newest.as_uri())
        return (*self.spec.command, *restore)

    def why_not_ready(self) -> str:
        """Return the job's own error if Flink knows one, else the end of the log."""
        cause = self._rest.root_exception()
        return super().why_not_ready() if cause is None else f"the job failed:\n{cause}"

    def _job_runs(self) -> bool:
        status = self._rest.job_status()
        return status is not None and status.is_running


class FlinkCluster:
    """A JobManager with the job in it, and as many TaskManagers as the settings say."""

    def __init__(
        self, settings: StackSettings, connector_jars: Sequence[Path], *, job: Sequence[str]
    ) -> None:
        """Run the Python job `job`, restored from its newest checkpoint if there is one.

        Args:
            settings: Ports, memory, parallelism.
            connector_jars: Jars beside those that come with PyFlink.
            job: `-pym MODULE` or `-py FILE`, then the job's own arguments.
        """
        rpc, rest = free_ports(2)
        self._ports = FlinkPorts(rpc=rpc, rest=settings.flink_rest_port or rest)
        self._settings = settings
        self._config_dir = settings.stack_dir / "conf" / "flink"
        self._checkpoints = settings.data_dir / "checkpoints"
        self._classpath = (
            *sorted((_HOME / "lib").glob("*.jar")),
            *sorted((_HOME / "opt").glob("flink-python-*.jar")),
            *connector_jars,
        )
        self.rest = FlinkRest(self.url)
        self.jobmanager = JobManager(
            self._spec(
                "jobmanager",
                main_class=_JOBMANAGER,
                memory=jobmanager_jvm_options(settings),
                arguments=["--job-classname", _PYTHON_DRIVER, *_with_interpreter(job)],
            ),
            rest=self.rest,
            checkpoints=self._checkpoints,
        )
        self.taskmanagers = [
            Service(
                self._spec(
                    f"taskmanager-{number}",
                    main_class=_TASKMANAGER,
                    memory=taskmanager_jvm_options(settings),
                )
            )
            for number in range(1, settings.parallelism + 1)
        ]

    @property
    def url(self) -> str:
        """Address of the REST interface."""
        return f"http://{LOOPBACK}:{self._ports.rest}"

    def prepare(self) -> None:
        """Write the configuration. To be called before the services start."""
        self._config_dir.mkdir(parents=True, exist_ok=True)
        config = cluster_config(self._settings, self._ports)
        (self._config_dir / "config.yaml").write_text(to_yaml(config), encoding="utf-8")
        for folder in (Path(config["io.tmp.dirs"]), self._checkpoints):
            folder.mkdir(parents=True, exist_ok=True)

    def _spec(
        self, name: str, *, main_class: str, memory: Sequence[str], arguments: Sequence[str] = ()
    ) -> ServiceSpec:
        return ServiceSpec(
            name=name,
            command=java_command(
                classpath=self._classpath,
                main_class=main_class,
                options=[*memory, *_JVM_OPTIONS],
                arguments=["--configDir", str(self._config_dir), *arguments],
            ),
            log_file=self._settings.logs_dir / f"{name}.log",
            cwd=self._settings.stack_dir / "tmp",
            environment={
                "JAVA_HOME": str(JAVA_HOME),
                "FLINK_HOME": str(_HOME),
                "FLINK_LIB_DIR": str(_HOME / "lib"),
                "FLINK_OPT_DIR": str(_HOME / "opt"),
                "FLINK_PLUGINS_DIR": str(_HOME / "plugins"),
                "FLINK_CONF_DIR": str(self._config_dir),
            },
            ready_timeout_s=_JOB_TIMEOUT_S,
        )


def _with_interpreter(job: Sequence[str]) -> list[str]:
    """Return `job` so that both the job's graph and its functions run in this interpreter."""
    return ["-pyclientexec", sys.executable, "-pyexec", sys.executable, *job]
