"""`server.properties` of Kafka nodes, and the names it is made of. Pure."""

from typing import Any, Final

from tests.cluster.standins.kafka_cluster import KafkaCluster, Pool
from tests.cluster.standins.kafka_security import RIGHTS, listener_properties, protocol_of
from tests.cluster.standins.kubernetes import Document

CONTROLLER_PORT: Final = 9090
REPLICATION_PORT: Final = 9091
HOST_PORT: Final = 9095
"""Of a listener for who is outside of the cluster: each broker has a Service with an address that
stays when the pod goes."""
DATA: Final = "/var/lib/kafka"
CERTIFICATES: Final = "/etc/kafka-certificates"
"""Where a broker's pod has the keys and certificates of its pool."""


def stateful_set_name(cluster: KafkaCluster, pool: Pool) -> str:
    """Return the name of a pool's StatefulSet; a pod's is this, a dash and the node's id."""
    return f"{cluster.name}-{pool.name}"


def headless_name(cluster: KafkaCluster) -> str:
    """Return the name of the Service that gives each pod a name."""
    return f"{cluster.name}-kafka-brokers"


def bootstrap_name(cluster: KafkaCluster) -> str:
    """Return the name of the Service for clients."""
    return f"{cluster.name}-kafka-bootstrap"


def certificates_name(cluster: KafkaCluster, pool: Pool) -> str:
    """Return the name of the Secret with the certificates of a pool's brokers."""
    return f"{stateful_set_name(cluster, pool)}-certificates"


def keystore_name(pod: str) -> str:
    """Return the key in that Secret under which a pod's own key and certificate are."""
    return f"{pod}.pem"


def host_service_name(pod: str) -> str:
    """Return the name of the Service by which the host reaches a broker."""
    return f"{pod}-host"


def server_properties(cluster: KafkaCluster, pool: Pool) -> str:
    """Return `server.properties` of the nodes of a pool, with the node's own id left open."""
    host = f"${{POD_NAME}}.{headless_name(cluster)}.{cluster.namespace}.svc"
    voters = [
        f"{number}@{stateful_set_name(cluster, each)}-{number}.{headless_name(cluster)}."
        f"{cluster.namespace}.svc:{CONTROLLER_PORT}"
        for each in cluster.pools
        if "controller" in each.roles
        for number in each.node_ids
    ]
    ports = {"CONTROLLER": CONTROLLER_PORT} if "controller" in pool.roles else {}
    if "broker" in pool.roles:
        ports["REPLICATION"] = REPLICATION_PORT
        ports |= {each["name"].upper(): int(each["port"]) for each in cluster.listeners}
        ports["HOST"] = HOST_PORT
    advertised = [
        f"{name}://{'${HOST_ADDRESS}' if name == 'HOST' else host}:{port}"
        for name, port in ports.items()
        if name != "CONTROLLER"
    ]
    protocols = [f"{name}:PLAINTEXT" for name in ("CONTROLLER", "REPLICATION", "HOST")]
    protocols += [f"{each['name'].upper()}:{protocol_of(each)}" for each in cluster.listeners]
    own = {
        "process.roles": ",".join(sorted(pool.roles)),
        "node.id": "${NODE_ID}",
        "controller.quorum.voters": ",".join(voters),
        "controller.listener.names": "CONTROLLER",
        "listeners": ",".join(f"{name}://0.0.0.0:{port}" for name, port in ports.items()),
        "listener.security.protocol.map": ",".join(protocols),
        "log.dirs": ",".join(f"{DATA}/{name}/kafka-log" for name in volumes_of(pool)),
    }
    if advertised:
        own["advertised.listeners"] = ",".join(advertised)
        own["inter.broker.listener.name"] = "REPLICATION"
    asked = cluster.resource["spec"]["kafka"].get("config") or {}
    own |= _security(cluster, pool)
    return "".join(f"{key}={_text(value)}\n" for key, value in {**asked, **own}.items())


def _security(cluster: KafkaCluster, pool: Pool) -> dict[str, str]:
    """Return how brokers let clients in, and that rights count."""
    properties = dict(RIGHTS) if cluster.has_rights else {}
    if "broker" in pool.roles:
        keystore = f"{CERTIFICATES}/{keystore_name('${POD_NAME}')}"
        for listener in cluster.listeners:
            properties |= listener_properties(listener, keystore)
    return properties


def volumes_of(pool: Pool) -> dict[str, Document]:
    """Return a pool's storage by the names that Strimzi gives its volumes."""
    storage = pool.resource["spec"]["storage"]
    if storage["type"] == "jbod":
        return {f"data-{each.get('id', 0)}": each for each in storage["volumes"]}
    return {"data": storage}


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
