"""Stands in for Strimzi: real Kafka pods of Kafka and KafkaNodePool, real topics of KafkaTopic."""

import time
from datetime import UTC, datetime
from typing import Any, Final

from tests.cluster.standins.kafka_cluster import KafkaCluster, Refused, read_cluster
from tests.cluster.standins.kafka_manifests import bootstrap_address, kafka_manifests
from tests.cluster.standins.kafka_properties import HOST_PORT, stateful_set_name
from tests.cluster.standins.kubernetes import Document, Kubernetes, KubernetesError
from tests.cluster.standins.loop import StandIn
from tests.cluster.standins.topics import Topics, topic_name

TOPIC_FINALIZER: Final = "strimzi.io/topic-operator"
_OPERATOR_VERSION: Final = "1.2.0"
_TOPICS_AGAIN_S: Final = 30.0
"""How often topics are compared again that nobody changed."""


class Strimzi(StandIn):
    """Kafka clusters of all namespaces."""

    name = "strimzi-standin"

    def __init__(self, kubernetes: Kubernetes) -> None:
        super().__init__(kubernetes)
        self._applied: dict[str, list[Document]] = {}
        self._topics: dict[tuple[str, str], Topics] = {}
        self._compared: dict[str, float] = {}

    def look(self) -> None:
        pools = self.kubernetes.find("KafkaNodePool")
        ready: dict[tuple[str, str], KafkaCluster] = {}
        for kafka in self.kubernetes.find("Kafka"):
            if "deletionTimestamp" in kafka["metadata"]:
                continue
            with self.guarded(kafka):
                namespace = kafka["metadata"]["namespace"]
                own = [pool for pool in pools if pool["metadata"]["namespace"] == namespace]
                cluster = read_cluster(kafka, own)
                if self._reconcile(cluster) and cluster.has_topic_operator:
                    ready[namespace, cluster.name] = cluster
        for topic in self.kubernetes.find("KafkaTopic"):
            labels = topic["metadata"].get("labels") or {}
            key = (topic["metadata"]["namespace"], labels.get("strimzi.io/cluster", ""))
            if key in ready:
                with self.guarded(topic):
                    self._reconcile_topic(ready[key], topic)

    def _reconcile(self, cluster: KafkaCluster) -> bool:
        """Bring a cluster nearer to its spec; return whether it is ready."""
        try:
            cluster.check()
        except Refused as refused:
            self._write_status(cluster, {"reason": refused.reason, "message": refused.message})
            return False
        manifests = kafka_manifests(cluster)
        uid = cluster.resource["metadata"]["uid"]
        if self._applied.get(uid) != manifests:
            try:
                self._apply(manifests)
            except KubernetesError as error:
                self._write_status(cluster, {"reason": "KubernetesError", "message": str(error)})
                return False
            self._applied[uid] = manifests
        waiting = [
            stateful_set_name(cluster, pool)
            for pool in cluster.pools
            if not self._is_ready(cluster, stateful_set_name(cluster, pool))
        ]
        if waiting:
            message = f"waiting for the pods of {', '.join(waiting)}"
            self._write_status(cluster, {"reason": "Creating", "message": message})
        else:
            self._write_status(cluster, None)
        return not waiting

    def _apply(self, manifests: list[Document]) -> None:
        for manifest in manifests:
            self.kubernetes.apply(manifest)
            self.say(f"applied {manifest['kind']} {manifest['metadata']['name']}")

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

    def _write_status(self, cluster: KafkaCluster, problem: dict[str, str] | None) -> None:
        kafka = cluster.resource
        before = dict(kafka.get("status") or {})
        status = {
            **before,
            "observedGeneration": kafka["metadata"]["generation"],
            "clusterId": cluster.id,
            "conditions": [_condition(before, problem)],
            "kafkaNodePools": [{"name": pool.name} for pool in cluster.pools],
        }
        if problem is None:
            host = bootstrap_address(cluster)
            status |= {
                "kafkaVersion": cluster.version,
                "operatorLastSuccessfulVersion": _OPERATOR_VERSION,
                "listeners": [
                    {
                        "name": each["name"],
                        "addresses": [{"host": host, "port": each["port"]}],
                        "bootstrapServers": f"{host}:{each['port']}",
                    }
                    for each in cluster.listeners
                ],
            }
        if _words(before) != _words(status):
            self.say(f"Kafka {cluster.namespace}/{cluster.name}: {_words(status)}")
        self.kubernetes.write_status(kafka, status)
        for pool in cluster.pools:
            labels = f"strimzi.io/cluster={cluster.name},strimzi.io/pool-name={pool.name}"
            pool_status = {
                "observedGeneration": pool.resource["metadata"]["generation"],
                "nodeIds": pool.node_ids,
                "clusterId": cluster.id,
                "roles": pool.roles,
                "replicas": len(pool.node_ids),
                "labelSelector": labels,
            }
            self.kubernetes.write_status(pool.resource, pool_status)

    def _reconcile_topic(self, cluster: KafkaCluster, topic: Document) -> None:
        metadata, name = topic["metadata"], topic["metadata"]["name"]
        if "deletionTimestamp" in metadata:
            if TOPIC_FINALIZER in (metadata.get("finalizers") or ()):
                self._topics_of(cluster).delete(topic)
                self.kubernetes.set_finalizer(topic, TOPIC_FINALIZER, present=False)
                self.say(f"topic {metadata['namespace']}/{name} deleted")
            return
        self.kubernetes.set_finalizer(topic, TOPIC_FINALIZER, present=True)
        before = topic.get("status") or {}
        is_current = before.get("observedGeneration") == metadata["generation"]
        compared = self._compared.get(metadata["uid"], 0.0)
        if is_current and time.monotonic() - compared < _TOPICS_AGAIN_S:
            return
        status: Document = {"observedGeneration": metadata["generation"]}
        try:
            topic_id, done = self._topics_of(cluster).reconcile(topic)
            problem = None
            status |= {"topicName": topic_name(topic), "topicId": topic_id}
            if done:
                self.say(f"topic {metadata['namespace']}/{name}: {done}")
        except Refused as refused:
            problem = {"reason": refused.reason, "message": refused.message}
            self.say(f"topic {metadata['namespace']}/{name} refused: {refused.message}")
        status["conditions"] = [_condition(before, problem)]
        self.kubernetes.write_status(topic, status)
        self._compared[metadata["uid"]] = time.monotonic()

    def _topics_of(self, cluster: KafkaCluster) -> Topics:
        pods = self.kubernetes.find(
            "Pod",
            cluster.namespace,
            {"strimzi.io/cluster": cluster.name, "strimzi.io/broker-role": "true"},
        )
        addresses = sorted(pod["status"]["podIP"] for pod in pods if pod["status"].get("podIP"))
        servers = ",".join(f"{address}:{HOST_PORT}" for address in addresses)
        key = (cluster.namespace, cluster.name)
        if key not in self._topics or self._topics[key].bootstrap_servers != servers:
            self._topics[key] = Topics(servers)
        return self._topics[key]


def _topic_name(topic: Document) -> str:
    return str((topic.get("spec") or {}).get("topicName") or topic["metadata"]["name"])


def _condition(before: Document, problem: dict[str, str] | None) -> dict[str, Any]:
    """Return the condition Ready; its time is that of its last change."""
    status = "True" if problem is None else "False"
    old: Document = next((c for c in before.get("conditions") or () if c["type"] == "Ready"), {})
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    changed = old.get("lastTransitionTime", now) if old.get("status") == status else now
    return {"type": "Ready", "status": status, "lastTransitionTime": changed, **(problem or {})}


def _words(status: Document) -> str:
    condition = (status.get("conditions") or [{"status": "Unknown"}])[0]
    said = f" ({condition['reason']}: {condition['message']})" if "reason" in condition else ""
    return f"Ready={condition['status']}{said}"
