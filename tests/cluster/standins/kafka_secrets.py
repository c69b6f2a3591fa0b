"""The Secrets of a Kafka cluster: who signs its brokers' certificates, and these. Pure."""

from collections.abc import Mapping
from typing import Final

from tests.cluster.standins.documents import digest, owned, secret_body
from tests.cluster.standins.kafka_cluster import KafkaCluster, Pool
from tests.cluster.standins.kafka_properties import (
    bootstrap_name,
    certificates_name,
    headless_name,
    stateful_set_name,
)
from tests.cluster.standins.kubernetes import Document

AUTHORITY: Final = "/O=io.strimzi/CN=cluster-ca v0"
PUBLIC: Final = ("ca.crt", "ca.p12", "ca.password")
PRIVATE: Final = ("ca.key",)
_SIGNED_BY: Final = "cardwatch.dev/signed-by"


def public_name(cluster: KafkaCluster) -> str:
    """Return the name of the Secret that clients need."""
    return f"{cluster.name}-cluster-ca-cert"


def private_name(cluster: KafkaCluster) -> str:
    """Return the name of the Secret with the authority's key."""
    return f"{cluster.name}-cluster-ca"


def authority_secrets(cluster: KafkaCluster, content: Mapping[str, bytes]) -> list[Document]:
    """Return both Secrets of an authority; labels and annotations of the first can be asked for."""
    template = (cluster.resource["spec"]["kafka"].get("template") or {}).get("clusterCaCert") or {}
    asked = template.get("metadata") or {}
    labels = {
        **cluster.labels,
        "strimzi.io/name": "strimzi",
        "strimzi.io/component-type": "certificate-authority",
        "app.kubernetes.io/name": "certificate-authority",
        "app.kubernetes.io/instance": cluster.name,
        "app.kubernetes.io/part-of": f"strimzi-{cluster.name}",
        "app.kubernetes.io/managed-by": "strimzi-cluster-operator",
    }
    public = owned(
        cluster.resource,
        *("v1", "Secret", public_name(cluster)),
        secret_body({key: content[key] for key in PUBLIC}),
        labels=labels | (asked.get("labels") or {}),
        annotations={"strimzi.io/ca-cert-generation": "0"} | (asked.get("annotations") or {}),
    )
    private = owned(
        cluster.resource,
        *("v1", "Secret", private_name(cluster)),
        secret_body({key: content[key] for key in PRIVATE}),
        labels=labels,
        annotations={"strimzi.io/ca-key-generation": "0"},
    )
    return [public, private]


def pods_of(cluster: KafkaCluster, pool: Pool) -> list[str]:
    """Return the names of a pool's pods."""
    return [f"{stateful_set_name(cluster, pool)}-{number}" for number in pool.node_ids]


def names_of(cluster: KafkaCluster, pod: str) -> list[str]:
    """Return the names by which clients reach a broker, as a certificate has them."""
    domain = f"{cluster.namespace}.svc"
    services = [bootstrap_name(cluster), headless_name(cluster)]
    suffixes = ("", f".{cluster.namespace}", f".{domain}", f".{domain}.cluster.local")
    names = [f"{service}{suffix}" for service in services for suffix in suffixes]
    names += [f"{pod}.{headless_name(cluster)}{suffix}" for suffix in suffixes[2:]]
    return [f"DNS:{name}" for name in names]


def subject_of(cluster: KafkaCluster) -> str:
    """Return whose the certificates of brokers are."""
    return f"/O=io.strimzi/CN={cluster.name}-kafka"


def certificates_secret(
    cluster: KafkaCluster, pool: Pool, content: Mapping[str, bytes], signed_by: str
) -> Document:
    """Return the Secret of the brokers of a pool; `signed_by` is the authority's certificate."""
    return owned(
        pool.resource,
        *("v1", "Secret", certificates_name(cluster, pool)),
        secret_body(content),
        labels=cluster.labels,
        annotations={_SIGNED_BY: digest(signed_by)},
    )


def is_signed_by(secret: Document | None, certificate: str) -> bool:
    """Whether such a Secret's certificates are of an authority."""
    annotations = ((secret or {}).get("metadata") or {}).get("annotations") or {}
    return bool(annotations.get(_SIGNED_BY) == digest(certificate))
