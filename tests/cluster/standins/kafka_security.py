"""How Kafka's listeners let clients in, and who may do what, as Kafka's own settings. Pure."""

from typing import Final

from tests.cluster.standins.kubernetes import Document

SCRAM: Final = "scram-sha-512"
"""The only way in which users prove who they are."""
_SCRAM_LOGIN: Final = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
RIGHTS: Final = {
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "super.users": "User:ANONYMOUS",
}
"""Nobody may do what no right allows. Nodes and this machine may do all: they come by listeners
that ask nobody who he is, and clients have none of these."""


def protocol_of(listener: Document) -> str:
    """Return Kafka's name for how a listener is spoken to."""
    users = "SASL_" if "authentication" in listener else ""
    return f"{users}{'SSL' if listener['tls'] else 'PLAINTEXT'}"


def listener_properties(listener: Document, keystore: str) -> dict[str, str]:
    """Return what a broker needs for a listener; `keystore` is a file of key and certificate."""
    prefix = f"listener.name.{listener['name'].lower()}"
    properties: dict[str, str] = {}
    if listener["tls"]:
        properties |= {
            f"{prefix}.ssl.keystore.type": "PEM",
            f"{prefix}.ssl.keystore.location": keystore,
        }
    if "authentication" in listener:
        properties |= {
            f"{prefix}.sasl.enabled.mechanisms": SCRAM.upper(),
            f"{prefix}.{SCRAM}.sasl.jaas.config": _SCRAM_LOGIN,
        }
    return properties
