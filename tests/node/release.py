"""Helm, and Cardwatch installed with it on the node."""

import json
import os
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from tests.cluster.images import Docker
from tests.cluster.node.node import Node
from tests.cluster.programs import built
from tests.cluster.standins.images import build_kafka
from tests.cluster.standins.kafka_properties import HOST_PORT
from tests.integration.job.feed import wait_until
from tests.unit.charts.rendering import without_dependencies
from tests.unit.project.machine import REPOSITORY

NAMESPACE: Final = "cardwatch"
SYSTEM: Final = "cardwatch-system"
_COMPONENTS: Final = ("operator", "job", "generator", "archiver", "gateway", "visualizer")
_VALUES: Final = Path(__file__).parent / "values.yaml"


def add_images(node: Node, docker: Docker) -> None:
    """Build every image of the platform, and give the node those it has not yet."""
    images = [docker.build(component) for component in _COMPONENTS]
    images += [docker.build_valkey(), docker.build_postgres(), build_kafka(docker)]
    for image in images:
        image_id = docker.id_of(image)
        if not node.containers.has(image, image_id):
            node.containers.add(docker.save(image))
            node.containers.remember(image, image_id)
    for name in ("collector", "jaeger"):
        node.containers.add_program(f"cardwatch-test/{name}:1", built(name))


class Release:
    """Cardwatch on a node: what users do with helm and kubectl, and where its Kafka is."""

    def __init__(self, node: Node, folder: Path) -> None:
        self.node = node
        self.api = node.api
        self._folder = folder
        for name in (SYSTEM, NAMESPACE):
            self.api.kubectl("create", "namespace", name)
            self.api.kubectl(
                "label", "namespace", name, "pod-security.kubernetes.io/enforce=restricted"
            )

    def remove(self) -> None:
        """Remove what a story that failed has left, releases first."""
        for release, name in (("cardwatch", NAMESPACE), ("operators", SYSTEM)):
            with suppress(AssertionError):
                self.helm("uninstall", release, "--wait", "--timeout", "5m", namespace=name)
            self.api.kubectl(
                *("delete", "namespace", name, "--ignore-not-found", "--timeout=120s"),
                timeout_s=130,
                check=False,
            )

    @property
    def bootstrap_servers(self) -> str:
        """Where this machine, which is not in the cluster, reaches Kafka."""
        services = self.items("services", "-l", "cardwatch.dev/for=host")
        return ",".join(f"{service['spec']['clusterIP']}:{HOST_PORT}" for service in services)

    def url_of(self, service: str, port: int) -> str:
        """Return where this machine reaches a port of a service."""
        return f"http://{self.get('service', service)['spec']['clusterIP']}:{port}"

    def helm(self, *arguments: str, namespace: str = NAMESPACE) -> str:
        """Run helm in a namespace; return what it says."""
        done = subprocess.run(
            [str(built("helm")), *arguments, "--namespace", namespace],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "KUBECONFIG": str(self.api.kubeconfig)},
        )
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout

    def install_operators(self, profile: str = "values.yaml") -> None:
        """Install the operators' chart without those of others, which come from elsewhere."""
        chart = without_dependencies(REPOSITORY / "charts/cardwatch-operators", self._folder)
        self.helm(
            *("install", "operators", str(chart), "--values", str(chart / profile)),
            *("--set", "operator.image.tag=test"),
            namespace=SYSTEM,
        )

    def install(self, *values: Path) -> None:
        """Install the platform as the development profile has it, and files of values say."""
        more = [part for path in values for part in ("--values", str(path))]
        self.helm("install", "cardwatch", *self._platform(), *more)

    def upgrade(self, *values: str) -> None:
        """Upgrade the platform, with values such as `job.checkpointIntervalMs=500`."""
        self.helm("upgrade", "cardwatch", *self._platform(), *_set(*values))

    def _platform(self) -> list[str]:
        chart = REPOSITORY / "charts/cardwatch"
        return [str(chart), "-f", str(chart / "values-dev.yaml"), "-f", str(_VALUES)]

    def kubectl(self, *arguments: str, timeout_s: float = 60, stdin: str | None = None) -> str:
        """Run kubectl in the platform's namespace; return what it says."""
        done = self.api.kubectl("-n", NAMESPACE, *arguments, timeout_s=timeout_s, stdin=stdin)
        return done.stdout

    def items(self, *what: str) -> list[dict[str, Any]]:
        """Return resources of the platform's namespace."""
        return list(json.loads(self.kubectl("get", *what, "-o", "json"))["items"])

    def get(self, kind: str, name: str) -> dict[str, Any]:
        """Return one of them."""
        return dict(json.loads(self.kubectl("get", kind, name, "-o", "json")))

    def wait(self, kind: str, name: str, condition: str, timeout_s: float) -> float:
        """Wait for a condition as users do; return how long that took, seconds."""
        began = time.monotonic()
        wait_until(lambda: name in self.names(kind), f"{kind} {name} to be made", timeout_s)
        self.kubectl(
            *("wait", f"--for=condition={condition}", f"{kind}/{name}"),
            f"--timeout={timeout_s:.0f}s",
            timeout_s=timeout_s + 10,
        )
        return time.monotonic() - began

    def copy_secret(self, name: str, key: str) -> None:
        """Copy a part of a Secret to the operators' namespace, as docs/install.md says."""
        body = {"metadata": {"name": name}, "data": {key: self.get("secret", name)["data"][key]}}
        document = json.dumps({"apiVersion": "v1", "kind": "Secret", **body})
        self.api.kubectl("apply", "--namespace", SYSTEM, "-f", "-", stdin=document)

    def names(self, *what: str) -> list[str]:
        """Return the names of resources of the platform's namespace."""
        return [item["metadata"]["name"] for item in self.items(*what)]

    def wait_running(self, parallelism: int, timeout_s: float = 180) -> None:
        """Wait until the job runs with so many subtasks, as the DetectorConfig operator sees it."""
        wait_until(
            lambda: self._is_running_with(parallelism),
            f"the job to run with {parallelism} subtasks",
            timeout_s,
        )

    def _is_running_with(self, parallelism: int) -> bool:
        deployment = self.get("flinkdeployment", "cardwatch")
        status = deployment.get("status", {})
        return (
            parallelism,
            "RUNNING",
            parallelism,
        ) == (
            deployment["spec"]["job"]["parallelism"],
            status.get("jobStatus", {}).get("state"),
            status.get("taskManager", {}).get("replicas"),
        )


def _set(*values: str) -> list[str]:
    return [part for value in values for part in ("--set", value)]
