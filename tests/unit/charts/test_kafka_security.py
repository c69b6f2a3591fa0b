"""Kafka by TLS, with users: who gets which Secret, and what the charts leave out."""

from pathlib import Path
from typing import Any

import pytest
from tests.unit.charts.pods import PodTemplate, pod_templates
from tests.unit.charts.rendering import (
    FIRST_BUILD_S,
    OPERATORS,
    SECURED,
    Document,
    only,
    render,
    template,
    without_dependencies,
)

pytestmark = pytest.mark.timeout(FIRST_BUILD_S)
_CLIENTS = {
    "Deployment cardwatch-archiver": "cardwatch-archiver",
    "Deployment cardwatch-gateway": "cardwatch-gateway",
    "Deployment cardwatch-generator": "cardwatch-generator",
    "Deployment cardwatch-visualizer": "cardwatch-visualizer",
    "FlinkDeployment cardwatch": "cardwatch-job",
    "Pod cardwatch-test": "cardwatch-test",
}
"""Who speaks to Kafka, and as which user."""
_ELSEWHERE = (
    "kafka.create=false",
    "kafka.bootstrapServers=kafka.example.com:9094",
    "generator.enabled=true",
)


def test_by_default_kafka_asks_nobody_who_he_is() -> None:
    documents = render("generator.enabled=true")
    kafka = only(documents, "Kafka")["spec"]
    assert kafka["kafka"]["listeners"] == [
        {"name": "plain", "port": 9092, "type": "internal", "tls": False}
    ]
    assert "authorization" not in kafka["kafka"]
    assert "userOperator" not in kafka["entityOperator"]
    assert not [document for document in documents if document["kind"] == "KafkaUser"]
    for pod in clients(documents):
        assert not security(pod), pod.owner
        assert not files(pod), pod.owner


def test_kafka_has_one_listener_and_denies_what_no_right_allows() -> None:
    spec = only(render(*SECURED), "Kafka")["spec"]
    assert spec["kafka"]["listeners"] == [
        {
            "name": "tls",
            "port": 9093,
            "type": "internal",
            "tls": True,
            "authentication": {"type": "scram-sha-512"},
        }
    ]
    assert spec["kafka"]["authorization"] == {"type": "simple"}
    assert "userOperator" in spec["entityOperator"]


def test_in_production_it_is_on_for_both_charts(tmp_path: Path) -> None:
    platform = render(profile="values-production.yaml")
    (listener,) = only(platform, "Kafka")["spec"]["kafka"]["listeners"]
    assert (listener["tls"], listener["authentication"]["type"]) == (True, "scram-sha-512")

    chart = without_dependencies(OPERATORS, tmp_path)
    (operator,) = pod_templates(render(profile="values-production.yaml", chart=chart))
    said = security(operator)
    assert said["CARDWATCH_KAFKA_SECURITY_PROTOCOL"] == "SASL_SSL"
    assert said["CARDWATCH_KAFKA_USERNAME"] == "cardwatch-operator"
    (servers,) = (v for v in operator.containers[0]["env"] if v["name"].endswith("_SERVERS"))
    assert servers["value"].endswith(f":{listener['port']}")
    assert only(platform, "KafkaUser", "cardwatch-operator")
    assert files(operator) == {
        "/etc/cardwatch/kafka/password": ("cardwatch-operator", "password"),
        "/etc/cardwatch/kafka/ca.crt": ("cardwatch-cluster-ca-cert", "ca.crt"),
    }


def test_each_pod_has_the_password_of_its_own_user() -> None:
    documents = render(*SECURED)
    users = {each["metadata"]["name"] for each in documents if each["kind"] == "KafkaUser"}
    assert users == {*_CLIENTS.values(), "cardwatch-operator"}
    assert {pod.owner for pod in clients(documents)} == set(_CLIENTS)
    for pod in clients(documents):
        user = _CLIENTS[pod.owner]
        assert security(pod) == {
            "CARDWATCH_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "CARDWATCH_KAFKA_SASL_MECHANISM": "SCRAM-SHA-512",
            "CARDWATCH_KAFKA_USERNAME": user,
            "CARDWATCH_KAFKA_PASSWORD_FILE": "/etc/cardwatch/kafka/password",
            "CARDWATCH_KAFKA_CA_FILE": "/etc/cardwatch/kafka/ca.crt",
        }
        assert files(pod) == {
            "/etc/cardwatch/kafka/password": (user, "password"),
            "/etc/cardwatch/kafka/ca.crt": ("cardwatch-cluster-ca-cert", "ca.crt"),
        }


@pytest.mark.parametrize("name", ["gateway", "generator", "visualizer"])
def test_what_is_not_there_has_no_user(name: str) -> None:
    documents = render(*SECURED[:2], f"{name}.enabled=false")
    names = {each["metadata"]["name"] for each in documents if each["kind"] == "KafkaUser"}
    assert f"cardwatch-{name}" not in names


