"""The Flink cluster as it runs on Kubernetes: standalone application mode, reactive scheduler."""

import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final

from cardwatch_local.checkpoints import newest_checkpoint, remove_outdated
from cardwatch_local.class_archive import ClassArchives
from cardwatch_local.flink_config import (
    OPEN_MODULES,
    FlinkPorts,
    cluster_config,
    jobmanager_jvm_options,
    taskmanager_jvm_options,
    to_yaml,
)
from cardwatch_local.flink_jars import FLINK_HOME, flink_classpath
from cardwatch_local.java import JAVA_HOME, JavaProgram
from cardwatch_local.ports import LOOPBACK, free_ports
from cardwatch_local.service import Service, ServiceSpec
from cardwatch_local.settings import StackSettings
from cardwatch_operator.flink_rest import FlinkRest

_JOBMANAGER: Final = "org.apache.flink.container.entrypoint.StandaloneApplicationClusterEntryPoint"
_TASKMANAGER: Final = "org.apache.flink.runtime.taskexecutor.TaskManagerRunner"
_PYTHON_DRIVER: Final = "org.apache.flink.client.python.PythonDriver"
_REPORTER: Final = "metrics-prometheus"
_JOB_TIMEOUT_S: Final = 240.0

_WORDS: Final = 20
"""Lines of what the job's Python wrote that are shown."""
_WORDS_WITHIN_LINES: Final = 400
_SAID_BY_FLINK: Final = re.compile(r"\d{4}-\d\d-\d\dT|Caused by: |\t|java\.|org\.|WARNING: ")
"""How lines begin that Flink or the JVM write into the job's log."""


class JobManager(Service):
    """The JobManager with the job in it. It is ready when every subtask of the job runs."""

    def __init__(
        self,
        spec: ServiceSpec,
        program: JavaProgram,
        *,
        archives: ClassArchives,
        rest: FlinkRest,
        checkpoints: Path,
    ) -> None:
        """Run `program`, each time from the newest checkpoint below `checkpoints`, if any."""
        self._program = program
        self._archives = archives
        self._rest = rest
        self._checkpoints = checkpoints
        super().__init__(spec, command=self._from_newest_checkpoint, ready=self._job_runs)

    def why_not_ready(self) -> str:
        """Return the job's own error if Flink knows one, else its last words and the log's."""
        cause = self._rest.root_exception()
        if cause is not None:
            return f"the job failed:\n{cause}"
        lines = self.log_tail(_WORDS_WITHIN_LINES).splitlines()
        words = [line for line in lines if line and not _SAID_BY_FLINK.match(line)]
        said = "the job said:\n" + "\n".join(words[-_WORDS:]) + "\n" if words else ""
        return said + super().why_not_ready()

    def _from_newest_checkpoint(self) -> list[str]:
        newest = newest_checkpoint(self._checkpoints)
        remove_outdated(self._checkpoints, newest)
        # In front: what stands behind the first argument Flink does not know is the job's.
        restore = () if newest is None else ("--fromSavepoint", newest.as_uri())
        return self._program.command(self._archives, *restore)

    def _job_runs(self) -> bool:
        status = self._rest.job_status()
        return status is not None and status.is_running


class FlinkCluster:
    """A JobManager with the job in it, and as many TaskManagers as the settings say."""

    def __init__(
        self,
        settings: StackSettings,
        connector_jars: Sequence[Path],
        *,
        job: Sequence[str],
        environment: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Run the Python job `job`, restored from its newest checkpoint if there is one.

        Args:
            settings: Ports, memory, parallelism.
            connector_jars: Jars beside those that come with PyFlink.
            job: `-pym MODULE` or `-py FILE`, then the job's own arguments.
            environment: What the servers get beside the stack's own, which it wins over.
        """
        rpc, rest = free_ports(2)
        self._ports = FlinkPorts(rpc=rpc, rest=settings.flink_rest_port or rest)
        self._settings = settings
        self._environment = environment
        self._classpath = (*flink_classpath(settings.jars_dir.resolve()), *connector_jars)
        self._archives = ClassArchives(settings.class_archives_dir)
        self._config_dir = settings.stack_dir / "conf" / "flink"
        self._plugins = self._config_dir / "plugins"
        self._checkpoints = settings.data_dir / "checkpoints"
        self._temporary = settings.stack_dir / "tmp"
        self.rest = FlinkRest(self.url)
        self.jobmanager = self._make_jobmanager(job)
        self.taskmanagers = [
            self._make_taskmanager(number + 1)
            for number in range(settings.parallelism // settings.slots_per_taskmanager)
        ]

    @property
    def url(self) -> str:
        """Address of the REST interface."""
        return f"http://{LOOPBACK}:{self._ports.rest}"

    def prepare(self) -> None:
        """Write the configuration. To be called before the services start."""
        shutil.rmtree(self._temporary, ignore_errors=True)  # left by a run that was killed
        shutil.rmtree(self._plugins, ignore_errors=True)
        for folder in (self._temporary, self._plugins, self._checkpoints):
            folder.mkdir(parents=True, exist_ok=True)
        if self._settings.flink_metrics_ports:
            (self._plugins / _REPORTER).symlink_to(FLINK_HOME / "plugins" / _REPORTER)
        config = cluster_config(self._settings, self._ports)
        (self._config_dir / "config.yaml").write_text(to_yaml(config), encoding="utf-8")

    def _make_jobmanager(self, job: Sequence[str]) -> JobManager:
        # Both the job's graph and its functions run in this interpreter.
        python = ["-pyclientexec", sys.executable, "-pyexec", sys.executable]
        program = self._program(
            "jobmanager",
            main_class=_JOBMANAGER,
            jvm=jobmanager_jvm_options(self._settings),
            arguments=["--job-classname", _PYTHON_DRIVER, *python, *job],
        )
        return JobManager(
            self._spec("jobmanager"),
            program,
            archives=self._archives,
            rest=self.rest,
            checkpoints=self._checkpoints,
        )

    def _make_taskmanager(self, number: int) -> Service:
        program = self._program(
            "taskmanager",
            main_class=_TASKMANAGER,
            jvm=taskmanager_jvm_options(self._settings),
        )
        return Service(
            self._spec(f"taskmanager-{number}"), command=lambda: program.command(self._archives)
        )

    def _program(
        self, name: str, *, main_class: str, jvm: Sequence[str], arguments: Sequence[str] = ()
    ) -> JavaProgram:
        return JavaProgram(
            name=name,
            main_class=main_class,
            classpath=self._classpath,
            options=[
                *jvm,
                f"-Djava.io.tmpdir={self._temporary}",
                *OPEN_MODULES,
            ],
            arguments=["--configDir", str(self._config_dir), *arguments],
        )

    def _spec(self, name: str) -> ServiceSpec:
        return ServiceSpec(
            name=name,
            log_file=self._settings.logs_dir / f"{name}.log",
            cwd=self._temporary,
            environment={
                **self._settings.mark,
                "JAVA_HOME": str(JAVA_HOME),
                "FLINK_HOME": str(FLINK_HOME),
                "FLINK_LIB_DIR": str(FLINK_HOME / "lib"),
                "FLINK_OPT_DIR": str(FLINK_HOME / "opt"),
                # PyFlink's are metrics reporters, of which one is used, if any.
                "FLINK_PLUGINS_DIR": str(self._plugins),
                "FLINK_CONF_DIR": str(self._config_dir),
                **self._environment,
            },
            ready_timeout_s=_JOB_TIMEOUT_S,
        )
