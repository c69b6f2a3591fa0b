"""Who may connect to whom, as NetworkPolicies say it."""

from collections.abc import Mapping
from typing import Any

import pytest
from tests.unit.charts.pods import pod_templates
from tests.unit.charts.rendering import EVERYTHING, FIRST_BUILD_S, Document, only, render

pytestmark = pytest.mark.timeout(FIRST_BUILD_S)
_KAFKA = {"strimzi.io/cluster": "cardwatch", "strimzi.io/kind": "Kafka"}
_CLIENTS = {"archiver", "gateway", "generator", "job", "test", "visualizer"}


@pytest.fixture(scope="module")
def documents() -> list[Document]:
    return render(*EVERYTHING)


def test_there_is_none_unless_asked_for() -> None:
    documents = render()
    assert not [document for document in documents if document["kind"] == "NetworkPolicy"]
    (listener,) = only(documents, "Kafka")["spec"]["kafka"]["listeners"]
    assert "networkPolicyPeers" not in listener


def test_there_is_none_of_a_generator_that_is_off() -> None:
    documents = render("networkPolicies.enabled=true", "generator.enabled=false")
    names = {d["metadata"]["name"] for d in documents if d["kind"] == "NetworkPolicy"}
    assert names == {
        f"cardwatch-{name}"
        for name in ("archiver", "gateway", "job", "postgres", "removal", "test", "valkey")
    } | {"cardwatch-visualizer"}


def test_each_pod_has_one_policy_that_denies_the_rest(documents: list[Document]) -> None:
    policies = [document for document in documents if document["kind"] == "NetworkPolicy"]
    for pod in pod_templates(documents):
        if not pod.labels:
            continue  # Strimzi's, which has policies of its own
        (policy,) = (
            policy for policy in policies if selects(policy["spec"]["podSelector"], pod.labels)
        )
        assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"], pod.owner


@pytest.mark.parametrize("client", sorted(_CLIENTS))
def test_a_client_and_kafka_agree_on_their_connection(
    client: str, documents: list[Document]
) -> None:
    way = ways(documents, client, "egress", 9093)
    assert any(selects(peer["podSelector"], _KAFKA) for rule in way for peer in rule["to"])
    (listener,) = only(documents, "Kafka")["spec"]["kafka"]["listeners"]
    own, operator = listener["networkPolicyPeers"]
    assert set(own["podSelector"]["matchExpressions"][0]["values"]) == {
        f"cardwatch-{name}" for name in _CLIENTS
    }
    assert operator["podSelector"]["matchLabels"]["app.kubernetes.io/name"] == "cardwatch-operator"


@pytest.mark.parametrize(
    ("server", "port", "others"),
    [
        ("valkey", 6379, []),
        ("postgres", 5432, [{"podSelector": {"matchLabels": {"app": "notebook"}}}]),
    ],
)
def test_valkey_and_postgresql_are_for_those_who_need_them(
    server: str, port: int, others: list[Document], documents: list[Document]
) -> None:
    for client in ("archiver", "gateway", "visualizer"):
        (rule,) = ways(documents, client, "egress", port)
        assert selects(rule["to"][0]["podSelector"], labels(server))
    spec = only(documents, "NetworkPolicy", f"cardwatch-{server}")["spec"]
    (rule,) = spec["ingress"]
    assert [each["port"] for each in rule["ports"]] == [port]
    archiver, gateway, visualizer, *named = rule["from"]
    assert selects(archiver["podSelector"], labels("archiver"))
    assert selects(gateway["podSelector"], labels("gateway"))
    assert selects(visualizer["podSelector"], labels("visualizer"))
    assert named == others
    assert not spec.get("egress")


def test_without_a_gateway_and_a_visualizer_they_are_for_the_archiver_alone() -> None:
    documents = render(
        "networkPolicies.enabled=true", "gateway.enabled=false", "visualizer.enabled=false"
    )
    for server in ("valkey", "postgres"):
        (rule,) = only(documents, "NetworkPolicy", f"cardwatch-{server}")["spec"]["ingress"]
        (peer,) = rule["from"]
        assert selects(peer["podSelector"], labels("archiver"))