def test_no_user_has_the_name_of_a_secret_that_the_chart_makes() -> None:
    documents = render(*SECURED)  # Strimzi names a user's Secret after the user
    named = {
        kind: {each["metadata"]["name"] for each in documents if each["kind"] == kind}
        for kind in ("KafkaUser", "Secret")
    }
    assert not named["KafkaUser"] & named["Secret"]


def test_tls_alone_has_no_users() -> None:
    documents = render("kafka.tls.enabled=true", "generator.enabled=true")
    (listener,) = only(documents, "Kafka")["spec"]["kafka"]["listeners"]
    assert (listener["tls"], "authentication" in listener) == (True, False)
    assert not [document for document in documents if document["kind"] == "KafkaUser"]
    for pod in clients(documents):
        assert security(pod) == {
            "CARDWATCH_KAFKA_SECURITY_PROTOCOL": "SSL",
            "CARDWATCH_KAFKA_CA_FILE": "/etc/cardwatch/kafka/ca.crt",
        }
        assert set(files(pod)) == {"/etc/cardwatch/kafka/ca.crt"}


def test_a_kafka_elsewhere_is_used_with_the_secrets_that_are_named() -> None:
    documents = render(
        *_ELSEWHERE,
        "kafka.tls.enabled=true",
        "kafka.tls.existingSecret=authority",
        "kafka.authentication.type=scram-sha-256",
        "kafka.authentication.existingSecret=user",
    )
    assert not [document for document in documents if document["kind"] == "KafkaUser"]
    for pod in clients(documents):
        assert security(pod) | {"CARDWATCH_KAFKA_CA_FILE": ""} == {
            "CARDWATCH_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "CARDWATCH_KAFKA_SASL_MECHANISM": "SCRAM-SHA-256",
            "CARDWATCH_KAFKA_USERNAME": {"name": "user", "key": "username"},
            "CARDWATCH_KAFKA_PASSWORD_FILE": "/etc/cardwatch/kafka/password",
            "CARDWATCH_KAFKA_CA_FILE": "",
        }
        assert files(pod) == {
            "/etc/cardwatch/kafka/password": ("user", "password"),
            "/etc/cardwatch/kafka/ca.crt": ("authority", "ca.crt"),
        }


def test_a_public_authority_needs_no_secret() -> None:
    for pod in clients(render(*_ELSEWHERE, "kafka.tls.enabled=true")):
        assert security(pod) == {"CARDWATCH_KAFKA_SECURITY_PROTOCOL": "SSL"}
        assert not files(pod)


def test_what_the_operator_needs_can_be_marked_for_copying() -> None:
    documents = render(*SECURED, "kafka.secretAnnotations.copied=yes")
    marked = {"metadata": {"annotations": {"copied": "yes"}}}
    assert only(documents, "Kafka")["spec"]["kafka"]["template"] == {"clusterCaCert": marked}
    for user in (document for document in documents if document["kind"] == "KafkaUser"):
        is_operators = user["metadata"]["name"] == "cardwatch-operator"
        assert user["spec"].get("template") == ({"secret": marked} if is_operators else None)


def test_the_operators_chart_sends_no_password_as_it_is(tmp_path: Path) -> None:
    chart = without_dependencies(OPERATORS, tmp_path)
    done = template(chart, "operator.kafka.authentication.type=plain")
    assert "operator.kafka.authentication.type plain sends the password as it is" in done.stderr


def test_who_is_told_how_to_read_alerts_may_read_them() -> None:
    rules = only(render(*SECURED), "KafkaUser", "cardwatch-test")["spec"]["authorization"]["acls"]
    for kind, name in (("topic", "alerts"), ("group", "cardwatch-smoke")):
        (rule,) = (
            r for r in rules if (r["resource"]["type"], r["resource"]["name"]) == (kind, name)
        )
        assert rule["operations"] == ["Read"]


def clients(documents: list[Document]) -> list[PodTemplate]:
    return [pod for pod in pod_templates(documents) if pod.owner in _CLIENTS]


def security(pod: PodTemplate) -> dict[str, Any]:
    """Return what a pod's environment says of Kafka; of a Secret's value, where it is."""
    (container,) = pod.spec["containers"]
    return {
        variable["name"]: variable.get("value") or variable["valueFrom"]["secretKeyRef"]
        for variable in container.get("env", ())
        if variable["name"].startswith("CARDWATCH_KAFKA_")
    }


def files(pod: PodTemplate) -> dict[str, tuple[str, str]]:
    """Return the files that a pod has of Secrets for Kafka, with the Secret and its key."""
    (container,) = pod.spec["containers"]
    folders = {m["name"]: m["mountPath"] for m in container.get("volumeMounts", ())}
    return {
        f"{folders['kafka']}/{item['path']}": (source["secret"]["name"], item["key"])
        for volume in pod.spec.get("volumes", ())
        if volume["name"] == "kafka"
        for source in volume["projected"]["sources"]
        for item in source["secret"]["items"]
    }
