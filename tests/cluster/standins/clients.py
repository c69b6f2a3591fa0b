"""Clients of Kafka clusters, which go to the brokers' pods by the listener for this machine."""

from collections.abc import Callable
from typing import Generic, TypeVar

from tests.cluster.standins.kafka_cluster import KafkaCluster
from tests.cluster.standins.kafka_properties import HOST_PORT
from tests.cluster.standins.kubernetes import Kubernetes

_C = TypeVar("_C")


class Clients(Generic[_C]):
    """One for each cluster, kept for as long as its brokers have the same addresses."""

    def __init__(self, kubernetes: Kubernetes, make: Callable[[str], _C]) -> None:
        """`make` makes one of `host:port`, several separated by commas."""
        self._kubernetes = kubernetes
        self._make = make
        self._made: dict[tuple[str, str], tuple[str, _C]] = {}

    def of(self, cluster: KafkaCluster) -> _C:
        """Return the client of a cluster."""
        labels = {"strimzi.io/cluster": cluster.name, "strimzi.io/broker-role": "true"}
        pods = self._kubernetes.find("Pod", cluster.namespace, labels)
        addresses = sorted(pod["status"]["podIP"] for pod in pods if pod["status"].get("podIP"))
        servers = ",".join(f"{address}:{HOST_PORT}" for address in addresses)
        key = (cluster.namespace, cluster.name)
        if key not in self._made or self._made[key][0] != servers:
            self._made[key] = (servers, self._make(servers))
        return self._made[key][1]
