"""Kafka by TLS alone on a Kubernetes, with a user for each component and no right too many.

One story, on a node of its own release, with stand-ins for Strimzi and Flink's operator: `pytest
-rP` prints its times.
"""

import base64
import json
import time
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

import pytest
from tests.cluster.standins.kafka_properties import HOST_PORT
from tests.cluster.standins.users import Users, acls_of
from tests.integration.job.feed import wait_until
from tests.node.client import client_of
from tests.node.observed import labelled, rows, say
from tests.node.release import NAMESPACE, SYSTEM, Release
from tests.node.story import ON_A_NODE, try_out, uninstall, wait_installed
from tests.node.visitor import is_current, visitor_of

pytestmark = ON_A_NODE
_HERE: Final = Path(__file__).parent
_PORT: Final = 9093
_OF_KAFKA: Final = {9090, 9091, 9092, _PORT, 9094, HOST_PORT}
"""Ports that a broker listens at, or might."""
_ESTABLISHED: Final = "01"
_ARCHIVER: Final = "cardwatch-archiver"
_TASKMANAGER: Final = ("-l", "app=cardwatch,component=taskmanager")
_DEPLOYMENTS: Final = ("cardwatch-gateway", "cardwatch-generator", "cardwatch-visualizer")
_COMPONENTS: Final = {
    "archiver": (NAMESPACE, *labelled("archiver")),
    "gateway": (NAMESPACE, *labelled("gateway")),
    "generator": (NAMESPACE, *labelled("generator")),
    "job": (NAMESPACE, *_TASKMANAGER),
    "operator": (SYSTEM, *labelled("operator")),
    "visualizer": (NAMESPACE, *labelled("visualizer")),
}
"""Namespace and selector of the pods that are always connected to Kafka."""


class Answer(NamedTuple):
    """What became of a record."""

    error: str | None
    """Kafka's name for why it was not taken; None: it was."""
    cause: str
    """What the client says of its connections."""


def test_from_nothing_to_the_first_alert_by_tls(release: Release) -> None:
    began = time.monotonic()
    release.install_operators("values-production.yaml")
    release.install(_HERE / "secured.yaml")
    release.wait("kafkauser", "cardwatch-operator", "Ready", 300)
    say("the operator's user is ready", began)
    release.copy_secret("cardwatch-operator", "password")
    release.copy_secret("cardwatch-cluster-ca-cert", "ca.crt")
    wait_installed(release, began, *_DEPLOYMENTS)
    wait_for_operator(release)
    say("the operator has the copies", began)
    try_out(release, began)


def test_kafka_has_one_listener_and_a_user_for_each_component(release: Release) -> None:
    spec = release.get("kafka", "cardwatch")["spec"]["kafka"]
    (listener,) = spec["listeners"]
    assert (listener["tls"], listener["port"]) == (True, _PORT)
    assert listener["authentication"] == {"type": "scram-sha-512"}
    properties = release.get("configmap", "cardwatch-cardwatch-dual")["data"]["server.properties"]
    assert "TLS:SASL_SSL" in properties

    users = release.items("kafkausers")
    assert {f"cardwatch-{name}" for name in _COMPONENTS} < set(release.names("kafkausers"))
    in_kafka = Users(release.bootstrap_servers)
    for user in users:
        (condition,) = user["status"]["conditions"]
        assert (condition["type"], condition["status"]) == ("Ready", "True")
        assert in_kafka.rights_of(user["metadata"]["name"]) == set(acls_of(user))


@pytest.mark.parametrize("component", sorted(_COMPONENTS))
def test_a_component_is_connected_to_no_other_listener(release: Release, component: str) -> None:
    pods = pods_of(release, component)
    assert pods
    for pod in pods:
        wait_until(partial(uses_tls_alone, release, component, pod), f"{pod} to use {_PORT} alone")


@pytest.mark.parametrize(
    "changes",
    [{"security.protocol": "PLAINTEXT"}, {"security.protocol": "SSL"}],
    ids=["without TLS", "without a password"],
)
def test_who_does_not_say_who_he_is_gets_no_word_in(
    release: Release, changes: dict[str, str]
) -> None:
    answer = asked(release, "archiver", "transactions", changes)
    assert answer.error == "_MSG_TIMED_OUT"
    assert answer.cause


