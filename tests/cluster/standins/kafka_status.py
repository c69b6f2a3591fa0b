"""What is said of a Kafka cluster and its pools. Pure."""

from typing import Final

from tests.cluster.standins.kafka_cluster import KafkaCluster, Pool
from tests.cluster.standins.kafka_manifests import bootstrap_address
from tests.cluster.standins.kubernetes import Document

_OPERATOR_VERSION: Final = "1.2.0"


def kafka_status(cluster: KafkaCluster, authority: str | None) -> Document:
    """Return the status of a Kafka without its conditions.

    Args:
        cluster: Which.
        authority: Certificate of who signs the brokers'; None: it is not ready yet.
    """
    status: Document = {
        "observedGeneration": cluster.resource["metadata"]["generation"],
        "clusterId": cluster.id,
        "kafkaNodePools": [{"name": pool.name} for pool in cluster.pools],
    }
    if authority is not None:
        status |= {
            "kafkaVersion": cluster.version,
            "operatorLastSuccessfulVersion": _OPERATOR_VERSION,
            "listeners": [_listener(cluster, each, authority) for each in cluster.listeners],
        }
    return status


def pool_status(cluster: KafkaCluster, pool: Pool) -> Document:
    """Return the status of one of its pools."""
    return {
        "observedGeneration": pool.resource["metadata"]["generation"],
        "nodeIds": pool.node_ids,
        "clusterId": cluster.id,
        "roles": pool.roles,
        "replicas": len(pool.node_ids),
        "labelSelector": f"strimzi.io/cluster={cluster.name},strimzi.io/pool-name={pool.name}",
    }


def _listener(cluster: KafkaCluster, listener: Document, authority: str) -> Document:
    host, port = bootstrap_address(cluster), listener["port"]
    return {
        "name": listener["name"],
        "addresses": [{"host": host, "port": port}],
        "bootstrapServers": f"{host}:{port}",
        **({"certificates": [authority]} if listener["tls"] else {}),
    }
