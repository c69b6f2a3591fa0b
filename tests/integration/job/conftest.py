"""A broker of the job's own: its tests compare all that is in the topics."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from cardwatch_local.flink import FlinkCluster
from cardwatch_local.jar_lock import read_lock
from cardwatch_local.kafka import KafkaBroker
from cardwatch_local.settings import StackSettings
from cardwatch_local.topics import create_topics


@dataclass(frozen=True)
class JobStack:
    """A broker and a Flink cluster of two TaskManagers with the job in it."""

    bootstrap_servers: str
    cluster: FlinkCluster


@pytest.fixture
def job_stack(tmp_path: Path, fetched_jars: Path) -> Iterator[JobStack]:
    (tmp_path / "jars").symlink_to(fetched_jars)
    settings = StackSettings(
        home=tmp_path, name="job-tests", parallelism=2, checkpoint_interval_ms=500
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
                "-pym",
                "cardwatch_job.main",
                "--bootstrap-servers",
                kafka.bootstrap_servers,
                "--checkpoint-interval-ms",
                "500",
            ],
        )
        cluster.prepare()
        try:
            for server in (cluster.jobmanager, *cluster.taskmanagers):
                server.start()
            cluster.jobmanager.wait_ready()
            yield JobStack(kafka.bootstrap_servers, cluster)
        finally:
            for server in (*cluster.taskmanagers, cluster.jobmanager):
                server.stop()
    finally:
        kafka.stop()
