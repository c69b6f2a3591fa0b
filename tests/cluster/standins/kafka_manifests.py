"""What runs a Kafka cluster: ConfigMaps, Services and StatefulSets named as Strimzi does. Pure."""

from typing import Any

from tests.cluster.standins.documents import digest, owned
from tests.cluster.standins.kafka_cluster import KafkaCluster, Pool
from tests.cluster.standins.kafka_pods import kafka_pod
from tests.cluster.standins.kafka_properties import (
    CONTROLLER_PORT,
    HOST_PORT,
    REPLICATION_PORT,
    bootstrap_name,
    headless_name,
    host_service_name,
    server_properties,
    stateful_set_name,
    volumes_of,
)
from tests.cluster.standins.kubernetes import Document


def kafka_manifests(cluster: KafkaCluster, authority: str = "") -> list[Document]:
    """Return everything that is applied for a Kafka cluster, but its Secrets.

    Args:
        cluster: Which.
        authority: Certificate of who signs the brokers'. With another one they start anew.
    """
    manifests = [_headless_service(cluster), _bootstrap_service(cluster)]
    for pool in cluster.pools:
        text = server_properties(cluster, pool)
        manifests.append(_config_map(cluster, pool, text))
        manifests.append(_stateful_set(cluster, pool, text, authority))
        if "broker" in pool.roles:
            manifests += [_host_service(cluster, pool, number) for number in pool.node_ids]
    return manifests


def bootstrap_address(cluster: KafkaCluster) -> str:
    """Return the host name of the Service for clients."""
    return f"{bootstrap_name(cluster)}.{cluster.namespace}.svc"


def _stateful_set(cluster: KafkaCluster, pool: Pool, properties: str, authority: str) -> Document:
    name = stateful_set_name(cluster, pool)
    made_of = {"cardwatch/config": digest(properties)}
    if cluster.has_tls:
        made_of["cardwatch/authority"] = digest(authority)
    labels = cluster.labels | {
        "strimzi.io/pool-name": pool.name,
        **{f"strimzi.io/{r}-role": str(r in pool.roles).lower() for r in ("broker", "controller")},
    }
    deleted = any(s.get("deleteClaim") for s in volumes_of(pool).values())
    spec: dict[str, Any] = {
        "serviceName": headless_name(cluster),
        "replicas": len(pool.node_ids),
        "ordinals": {"start": pool.first_id},
        # Controllers find each other only when all of them start.
        "podManagementPolicy": "Parallel",
        "selector": {"matchLabels": labels},
        "template": {
            "metadata": {"labels": labels, "annotations": made_of},
            "spec": kafka_pod(cluster, pool, name),
        },
        "persistentVolumeClaimRetentionPolicy": {
            "whenDeleted": "Delete" if deleted else "Retain",
            "whenScaled": "Delete" if deleted else "Retain",
        },
    } | ({"volumeClaimTemplates": claims} if (claims := _claims(cluster, pool)) else {})
    return _owned(cluster, "apps/v1", "StatefulSet", name, {"spec": spec}, by=pool.resource)


def _claims(cluster: KafkaCluster, pool: Pool) -> list[Document]:
    return [
        {
            "metadata": {"name": volume, "labels": cluster.labels},
            "spec": {
                "accessModes": ["ReadWriteOnce"],
                "resources": {"requests": {"storage": str(storage["size"])}},
                **({"storageClassName": storage["class"]} if "class" in storage else {}),
            },
        }
        for volume, storage in volumes_of(pool).items()
        if storage["type"] == "persistent-claim"
    ]


def _headless_service(cluster: KafkaCluster) -> Document:
    spec = {
        "clusterIP": "None",
        "publishNotReadyAddresses": True,
        "selector": cluster.labels,
        "ports": [
            {"name": "tcp-ctrlplane", "port": CONTROLLER_PORT},
            {"name": "tcp-replication", "port": REPLICATION_PORT},
            *_client_ports(cluster),
        ],
    }
    return _owned(cluster, "v1", "Service", headless_name(cluster), {"spec": spec})


def _bootstrap_service(cluster: KafkaCluster) -> Document:
    spec = {
        "selector": cluster.labels | {"strimzi.io/broker-role": "true"},
        "ports": [{"name": "tcp-replication", "port": REPLICATION_PORT}, *_client_ports(cluster)],
    }
    return _owned(cluster, "v1", "Service", bootstrap_name(cluster), {"spec": spec})


def _host_service(cluster: KafkaCluster, pool: Pool, number: int) -> Document:
    pod = f"{stateful_set_name(cluster, pool)}-{number}"
    spec = {
        "publishNotReadyAddresses": True,
        "selector": {"statefulset.kubernetes.io/pod-name": pod},
        "ports": [{"name": "tcp-host", "port": HOST_PORT}],
    }
    service = _owned(cluster, "v1", "Service", host_service_name(pod), {"spec": spec})
    service["metadata"]["labels"]["cardwatch.dev/for"] = "host"
    return service


def _client_ports(cluster: KafkaCluster) -> list[Document]:
    return [{"name": f"tcp-{each['name']}", "port": each["port"]} for each in cluster.listeners]


def _config_map(cluster: KafkaCluster, pool: Pool, text: str) -> Document:
    body = {"data": {"server.properties": text}}
    name = stateful_set_name(cluster, pool)
    return _owned(cluster, "v1", "ConfigMap", name, body, by=pool.resource)


def _owned(
    cluster: KafkaCluster,
    api_version: str,
    kind: str,
    name: str,
    body: Document,
    *,
    by: Document | None = None,
) -> Document:
    return owned(by or cluster.resource, api_version, kind, name, body, labels=cluster.labels)
