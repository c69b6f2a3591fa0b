"""The visualizer: who sees its pages, and how it comes and goes."""

import base64
import shutil
from pathlib import Path

import pytest
from tests.unit.charts.pods import PodTemplate, pod_templates
from tests.unit.charts.rendering import (
    EVERYTHING,
    FIRST_BUILD_S,
    PLATFORM,
    Document,
    only,
    render,
)

pytestmark = pytest.mark.timeout(FIRST_BUILD_S)
_NAME = "cardwatch-visualizer"
_LOGIN = "cardwatch-visualizer-login"
_PROBES = {"startupProbe": "/healthz", "readinessProbe": "/readyz", "livenessProbe": "/healthz"}
_NOBODY = "visualizer.login.type=none"
_PROXY = ("visualizer.login.type=proxy", "visualizer.login.proxy.networks={10.244.0.0/16}")


def test_it_can_be_left_out() -> None:
    documents = render(*EVERYTHING, "visualizer.enabled=false")
    left = [d["kind"] for d in documents if "visualizer" in d["metadata"]["name"]]
    assert left == []


def test_its_service_leads_to_where_it_listens() -> None:
    documents = render()
    (container,) = visualizer(documents).spec["containers"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    service = only(documents, "Service", _NAME)["spec"]
    (port,) = service["ports"]
    assert (port["port"], ports[port["targetPort"]]) == (8050, 8050)
    assert service["selector"].items() <= visualizer(documents).labels.items()
    for probe, path in _PROBES.items():
        assert container[probe]["httpGet"] == {"path": path, "port": port["targetPort"]}


def test_what_answers_browsers_sees_the_hash_of_the_generated_password_alone() -> None:
    documents = render()
    secret = only(documents, "Secret", _LOGIN)["data"]
    assert {k: len(base64.b64decode(v)) for k, v in secret.items()} == {
        "password": 24,
        "session-key": 64,
    }
    pod = visualizer(documents)
    (made,), (container,) = pod.spec["initContainers"], pod.spec["containers"]
    assert sources(pod, made) == {"password": (_LOGIN, "password"), "users": None}
    assert sources(pod, container) == {
        "users": None,
        "session": (_LOGIN, "session-key"),
        "between": None,
    }
    assert {m["mountPath"] for m in container["volumeMounts"] if not m.get("readOnly")} == {"/tmp"}


def test_users_of_ones_own_take_the_place_of_the_generated_one() -> None:
    documents = render("visualizer.login.existingSecret=mine")
    assert not [d for d in documents if d["metadata"]["name"] == _LOGIN]
    pod = visualizer(documents)
    assert "initContainers" not in pod.spec
    assert sources(pod, pod.containers[0]) == {
        "users": ("mine", "users.json"),
        "session": ("mine", "session-key"),
        "between": None,
    }


@pytest.mark.parametrize("values", [(_NOBODY,), _PROXY], ids=["nobody", "proxy"])
def test_without_users_there_is_no_password(values: tuple[str, ...]) -> None:
    documents = render(*values)
    assert not [d for d in documents if d["metadata"]["name"] == _LOGIN]
    pod = visualizer(documents)
    assert "initContainers" not in pod.spec
    assert set(sources(pod, pod.containers[0])) == {"between"}


def test_where_nobody_logs_in_nothing_leads_to_it() -> None:
    documents = render(_NOBODY)
    assert not [d for d in documents if d["kind"] == "Service" and d["metadata"]["name"] == _NAME]
    (container,) = visualizer(documents).containers
    for probe, path in _PROBES.items():
        *_, script = container[probe]["exec"]["command"]
        assert f"http://127.0.0.1:8050{path}" in script
        compile(script, probe, "exec")


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ((), ["service/cardwatch-visualizer 8050", f"{_LOGIN} -o jsonpath='{{.data.password}}'"]),
        (("visualizer.login.existingSecret=mine",), ["one of the users in Secret mine"]),
        (_PROXY, ["10.244.0.0/16 names in X-Forwarded-User", "keep others from it"]),
        ((_NOBODY,), ["deployment/cardwatch-visualizer 8050", "NOBODY LOGS IN"]),
    ],
)
def test_the_notes_say_how_to_open_it_and_who_may(
    values: tuple[str, ...], said: list[str], tmp_path: Path
) -> None:
    notes = notes_of(tmp_path, *values)
    for words in said:
        assert words in notes
    assert ("NOBODY LOGS IN" in notes) == (_NOBODY in values)


