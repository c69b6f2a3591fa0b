from pathlib import Path

import pytest
from tests.unit.charts.rendering import (
    EVERYTHING,
    FIRST_BUILD_S,
    OPERATORS,
    PROFILES,
    Document,
    only,
    render,
    without_dependencies,
)
from tests.unit.charts.schemas import KUBERNETES, errors

pytestmark = pytest.mark.timeout(FIRST_BUILD_S)
_ELSEWHERE = ("PodMonitor", "PrometheusRule", "ServiceMonitor", "CustomResourceDefinition")
"""Kinds whose definitions are not at hand; a definition is checked by the tests on a cluster."""


@pytest.mark.parametrize("kubernetes", KUBERNETES)
@pytest.mark.parametrize("profile", PROFILES)
def test_a_profile_makes_only_what_the_definitions_allow(profile: str, kubernetes: str) -> None:
    assert wrong(render(profile=profile), kubernetes) == []


@pytest.mark.parametrize("kubernetes", KUBERNETES)
def test_all_of_it_at_once_is_what_the_definitions_allow(kubernetes: str) -> None:
    documents = render(*EVERYTHING)
    kinds = {document["kind"] for document in documents}
    assert {"HorizontalPodAutoscaler", "KafkaUser", "NetworkPolicy", "PodMonitor"} <= kinds
    assert wrong(documents, kubernetes) == []


@pytest.mark.parametrize("kubernetes", KUBERNETES)
def test_servers_from_elsewhere_are_allowed(kubernetes: str) -> None:
    documents = render(
        "kafka.create=false",
        r"kafka.bootstrapServers=one.example.com:9092\,two.example.com:9093",
        "valkey.create=false",
        "valkey.existingSecret=mine",
        "postgres.create=false",
        "postgres.url=postgresql://cardwatch@db.example.com:5432/cardwatch?sslmode=verify-full",
        "postgres.gatewayUrl=postgresql://reader@db.example.com:5432/cardwatch",
        "postgres.existingSecret=mine",
        "gateway.keys.existingSecret=keys",
        "tracing.enabled=true",
        "tracing.jaeger.create=false",
        "tracing.jaeger.endpoint=jaeger.example.com:4317",
        "job.storage.claim.create=false",
        "job.storage.uri=s3://bucket/cardwatch",
        "networkPolicies.enabled=true",
        "networkPolicies.extraEgress.archiver[0].ports[0].port=6379",
        "networkPolicies.extraEgress.gateway[0].ports[0].port=6379",
        "networkPolicies.extraEgress.visualizer[0].ports[0].port=6379",
        "visualizer.login.type=proxy",
        "visualizer.login.proxy.networks[0]=10.244.0.0/16",
        "visualizer.clients[0].podSelector.matchLabels.app=proxy",
        "kafka.tls.enabled=true",
        "kafka.tls.existingSecret=authority",
        "kafka.authentication.type=plain",
        "kafka.authentication.existingSecret=user",
    )
    kinds = {document["kind"] for document in documents}
    kafkas = {"Kafka", "KafkaNodePool", "KafkaTopic", "KafkaUser"}
    assert not kinds & {*kafkas, "StatefulSet", "Secret"}
    assert wrong(documents, kubernetes) == []


@pytest.mark.parametrize("kubernetes", KUBERNETES)
def test_the_operators_are_what_the_definitions_allow(kubernetes: str, tmp_path: Path) -> None:
    chart = without_dependencies(OPERATORS, tmp_path)
    assert wrong(render(profile="values-production.yaml", chart=chart), kubernetes) == []
    values = (
        "operator.serviceMonitor.enabled=true",
        "operator.tracing.endpoint=http://cardwatch-collector.cardwatch:4318",
    )
    assert wrong(render(*values, chart=chart), kubernetes) == []


@pytest.mark.parametrize(
    ("kind", "field"),
    [("Kafka", "entityOperator"), ("FlinkDeployment", "podTemplate"), ("Deployment", "template")],
)
def test_a_field_that_nobody_knows_is_found(kind: str, field: str) -> None:
    document = only(render("gateway.enabled=false", "visualizer.enabled=false"), kind)
    spec = {**document["spec"], field: {**document["spec"][field], "unheardOf": 1}}
    found = errors({**document, "spec": spec}, KUBERNETES[1])
    assert len(found) == 1
    assert "unheardOf" in found[0]


def wrong(documents: list[Document], kubernetes: str) -> list[str]:
    return [
        error
        for document in documents
        if document["kind"] not in _ELSEWHERE
        for error in errors(document, kubernetes)
    ]
