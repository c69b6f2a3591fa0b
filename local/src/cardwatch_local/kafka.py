"""A Kafka broker that is its own controller (KRaft), on 127.0.0.1."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from cardwatch_contracts.topics import TRANSACTIONS
from cardwatch_local.class_archive import ClassArchives
from cardwatch_local.java import JavaProgram, run_to_end, write_properties
from cardwatch_local.ports import LOOPBACK, free_ports, is_listening
from cardwatch_local.service import Service, ServiceSpec
from cardwatch_local.settings import StackSettings

_CLUSTER_ID: Final = "Y2FyZHdhdGNoLWxvY2FsMQ"  # 16 bytes in URL-safe base64: cardwatch-local1
_NODE_ID: Final = 1
_ADMIN_TIMEOUT_S: Final = 1.0


class KafkaBroker(Service):
    """The broker of a stack. Its data survives restarts, its port need not."""

    def __init__(self, settings: StackSettings, jars: Sequence[Path]) -> None:
        """Run the broker from `jars`, the classpath locked for `kafka`."""
        broker_port, self._controller_port = free_ports(2)
        self.port = settings.kafka_port or broker_port
        self._data = settings.data_dir / "kafka"
        self._config = settings.stack_dir / "conf" / "kafka.properties"
        self._archives = ClassArchives(settings.class_archives_dir)
        heap = f"{settings.kafka_heap_mb}m"
        self._broker = JavaProgram(
            name="kafka",
            main_class="kafka.Kafka",
            classpath=jars,
            # The whole heap from the start: growing it costs pauses while the job starts.
            options=[f"-Xms{heap}", f"-Xmx{heap}", "-XX:+UseG1GC"],
            arguments=[str(self._config)],
        )
        self._formatter = JavaProgram(
            name="kafka-format",
            main_class="kafka.tools.StorageTool",
            classpath=jars,
            options=["-XX:TieredStopAtLevel=1"],
            arguments=["format", "-t", _CLUSTER_ID, "-c", str(self._config)],
        )
        spec = ServiceSpec(
            name="kafka",
            log_file=settings.logs_dir / "kafka.log",
            cwd=settings.data_dir,
            environment=settings.mark,
        )
        super().__init__(
            spec, command=lambda: self._broker.command(self._archives), ready=self._serves
        )

    @property
    def bootstrap_servers(self) -> str:
        """Address for clients, `host:port`."""
        return f"{LOOPBACK}:{self.port}"

    def start(self) -> None:
        """Write the configuration, format the data folder if it is new, start the broker.

        Raises:
            StackError: The folder cannot be formatted or the broker not be started.
        """
        write_properties(self._config, self._properties())
        if not (self._data / "meta.properties").exists():
            run_to_end(
                self._formatter.command(self._archives),
                what=f"format Kafka's data folder {self._data}",
            )
        super().start()

    def _serves(self) -> bool:
        if not is_listening(self.port):
            return False
        # librdkafka would print every refused connection of this phase; log_level 0 is silence.
        admin = AdminClient({"bootstrap.servers": self.bootstrap_servers, "log_level": 0})
        try:
            return bool(admin.list_topics(timeout=_ADMIN_TIMEOUT_S).brokers)
        except KafkaException:
            return False

    def _properties(self) -> dict[str, str | int]:
        return {
            "process.roles": "broker,controller",
            "node.id": _NODE_ID,
            "controller.quorum.voters": f"{_NODE_ID}@{LOOPBACK}:{self._controller_port}",
            "listeners": (
                f"BROKER://{LOOPBACK}:{self.port},CONTROLLER://{LOOPBACK}:{self._controller_port}"
            ),
            "advertised.listeners": f"BROKER://{self.bootstrap_servers}",
            "listener.security.protocol.map": "BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "inter.broker.listener.name": "BROKER",
            "controller.listener.names": "CONTROLLER",
            "log.dirs": str(self._data),
            "auto.create.topics.enable": "false",
            # One broker, and few internal partitions: each costs files and time at every start.
            "offsets.topic.replication.factor": 1,
            "offsets.topic.num.partitions": 4,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            "transaction.state.log.num.partitions": 4,
            "share.coordinator.state.topic.replication.factor": 1,
            "share.coordinator.state.topic.min.isr": 1,
            "share.coordinator.state.topic.num.partitions": 1,
            "min.insync.replicas": 1,
            # A job may be down this long and still commit what it had flushed.
            "transaction.max.timeout.ms": TRANSACTIONS.retention_ms,
            "group.initial.rebalance.delay.ms": 0,
            "num.network.threads": 2,
            "num.io.threads": 4,
            "num.recovery.threads.per.data.dir": 2,
            "log.segment.bytes": 128 * 1024 * 1024,
        }
