"""The dashboard and the rules ask for what is served, and say what to do."""

import json
import re
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.unit.charts.pods import pod_templates
from tests.unit.charts.promql import Selector, read_queries
from tests.unit.charts.rendering import FIRST_BUILD_S, Document, only, render
from tests.unit.charts.test_network import ways
from tests.unit.project.machine import REPOSITORY

from cardwatch_contracts import telemetry as t

pytestmark = pytest.mark.timeout(FIRST_BUILD_S)
_OF_EVERY_SERIES = {"namespace", "pod"}
"""Labels that Prometheus adds to what it reads from pods."""
_OF_FLINK = {"operator_name", "subtask_index"}
_VARIABLES = {"$__rate_interval": "5m", "$namespace": "cardwatch", "$operators": "cardwatch-system"}
_GUIDE = (REPOSITORY / "docs/monitoring.md").read_text("utf-8")


@pytest.fixture(scope="module")
def documents() -> list[Document]:
    return render("monitoring.enabled=true", "generator.enabled=true")


def test_every_query_of_the_dashboard_asks_for_metrics_that_are_served(
    documents: list[Document],
) -> None:
    queries = [query for panel in panels(documents) for query in queries_of(panel)]
    assert len(queries) > 50
    for query, selectors in zip(queries, read_queries(queries), strict=True):
        assert unknown(selectors) == [], query


def test_every_rule_asks_for_metrics_that_are_served(documents: list[Document]) -> None:
    expressions = [rule["expr"] for rule in rules(documents)]
    for expression, selectors in zip(expressions, read_queries(expressions), strict=True):
        assert selectors
        assert unknown(selectors) == [], expression


def test_a_metric_that_nobody_serves_is_found() -> None:
    (selectors,) = read_queries(['sum(rate(cardwatch_unheard_of{namespace="x", color="y"}[5m]))'])
    assert unknown(selectors) == ["cardwatch_unheard_of"]
    (selectors,) = read_queries([f'{t.JUDGED.name}{{detector="x"}}'])
    assert unknown(selectors) == [f"{t.JUDGED.name} has no detector", f"{t.JUDGED.name}: whose?"]


def test_prometheus_reads_the_rules(documents: list[Document], tmp_path: Path) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(yaml.safe_dump(only(documents, "PrometheusRule")["spec"]))
    read_queries([], rules=[file])


def test_every_rule_says_what_is_wrong_and_what_to_do(documents: list[Document]) -> None:
    named = [rule["alert"] for rule in rules(documents)]
    assert len(named) == len(set(named)) >= 8
    for rule in rules(documents):
        assert rule["labels"]["severity"] in ("critical", "warning", "info"), rule["alert"]
        assert set(rule["annotations"]) == {"summary", "description", "runbook"}, rule["alert"]
        assert f"### {rule['alert']}\n" in _GUIDE, rule["alert"]
    assert re.findall(r"^### (Cardwatch\w+)$", _GUIDE, re.MULTILINE) == named


def test_the_guide_names_every_metric() -> None:
    assert [metric.name for metric in t.METRICS if f"`{metric.name}`" not in _GUIDE] == []


def test_rules_look_at_the_namespaces_of_this_release() -> None:
    documents = render("monitoring.enabled=true", "networkPolicies.operatorsNamespace=elsewhere")
    text = json.dumps(only(documents, "PrometheusRule"))
    assert "NAMESPACE" not in text
    assert "OPERATORS" not in text
    assert "CHECKPOINTS" not in text
    assert 'namespace=\\"cardwatch\\"' in text
    assert 'namespace=\\"elsewhere\\"' in text


@pytest.mark.parametrize(("interval_ms", "window"), [(1_000, "[180s]"), (600_000, "[1800s]")])
def test_a_checkpoint_is_missed_after_more_than_one_interval(interval_ms: int, window: str) -> None:
    documents = render("monitoring.enabled=true", f"job.checkpointIntervalMs={interval_ms}")
    (rule,) = (rule for rule in rules(documents) if rule["alert"] == "CardwatchNoCheckpoint")
    assert window in rule["expr"]


