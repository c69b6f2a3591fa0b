"""A Kafka resource with its KafkaNodePools, read and judged. Pure."""

import base64
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tests.cluster.standins.images import KAFKA_VERSION
from tests.cluster.standins.kafka_security import SCRAM
from tests.cluster.standins.kubernetes import Document

SUPPORTED_VERSIONS: Final = ("4.2.0", "4.2.1", "4.3.0", KAFKA_VERSION)
"""What Strimzi 1.2.0 takes. Here only the last of them runs."""
_IDS_OF_A_POOL: Final = 10
_SIMPLE: Final = {"type": "simple"}
_BOUND_BY_BROKERS: Final = (
    "default.replication.factor",
    "offsets.topic.replication.factor",
    "transaction.state.log.replication.factor",
    "transaction.state.log.min.isr",
)


class Refused(Exception):
    """A resource that Strimzi refuses; with the reason, one word, and a message."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """A KafkaNodePool."""

    resource: Document
    first_id: int
    """Node ids go on from here; a pod's name ends in its id."""

    @property
    def name(self) -> str:
        return str(self.resource["metadata"]["name"])

    @property
    def node_ids(self) -> list[int]:
        count = int(self.resource["spec"]["replicas"])
        return list(range(self.first_id, self.first_id + count))

    @property
    def roles(self) -> list[str]:
        return list(self.resource["spec"]["roles"])


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaCluster:
    """A Kafka resource and all pools of it."""

    resource: Document
    pools: Sequence[Pool]

    @property
    def name(self) -> str:
        return str(self.resource["metadata"]["name"])

    @property
    def namespace(self) -> str:
        return str(self.resource["metadata"]["namespace"])

    @property
    def id(self) -> str:
        """Kafka's own id of the cluster, made of the resource's."""
        raw = uuid.UUID(self.resource["metadata"]["uid"]).bytes
        return base64.urlsafe_b64encode(raw).decode().rstrip("=")

    @property
    def version(self) -> str:
        return str(self.resource["spec"]["kafka"].get("version") or KAFKA_VERSION)

    @property
    def listeners(self) -> list[Document]:
        return list(self.resource["spec"]["kafka"].get("listeners") or ())

    @property
    def brokers(self) -> int:
        return sum(len(pool.node_ids) for pool in self.pools if "broker" in pool.roles)

    @property
    def labels(self) -> dict[str, str]:
        """What everything has that is made for the cluster."""
        return {
            "strimzi.io/cluster": self.name,
            "strimzi.io/kind": "Kafka",
            "strimzi.io/name": f"{self.name}-kafka",
        }

    @property
    def has_tls(self) -> bool:
        """Whether clients need what signs the brokers' certificates."""
        return any(listener["tls"] for listener in self.listeners)

    @property
    def has_rights(self) -> bool:
        """Whether users may do only what a KafkaUser lets them."""
        return "authorization" in self.resource["spec"]["kafka"]

    @property
    def has_topic_operator(self) -> bool:
        """Whether KafkaTopics are looked after."""
        return "topicOperator" in (self.resource["spec"].get("entityOperator") or {})

    @property
    def has_user_operator(self) -> bool:
        """Whether KafkaUsers are looked after."""
        return "userOperator" in (self.resource["spec"].get("entityOperator") or {})

    def check(self) -> None:
        """Check what Strimzi checks before it makes anything.

        Raises:
            Refused: it would say so in the status; or the stand-in cannot do it.
        """
        if self.version not in SUPPORTED_VERSIONS:
            raise Refused(
                "UnsupportedKafkaVersionException",
                f"Unsupported Kafka.spec.kafka.version: {self.version}. "
                f"Supported versions are: [{', '.join(SUPPORTED_VERSIONS)}]",
            )
        if self.version != KAFKA_VERSION:
            raise Refused("NotHere", f"the test cluster has Kafka {KAFKA_VERSION} only")
        for role in ("controller", "broker"):
            if not any(role in pool.roles and pool.node_ids for pool in self.pools):
                raise Refused(
                    "InvalidResourceException",
                    f"The Kafka cluster {self.name} is invalid: at least one KafkaNodePool "
                    f"with the {role} role and at least one replica is required",
                )
        for key in _BOUND_BY_BROKERS:
            value = (self.resource["spec"]["kafka"].get("config") or {}).get(key)
            if value is not None and int(value) > self.brokers:
                raise Refused(
                    "InvalidResourceException",
                    f"Kafka configuration option '{key}' should be set to {self.brokers} or less "
                    f"because this cluster has only {self.brokers} Kafka broker(s).",
                )
        self._check_security()

    def _check_security(self) -> None:
        for listener in self.listeners:
            users = (listener.get("authentication") or {}).get("type")
            if listener["type"] != "internal" or users not in (None, SCRAM):
                raise Refused(
                    "NotHere",
                    f"listener {listener['name']}: here only internal ones exist, without users "
                    f"or with {SCRAM}",
                )
            if self.has_rights and users is None:
                raise Refused(
                    "NotHere",
                    f"listener {listener['name']}: with authorization every listener here needs "
                    "authentication, since who comes without a name may do everything",
                )
        if self.has_rights and self.resource["spec"]["kafka"]["authorization"] != _SIMPLE:
            raise Refused(
                "NotHere",
                "authorization: here only type simple exists, without superUsers",
            )


def read_cluster(kafka: Document, pools: Sequence[Document]) -> KafkaCluster:
    """Find the pools of a Kafka among all of its namespace, and give their nodes ids.

    Ids that a pool's status names stay; a new pool begins at the next multiple of ten.
    """
    name = kafka["metadata"]["name"]
    own = sorted(
        (p for p in pools if (p["metadata"].get("labels") or {}).get("strimzi.io/cluster") == name),
        key=lambda pool: str(pool["metadata"]["name"]),
    )
    known = {pool["metadata"]["name"]: (pool.get("status") or {}).get("nodeIds") for pool in own}
    taken = {ids[0] for ids in known.values() if ids}
    found = []
    for pool in own:
        ids = known[pool["metadata"]["name"]]
        if ids:
            first = ids[0]
        else:
            first = next(n for n in range(0, 1000, _IDS_OF_A_POOL) if n not in taken)
            taken.add(first)
        found.append(Pool(resource=pool, first_id=first))
    return KafkaCluster(resource=kafka, pools=found)
