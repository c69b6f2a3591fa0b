"""The pods that Kafka runs in. Pure."""

from typing import Final

from tests.cluster.standins.images import KAFKA_IMAGE
from tests.cluster.standins.kafka_cluster import KafkaCluster, Pool
from tests.cluster.standins.kafka_properties import (
    CERTIFICATES,
    CONTROLLER_PORT,
    DATA,
    REPLICATION_PORT,
    certificates_name,
    volumes_of,
)
from tests.cluster.standins.kubernetes import Document

_HEAP: Final = "512m"
_POD_SECURITY: Final = {
    "runAsNonRoot": True,
    "runAsUser": 1001,
    "seccompProfile": {"type": "RuntimeDefault"},
}
_CONTAINER_SECURITY: Final = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}
"""As Strimzi's provider of `restricted` sets them, and a root that nobody writes to."""
_SCHEDULING: Final = (
    "affinity",
    "imagePullSecrets",
    "priorityClassName",
    "tolerations",
    "topologySpreadConstraints",
)
"""What is taken from a pod's template as it is."""


def kafka_pod(cluster: KafkaCluster, pool: Pool, config: str) -> Document:
    """Return the spec of a pool's pods, which read the ConfigMap `config`."""
    volumes, mounts = _volumes(cluster, pool, config)
    asked = template(cluster, pool, "pod")
    ready = REPLICATION_PORT if "broker" in pool.roles else CONTROLLER_PORT
    container = {
        "name": "kafka",
        "image": KAFKA_IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "env": [
            {"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
            {"name": "CLUSTER_ID", "value": cluster.id},
            {"name": "KAFKA_HEAP", "value": _heap(cluster, pool)},
        ],
        "resources": pool.resource["spec"].get("resources") or {},
        "readinessProbe": {"tcpSocket": {"port": ready}, "periodSeconds": 2},
        "securityContext": {
            **_CONTAINER_SECURITY,
            **template(cluster, pool, "kafkaContainer", "securityContext"),
        },
        "volumeMounts": mounts,
    }
    return {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 30,
        "securityContext": {
            **_POD_SECURITY,
            **template(cluster, pool, "pod", "securityContext"),
        },
        **{key: asked[key] for key in _SCHEDULING if key in asked},
        "containers": [container],
        "volumes": volumes,
    }


def template(cluster: KafkaCluster, pool: Pool, *path: str) -> Document:
    """Return a part of the templates: the pool's, or else the cluster's."""
    for spec in (pool.resource["spec"], cluster.resource["spec"]["kafka"]):
        part = spec.get("template") or {}
        for key in path:
            part = part.get(key) or {}
        if part:
            return dict(part)
    return {}


def _volumes(
    cluster: KafkaCluster, pool: Pool, config: str
) -> tuple[list[Document], list[Document]]:
    """Return a pod's volumes, without those that claims make, and where all are mounted."""
    volumes: list[Document] = [
        {"name": "config", "configMap": {"name": config}},
        {"name": "tmp", "emptyDir": {}},
    ]
    mounts: list[Document] = [
        {"name": "config", "mountPath": "/etc/kafka", "readOnly": True},
        {"name": "tmp", "mountPath": "/tmp"},
    ]
    if cluster.has_tls and "broker" in pool.roles:
        secret = {"secretName": certificates_name(cluster, pool)}
        volumes.append({"name": "certificates", "secret": secret})
        mounts.append({"name": "certificates", "mountPath": CERTIFICATES, "readOnly": True})
    for name, storage in volumes_of(pool).items():
        if storage["type"] == "ephemeral":
            volumes.append({"name": name, "emptyDir": {}})
        mounts.append({"name": name, "mountPath": f"{DATA}/{name}"})
    return volumes, mounts


def _heap(cluster: KafkaCluster, pool: Pool) -> str:
    for spec in (pool.resource["spec"], cluster.resource["spec"]["kafka"]):
        asked = (spec.get("jvmOptions") or {}).get("-Xmx")
        if asked:
            return str(asked)
    return _HEAP
