"""Users and certificates that the Strimzi stand-in makes, on a real Kubernetes API and Kafka.

What tests on a node say of the charts' users rests on it.
"""

import base64
import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from tests.cluster.cluster import Cluster
from tests.cluster.definitions import install_upstream
from tests.cluster.standins.documents import content_of
from tests.cluster.standins.kafka_certificates import Certificates
from tests.cluster.standins.kafka_cluster import KafkaCluster, read_cluster
from tests.cluster.standins.kubernetes import Document, Kubernetes
from tests.cluster.standins.user_operator import UserOperator
from tests.cluster.standins.users import Users, acls_of
from tests.integration.job.feed import wait_until
from tests.integration.security import secured
from tests.unit.charts.rendering import FIRST_BUILD_S, SECURED, render

from cardwatch_contracts.kafka_clients import ClientErrors, client_properties
from cardwatch_contracts.kafka_settings import (
    CA_FILE,
    PASSWORD_FILE,
    PROTOCOL,
    USERNAME,
    kafka_at,
)
from cardwatch_local.settings import StackSettings

pytestmark = [
    pytest.mark.timeout(FIRST_BUILD_S),
    pytest.mark.own_cluster("a real Strimzi would look after the same objects"),
]
_KINDS: Final = ("Kafka", "KafkaNodePool", "KafkaUser")
_ARCHIVER: Final = "cardwatch-archiver"
_READ: Final = {"card-profiles", "transactions", "alerts", "transaction-stats", "feedback"}
"""Topics that the archiver may read, and so see."""


class Standin:
    """The part of the stand-in that has to do with users, for the objects that the chart makes."""

    def __init__(self, api: Cluster, broker: secured.SecureBroker) -> None:
        self.kubernetes = Kubernetes(api.kubeconfig, "standin-of-a-test")
        self.in_kafka = Users(broker.bootstrap_servers)
        self.said: list[str] = []
        self._namespace = api.namespace
        self.start_anew()

    def start_anew(self) -> None:
        """Forget everything, as a new process does."""
        users = UserOperator(self.kubernetes, self.said.append, lambda _: self.in_kafka)
        self._users = users
        self._certificates = Certificates(self.kubernetes, self.said.append)

    def look(self) -> str:
        """Do what is done every second; return the certificate of the authority."""
        users = self.kubernetes.find("KafkaUser", self._namespace)
        for user in users:
            self._users.reconcile(self.cluster, user)
        self._users.remove_others(self.cluster, {user["metadata"]["name"] for user in users})
        return self._certificates.reconcile(self.cluster)

    @property
    def cluster(self) -> KafkaCluster:
        (kafka,) = self.kubernetes.find("Kafka", self._namespace)
        return read_cluster(kafka, self.kubernetes.find("KafkaNodePool", self._namespace))

    def secret(self, name: str) -> dict[str, bytes]:
        return content_of(self.kubernetes.get("Secret", self._namespace, name))


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> secured.Certificates:
    return secured.Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def broker(
    tmp_path_factory: pytest.TempPathFactory,
    fetched_jars: Path,
    certificates: secured.Certificates,
) -> Iterator[secured.SecureBroker]:
    home = tmp_path_factory.mktemp("users")
    (home / "jars").symlink_to(fetched_jars)
    settings = StackSettings(home=home, name="users")
    with secured.running_broker(settings, fetched_jars, certificates) as broker:
        yield broker


@pytest.fixture(scope="module")
def standin(api: Cluster, broker: secured.SecureBroker) -> Iterator[Standin]:
    install_upstream(api)
    documents = render(*SECURED, "kafka.secretAnnotations.copied=yes")
    made = [document for document in documents if document["kind"] in _KINDS]
    api.kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(made))
    standin = Standin(api, broker)
    standin.look()
    yield standin
    for kind in _KINDS:
        api.kubectl("delete", kind.lower(), "--all")
    standin.kubernetes.close()


class Client:
    """The archiver, with a password."""

    def __init__(self, servers: str, authority: Path, folder: Path) -> None:
        self._servers = servers
        self._authority = authority
        self._file = folder / "password"

    def topics(self, password: bytes) -> set[str] | None:
        """Return the topics that the archiver sees; None: the password is refused."""
        self._file.write_bytes(password)
        environment = {
            PROTOCOL: "SASL_SSL",
            USERNAME: _ARCHIVER,
            PASSWORD_FILE: str(self._file),
            CA_FILE: str(self._authority),
        }
        errors = ClientErrors()
        properties: dict[str, Any] = dict(client_properties(kafka_at(self._servers, environment)))
        admin = AdminClient(properties | {"error_cb": errors, "log_level": 0})
        try:
            return set(admin.list_topics(timeout=5).topics)
        except KafkaException:
            admin.poll(1)
            assert errors.refusal, errors.cause()
            return None


@pytest.fixture
def client(
    broker: secured.SecureBroker, certificates: secured.Certificates, tmp_path: Path
) -> Client:
    return Client(broker.secure_servers, certificates.authority, tmp_path)


