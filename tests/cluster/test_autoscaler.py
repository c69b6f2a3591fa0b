"""Kubernetes' own autoscaler scales the job by way of the DetectorConfig's scale subresource."""

import json
import ssl
import subprocess
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from tests.cluster.api_server import KubernetesApi
from tests.cluster.platform import Platform
from tests.integration.job.feed import wait_until
from tests.unit.project.machine import REPOSITORY

from cardwatch_local.ports import LOOPBACK

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.own_cluster("the cluster's metrics would come from this machine"),
]
_SAMPLE: Final = REPOSITORY / "k8s/autoscaling/kafka-lag.yaml"
_GROUP: Final = "/apis/external.metrics.k8s.io/v1beta1"


class Waiting:
    """Serves how many transactions wait, as a metrics adapter does: TLS, one metric."""

    def __init__(self, folder: Path, metric: str) -> None:
        self.count = 0
        self.name = metric
        waiting = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = json.dumps(waiting._answer(self.path)).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
        self._server.socket = _certified(folder).wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, path: str) -> dict[str, Any]:
        if path.startswith(f"{_GROUP}/namespaces/default/{self.name}"):
            item = {
                "metricName": self.name,
                "metricLabels": {},
                "timestamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
                "value": str(self.count),
            }
            return {
                "kind": "ExternalMetricValueList",
                "apiVersion": "external.metrics.k8s.io/v1beta1",
                "metadata": {},
                "items": [item],
            }
        return {
            "kind": "APIResourceList",
            "apiVersion": "v1",
            "groupVersion": "external.metrics.k8s.io/v1beta1",
            "resources": [],
        }


@pytest.fixture
def waiting(api: KubernetesApi, tmp_path: Path) -> Iterator[Waiting]:
    metric = _sample()["spec"]["metrics"][0]["external"]["metric"]["name"]
    waiting = Waiting(tmp_path, metric)
    api.kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(_registration(waiting.port)))
    controllers = api.controllers(
        "--controllers=horizontal-pod-autoscaler-controller",
        "--horizontal-pod-autoscaler-sync-period=1s",
    )
    controllers.start()
    try:
        yield waiting
    finally:
        controllers.stop()
        api.kubectl("delete", "apiservice", "v1beta1.external.metrics.k8s.io")
        waiting.close()


@pytest.fixture
def on_one_taskmanager(platform: Platform) -> Iterator[None]:
    platform.deploy_job(1)
    platform.stack.cluster.taskmanagers[1].stop()
    yield
    for kind in ("hpa", "dc", "flinkdeployment"):
        platform.api.kubectl("delete", kind, "--all")
    platform.stack.cluster.taskmanagers[1].start()
    wait_until(
        lambda: platform.stack.cluster.rest.running_parallelism() == 2,
        "the job to be as it was",
        timeout_s=60,
    )


@pytest.mark.usefixtures("on_one_taskmanager")
def test_more_subtasks_while_transactions_wait_and_fewer_after(
    platform: Platform, waiting: Waiting
) -> None:
    platform.apply("default", {"parallelism": 1})
    platform.wait_applied("default", timeout_s=60)
    platform.api.kubectl("apply", "-f", "-", stdin=yaml.safe_dump(_sample() | {"spec": _hasty()}))

    waiting.count = 35_000  # of 20,000 for each subtask
    platform.act_as_flink_operator(2)
    platform.wait_reason("default", "Rescaled", "Rescaled", timeout_s=90)

    status = platform.get("hpa", "cardwatch")["status"]
    assert (status["currentReplicas"], status["desiredReplicas"]) == (2, 2)
    assert platform.get("dc", "default")["status"]["parallelism"] == 2

    waiting.count = 0
    platform.act_as_flink_operator(1)
    platform.wait_reason("default", "Rescaled", "Rescaled", timeout_s=90)
    assert platform.get("dc", "default")["status"]["parallelism"] == 1
    assert platform.get_managers("flinkdeployment", "cardwatch")["cardwatch-operator"] == [
        "parallelism"
    ]


def _sample() -> dict[str, Any]:
    return dict(yaml.safe_load(_SAMPLE.read_text("utf-8")))


def _hasty() -> dict[str, Any]:
    """Return the sample's spec for two TaskManagers, without its patience."""
    at_once = {"stabilizationWindowSeconds": 0}
    behavior = {"scaleUp": at_once, "scaleDown": at_once}
    return {**_sample()["spec"], "maxReplicas": 2, "behavior": behavior}


def _registration(port: int) -> list[dict[str, Any]]:
    """Return what tells the API server where the metric is served: on this machine."""
    return [
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "metrics", "namespace": "default"},
            "spec": {"type": "ExternalName", "externalName": "localhost"},
        },
        {
            "apiVersion": "apiregistration.k8s.io/v1",
            "kind": "APIService",
            "metadata": {"name": "v1beta1.external.metrics.k8s.io"},
            "spec": {
                "group": "external.metrics.k8s.io",
                "version": "v1beta1",
                "service": {"name": "metrics", "namespace": "default", "port": port},
                "insecureSkipTLSVerify": True,
                "groupPriorityMinimum": 100,
                "versionPriority": 100,
            },
        },
    ]


def _certified(folder: Path) -> ssl.SSLContext:
    key, certificate = folder / "tls.key", folder / "tls.crt"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"),
            *("-subj", "/CN=localhost", "-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context
