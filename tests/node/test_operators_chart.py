"""The chart of the operators, installed on a node with the image that users build."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from tests.cluster.api_server import KubernetesApi
from tests.cluster.images import running_docker
from tests.cluster.node.node import DATA, RUN, Node
from tests.cluster.programs import built
from tests.integration.job.feed import wait_until
from tests.unit.project.machine import REPOSITORY

pytestmark = [
    pytest.mark.timeout(1800),
    pytest.mark.skipif(os.geteuid() != 0, reason="a node on this machine itself needs root"),
]
_CHART: Final = REPOSITORY / "charts/cardwatch-operators"
_NAMESPACE: Final = "cardwatch-system"


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    node = Node()
    try:
        node.start()
        with running_docker(DATA / "docker", RUN) as docker:
            node.containers.add(docker.save(docker.build("operator")))
        yield node
    finally:
        node.stop()


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    """The chart without those it depends on, which come from elsewhere."""
    chart = tmp_path / _CHART.name
    shutil.copytree(_CHART, chart)
    description = yaml.safe_load((chart / "Chart.yaml").read_text())
    del description["dependencies"]
    (chart / "Chart.yaml").write_text(yaml.safe_dump(description))
    return chart


def test_the_operator_runs_without_any_privilege(node: Node, chart: Path) -> None:
    api = node.api
    for name in (_NAMESPACE, "cardwatch"):
        api.kubectl("create", "namespace", name)
        api.kubectl("label", "namespace", name, "pod-security.kubernetes.io/enforce=restricted")
    _helm(
        api,
        *("install", "operators", str(chart), "--namespace", _NAMESPACE),
        *("--set", "operator.image.tag=test"),
    )
    wait_until(
        lambda: "waiting for Kafka" in _logs(api), "the operator to say what it waits for", 60
    )

    pod = _pod(api)
    assert pod["status"]["phase"] == "Running"
    assert not _is_ready(pod), "there is no Kafka"
    assert _exec(api, "id", "-u") == "65532"
    assert "Read-only" in _exec(api, "sh", "-c", "touch /opt/cardwatch/x 2>&1 || true")
    assert api.kubectl("get", "dc", "--all-namespaces").returncode == 0

    sample = REPOSITORY / "k8s/detectorconfigs/defaults.yaml"
    api.kubectl("apply", "--namespace", "cardwatch", "-f", str(sample))
    _helm(api, "uninstall", "operators", "--namespace", _NAMESPACE, "--wait")

    wait_until(
        lambda: api.kubectl("get", "all", "-n", _NAMESPACE, "-o", "name").stdout == "",
        "nothing to be left of the release",
    )
    kept = api.kubectl("get", "dc", "--namespace", "cardwatch", "-o", "name").stdout
    assert kept == "detectorconfig.cardwatch.dev/default\n"


def _helm(api: KubernetesApi, *arguments: str) -> str:
    done = subprocess.run(
        [str(built("helm")), *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "KUBECONFIG": str(api.kubeconfig)},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _pod(api: KubernetesApi) -> dict[str, Any]:
    listed = json.loads(api.kubectl("get", "pods", "-n", _NAMESPACE, "-o", "json").stdout)
    (pod,) = listed["items"]
    return dict(pod)


def _is_ready(pod: dict[str, Any]) -> bool:
    return all(each["ready"] for each in pod["status"].get("containerStatuses", ()))


def _logs(api: KubernetesApi) -> str:
    shown = api.kubectl("logs", "-n", _NAMESPACE, "deployment/cardwatch-operator", check=False)
    return shown.stdout


def _exec(api: KubernetesApi, *command: str) -> str:
    target = ("exec", "-n", _NAMESPACE, "deployment/cardwatch-operator", "--")
    return api.kubectl(*target, *command).stdout.strip()
