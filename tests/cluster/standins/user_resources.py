"""A KafkaUser, judged, and the Secret that is made for it. Pure."""

import secrets
import string
from typing import Final

from tests.cluster.standins.documents import content_of, owned, secret_body
from tests.cluster.standins.kafka_cluster import KafkaCluster, Refused
from tests.cluster.standins.kafka_security import SCRAM
from tests.cluster.standins.kubernetes import Document

_LENGTH: Final = 32
_CHARACTERS: Final = string.ascii_letters + string.digits
_LOGIN: Final = "org.apache.kafka.common.security.scram.ScramLoginModule"
_OPERATOR: Final = "strimzi-user-operator"


def check_user(cluster: KafkaCluster, user: Document) -> None:
    """Check what Strimzi checks before it makes anything.

    Raises:
        Refused: it would say so in the status; or the stand-in cannot do it.
    """
    spec = user["spec"]
    authentication = spec.get("authentication") or {}
    if authentication != {"type": SCRAM}:
        raise Refused(
            "NotHere", f"authentication: here only type {SCRAM} exists, with a generated password"
        )
    if "quotas" in spec:
        raise Refused("NotHere", "quotas: here nobody has any")
    if "authorization" in spec and not cluster.has_rights:
        raise Refused(
            "InvalidResourceException",
            "Simple authorization ACL rules are configured but not supported in the Kafka cluster "
            "configuration.",
        )


def password_in(secret: Document | None) -> str:
    """Return the password of a user's Secret; a new one where there is none."""
    there = content_of(secret).get("password", b"").decode()
    return there or "".join(secrets.choice(_CHARACTERS) for _ in range(_LENGTH))


def user_secret(user: Document, password: str) -> Document:
    """Return the Secret of a user: labels and annotations of it can be asked for."""
    metadata = user["metadata"]
    name = metadata["name"]
    template = (user["spec"].get("template") or {}).get("secret") or {}
    asked = template.get("metadata") or {}
    labels = {
        **(metadata.get("labels") or {}),
        "strimzi.io/kind": "KafkaUser",
        "app.kubernetes.io/name": _OPERATOR,
        "app.kubernetes.io/instance": name,
        "app.kubernetes.io/part-of": f"strimzi-{name}",
        "app.kubernetes.io/managed-by": _OPERATOR,
        **(asked.get("labels") or {}),
    }
    login = f'{_LOGIN} required username="{name}" password="{password}";'
    content = {"password": password.encode(), "sasl.jaas.config": login.encode()}
    return owned(
        user,
        *("v1", "Secret", name),
        secret_body(content),
        labels=labels,
        annotations=asked.get("annotations"),
    )
