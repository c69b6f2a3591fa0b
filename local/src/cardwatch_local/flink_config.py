"""Flink's configuration for the embedded cluster: the one the Kubernetes deployment has, smaller.

Pure: settings in, dictionaries and JVM options out.
"""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cardwatch_local.ports import LOOPBACK
from cardwatch_local.settings import StackSettings

_NETWORK_MB: Final = 64
_OFF_HEAP_MB: Final = 192
"""Direct memory of the framework."""
_METASPACE_MB: Final = 256
_FRAMEWORK_HEAP_MB: Final = 128
_MANAGED_MB: Final = 64
_OVERHEAD_MB: Final = 192

OPEN_MODULES: Final = (
    *(
        f"--add-exports={package}=ALL-UNNAMED"
        for package in (
            "java.rmi/sun.rmi.registry",
            "java.security.jgss/sun.security.krb5",
        )
    ),
    *(
        f"--add-opens=java.base/{package}=ALL-UNNAMED"
        for package in (
            "java.lang",
            "java.net",
            "java.io",
            "java.nio",
            "sun.nio.ch",
            "java.lang.reflect",
            "java.text",
            "java.time",
            "java.util",
            "java.util.concurrent",
            "java.util.concurrent.atomic",
            "java.util.concurrent.locks",
        )
    ),
)
"""What Flink needs of Java 17 and later, from its own default configuration."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlinkPorts:
    """Ports of the JobManager on 127.0.0.1."""

    rpc: int
    rest: int


def cluster_config(settings: StackSettings, ports: FlinkPorts) -> dict[str, str]:
    """Return what JobManager and TaskManagers both read as `config.yaml`."""
    return {
        **_addresses(ports),
        **_scheduling(settings),
        **_checkpointing(settings),
        **_taskmanager_memory(settings),
        **_metrics(settings),
        "io.tmp.dirs": str(settings.stack_dir / "tmp"),
        "python.executable": sys.executable,
        "python.client.executable": sys.executable,
        # Every class is on the servers' own classpath, and a library of machine code, as Python's
        # is, can be loaded once.
        "classloader.resolve-order": "parent-first",
        "web.submit.enable": "false",
    }


def _addresses(ports: FlinkPorts) -> dict[str, str]:
    return {
        "jobmanager.rpc.address": LOOPBACK,
        "jobmanager.rpc.port": str(ports.rpc),
        "jobmanager.bind-host": LOOPBACK,
        "rest.address": LOOPBACK,
        "rest.bind-address": LOOPBACK,
        "rest.port": str(ports.rest),
        "taskmanager.host": LOOPBACK,
        "taskmanager.bind-host": LOOPBACK,
    }


def _scheduling(settings: StackSettings) -> dict[str, str]:
    scheduler = "jobmanager.adaptive-scheduler"
    return {
        "scheduler-mode": "reactive",
        "taskmanager.numberOfTaskSlots": str(settings.slots_per_taskmanager),
        # The defaults wait 10 to 60 s for TaskManagers that will not come here.
        f"{scheduler}.submission.resource-stabilization-timeout": "1 s",
        f"{scheduler}.executing.resource-stabilization-timeout": "1 s",
        f"{scheduler}.executing.cooldown-after-rescaling": "1 s",
        # A TaskManager that is up before the JobManager would else ask again after 10 s.
        "cluster.registration.error-delay": "500 ms",
        "heartbeat.interval": "2 s",
        "heartbeat.timeout": "10 s",
        # A TaskManager that was killed is back after three to four seconds. A job that starts
        # without it starts again when it comes. An exponential delay would be longer after each
        # failure, until there was none for an hour.
        "restart-strategy.type": "fixed-delay",
        "restart-strategy.fixed-delay.delay": "4 s",
        "restart-strategy.fixed-delay.attempts": str(2**31 - 1),
    }


def _checkpointing(settings: StackSettings) -> dict[str, str]:
    return {
        "state.backend.type": "hashmap",
        "execution.checkpointing.interval": f"{settings.checkpoint_interval_ms} ms",
        "execution.checkpointing.timeout": "60 s",
        "execution.checkpointing.dir": (settings.data_dir / "checkpoints").as_uri(),
        "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
    }


def _taskmanager_memory(settings: StackSettings) -> dict[str, str]:
    # A TaskManager started without Flink's scripts refuses to start unless all of these are set.
    sizes = {
        "framework.heap.size": _FRAMEWORK_HEAP_MB,
        "task.heap.size": settings.taskmanager_heap_mb - _FRAMEWORK_HEAP_MB,
        "framework.off-heap.size": _OFF_HEAP_MB,
        "task.off-heap.size": 0,
        "network.min": _NETWORK_MB,
        "network.max": _NETWORK_MB,
        "managed.size": _MANAGED_MB,
        "jvm-metaspace.size": _METASPACE_MB,
        "jvm-overhead.min": _OVERHEAD_MB,
        "jvm-overhead.max": _OVERHEAD_MB,
    }
    memory = {f"taskmanager.memory.{name}": f"{size}m" for name, size in sizes.items()}
    return {**memory, "taskmanager.cpu.cores": "1"}


def _metrics(settings: StackSettings) -> dict[str, str]:
    if not settings.flink_metrics_ports:
        return {}
    reporter, package = "metrics.reporter.prom", "org.apache.flink.metrics.prometheus"
    return {
        "metrics.reporters": "prom",
        f"{reporter}.factory.class": f"{package}.PrometheusReporterFactory",
        f"{reporter}.port": settings.flink_metrics_ports,
        # Else a config's name would lose its hyphens.
        f"{reporter}.filterLabelValueCharacters": "false",
    }


def jobmanager_jvm_options(settings: StackSettings) -> list[str]:
    """Return the options of the JobManager's JVM.

    No record passes through it, so it is tuned for a quick start: the simple collector, and no
    second compiler, which would take a core from the job while that starts.
    """
    heap = settings.jobmanager_heap_mb
    return [
        f"-Xms{heap}m",
        f"-Xmx{heap}m",
        f"-XX:MaxMetaspaceSize={_METASPACE_MB}m",
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
    ]


def taskmanager_jvm_options(settings: StackSettings) -> list[str]:
    """Return the options of a TaskManager's JVM; its memory is that of `cluster_config`."""
    heap = settings.taskmanager_heap_mb
    return [
        f"-Xms{heap}m",
        f"-Xmx{heap}m",
        f"-XX:MaxDirectMemorySize={_OFF_HEAP_MB + _NETWORK_MB}m",
        f"-XX:MaxMetaspaceSize={_METASPACE_MB}m",
        # With G1 a transaction takes a tenth more of CPU time.
        "-XX:+UseParallelGC",
    ]


def to_yaml(config: Mapping[str, str]) -> str:
    """Return `config` as Flink's `config.yaml`: a JSON string is a YAML string too."""
    return "".join(f"{key}: {json.dumps(value)}\n" for key, value in config.items())
