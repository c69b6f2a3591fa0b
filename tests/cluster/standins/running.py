"""All stand-ins together, in threads of this process."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.cluster.standins.flink import FlinkOperator
from tests.cluster.standins.kubernetes import Kubernetes
from tests.cluster.standins.loop import StandIn
from tests.cluster.standins.strimzi import Strimzi
from tests.cluster.standins.volumes import Volumes


@contextmanager
def running_standins(kubeconfig: Path, volumes: Path | None = None) -> Iterator[None]:
    """Run the stand-ins while the block lasts.

    Args:
        kubeconfig: Of somebody who may do everything.
        volumes: Folder for what is written to PersistentVolumeClaims; None: they stay pending.
    """
    standins: list[StandIn] = [
        kind(Kubernetes(kubeconfig, kind.name)) for kind in (Strimzi, FlinkOperator)
    ]
    if volumes is not None:
        standins.append(Volumes(Kubernetes(kubeconfig, Volumes.name), volumes))
    for standin in standins:
        standin.start()
    try:
        yield
    finally:
        for standin in standins:
            standin.stop()
            standin.kubernetes.close()