def test_everybody_reaches_the_gateway_unless_some_are_named(documents: list[Document]) -> None:
    (rule,) = ways(render("networkPolicies.enabled=true"), "gateway", "ingress", 8080)
    assert "from" not in rule
    (rule,) = ways(documents, "gateway", "ingress", 8080)
    test, named = rule["from"]
    assert selects(test["podSelector"], labels("test"))
    assert named == {"podSelector": {"matchLabels": {"app": "shop"}}}
    (rule,) = ways(documents, "test", "egress", 8080)
    assert selects(rule["to"][0]["podSelector"], labels("gateway"))


def test_everybody_reaches_the_visualizer_unless_some_are_named(documents: list[Document]) -> None:
    (rule,) = ways(render("networkPolicies.enabled=true"), "visualizer", "ingress", 8050)
    assert "from" not in rule
    (rule,) = ways(documents, "visualizer", "ingress", 8050)
    assert rule["from"] == [{"podSelector": {"matchLabels": {"app": "proxy"}}}]


def test_nobody_reaches_a_visualizer_without_logins() -> None:
    documents = render("networkPolicies.enabled=true", "visualizer.login.type=none")
    policy = only(documents, "NetworkPolicy", "cardwatch-visualizer")["spec"]
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert "ingress" not in policy


@pytest.mark.parametrize(
    ("hosts", "ports"),
    [
        ("db.example.com:6432", [6432]),
        ("db.example.com", [5432]),
        (r"one:6432\,two:6433\,three:6432", [6432, 6433]),
    ],
)
def test_a_postgresql_elsewhere_is_reached_at_its_ports(hosts: str, ports: list[int]) -> None:
    documents = render(
        "networkPolicies.enabled=true",
        "postgres.create=false",
        f"postgres.url=postgresql://cardwatch@{hosts}/cardwatch?application_name=a:99",
        "postgres.existingSecret=mine",
    )
    for client in ("archiver", "gateway", "visualizer"):
        spec = only(documents, "NetworkPolicy", f"cardwatch-{client}")["spec"]
        (rule,) = (r for r in spec["egress"] if [p["port"] for p in r["ports"]] == ports)
        assert "to" not in rule


def test_only_what_asks_the_kubernetes_api_reaches_it(documents: list[Document]) -> None:
    asking = {
        name
        for name in (*_CLIENTS, "valkey", "postgres", "removal", "collector", "jaeger")
        if ways(documents, name, "egress", 6443)
    }
    assert asking == {"job", "removal"}


def test_the_operators_reach_the_job(documents: list[Document]) -> None:
    (rule,) = ways(documents, "job", "ingress", 8081)
    (peer,) = rule["from"]
    assert peer["namespaceSelector"]["matchLabels"] == {
        "kubernetes.io/metadata.name": "cardwatch-system"
    }


def test_kafka_elsewhere_is_reached_at_its_ports() -> None:
    documents = render(
        "kafka.create=false",
        r"kafka.bootstrapServers=one.example.com:9092\,two.example.com:9093",
        "networkPolicies.enabled=true",
    )
    for port in (9092, 9093):
        (rule,) = ways(documents, "job", "egress", port)
        assert "to" not in rule


def ways(documents: list[Document], name: str, direction: str, port: int) -> list[Document]:
    spec = only(documents, "NetworkPolicy", f"cardwatch-{name}")["spec"]
    return [
        rule
        for rule in spec.get(direction, ())
        if any(each["port"] == port for each in rule.get("ports", ()))
    ]


def labels(name: str) -> dict[str, str]:
    return {
        "app.kubernetes.io/name": f"cardwatch-{name}",
        "app.kubernetes.io/instance": "cardwatch",
    }


def selects(selector: Document, given: Mapping[str, Any]) -> bool:
    return bool(selector["matchLabels"].items() <= given.items())
