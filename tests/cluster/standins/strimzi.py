"""Stands in for Strimzi: real Kafka pods of Kafka and KafkaNodePool, topics and users in them.

Clients speak to Kafka by the listeners that its resource asks for, with TLS and users too. Nodes
speak to each other, and this machine to them, by others in plain text, where Strimzi's nodes have
certificates: what crosses no machine's border here is not what these tests are about.
"""

from collections.abc import Iterator

from tests.cluster.standins.clients import Clients
from tests.cluster.standins.conditions import condition, words
from tests.cluster.standins.kafka_certificates import Certificates
from tests.cluster.standins.kafka_cluster import KafkaCluster, Refused, read_cluster
from tests.cluster.standins.kafka_manifests import kafka_manifests
from tests.cluster.standins.kafka_properties import stateful_set_name
from tests.cluster.standins.kafka_status import kafka_status, pool_status
from tests.cluster.standins.kubernetes import Document, Kubernetes, KubernetesError
from tests.cluster.standins.loop import StandIn
from tests.cluster.standins.topic_operator import TopicOperator
from tests.cluster.standins.topics import Topics
from tests.cluster.standins.user_operator import UserOperator
from tests.cluster.standins.users import Users

_Clusters = dict[tuple[str, str], KafkaCluster]
"""By namespace and name."""


class Strimzi(StandIn):
    """Kafka clusters of all namespaces."""

    name = "strimzi-standin"

    def __init__(self, kubernetes: Kubernetes) -> None:
        super().__init__(kubernetes)
        self._applied: dict[str, list[Document]] = {}
        self._certificates = Certificates(kubernetes, self.say)
        self._topics = TopicOperator(kubernetes, self.say, Clients(kubernetes, Topics).of)
        self._users = UserOperator(kubernetes, self.say, Clients(kubernetes, Users).of)

    def look(self) -> None:
        pools = self.kubernetes.find("KafkaNodePool")
        ready: _Clusters = {}
        for kafka in self.kubernetes.find("Kafka"):
            if "deletionTimestamp" in kafka["metadata"]:
                continue
            with self.guarded(kafka):
                namespace = kafka["metadata"]["namespace"]
                own = [pool for pool in pools if pool["metadata"]["namespace"] == namespace]
                cluster = read_cluster(kafka, own)
                if self._reconcile(cluster):
                    ready[namespace, cluster.name] = cluster
        for cluster, topic in self._of("KafkaTopic", ready):
            if cluster.has_topic_operator:
                with self.guarded(topic):
                    self._topics.reconcile(cluster, topic)
        self._look_at_users({key: each for key, each in ready.items() if each.has_user_operator})

    def _look_at_users(self, ready: _Clusters) -> None:
        names: dict[tuple[str, str], set[str]] = {key: set() for key in ready}
        for cluster, user in self._of("KafkaUser", ready):
            names[cluster.namespace, cluster.name].add(user["metadata"]["name"])
            with self.guarded(user):
                self._users.reconcile(cluster, user)
        for key, cluster in ready.items():
            with self.guarded(cluster.resource):
                self._users.remove_others(cluster, names[key])

    def _of(self, kind: str, ready: _Clusters) -> Iterator[tuple[KafkaCluster, Document]]:
        """Find the resources of a kind that belong to some clusters."""
        for resource in self.kubernetes.find(kind) if ready else ():
            labels = resource["metadata"].get("labels") or {}
            key = (resource["metadata"]["namespace"], labels.get("strimzi.io/cluster", ""))
            if key in ready:
                yield ready[key], resource

    def _reconcile(self, cluster: KafkaCluster) -> bool:
        """Bring a cluster nearer to its spec; return whether it is ready."""
        try:
            cluster.check()
            authority = self._certificates.reconcile(cluster)
            self._apply(cluster, kafka_manifests(cluster, authority))
        except Refused as refused:
            self._write_status(cluster, {"reason": refused.reason, "message": refused.message})
            return False
        except KubernetesError as error:
            self._write_status(cluster, {"reason": "KubernetesError", "message": str(error)})
            return False
        waiting = [
            stateful_set_name(cluster, pool)
            for pool in cluster.pools
            if not self._is_ready(cluster, stateful_set_name(cluster, pool))
        ]
        if waiting:
            message = f"waiting for the pods of {', '.join(waiting)}"
            self._write_status(cluster, {"reason": "Creating", "message": message})
        else:
            self._write_status(cluster, None, authority)
        return not waiting

    def _apply(self, cluster: KafkaCluster, manifests: list[Document]) -> None:
        uid = cluster.resource["metadata"]["uid"]
        if self._applied.get(uid) == manifests:
            return
        for manifest in manifests:
            self.kubernetes.apply(manifest)
            self.say(f"applied {manifest['kind']} {manifest['metadata']['name']}")
        self._applied[uid] = manifests

    def _is_ready(self, cluster: KafkaCluster, name: str) -> bool:
        found = self.kubernetes.get("StatefulSet", cluster.namespace, name)
        if found is None:
            # Somebody deleted it: it is applied again.
            self._applied.pop(cluster.resource["metadata"]["uid"], None)
            return False
        status = found.get("status") or {}
        wanted = found["spec"]["replicas"]
        return bool(
            status.get("observedGeneration") == found["metadata"]["generation"]
            and status.get("readyReplicas", 0) == wanted
            and status.get("updatedReplicas", 0) == wanted
        )

    def _write_status(
        self, cluster: KafkaCluster, problem: dict[str, str] | None, authority: str = ""
    ) -> None:
        kafka = cluster.resource
        before = dict(kafka.get("status") or {})
        status = kafka_status(cluster, authority if problem is None else None)
        status["conditions"] = [condition(before, problem)]
        if words(before) != words(status):
            self.say(f"Kafka {cluster.namespace}/{cluster.name}: {words(status)}")
        self.kubernetes.write_status(kafka, {**before, **status})
        for pool in cluster.pools:
            self.kubernetes.write_status(pool.resource, pool_status(cluster, pool))
