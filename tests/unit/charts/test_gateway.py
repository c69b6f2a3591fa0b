"""The gateway: who reaches it, by which keys, and how it comes and goes."""

import base64
import json

import pytest
from tests.unit.charts.pods import PodTemplate, pod_templates
from tests.unit.charts.rendering import EVERYTHING, FIRST_BUILD_S, Document, only, render

pytestmark = pytest.mark.timeout(FIRST_BUILD_S)
_NAME = "cardwatch-gateway"


def test_it_can_be_left_out() -> None:
    documents = render(*EVERYTHING, "gateway.enabled=false")
    left = [d["kind"] for d in documents if "gateway" in d["metadata"]["name"]]
    assert left == []
    assert not [d for d in documents if d["metadata"]["name"] == "cardwatch-api-keys"]


def test_its_service_leads_to_where_it_listens() -> None:
    documents = render()
    (container,) = gateway(documents).containers
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    service = only(documents, "Service", _NAME)["spec"]
    (port,) = service["ports"]
    assert (port["port"], ports[port["targetPort"]]) == (8080, 8080)
    assert service["selector"].items() <= gateway(documents).labels.items()
    for probe, path in (("readinessProbe", "/readyz"), ("livenessProbe", "/healthz")):
        assert container[probe]["httpGet"] == {"path": path, "port": port["targetPort"]}


def test_it_sees_the_hashes_of_keys_and_no_key() -> None:
    documents = render()
    secret = only(documents, "Secret", "cardwatch-api-keys")["data"]
    assert set(secret) == {"key", "keys.json"}
    assert json.loads(base64.b64decode(secret["keys.json"]))["keys"][0]["id"] == "release"
    assert mounted(documents) == {"secretName": "cardwatch-api-keys", "items": [path("keys.json")]}


def test_keys_of_ones_own_take_the_place_of_the_generated_one() -> None:
    documents = render("gateway.keys.existingSecret=mine")
    assert not [d for d in documents if d["metadata"]["name"] == "cardwatch-api-keys"]
    assert mounted(documents) == {"secretName": "mine", "items": [path("keys.json")]}
    (test,) = (p for p in pod_templates(documents) if p.owner == "Pod cardwatch-test-gateway")
    (volume,) = test.spec["volumes"]
    assert volume["secret"] == {"secretName": "mine", "optional": True, "items": [path("key")]}


def test_a_new_one_is_there_before_an_old_one_goes() -> None:
    deployment = only(render(), "Deployment", _NAME)["spec"]
    assert deployment["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    spec = deployment["template"]["spec"]
    waits_s = spec["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    drains_s, flushes_s = 25, 5  # drain_timeout_s of its settings, and its services
    assert spec["terminationGracePeriodSeconds"] > waits_s + drains_s + flushes_s


def test_production_survives_the_loss_of_one() -> None:
    documents = render(profile="values-production.yaml")
    assert only(documents, "Deployment", _NAME)["spec"]["replicas"] == 2
    budget = only(documents, "PodDisruptionBudget", _NAME)["spec"]
    assert budget["maxUnavailable"] == 1
    assert budget["selector"]["matchLabels"].items() <= gateway(documents).labels.items()
    spread = gateway(documents).spec["topologySpreadConstraints"]
    assert {each["topologyKey"] for each in spread} == {
        "kubernetes.io/hostname",
        "topology.kubernetes.io/zone",
    }


def test_the_only_one_has_no_budget() -> None:
    documents = render("podDisruptionBudgets.enabled=true")
    names = [d["metadata"]["name"] for d in documents if d["kind"] == "PodDisruptionBudget"]
    assert _NAME not in names


def test_an_autoscaler_alone_decides_on_replicas() -> None:
    documents = render("gateway.autoscaling.enabled=true", "podDisruptionBudgets.enabled=true")
    scaler = only(documents, "HorizontalPodAutoscaler", _NAME)["spec"]
    assert (scaler["minReplicas"], scaler["maxReplicas"]) == (2, 10)
    assert scaler["scaleTargetRef"]["name"] == _NAME
    assert "replicas" not in only(documents, "Deployment", _NAME)["spec"]
    assert only(documents, "PodDisruptionBudget", _NAME)


def test_an_ingress_leads_to_it() -> None:
    given = ("gateway.ingress.enabled=true", "gateway.ingress.host=cardwatch.example.com")
    assert not [d for d in render() if d["kind"] == "Ingress"]
    spec = only(render(*given), "Ingress")["spec"]
    assert "tls" not in spec and "ingressClassName" not in spec
    (rule,) = spec["rules"]
    assert rule["host"] == "cardwatch.example.com"
    backend = rule["http"]["paths"][0]["backend"]["service"]
    assert backend == {"name": _NAME, "port": {"name": "http"}}
    (tls,) = only(render(*given, "gateway.ingress.tlsSecret=mine"), "Ingress")["spec"]["tls"]
    assert tls == {"hosts": ["cardwatch.example.com"], "secretName": "mine"}


def gateway(documents: list[Document]) -> PodTemplate:
    (pod,) = (p for p in pod_templates(documents) if p.owner == f"Deployment {_NAME}")
    return pod


def mounted(documents: list[Document]) -> Document:
    (volume,) = (v for v in gateway(documents).spec["volumes"] if v["name"] == "keys")
    found: Document = volume["secret"]
    return found


def path(name: str) -> Document:
    return {"key": name, "path": name}
