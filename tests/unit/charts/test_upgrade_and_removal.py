import shutil
from pathlib import Path

import pytest
import yaml
from tests.unit.charts.pods import PodTemplate, pod_templates
from tests.unit.charts.rendering import FIRST_BUILD_S, PLATFORM, Document, only, render

pytestmark = pytest.mark.timeout(FIRST_BUILD_S)
_HOOK = "helm.sh/hook"


def test_another_version_of_the_chart_alone_starts_nothing_anew(tmp_path: Path) -> None:
    chart = tmp_path / PLATFORM.name
    shutil.copytree(PLATFORM, chart)
    description = yaml.safe_load((chart / "Chart.yaml").read_text("utf-8"))
    description |= {"version": "0.2.0", "appVersion": "0.2.0"}
    (chart / "Chart.yaml").write_text(yaml.safe_dump(description))

    given = ("image.tag=same", "generator.enabled=true")
    before, after = render(*given), render(*given, chart=chart)

    assert before != after, "labels name the version"
    assert running(before) == running(after)
    assert only(before, "FlinkDeployment")["spec"] == only(after, "FlinkDeployment")["spec"]
    # Strimzi hands labels on to the pods, and starts them anew when these change.
    assert strimzis(before) == strimzis(after)


def test_what_selects_pods_never_changes() -> None:
    for document in render("generator.enabled=true"):
        if document["kind"] in ("Deployment", "StatefulSet"):
            chosen = document["spec"]["selector"]["matchLabels"]
            assert set(chosen) == {"app.kubernetes.io/name", "app.kubernetes.io/instance"}


def test_what_writes_alone_is_gone_before_the_next_comes() -> None:
    for document in render("generator.enabled=true"):
        name = document["metadata"]["name"]
        several = ("cardwatch-gateway", "cardwatch-visualizer")
        if document["kind"] == "Deployment" and name not in several:
            assert document["spec"]["replicas"] == 1
            assert document["spec"]["strategy"] == {"type": "Recreate"}


def test_the_hooks_leave_nothing_behind() -> None:
    hooks = [d for d in render() if _HOOK in d["metadata"].get("annotations", {})]
    kinds = {hook["kind"] for hook in hooks}
    assert kinds == {"Job", "Pod", "Role", "RoleBinding", "ServiceAccount"}
    for hook in hooks:
        policy = hook["metadata"]["annotations"]["helm.sh/hook-delete-policy"]
        assert set(policy.split(",")) == {
            "before-hook-creation",
            "hook-succeeded",
            "hook-failed",
        }, hook["kind"]


def test_the_removal_may_do_what_it_does_when_it_runs() -> None:
    hooks = [
        document
        for document in render()
        if document["metadata"].get("annotations", {}).get(_HOOK) == "pre-delete"
    ]
    weights = {
        hook["kind"]: int(hook["metadata"]["annotations"].get("helm.sh/hook-weight", "0"))
        for hook in hooks
    }
    assert all(weights[kind] < weights["Job"] for kind in weights if kind != "Job")

    job, role = only(hooks, "Job"), only(hooks, "Role")
    account = job["spec"]["template"]["spec"]["serviceAccountName"]
    assert only(hooks, "RoleBinding")["subjects"][0]["name"] == account
    assert {(*rule["apiGroups"], *rule["resources"]) for rule in role["rules"]} == {
        ("cardwatch.dev", "detectorconfigs"),
        ("kafka.strimzi.io", "kafkatopics"),
    }
    # Both tries, and a Helm that waits five minutes.
    tries = job["spec"]["backoffLimit"] + 1
    timeout_s = int(job["spec"]["template"]["spec"]["containers"][0]["args"][-1])
    assert tries * timeout_s < job["spec"]["activeDeadlineSeconds"] < 300


def running(documents: list[Document]) -> list[PodTemplate]:
    """Return the pods that are there all the time, unlike those of hooks."""
    hooks = ("Pod cardwatch-test", "Pod cardwatch-test-gateway", "Job cardwatch-removal")
    return [pod for pod in pod_templates(documents) if pod.owner not in hooks]


def strimzis(documents: list[Document]) -> list[Document]:
    return [d for d in documents if d["apiVersion"].startswith("kafka.strimzi.io/")]
