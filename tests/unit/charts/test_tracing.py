"""Spans have a way from everybody who makes them to the collector, and from there to Jaeger."""

from pathlib import Path

import pytest
import yaml
from tests.unit.charts.pods import PodTemplate, pod_templates
from tests.unit.charts.rendering import (
    EVERYTHING,
    FIRST_BUILD_S,
    OPERATORS,
    PLATFORM,
    PROFILES,
    Document,
    only,
    render,
    without_dependencies,
)
from tests.unit.charts.test_network import labels, selects, ways

pytestmark = pytest.mark.timeout(FIRST_BUILD_S)
_ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
_ELSEWHERE = (
    "tracing.enabled=true",
    "tracing.jaeger.create=false",
    "tracing.jaeger.endpoint=jaeger.example.com:4444",
)


def test_there_is_nothing_of_it_unless_asked_for() -> None:
    documents = render("generator.enabled=true")
    assert not {"cardwatch-collector", "cardwatch-jaeger"} & names(documents)
    for pod in pod_templates(documents):
        assert _ENDPOINT not in environment(pod), pod.owner


@pytest.mark.parametrize("profile", PROFILES[1:])
def test_the_profiles_have_it(profile: str) -> None:
    assert {"cardwatch-collector", "cardwatch-jaeger"} <= names(render(profile=profile))


@pytest.mark.parametrize(
    "owner",
    [
        "FlinkDeployment cardwatch",
        "Deployment cardwatch-generator",
        "Deployment cardwatch-archiver",
        "Deployment cardwatch-gateway",
        "Deployment cardwatch-visualizer",
    ],
)
def test_who_makes_spans_knows_where_the_collector_is(owner: str) -> None:
    documents = render("generator.enabled=true", "tracing.enabled=true")
    endpoint = environment(pod_of(documents, owner))[_ENDPOINT]
    service = only(documents, "Service", "cardwatch-collector")
    (port,) = (p for p in service["spec"]["ports"] if p["name"] == "otlp-http")
    assert endpoint == f"http://{service['metadata']['name']}:{port['port']}"


def test_the_operator_is_told_by_a_value(tmp_path: Path) -> None:
    chart = without_dependencies(OPERATORS, tmp_path)
    owner = "Deployment cardwatch-operator"
    endpoint = "http://cardwatch-collector.cardwatch:4318"
    told = render(f"operator.tracing.endpoint={endpoint}", chart=chart)
    assert environment(pod_of(told, owner))[_ENDPOINT] == endpoint
    assert _ENDPOINT not in environment(pod_of(render(chart=chart), owner))


@pytest.mark.parametrize("name", ["collector", "jaeger"])
def test_a_server_reads_the_file_that_tests_run_it_with(name: str) -> None:
    documents = render("tracing.enabled=true")
    pod = pod_of(documents, f"Deployment cardwatch-{name}")
    config = only(documents, "ConfigMap", f"cardwatch-{name}")["data"]
    assert yaml.safe_load(config[f"{name}.yaml"]) == file_of(name)

    (container,) = pod.containers
    (mount,) = (m for m in container["volumeMounts"] if m["name"] == "config")
    assert container["args"] == [f"--config={mount['mountPath']}/{name}.yaml"]
    (volume,) = (v for v in pod.spec["volumes"] if v["name"] == "config")
    assert volume["configMap"]["name"] == f"cardwatch-{name}"


@pytest.mark.parametrize("name", ["collector", "jaeger"])
def test_services_and_probes_are_where_a_server_listens(name: str) -> None:
    documents = render("tracing.enabled=true")
    pod = pod_of(documents, f"Deployment cardwatch-{name}")
    (container,) = pod.containers
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    service = only(documents, "Service", f"cardwatch-{name}")["spec"]

    assert service["selector"].items() <= pod.labels.items()
    assert {port["targetPort"] for port in service["ports"]} < set(ports)
    for port in service["ports"]:
        assert port["port"] == ports[port["targetPort"]]
    for probe in ("readinessProbe", "livenessProbe"):
        assert container[probe]["httpGet"]["port"] == "health"
    assert set(ports.values()) <= listening(file_of(name))


@pytest.mark.parametrize("name", ["collector", "jaeger"])
def test_a_server_is_told_all_that_its_file_asks_for(name: str) -> None:
    pod = pod_of(render("tracing.enabled=true"), f"Deployment cardwatch-{name}")
    text = (PLATFORM / f"files/{name}.yaml").read_text("utf-8")
    asked = {part.split("}")[0].split(":-")[0] for part in text.split("${env:")[1:]}
    assert set(environment(pod)) == asked


