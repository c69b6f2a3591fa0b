"""A broker and a Flink cluster with the job in it, for tests that compare all its topics."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
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


@contextmanager
def running_job(
    home: Path, fetched_jars: Path, *, taskmanagers: int, started: int | None = None
) -> Iterator[JobStack]:
    """Run the job on `started` of `taskmanagers` TaskManagers, all if None; then stop it all."""
    (home / "jars").symlink_to(fetched_jars)
    settings = StackSettings(
        home=home, name="job-tests", parallelism=taskmanagers, checkpoint_interval_ms=500
    )
    jars: dict[str, list[Path]] = {}
    for jar in read_lock():
        jars.setdefault(jar.server, []).append(fetched_jars / jar.path)
    kafka = KafkaBroker(settings, jars["kafka"])
    try:
        kafka.start()
        kafka.wait_ready()
        create_topics(kafka.bootstrap_servers)
        cluster = FlinkCluster(
            settings,
            jars["flink"],
            job=[
                *("-pym", "cardwatch_job.main"),
                *("--bootstrap-servers", kafka.bootstrap_servers),
                *("--checkpoint-interval-ms", "500"),
            ],
        )
        cluster.prepare()
        try:
            for server in (cluster.jobmanager, *cluster.taskmanagers[:started]):
                server.start()
            cluster.jobmanager.wait_ready()
            yield JobStack(kafka.bootstrap_servers, cluster)
        finally:
            for server in (*cluster.taskmanagers, cluster.jobmanager):
                server.stop()
    finally:
        kafka.stop()
