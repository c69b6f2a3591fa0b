"""What the Strimzi stand-in makes of listeners with TLS and users, and of authorization."""

import ssl
import tempfile
from typing import Any

import pytest
from tests.cluster.standins.certificates import Authority
from tests.cluster.standins.documents import content_of, secret_body
from tests.cluster.standins.kafka_cluster import KafkaCluster, read_cluster
from tests.cluster.standins.kafka_manifests import kafka_manifests
from tests.cluster.standins.kafka_secrets import (
    authority_secrets,
    certificates_secret,
    is_signed_by,
    names_of,
)
from tests.cluster.standins.kafka_status import kafka_status
from tests.unit.standins.resources import KAFKA, SECURED_KAFKA, changed, node_pool

_DUAL = node_pool("dual", 1, "controller", "broker")
_CONTENT = {"ca.crt": b"certificate", "ca.p12": b"store", "ca.password": b"p", "ca.key": b"key"}
_POD = "cardwatch-dual-0"


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority.new("/O=io.strimzi/CN=cluster-ca v0")


def _secured() -> KafkaCluster:
    return read_cluster(SECURED_KAFKA, [_DUAL])


def _stateful_set(cluster: KafkaCluster, authority: str = "") -> dict[str, Any]:
    (found,) = (m for m in kafka_manifests(cluster, authority) if m["kind"] == "StatefulSet")
    return found


def _properties(cluster: KafkaCluster, name: str) -> dict[str, str]:
    (found,) = (
        each["data"]["server.properties"]
        for each in kafka_manifests(cluster)
        if (each["kind"], each["metadata"]["name"]) == ("ConfigMap", name)
    )
    return dict(line.split("=", 1) for line in found.splitlines())


def test_clients_come_by_tls_with_a_password_and_have_rights() -> None:
    cluster = _secured()
    cluster.check()
    properties = _properties(cluster, "cardwatch-dual")

    protocols = properties["listener.security.protocol.map"].split(",")
    assert "TLS:SASL_SSL" in protocols
    assert properties["listener.name.tls.sasl.enabled.mechanisms"] == "SCRAM-SHA-512"
    keystore = properties["listener.name.tls.ssl.keystore.location"]
    assert keystore == "/etc/kafka-certificates/${POD_NAME}.pem"
    assert properties["authorizer.class.name"].endswith(".StandardAuthorizer")
    assert properties["super.users"] == "User:ANONYMOUS"


def test_without_authorization_there_is_no_authorizer() -> None:
    properties = _properties(read_cluster(KAFKA, [_DUAL]), "cardwatch-dual")

    assert not [key for key in properties if "authorizer" in key or "ssl" in key]


def test_controllers_of_their_own_judge_by_rights_and_have_no_certificate() -> None:
    pools = [node_pool("brokers", 1, "broker"), node_pool("controllers", 1, "controller")]
    properties = _properties(read_cluster(SECURED_KAFKA, pools), "cardwatch-controllers")

    assert "authorizer.class.name" in properties
    assert not [key for key in properties if "keystore" in key]


def test_a_pod_has_the_certificates_where_its_properties_look_for_them() -> None:
    pod = _stateful_set(_secured())["spec"]["template"]["spec"]

    (mount,) = (m for m in pod["containers"][0]["volumeMounts"] if m["name"] == "certificates")
    assert (mount["mountPath"], mount["readOnly"]) == ("/etc/kafka-certificates", True)
    (volume,) = (v for v in pod["volumes"] if v["name"] == "certificates")
    made = certificates_secret(_secured(), _secured().pools[0], {}, "")
    assert volume["secret"]["secretName"] == made["metadata"]["name"]


def test_brokers_start_anew_with_another_authority_if_they_have_its_certificates() -> None:
    def pods(cluster: KafkaCluster, authority: str) -> Any:
        return _stateful_set(cluster, authority)["spec"]["template"]

    assert pods(_secured(), "one") == pods(_secured(), "one")
    assert pods(_secured(), "one") != pods(_secured(), "other")
    plain = read_cluster(KAFKA, [_DUAL])
    assert pods(plain, "one") == pods(plain, "other")