@pytest.mark.parametrize(
    ("component", "topic"),
    [
        ("archiver", "alerts"),
        ("gateway", "alerts"),
        ("generator", "alerts"),
        ("operator", "transactions"),
        ("visualizer", "alerts"),
    ],
)
def test_a_component_cannot_write_where_it_need_not(
    release: Release, component: str, topic: str
) -> None:
    assert asked(release, component, topic).error == "TOPIC_AUTHORIZATION_FAILED"


def test_the_visualizer_shows_what_it_reads_as_its_user(release: Release) -> None:
    with visitor_of(release) as visitor:
        wait_until(lambda: is_current(visitor), "a collector to write what happens", 60)


def test_a_password_is_changed_as_the_guide_says(release: Release) -> None:
    began = time.monotonic()
    old = password_of(release, _ARCHIVER)
    release.kubectl("delete", "secret", _ARCHIVER)
    wait_until(lambda: _ARCHIVER in release.names("secrets"), "the Secret to be there again")
    assert password_of(release, _ARCHIVER) != old
    say("another password", began)
    release.kubectl("rollout", "restart", f"deployment/{_ARCHIVER}")
    rollout = ("rollout", "status", f"deployment/{_ARCHIVER}", "--timeout=180s")
    release.kubectl(*rollout, timeout_s=190)

    refused = asked(release, "archiver", "transactions", {"sasl.password": old})
    assert refused.error == "_MSG_TIMED_OUT"
    assert "invalid credentials" in refused.cause
    with client_of(release, bank="S") as client:
        name = client.pay()
        wait_until(lambda: rows(release, "alerts", name) == [name], "the alert's row", 120)
    say("archived with it", began)


def test_nothing_is_left_of_it(release: Release) -> None:
    uninstall(release)
    release.helm("uninstall", "operators", "--wait", namespace=SYSTEM)


def wait_for_operator(release: Release) -> None:
    """Wait until the operator's pod, which wanted the copies of two Secrets, is ready."""
    release.api.kubectl(
        *("wait", "--namespace", SYSTEM, "--for=condition=Available", "--timeout=300s"),
        "deployment/cardwatch-operator",
        timeout_s=310,
    )


def password_of(release: Release, user: str) -> str:
    """Return a user's password by its Secret."""
    return base64.b64decode(release.get("secret", user)["data"]["password"]).decode()


def pods_of(release: Release, component: str) -> list[str]:
    """Return the names of a component's pods that run."""
    namespace, *selector = _COMPONENTS[component]
    said = release.api.kubectl(
        *("get", "pods", "--namespace", namespace, *selector),
        *("--field-selector=status.phase=Running", "-o", "name"),
    )
    return said.stdout.split()


def uses_tls_alone(release: Release, component: str, pod: str) -> bool:
    """Whether a pod is connected to Kafka, and only where Kafka speaks TLS."""
    namespace = _COMPONENTS[component][0]
    said = release.api.kubectl(
        *("exec", "--namespace", namespace, pod, "--", "sh", "-c", "cat /proc/net/tcp*")
    )
    lines = [line.split() for line in said.stdout.splitlines()]
    remote = {int(words[2].rsplit(":")[-1], 16) for words in lines if words[3] == _ESTABLISHED}
    return remote & _OF_KAFKA == {_PORT}


def asked(
    release: Release, component: str, topic: str, changes: dict[str, str] | None = None
) -> Answer:
    """Have a component's pod send a record; `changes` are in place of its own settings."""
    namespace = _COMPONENTS[component][0]
    address = f"cardwatch-kafka-bootstrap.{NAMESPACE}:{_PORT}"
    said = release.api.kubectl(
        *("exec", "--stdin", "--namespace", namespace, pods_of(release, component)[0], "--"),
        *("python", "-", address, topic, json.dumps(changes or {})),
        stdin=(_HERE / "asked.py").read_text("utf-8"),
    )
    return Answer(**json.loads(said.stdout))
