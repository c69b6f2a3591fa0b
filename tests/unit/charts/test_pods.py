"""Every pod is as restricted as Pod Security asks, and more; secrets are where they belong."""

import base64
import json
from pathlib import Path

import pytest
from tests.unit.charts.pods import PodTemplate, pod_templates
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

pytestmark = pytest.mark.timeout(FIRST_BUILD_S)
_ALLOWED_VOLUMES = {
    "configMap",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
}
_GENERATED = {
    "cardwatch-api-keys",
    "cardwatch-postgres",
    "cardwatch-valkey",
    "cardwatch-visualizer-login",
}
"""Secrets that the chart makes."""
_SEES_THE_API = {"FlinkDeployment cardwatch", "Job cardwatch-removal"}


@pytest.fixture(params=[*PROFILES, "everything", "operators"])
def documents(request: pytest.FixtureRequest, tmp_path: Path) -> list[Document]:
    if request.param == "everything":
        return render(*EVERYTHING)
    if request.param == "operators":
        return render(chart=without_dependencies(OPERATORS, tmp_path))
    return render(profile=request.param)


def test_every_pod_is_restricted(documents: list[Document]) -> None:
    found = list(pod_templates(documents))
    assert found
    assert [fault for pod in found for fault in faults(pod)] == []


def test_every_container_has_resources_and_a_pinned_image(documents: list[Document]) -> None:
    for pod in pod_templates(documents):
        for container in pod.containers if pod.complete else ():
            where = f"{pod.owner}, container {container['name']}"
            assert {"cpu", "memory"} <= set(container["resources"]["requests"]), where
            assert "memory" in container["resources"]["limits"], where
            tag = container["image"].rpartition(":")[2]
            assert tag not in ("", "latest"), f"{where}: {container['image']}"


def test_the_operators_of_others_are_told_the_resources_of_their_pods(
    documents: list[Document],
) -> None:
    for document in documents:
        spec = document.get("spec", {})
        match document["kind"]:
            case "FlinkDeployment":
                parts = [spec[part]["resource"] for part in ("jobManager", "taskManager")]
                assert all({"cpu", "memory"} <= set(part) for part in parts)
            case "KafkaNodePool":
                assert "memory" in spec["resources"]["limits"]
            case "Kafka":
                for part in spec["entityOperator"].keys() - {"template"}:
                    assert "memory" in spec["entityOperator"][part]["resources"]["limits"], part


def test_a_pod_without_need_of_it_has_no_way_into_the_api(documents: list[Document]) -> None:
    for pod in pod_templates(documents):
        if pod.complete and pod.owner not in _SEES_THE_API | {"Deployment cardwatch-operator"}:
            assert pod.spec["automountServiceAccountToken"] is False, pod.owner
            account = pod.spec.get("serviceAccountName")
            if account:
                own = only(documents, "ServiceAccount", account)
                assert own["automountServiceAccountToken"] is False
                bindings = [d for d in documents if d["kind"].endswith("Binding")]
                assert account not in str(bindings), pod.owner


def test_nobody_may_do_everything(documents: list[Document]) -> None:
    for document in documents:
        for rule in document.get("rules", ()):
            for key in ("apiGroups", "resources", "verbs"):
                assert "*" not in rule[key], document["metadata"]["name"]


def test_the_password_of_valkey_is_in_the_secret_alone() -> None:
    documents = render(*EVERYTHING)
    secret = only(documents, "Secret", "cardwatch-valkey")
    said = {key: base64.b64decode(value).decode() for key, value in secret["data"].items()}
    password = said["password"]

    assert len(password) == 32
    assert said["url"] == f"valkey://:{password}@cardwatch-valkey:6379"
    assert said["auth.conf"] == f"requirepass {password}\n"
    others = json.dumps([document for document in documents if document is not secret])
    assert password not in others
    assert secret["data"]["password"] not in others


@pytest.mark.parametrize("name", sorted(_GENERATED))
def test_each_installation_has_secrets_of_its_own(name: str) -> None:
    # Other values, so that it is rendered anew.
    one, other = (
        only(render(f"image.tag={tag}"), "Secret", name)["data"] for tag in ("one", "other")
    )
    assert one.keys() == other.keys()
    for key, value in one.items():
        assert value != other[key], key


def test_what_is_secret_is_in_the_generated_secrets_alone() -> None:
    documents = render(*EVERYTHING)
    secrets = [document for document in documents if document["kind"] == "Secret"]
    assert {secret["metadata"]["name"] for secret in secrets} == _GENERATED
    others = json.dumps([document for document in documents if document not in secrets])
    for secret in secrets:
        for value in secret["data"].values():
            assert value not in others
            assert base64.b64decode(value).decode() not in others


def test_no_environment_variable_holds_a_secret() -> None:
    documents = render(*EVERYTHING)
    for pod in pod_templates(documents):
        for container in pod.containers:
            for variable in container.get("env", ()):
                if variable["name"].endswith("_FILE"):
                    assert variable["value"].startswith("/"), pod.owner
                elif variable["name"] == "CARDWATCH_DATABASE_URL":
                    assert ":" not in variable["value"].partition("://")[2].partition("@")[0]
                elif "PASSWORD" in variable["name"] or variable["name"].endswith("_URL"):
                    assert set(variable["valueFrom"]) == {"secretKeyRef"}, pod.owner


def test_an_own_secret_takes_the_place_of_valkeys() -> None:
    documents = render("valkey.existingSecret=mine")
    secrets = {d["metadata"]["name"] for d in documents if d["kind"] == "Secret"}
    assert secrets == _GENERATED - {"cardwatch-valkey"}

    (valkey,) = (p for p in pod_templates(documents) if p.owner == "StatefulSet cardwatch-valkey")
    (archiver,) = (pod for pod in pod_templates(documents) if "archiver" in pod.owner)
    mounted = [v["secret"]["secretName"] for v in valkey.spec["volumes"] if "secret" in v]
    assert mounted == ["mine"]
    (url,) = (v for v in archiver.containers[0]["env"] if v["name"] == "CARDWATCH_VALKEY_URL")
    assert url["valueFrom"]["secretKeyRef"] == {"name": "mine", "key": "url"}


def faults(pod: PodTemplate) -> list[str]:
    """Return what keeps a pod out of a `restricted` namespace, and whether it may write."""
    found = []
    context = pod.spec.get("securityContext", {})
    if context.get("runAsNonRoot") is not True or context.get("runAsUser") == 0:
        found.append("may run as root")
    if context.get("seccompProfile") != {"type": "RuntimeDefault"}:
        found.append("has no seccomp profile")
    for name in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.spec.get(name):
            found.append(f"has {name}")
    for volume in pod.spec.get("volumes", ()):
        if not set(volume) - {"name"} <= _ALLOWED_VOLUMES:
            found.append(f"has the volume {volume}")
    for container in pod.containers:
        own = container.get("securityContext", {})
        if own.get("allowPrivilegeEscalation") is not False or own.get("privileged"):
            found.append(f"{container['name']} may get more rights")
        if own.get("capabilities") != {"drop": ["ALL"]}:
            found.append(f"{container['name']} has capabilities")
        if own.get("readOnlyRootFilesystem") is not True:
            found.append(f"{container['name']} may write to its image")
    return [f"{pod.owner} {fault}" for fault in found]
