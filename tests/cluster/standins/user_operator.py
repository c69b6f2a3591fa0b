"""Stands in for Strimzi's user operator: a Secret and a user of Kafka for each KafkaUser.

As the real one it puts no finalizer on them: who has no KafkaUser any more is looked for in Kafka.
"""

import time
from collections.abc import Callable, Collection
from typing import Final

from tests.cluster.standins.conditions import condition
from tests.cluster.standins.kafka_cluster import KafkaCluster, Refused
from tests.cluster.standins.kubernetes import Document, Kubernetes
from tests.cluster.standins.user_resources import check_user, password_in, user_secret
from tests.cluster.standins.users import Users, acls_of

_AGAIN_S: Final = 30.0
"""How often what nobody changed is written again: Kafka shows no password to compare."""
_Seen = tuple[int, str]
"""Generation of a KafkaUser, version of its Secret."""


class UserOperator:
    """The KafkaUsers of all clusters."""

    def __init__(
        self,
        kubernetes: Kubernetes,
        say: Callable[[str], None],
        users_of: Callable[[KafkaCluster], Users],
    ) -> None:
        """`say` prints an action; `users_of` connects to a cluster."""
        self._kubernetes = kubernetes
        self._say = say
        self._users_of = users_of
        self._written: dict[str, tuple[_Seen, float]] = {}
        self._kept: dict[tuple[str, str], tuple[set[str], float]] = {}

    def reconcile(self, cluster: KafkaCluster, user: Document) -> None:
        """Make a KafkaUser's Secret and its user of Kafka as it says; its status says how it went.

        Raises:
            KafkaException: Kafka does not answer.
            KubernetesError: Kubernetes does not.
        """
        metadata = user["metadata"]
        if "deletionTimestamp" in metadata:
            return
        namespace, name = metadata["namespace"], metadata["name"]
        secret = self._kubernetes.get("Secret", namespace, name)
        seen, written_at = self._written.get(metadata["uid"], (None, 0.0))
        is_new = seen != _seen(user, secret)
        if not is_new and time.monotonic() - written_at < _AGAIN_S:
            return
        status: Document = {"observedGeneration": metadata["generation"]}
        problem = None
        try:
            check_user(cluster, user)
            secret = self._write(cluster, user, password_in(secret))
            status |= {"username": name, "secret": name}
        except Refused as refused:
            problem = {"reason": refused.reason, "message": refused.message}
        if is_new:
            said = f"refused: {problem['message']}" if problem else "has its password and rights"
            self._say(f"user {namespace}/{name} {said}")
        status["conditions"] = [condition(user.get("status") or {}, problem)]
        self._kubernetes.write_status(user, status)
        self._written[metadata["uid"]] = (_seen(user, secret), time.monotonic())

    def remove_others(self, cluster: KafkaCluster, names: Collection[str]) -> None:
        """Take passwords and rights from all of a cluster's users but some.

        Raises:
            KafkaException: Kafka does not answer.
        """
        key = (cluster.namespace, cluster.name)
        kept, looked_at = self._kept.get(key, (set[str](), 0.0))
        if kept <= set(names) and time.monotonic() - looked_at < _AGAIN_S:
            self._kept[key] = (set(names), looked_at)
            return
        users = self._users_of(cluster)
        for name in users.names() - set(names):
            if cluster.has_rights:
                users.set_rights(name, [])
            users.remove_password(name)
            self._say(f"user {cluster.namespace}/{name} removed")
        self._kept[key] = (set(names), time.monotonic())

    def _write(self, cluster: KafkaCluster, user: Document, password: str) -> Document:
        """Write both; return the Secret as it is now."""
        secret = self._kubernetes.apply(user_secret(user, password))
        users, name = self._users_of(cluster), user["metadata"]["name"]
        users.set_password(name, password)
        if cluster.has_rights:
            users.set_rights(name, acls_of(user))
        return secret


def _seen(user: Document, secret: Document | None) -> _Seen:
    version = secret["metadata"]["resourceVersion"] if secret else ""
    return user["metadata"]["generation"], version
