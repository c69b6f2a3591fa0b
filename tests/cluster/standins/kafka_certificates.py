"""Authorities of Kafka clusters and their brokers' certificates, kept in Secrets."""

import secrets
from collections.abc import Callable
from typing import Final

from tests.cluster.standins.certificates import Authority
from tests.cluster.standins.documents import content_of
from tests.cluster.standins.kafka_cluster import KafkaCluster, Pool
from tests.cluster.standins.kafka_properties import certificates_name, keystore_name
from tests.cluster.standins.kafka_secrets import (
    AUTHORITY,
    PRIVATE,
    PUBLIC,
    authority_secrets,
    certificates_secret,
    is_signed_by,
    names_of,
    pods_of,
    private_name,
    public_name,
    subject_of,
)
from tests.cluster.standins.kubernetes import Document, Kubernetes

_PASSWORD_BYTES: Final = 9


class Certificates:
    """Those of all clusters. What a Secret holds stays; what is missing is made."""

    def __init__(self, kubernetes: Kubernetes, say: Callable[[str], None]) -> None:
        """`say` prints an action."""
        self._kubernetes = kubernetes
        self._say = say
        self._applied: dict[tuple[str, str], Document] = {}

    def reconcile(self, cluster: KafkaCluster) -> str:
        """See to it that every broker has its certificate; return the authority's."""
        authority = self._authority_of(cluster)
        if cluster.has_tls:
            for pool in cluster.pools:
                if "broker" in pool.roles:
                    self._certify(cluster, pool, authority)
        return authority.certificate

    def _authority_of(self, cluster: KafkaCluster) -> Authority:
        content: dict[str, bytes] = {}
        for name in (public_name(cluster), private_name(cluster)):
            content |= content_of(self._kubernetes.get("Secret", cluster.namespace, name))
        if not content.keys() >= {*PUBLIC, *PRIVATE}:
            content = _new_authority()
            self._say(f"Kafka {cluster.namespace}/{cluster.name}: new authority")
        for document in authority_secrets(cluster, content):
            self._apply(document)
        return Authority(content["ca.crt"].decode(), content["ca.key"].decode())

    def _certify(self, cluster: KafkaCluster, pool: Pool, authority: Authority) -> None:
        name = certificates_name(cluster, pool)
        found = self._kubernetes.get("Secret", cluster.namespace, name)
        there = content_of(found) if is_signed_by(found, authority.certificate) else {}
        content: dict[str, bytes] = {}
        for pod in pods_of(cluster, pool):
            key = keystore_name(pod)
            if key not in there:
                made = authority.server(subject_of(cluster), names_of(cluster, pod))
                there[key] = made.encode()
                self._say(f"certificate for {cluster.namespace}/{pod}")
            content[key] = there[key]
        self._apply(certificates_secret(cluster, pool, content, authority.certificate))

    def _apply(self, document: Document) -> None:
        """Apply a Secret unless it was already; one that was deleted has other content then."""
        key = (document["metadata"]["ownerReferences"][0]["uid"], document["metadata"]["name"])
        if self._applied.get(key) != document:
            self._kubernetes.apply(document)
            self._applied[key] = document


def _new_authority() -> dict[str, bytes]:
    authority, password = Authority.new(AUTHORITY), secrets.token_urlsafe(_PASSWORD_BYTES)
    return {
        "ca.crt": authority.certificate.encode(),
        "ca.p12": authority.store(password),
        "ca.password": password.encode(),
        "ca.key": authority.key.encode(),
    }