def test_spans_go_to_the_jaeger_that_there_is() -> None:
    own = collector_environment(render("tracing.enabled=true"))
    assert own["CARDWATCH_JAEGER_ENDPOINT"] == "cardwatch-jaeger:4317"
    assert own["CARDWATCH_JAEGER_INSECURE"] == "true"

    documents = render(*_ELSEWHERE, "tracing.jaeger.tls=true")
    assert "cardwatch-jaeger" not in names(documents)
    elsewhere = collector_environment(documents)
    assert elsewhere["CARDWATCH_JAEGER_ENDPOINT"] == "jaeger.example.com:4444"
    assert elsewhere["CARDWATCH_JAEGER_INSECURE"] == "false"


@pytest.mark.parametrize(("given", "share"), [("0", "0"), ("0.5", "0.5"), ("100", "100")])
def test_a_share_is_handed_on_as_it_is(given: str, share: str) -> None:
    told = collector_environment(render("tracing.enabled=true", f"tracing.share={given}"))
    assert told["CARDWATCH_TRACE_SHARE"] == share


@pytest.mark.parametrize("sender", ["job", "gateway", "generator", "archiver", "visualizer"])
def test_a_sender_and_the_collector_agree_on_their_connection(sender: str) -> None:
    documents = render(*EVERYTHING)
    (out,) = ways(documents, sender, "egress", 4318)
    assert selects(out["to"][0]["podSelector"], labels("collector"))
    (into,) = ways(documents, "collector", "ingress", 4318)
    assert any(
        selects(peer["podSelector"], labels(sender))
        for peer in into["from"]
        if "namespaceSelector" not in peer
    )


def test_the_operator_and_those_who_are_named_reach_the_collector() -> None:
    (into,) = ways(render(*EVERYTHING), "collector", "ingress", 4318)
    *_, operator, named = into["from"]
    assert operator["namespaceSelector"]["matchLabels"] == {
        "kubernetes.io/metadata.name": "cardwatch-system"
    }
    assert selects(operator["podSelector"], {"app.kubernetes.io/name": "cardwatch-operator"})
    assert named == {"podSelector": {"matchLabels": {"app": "shop"}}}


def test_jaeger_is_for_the_collector_and_those_who_are_named() -> None:
    documents = render(*EVERYTHING)
    (out,) = ways(documents, "collector", "egress", 4317)
    assert selects(out["to"][0]["podSelector"], labels("jaeger"))
    (into,) = ways(documents, "jaeger", "ingress", 4317)
    (peer,) = into["from"]
    assert selects(peer["podSelector"], labels("collector"))
    (asking,) = ways(documents, "jaeger", "ingress", 16686)
    assert asking["from"] == [{"podSelector": {"matchLabels": {"app": "dashboard"}}}]
    assert not only(documents, "NetworkPolicy", "cardwatch-jaeger")["spec"].get("egress")


def test_a_jaeger_elsewhere_is_reached_at_its_port() -> None:
    documents = render(*_ELSEWHERE, "networkPolicies.enabled=true")
    (out,) = ways(documents, "collector", "egress", 4444)
    assert "to" not in out


def names(documents: list[Document]) -> set[str]:
    return {document["metadata"]["name"] for document in documents}


def pod_of(documents: list[Document], owner: str) -> PodTemplate:
    (pod,) = (pod for pod in pod_templates(documents) if pod.owner == owner)
    return pod


def environment(pod: PodTemplate) -> dict[str, str]:
    return {
        variable["name"]: variable.get("value", "")
        for container in pod.containers
        for variable in container.get("env", ())
    }


def collector_environment(documents: list[Document]) -> dict[str, str]:
    return environment(pod_of(documents, "Deployment cardwatch-collector"))


def file_of(name: str) -> Document:
    read: Document = yaml.safe_load((PLATFORM / f"files/{name}.yaml").read_text("utf-8"))
    return read


def listening(config: Document) -> set[int]:
    """Return the ports of every `endpoint` of receivers and extensions."""
    found: set[int] = set()
    waiting: list[object] = [config["receivers"], config["extensions"]]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            if "endpoint" in part:
                found.add(int(part["endpoint"].rpartition(":")[2]))
            waiting.extend(part.values())
    return found