def test_the_notes_do_not_speak_of_one_that_is_not_there(tmp_path: Path) -> None:
    assert "visualizer" not in notes_of(tmp_path, "visualizer.enabled=false")


def test_a_slow_start_is_waited_for() -> None:
    (container,) = visualizer(render()).spec["containers"]
    probe = container["startupProbe"]
    assert probe["periodSeconds"] * probe["failureThreshold"] >= 300
    assert "initialDelaySeconds" not in container["livenessProbe"], "it counts after the start"


def test_a_new_one_is_there_before_an_old_one_goes() -> None:
    deployment = only(render(), "Deployment", _NAME)["spec"]
    assert deployment["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    spec = deployment["template"]["spec"]
    waits_s = spec["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    parts_stop_s = 12  # _STOP_S of its supervisor
    assert spec["terminationGracePeriodSeconds"] > waits_s + parts_stop_s


def test_production_survives_the_loss_of_one() -> None:
    documents = render(profile="values-production.yaml")
    assert only(documents, "Deployment", _NAME)["spec"]["replicas"] == 2
    budget = only(documents, "PodDisruptionBudget", _NAME)["spec"]
    assert budget["maxUnavailable"] == 1
    assert budget["selector"]["matchLabels"].items() <= visualizer(documents).labels.items()
    spread = visualizer(documents).spec["topologySpreadConstraints"]
    assert {each["topologyKey"] for each in spread} == {
        "kubernetes.io/hostname",
        "topology.kubernetes.io/zone",
    }


def test_the_only_one_has_no_budget() -> None:
    documents = render("podDisruptionBudgets.enabled=true")
    names = [d["metadata"]["name"] for d in documents if d["kind"] == "PodDisruptionBudget"]
    assert _NAME not in names


def test_an_ingress_leads_to_it() -> None:
    given = ("visualizer.ingress.enabled=true", "visualizer.ingress.host=analysts.example.com")
    spec = only(render(*given), "Ingress")["spec"]
    assert "tls" not in spec and "ingressClassName" not in spec
    (rule,) = spec["rules"]
    assert rule["host"] == "analysts.example.com"
    backend = rule["http"]["paths"][0]["backend"]["service"]
    assert backend == {"name": _NAME, "port": {"name": "http"}}
    (tls,) = only(render(*given, "visualizer.ingress.tlsSecret=mine"), "Ingress")["spec"]["tls"]
    assert tls == {"hosts": ["analysts.example.com"], "secretName": "mine"}


def visualizer(documents: list[Document]) -> PodTemplate:
    (pod,) = (p for p in pod_templates(documents) if p.owner == f"Deployment {_NAME}")
    return pod


def sources(pod: PodTemplate, container: Document) -> dict[str, tuple[str, str] | None]:
    """Return a container's mounts, less those of Kafka and the archive: Secret and key, if any."""
    secrets = {volume["name"]: volume.get("secret") for volume in pod.spec["volumes"]}
    found: dict[str, tuple[str, str] | None] = {}
    for mount in container["volumeMounts"]:
        secret = secrets[mount["name"]]
        if mount["name"] not in ("kafka", "database"):
            found[mount["name"]] = secret and (secret["secretName"], secret["items"][0]["key"])
    return found


def notes_of(folder: Path, *values: str) -> str:
    """Return what `helm install` says: `helm template` shows it only as part of a document."""
    chart = folder / PLATFORM.name
    shutil.copytree(PLATFORM, chart)
    (chart / "templates/NOTES.txt").rename(chart / "NOTES.txt")
    (chart / "templates/notes.yaml").write_text(
        "apiVersion: v1\nkind: Notes\nmetadata: {name: notes}\n"
        'text: {{ tpl (.Files.Get "NOTES.txt") . | quote }}\n'
    )
    return str(only(render(*values, chart=chart), "Notes")["text"])