def test_clients_trust_a_broker_by_every_name_that_leads_to_it(authority: Authority) -> None:
    pem = authority.server("/CN=cardwatch-kafka", names_of(_secured(), _POD))

    for name in (
        "cardwatch-kafka-bootstrap",  # components, from the same namespace
        "cardwatch-kafka-bootstrap.shop",  # the operator, from another
        f"{_POD}.cardwatch-kafka-brokers.shop.svc",  # as brokers name themselves
        f"{_POD}.cardwatch-kafka-brokers.shop.svc.cluster.local",
    ):
        _shake_hands(pem, authority.certificate, name)
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        _shake_hands(pem, authority.certificate, "cardwatch-kafka-bootstrap.elsewhere")
    with pytest.raises(ssl.SSLCertVerificationError, match=r"self-signed|issuer"):
        _shake_hands(pem, Authority.new("/CN=stranger").certificate, "cardwatch-kafka-bootstrap")


def test_the_authority_is_a_store_for_java_too(authority: Authority) -> None:
    assert authority.store("a password").startswith(b"\x30")  # DER, as PKCS #12 is
    assert "PRIVATE" not in authority.certificate
    assert authority.key not in repr(authority)


def test_what_clients_need_is_apart_from_what_signs() -> None:
    public, private = authority_secrets(_secured(), _CONTENT)

    assert public["metadata"]["name"] == "cardwatch-cluster-ca-cert"
    assert content_of(public).keys() == {"ca.crt", "ca.p12", "ca.password"}
    assert private["metadata"]["name"] == "cardwatch-cluster-ca"
    assert content_of(private) == {"ca.key": b"key"}
    for secret in (public, private):
        assert secret["metadata"]["labels"]["strimzi.io/cluster"] == "cardwatch"
        assert secret["metadata"]["ownerReferences"][0]["kind"] == "Kafka"


def test_the_secret_of_clients_has_the_annotations_that_are_asked_for() -> None:
    asked = {"clusterCaCert": {"metadata": {"annotations": {"copied": "yes"}}}}
    cluster = read_cluster(changed(SECURED_KAFKA, "spec/kafka/template", asked), [_DUAL])

    public, private = authority_secrets(cluster, _CONTENT)

    assert public["metadata"]["annotations"] == {
        "copied": "yes",
        "strimzi.io/ca-cert-generation": "0",
    }
    assert "copied" not in private["metadata"]["annotations"]


def test_certificates_are_known_by_who_signed_them() -> None:
    secret = certificates_secret(_secured(), _secured().pools[0], {"a.pem": b"x"}, "one")

    assert is_signed_by(secret, "one")
    assert not is_signed_by(secret, "other")
    assert not is_signed_by(None, "one")
    assert content_of(secret_body({"a.pem": b"x"})) == {"a.pem": b"x"}


def test_a_listener_s_status_has_what_signs_its_certificates() -> None:
    (listener,) = kafka_status(_secured(), "certificate")["listeners"]
    assert listener["certificates"] == ["certificate"]
    assert listener["bootstrapServers"] == "cardwatch-kafka-bootstrap.shop.svc:9093"

    (listener,) = kafka_status(read_cluster(KAFKA, [_DUAL]), "certificate")["listeners"]
    assert "certificates" not in listener
    assert "listeners" not in kafka_status(_secured(), None)


def _shake_hands(pem: str, trusted: str, name: str) -> None:
    """Let a client connect by TLS to a server of that name, without a network.

    Raises:
        ssl.SSLCertVerificationError: the client does not trust the server.
    """
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile("w") as file:
        file.write(pem)
        file.flush()
        serving.load_cert_chain(file.name)
    asking = ssl.create_default_context(cadata=trusted)
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = asking.wrap_bio(to_client, to_server, server_hostname=name)
    server = serving.wrap_bio(to_server, to_client, server_side=True)
    done: set[ssl.SSLObject] = set()
    while len(done) < 2:
        for side in (client, server):
            try:
                side.do_handshake()
                done.add(side)
            except ssl.SSLWantReadError:
                continue
