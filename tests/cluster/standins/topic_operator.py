"""Stands in for Strimzi's topic operator: a topic of Kafka for each KafkaTopic."""

import time
from collections.abc import Callable
from typing import Final

from tests.cluster.standins.conditions import condition
from tests.cluster.standins.kafka_cluster import KafkaCluster, Refused
from tests.cluster.standins.kubernetes import Document, Kubernetes
from tests.cluster.standins.topics import Topics, topic_name

_FINALIZER: Final = "strimzi.io/topic-operator"
_AGAIN_S: Final = 30.0
"""How often topics are compared again that nobody changed."""


class TopicOperator:
    """The KafkaTopics of all clusters."""

    def __init__(
        self,
        kubernetes: Kubernetes,
        say: Callable[[str], None],
        topics_of: Callable[[KafkaCluster], Topics],
    ) -> None:
        """`say` prints an action; `topics_of` connects to a cluster."""
        self._kubernetes = kubernetes
        self._say = say
        self._topics_of = topics_of
        self._compared: dict[str, float] = {}

    def reconcile(self, cluster: KafkaCluster, topic: Document) -> None:
        """Make a topic as a KafkaTopic says, or remove it; the status says how it went.

        Raises:
            KafkaException: Kafka does not answer.
            KubernetesError: Kubernetes does not.
        """
        metadata, name = topic["metadata"], topic["metadata"]["name"]
        if "deletionTimestamp" in metadata:
            if _FINALIZER in (metadata.get("finalizers") or ()):
                self._topics_of(cluster).delete(topic)
                self._kubernetes.set_finalizer(topic, _FINALIZER, present=False)
                self._say(f"topic {metadata['namespace']}/{name} deleted")
            return
        self._kubernetes.set_finalizer(topic, _FINALIZER, present=True)
        before = topic.get("status") or {}
        is_current = before.get("observedGeneration") == metadata["generation"]
        compared = self._compared.get(metadata["uid"], 0.0)
        if is_current and time.monotonic() - compared < _AGAIN_S:
            return
        status: Document = {"observedGeneration": metadata["generation"]}
        try:
            topic_id, done = self._topics_of(cluster).reconcile(topic)
            problem = None
            status |= {"topicName": topic_name(topic), "topicId": topic_id}
            if done:
                self._say(f"topic {metadata['namespace']}/{name}: {done}")
        except Refused as refused:
            problem = {"reason": refused.reason, "message": refused.message}
            self._say(f"topic {metadata['namespace']}/{name} refused: {refused.message}")
        status["conditions"] = [condition(before, problem)]
        self._kubernetes.write_status(topic, status)
        self._compared[metadata["uid"]] = time.monotonic()
