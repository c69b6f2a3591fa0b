"""The test stand: a broker of its own, filled once, on which contenders run one after another."""

import shutil
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Final

from benchmarks.settings import REPOSITORY, Method
from benchmarks.topics import remake_topics
from cardwatch_contracts.topics import CARDS, TOPICS, TRANSACTIONS
from cardwatch_local.flink import FlinkCluster
from cardwatch_local.jar_lock import read_lock
from cardwatch_local.jars import JarStore
from cardwatch_local.kafka import KafkaBroker
from cardwatch_local.service import Service, ServiceSpec
from cardwatch_local.settings import StackSettings
from cardwatch_local.topics import create_topics

INPUTS: Final = (TRANSACTIONS, CARDS)
"""Filled once; every other topic is made anew for each contender."""


class _StandSettings(StackSettings):
    """Settings of a stack whose Python processes find the benchmarks' programs."""

    @property
    def python_path(self) -> list[str]:
        """Folders in which Python looks first."""
        return [*super().python_path, str(REPOSITORY)]


class Stand:
    """A running broker in a temporary folder, and what contenders are started with.

    Everything ends, and the folder goes, when the `with` block is left.
    """

    def __init__(self, *, folder: Path | None = None) -> None:
        """Keep all files in a new folder below `folder`, by default where temporary files go."""
        own = StackSettings()
        JarStore(own.jars_dir, repository=own.maven_repository).fetch(read_lock())
        self._jars: dict[str, list[Path]] = {}
        for jar in read_lock():
            self._jars.setdefault(jar.server, []).append(own.jars_dir / jar.path)
        self.home = Path(tempfile.mkdtemp(prefix="cardwatch-bench-", dir=folder))
        (self.home / "jars").symlink_to(own.jars_dir.absolute())
        self._broker = KafkaBroker(
            _StandSettings(home=self.home, name="bench"), self._jars["kafka"]
        )
        self._runs = 0

    def __enter__(self) -> "Stand":
        try:
            self._broker.start()
            self._broker.wait_ready()
            create_topics(self.bootstrap_servers)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._broker.stop()
        with suppress(OSError):
            (self.home / "jars").unlink()
        shutil.rmtree(self.home, ignore_errors=True)

    @property
    def bootstrap_servers(self) -> str:
        """The broker's address."""
        return self._broker.bootstrap_servers

    @property
    def broker_pid(self) -> int:
        """The broker's process."""
        assert self._broker.pid is not None, "the stand is open"
        return self._broker.pid

    def next_run(self) -> str:
        """Make all topics but the filled ones anew; return a name no other run has."""
        remake_topics(self.bootstrap_servers, [topic for topic in TOPICS if topic not in INPUTS])
        self._runs += 1
        return f"run-{self._runs}"

    def python(
        self, run: str, name: str, arguments: Sequence[str], *, python: Path | None = None
    ) -> Service:
        """Return a Python process, not started: `python` or this interpreter with `arguments`."""
        settings = self._settings(run, Method())
        spec = ServiceSpec(
            name=name,
            log_file=settings.logs_dir / f"{name}.log",
            cwd=settings.data_dir,
            environment=settings.mark,
        )
        return Service(spec, command=lambda: [str(python or sys.executable), *arguments])

    def flink(
        self, run: str, method: Method, job: Sequence[str], *, slots: int = 1
    ) -> list[Service]:
        """Return the servers of a Flink cluster, not started, with a Python job in it.

        `slots`: subtasks that share a TaskManager.
        """
        settings = replace(
            self._settings(run, method),
            slots_per_taskmanager=slots,
            taskmanager_heap_mb=method.heap_mb * slots,
        )
        cluster = FlinkCluster(settings, self._jars["flink"], job=job)
        cluster.prepare()
        return [cluster.jobmanager, *cluster.taskmanagers]

    def folder_of(self, run: str) -> Path:
        """Return the folder of a run's data."""
        return self._settings(run, Method()).data_dir

    def _settings(self, run: str, method: Method) -> StackSettings:
        return _StandSettings(
            home=self.home,
            name=run,
            records_spans=method.records_spans,
            flink_metrics_ports=method.metrics_ports,
            parallelism=method.parallelism,
            checkpoint_interval_ms=method.commit_interval_ms,
            taskmanager_heap_mb=method.heap_mb,
        )
