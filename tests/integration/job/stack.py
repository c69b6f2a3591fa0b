"""A broker and a Flink cluster with the job in it, for tests that compare all its topics."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from cardwatch_local.flink import FlinkCluster
from cardwatch_local.jar_lock import read_lock
from cardwatch_local.kafka import KafkaBroker
from cardwatch_local.settings import StackSettings
from cardwatch_local.topics import create_topics


@dataclass(frozen=True)
class JobStack:
    """Where the broker is, and the cluster."""

    bootstrap_servers: str
    cluster: FlinkCluster
    settings: StackSettings


def _nothing(_settings: StackSettings, _bootstrap_servers: str) -> None:
    """Leave all as it is."""


@contextmanager
def running_job(
    home: Path,
    fetched_jars: Path,
    *,
    taskmanagers: int,
    started: int | None = None,
    arguments: Sequence[str] = (),
    prepare: Callable[[StackSettings, str], None] = _nothing,
    metrics_ports: str = "",
) -> Iterator[JobStack]:
    """Run the job on `started` of `taskmanagers` TaskManagers, all if None; then stop it all.

    `prepare` is called with the settings and the broker's address before the job starts.
    """
    (home / "jars").symlink_to(fetched_jars)
    settings = StackSettings(
        home=home,
        name="job-tests",
        parallelism=taskmanagers,
        checkpoint_interval_ms=500,
        flink_metrics_ports=metrics_ports,
    )
    kafka = KafkaBroker(settings, _jars(settings, "kafka"))
    try:
        kafka.start()
        kafka.wait_ready()
        create_topics(kafka.bootstrap_servers)
        prepare(settings, kafka.bootstrap_servers)
        cluster = _cluster(settings, kafka.bootstrap_servers, arguments)
        try:
            for server in (cluster.jobmanager, *cluster.taskmanagers[:started]):
                server.start()
            cluster.jobmanager.wait_ready()
            yield JobStack(kafka.bootstrap_servers, cluster, settings)
        finally:
            for server in (*cluster.taskmanagers, cluster.jobmanager):
                server.stop()
    finally:
        kafka.stop()


@contextmanager
def another_jobmanager(stack: JobStack, *arguments: str) -> Iterator[FlinkCluster]:
    """Start the JobManager of a cluster of its own, with the job in it, on the same broker."""
    settings = replace(stack.settings, name=f"{stack.settings.name}-2")
    cluster = _cluster(settings, stack.bootstrap_servers, arguments)
    try:
        cluster.jobmanager.start()
        yield cluster
    finally:
        cluster.jobmanager.stop()


def _cluster(
    settings: StackSettings, bootstrap_servers: str, arguments: Sequence[str]
) -> FlinkCluster:
    job = [
        *("-pym", "cardwatch_job.main"),
        *("--bootstrap-servers", bootstrap_servers),
        *("--checkpoint-interval-ms", str(settings.checkpoint_interval_ms)),
        *arguments,
    ]
    cluster = FlinkCluster(settings, _jars(settings, "flink"), job=job)
    cluster.prepare()
    return cluster


def _jars(settings: StackSettings, server: str) -> list[Path]:
    folder = settings.jars_dir.resolve()
    return [folder / jar.path for jar in read_lock([server])]