def test_panels_lie_beside_each_other_and_explain_themselves(documents: list[Document]) -> None:
    shown = panels(documents)
    assert len({panel["id"] for panel in shown}) == len(shown)
    for one, other in combinations(shown, 2):
        assert not overlap(one["gridPos"], other["gridPos"]), (one["title"], other["title"])
    for panel in shown:
        assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24, panel["title"]
        assert panel["type"] == "row" or panel["description"].endswith("."), panel["title"]


def test_a_legend_names_only_labels_that_a_query_keeps(documents: list[Document]) -> None:
    for panel in panels(documents):
        for target in panel.get("targets", ()):
            kept = re.search(r" by \(([^)]*)\)", target["expr"])
            labels = set(kept[1].split(", ")) if kept else set()
            assert set(re.findall(r"{{(\w+)}}", target["legendFormat"])) <= labels, panel["title"]


def test_every_component_is_read_where_it_serves(documents: list[Document]) -> None:
    monitors = [d for d in documents if d["kind"] == "PodMonitor"]
    assert {d["metadata"]["name"] for d in monitors} == {
        f"cardwatch-{name}" for name in ("job", "archiver", "gateway", "generator", "visualizer")
    }
    pods = list(pod_templates(documents))
    for monitor in monitors:
        selector = monitor["spec"]["selector"]["matchLabels"]
        (pod,) = (pod for pod in pods if selector.items() <= pod.labels.items())
        (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
        ports = [port["name"] for each in pod.containers for port in each.get("ports", ())]
        assert endpoint["port"] in ports, pod.owner


def test_components_serve_at_the_ports_that_are_said(documents: list[Document]) -> None:
    for name in ("archiver", "gateway", "generator", "visualizer"):
        container = container_of(documents, f"Deployment cardwatch-{name}")
        (port,) = (port for port in container["ports"] if port["name"] == "metrics")
        if name != "generator":
            said = {each["name"]: each.get("value") for each in container["env"]}
            assert said["CARDWATCH_METRICS_PORT"] == str(port["containerPort"])
        else:
            arguments = container["args"]
            at = arguments.index("--metrics-port")
            assert arguments[at + 1] == str(port["containerPort"])


@pytest.mark.parametrize("name", ["archiver", "gateway", "generator", "visualizer"])
def test_prometheus_alone_reaches_them(name: str) -> None:
    documents = render(
        "monitoring.enabled=true",
        "generator.enabled=true",
        "networkPolicies.enabled=true",
        "networkPolicies.monitoringNamespace=watching",
    )
    (rule,) = ways(documents, name, "ingress", 9090)
    (peer,) = rule["from"]
    assert peer["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": "watching"}
    assert [port["port"] for port in rule["ports"]] == [9090]


def test_nothing_is_served_unless_asked_for() -> None:
    documents = render("generator.enabled=true", "networkPolicies.enabled=true")
    kinds = {document["kind"] for document in documents}
    assert not kinds & {"PodMonitor", "PrometheusRule"}
    assert not [d for d in documents if d["metadata"]["name"] == "cardwatch-dashboard"]
    assert "metrics" not in json.dumps(only(documents, "Deployment", "cardwatch-archiver"))
    assert "ingress" not in only(documents, "NetworkPolicy", "cardwatch-archiver")["spec"]


@pytest.mark.parametrize(
    ("value", "gone"),
    [
        ("gateway.enabled=false", {"CardwatchGateway"}),
        ("visualizer.enabled=false", {"CardwatchVisualizer", "CardwatchModel"}),
        ("postgres.create=false", {"CardwatchArchiveS", "CardwatchArchiveF"}),
    ],
)
def test_nothing_is_said_of_what_is_not_there(value: str, gone: set[str]) -> None:
    names = {rule["alert"] for rule in rules(render("monitoring.enabled=true", value))}
    assert "CardwatchArchiverStuck" in names
    assert not [name for name in names if name.startswith(tuple(gone))]


def test_dashboard_and_rules_can_be_left_out() -> None:
    documents = render(
        "monitoring.enabled=true",
        "monitoring.dashboards.enabled=false",
        "monitoring.rules.enabled=false",
    )
    assert only(documents, "PodMonitor", "cardwatch-job")
    assert not [d for d in documents if d["metadata"]["name"] == "cardwatch-dashboard"]
    assert "PrometheusRule" not in {document["kind"] for document in documents}


def test_grafanas_sidecar_finds_the_dashboard() -> None:
    map_of = only(
        render("monitoring.enabled=true", "monitoring.dashboards.labels.team=fraud"),
        "ConfigMap",
        "cardwatch-dashboard",
    )
    assert (
        map_of["metadata"]["labels"].items() >= {"grafana_dashboard": "1", "team": "fraud"}.items()
    )


@pytest.mark.parametrize("name", ["archiver", "gateway", "generator", "visualizer"])
def test_logs_are_json_unless_text_is_asked_for(name: str) -> None:
    for values, wanted in ((), "json"), (("logFormat=text",), "text"):
        documents = render("generator.enabled=true", *values)
        container = container_of(documents, f"Deployment cardwatch-{name}")
        said = {each["name"]: each.get("value") for each in container["env"]}
        assert said["CARDWATCH_LOG_FORMAT"] == wanted


def unknown(selectors: list[Selector]) -> list[str]:
    """Return the metrics that nobody serves, the labels they do not have, and who asks for all."""
    declared = {metric.name: metric for metric in t.METRICS}
    wrong = []
    for selector in selectors:
        of_histogram = re.sub(r"_(bucket|sum|count)$", "", selector.metric)
        metric = declared.get(selector.metric) or declared.get(of_histogram)
        if metric is None and selector.metric not in t.FLINK_METRICS:
            wrong.append(selector.metric)
            continue
        if metric is not None and (metric.kind == "histogram") != (metric.name != selector.metric):
            wrong.append(f"{selector.metric}: of a histogram there are parts alone")
        own = set(metric.labels) if metric is not None else set()
        if metric is None or metric.service == "job":
            own |= _OF_FLINK
        wrong += [
            f"{selector.metric} has no {label}"
            for label in sorted(selector.labels - own - _OF_EVERY_SERIES - {"le"})
        ]
        if "namespace" not in selector.labels:
            wrong.append(f"{selector.metric}: whose?")
    return wrong


def panels(documents: list[Document]) -> list[dict[str, Any]]:
    """Return the dashboard's panels, rows included."""
    text = only(documents, "ConfigMap", "cardwatch-dashboard")["data"]["cardwatch.json"]
    shown: list[dict[str, Any]] = json.loads(text)["panels"]
    return shown


def queries_of(panel: dict[str, Any]) -> Iterator[str]:
    for target in panel.get("targets", ()):
        query = target["expr"]
        for variable, value in _VARIABLES.items():
            query = query.replace(variable, value)
        yield query


def rules(documents: list[Document]) -> list[dict[str, Any]]:
    groups = only(documents, "PrometheusRule")["spec"]["groups"]
    return [rule for group in groups for rule in group["rules"]]


def overlap(one: dict[str, int], other: dict[str, int]) -> bool:
    return (
        one["x"] < other["x"] + other["w"]
        and other["x"] < one["x"] + one["w"]
        and one["y"] < other["y"] + other["h"]
        and other["y"] < one["y"] + one["h"]
    )


def container_of(documents: list[Document], owner: str) -> Document:
    (pod,) = (pod for pod in pod_templates(documents) if pod.owner == owner)
    (container,) = pod.spec["containers"]
    found: Document = container
    return found