def test_every_user_of_the_chart_is_ready_with_a_secret_and_its_rights(standin: Standin) -> None:
    users = standin.kubernetes.find("KafkaUser", standin.cluster.namespace)

    assert len(users) > 5
    for user in users:
        name, status = user["metadata"]["name"], user["status"]
        assert [(c["type"], c["status"]) for c in status["conditions"]] == [("Ready", "True")]
        assert (status["username"], status["secret"]) == (name, name)
        assert standin.in_kafka.rights_of(name) == set(acls_of(user))
        assert "finalizers" not in user["metadata"]
    assert standin.in_kafka.names() == {user["metadata"]["name"] for user in users}


def test_the_password_in_the_secret_lets_the_user_in(standin: Standin, client: Client) -> None:
    password = standin.secret(_ARCHIVER)["password"]
    wait_until(lambda: client.topics(password) == _READ, "the archiver to see its topics")
    assert client.topics(b"not-the-password") is None


def test_only_what_the_operator_needs_is_marked_for_copying(standin: Standin) -> None:
    namespace = standin.cluster.namespace
    marked = {
        secret["metadata"]["name"]
        for secret in standin.kubernetes.find("Secret", namespace)
        if (secret["metadata"].get("annotations") or {}).get("copied") == "yes"
    }
    assert marked == {"cardwatch-operator", "cardwatch-cluster-ca-cert"}


def test_a_deleted_secret_is_a_new_password(api: Cluster, standin: Standin, client: Client) -> None:
    old = standin.secret(_ARCHIVER)["password"]
    api.kubectl("delete", "secret", _ARCHIVER)

    standin.look()

    new = standin.secret(_ARCHIVER)["password"]
    assert new != old
    wait_until(lambda: client.topics(new) == _READ, "the new password to be known")
    assert client.topics(old) is None


def test_a_password_that_somebody_wrote_into_the_secret_counts(
    api: Cluster, standin: Standin, client: Client
) -> None:
    own = base64.b64encode(b"a-password-of-ours").decode()
    patch = json.dumps({"data": {"password": own}})
    api.kubectl("patch", "secret", _ARCHIVER, "--type=merge", "-p", patch)

    standin.look()

    assert b'password="a-password-of-ours"' in standin.secret(_ARCHIVER)["sasl.jaas.config"]
    wait_until(lambda: client.topics(b"a-password-of-ours") == _READ, "it to be known")


def test_a_new_process_keeps_passwords_and_mends_rights(standin: Standin) -> None:
    before = standin.secret(_ARCHIVER)
    rights = standin.in_kafka.rights_of(_ARCHIVER)
    standin.in_kafka.set_rights(_ARCHIVER, [])
    wait_until(lambda: not standin.in_kafka.rights_of(_ARCHIVER), "the rights to be gone")

    standin.start_anew()
    standin.look()

    assert standin.secret(_ARCHIVER) == before
    restored = partial(standin.in_kafka.rights_of, _ARCHIVER)
    wait_until(lambda: restored() == rights, "the rights to be there again")


def test_who_is_refused_is_told_why(api: Cluster, standin: Standin) -> None:
    patch = json.dumps({"spec": {"quotas": {"requestPercentage": 5}}})
    api.kubectl("patch", "kafkauser", _ARCHIVER, "--type=merge", "-p", patch)

    standin.look()

    (condition,) = _get(api, "kafkauser", _ARCHIVER)["status"]["conditions"]
    assert (condition["status"], condition["reason"]) == ("False", "NotHere")
    assert "quotas" in condition["message"]
    api.kubectl(
        *("patch", "kafkauser", _ARCHIVER, "--type=json"),
        *("-p", json.dumps([{"op": "remove", "path": "/spec/quotas"}])),
    )
    standin.look()
    (condition,) = _get(api, "kafkauser", _ARCHIVER)["status"]["conditions"]
    assert condition["status"] == "True"


def test_certificates_stay_until_their_authority_goes(api: Cluster, standin: Standin) -> None:
    authority, broker = standin.look(), standin.secret("cardwatch-cardwatch-dual-certificates")
    standin.start_anew()
    assert standin.look() == authority
    assert standin.secret("cardwatch-cardwatch-dual-certificates") == broker

    api.kubectl("delete", "secret", "cardwatch-cluster-ca-cert")

    new = standin.look()
    assert new != authority
    assert standin.secret("cardwatch-cluster-ca-cert")["ca.crt"].decode() == new
    assert standin.secret("cardwatch-cardwatch-dual-certificates").keys() == broker.keys()
    assert standin.secret("cardwatch-cardwatch-dual-certificates") != broker


def test_who_has_no_kafkauser_any_more_is_forgotten(
    api: Cluster, standin: Standin, client: Client
) -> None:
    password, names = standin.secret(_ARCHIVER)["password"], standin.in_kafka.names()
    api.kubectl("delete", "kafkauser", _ARCHIVER, "--timeout=10s")

    standin.look()

    others = names - {_ARCHIVER}
    wait_until(lambda: standin.in_kafka.names() == others, "the user alone to be gone")
    wait_until(lambda: not standin.in_kafka.rights_of(_ARCHIVER), "the rights to be gone")
    wait_until(lambda: client.topics(password) is None, "the password to be refused")


def _get(api: Cluster, kind: str, name: str) -> Document:
    return dict(json.loads(api.kubectl("get", kind, name, "-o", "json").stdout))
