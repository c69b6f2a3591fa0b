"""What the tests do to a platform: apply, wait, look, and break things."""

import json
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import yaml
from confluent_kafka import Producer
from lightkube import Client, KubeConfig
from lightkube.types import PatchType
from tests.cluster.cluster import Cluster
from tests.integration.job.feed import wait_until
from tests.integration.job.stack import JobStack, running_job
from tests.unit.transactions import make_transaction

from cardwatch_contracts.alert import Alert, decode_alert
from cardwatch_contracts.codec import encode
from cardwatch_contracts.detector_config import API_VERSION, KIND
from cardwatch_contracts.topics import ALERTS, TRANSACTIONS
from cardwatch_contracts.transaction import Transaction
from cardwatch_local.ports import LOOPBACK, free_ports
from cardwatch_local.reading.topic import read_topic, value_of
from cardwatch_local.service import Service, ServiceSpec
from cardwatch_operator.cluster import DETECTOR_CONFIG
from cardwatch_operator.config_log import ConfigLog
from cardwatch_operator.config_topics import ConfigTopics

MANIFESTS: Final = Path(__file__).parents[2] / "k8s" / "operator"
ACK_TIMEOUT_S: Final = 4.0


class Platform:
    """A Kubernetes API, the job, and the operator with the rights it is shipped with."""

    def __init__(self, api: Cluster, stack: JobStack, folder: Path) -> None:
        self.api = api
        self.stack = stack
        self._folder = folder
        self._payments = 0
        api.kubectl("apply", "-f", str(MANIFESTS / "namespaced.yaml"))
        config = KubeConfig.from_file(api.kubeconfig)
        self._client = Client(config, namespace=api.namespace)
        self.operator = self.new_operator("operator-1")

    def new_operator(self, identity: str, *, all_namespaces: bool = False, **more: str) -> Service:
        """Return an operator of the namespace, or of all, which runs elsewhere; not started.

        `more`: settings by their names.
        """
        home = "cardwatch-system" if all_namespaces else self.api.namespace
        health, metrics = free_ports(2)
        spec = ServiceSpec(
            name=identity,
            log_file=self._folder / f"{identity}.log",
            cwd=self._folder,
            environment={
                "KUBECONFIG": str(self.api.kubeconfig_of_operator(home)),
                "CARDWATCH_BOOTSTRAP_SERVERS": self.stack.bootstrap_servers,
                "CARDWATCH_NAMESPACE": "" if all_namespaces else home,
                "CARDWATCH_LEASE_NAMESPACE": home,
                "CARDWATCH_IDENTITY": identity,
                "CARDWATCH_FLINK_REST": self.stack.cluster.url,
                "CARDWATCH_ACK_TIMEOUT_S": str(ACK_TIMEOUT_S),
                "CARDWATCH_RESYNC_S": "5",
                "CARDWATCH_HEALTH_PORT": str(health),
                "CARDWATCH_METRICS_PORT": str(metrics),
                **{f"CARDWATCH_{name.upper()}": value for name, value in more.items()},
            },
            ready_timeout_s=30,
        )
        self.health_url = f"http://{LOOPBACK}:{health}/healthz"
        self.metrics_url = f"http://{LOOPBACK}:{metrics}/metrics"
        command = [sys.executable, "-m", "cardwatch_operator"]
        health_url = self.health_url
        return Service(spec, command=lambda: command, ready=lambda: status_of(health_url) == 200)

    def start_operator(self) -> None:
        """Start the operator and wait until it is healthy."""
        self.operator.start()
        self.operator.wait_ready()

    def stop_operator(self) -> None:
        """Stop the operator."""
        self.operator.stop()

    def apply(self, name: str, spec: Mapping[str, Any], *, namespace: str | None = None) -> None:
        """Apply a DetectorConfig, as kubectl does."""
        document = {
            "apiVersion": API_VERSION,
            "kind": KIND,
            "metadata": {"name": name, "namespace": namespace or self.api.namespace},
            "spec": spec,
        }
        self.api.kubectl("apply", "-f", "-", stdin=yaml.safe_dump(document))

    def delete(self, *names: str) -> None:
        """Delete DetectorConfigs, and wait until Kafka has forgotten them."""
        self.api.kubectl("delete", "--ignore-not-found", "dc", *names)
        wait_until(
            lambda: all(
                name not in self.topics().known or self.topics().known[name].current is None
                for name in names
            ),
            f"{names} to be forgotten",
        )

    def deploy_job(self, parallelism: int) -> None:
        """Apply the job's FlinkDeployment, which nobody acts on."""
        document = {
            "apiVersion": "flink.apache.org/v1beta1",
            "kind": "FlinkDeployment",
            "metadata": {"name": "cardwatch"},
            "spec": {
                "flinkVersion": "v2_2",
                "mode": "standalone",
                "job": {
                    "jarURI": "local:///job.jar",
                    "parallelism": parallelism,
                    "upgradeMode": "last-state",
                },
            },
        }
        self.api.kubectl("apply", "-f", "-", stdin=yaml.safe_dump(document))

    def patch(self, name: str, spec: Mapping[str, Any]) -> int:
        """Change a DetectorConfig's spec, and return its `metadata.generation`."""
        patched = self._client.patch(
            DETECTOR_CONFIG, name, {"spec": spec}, patch_type=PatchType.MERGE
        )
        return int(patched["metadata"]["generation"])

    def wait_status(
        self, name: str, done: Callable[[dict[str, Any]], bool], timeout_s: float
    ) -> dict[str, Any]:
        """Wait until a DetectorConfig's status is so; return it. Asks fifty times a second."""
        deadline = time.monotonic() + timeout_s
        while True:
            status = self._client.get(DETECTOR_CONFIG, name).get("status") or {}
            if done(status):
                return dict(status)
            assert time.monotonic() < deadline, f"{name} after {timeout_s:.0f} s: {status}"
            time.sleep(0.02)

    def act_as_flink_operator(self, count: int) -> None:
        """Start or stop TaskManagers, once the FlinkDeployment asks for so many subtasks."""
        wait_until(
            lambda: self.get("flinkdeployment", "cardwatch")["spec"]["job"]["parallelism"] == count,
            f"the FlinkDeployment to ask for {count}",
        )
        for taskmanager in self.stack.cluster.taskmanagers[count:]:
            taskmanager.stop()
        for taskmanager in self.stack.cluster.taskmanagers[:count]:
            if not taskmanager.is_running:
                taskmanager.start()

    def wait_published(self, name: str) -> None:
        """Wait until the topics know of a DetectorConfig."""
        wait_until(lambda: name in self.topics().known, f"{name} to be published")

    def wait_applied(self, name: str, timeout_s: float = 30) -> None:
        """Wait as a user does."""
        self.api.kubectl(
            "wait", "--for=condition=Applied", f"dc/{name}", f"--timeout={timeout_s:.0f}s"
        )

    def get(self, kind: str, name: str) -> Any:
        """Return a resource."""
        return json.loads(self.api.kubectl("get", kind, name, "-o", "json").stdout)

    def condition(self, name: str, kind: str) -> Any:
        """Return a condition of a DetectorConfig, with its status, reason and message."""
        conditions = self.get("dc", name).get("status", {}).get("conditions", [])
        return next((each for each in conditions if each["type"] == kind), {"reason": "none"})

    def wait_reason(self, name: str, kind: str, reason: str, timeout_s: float = 30) -> Any:
        """Wait until a condition has a reason; return the condition."""
        wait_until(
            lambda: self.condition(name, kind)["reason"] == reason,
            f"{kind} of {name} to say {reason}, not {self.condition(name, kind)}",
            timeout_s,
        )
        return self.condition(name, kind)

    def events_of(self, name: str) -> list[tuple[str, str]]:
        """Return reason and message of every Event of a DetectorConfig."""
        listed = json.loads(
            self.api.kubectl(
                "get", "events", "-o", "json", f"--field-selector=involvedObject.name={name}"
            ).stdout
        )
        return [(event["reason"], event["message"]) for event in listed["items"]]

    def get_managers(self, kind: str, name: str) -> dict[str, list[str]]:
        """Return which fields of `spec.job` each field manager of a resource owns."""
        shown = self.api.kubectl("get", kind, name, "-o", "json", "--show-managed-fields").stdout
        return {
            entry["manager"]: [
                field.removeprefix("f:")
                for field in entry["fieldsV1"].get("f:spec", {}).get("f:job", {})
            ]
            for entry in json.loads(shown)["metadata"]["managedFields"]
        }

    def topics(self) -> ConfigTopics:
        """Return what the config topics hold."""
        return ConfigLog(self.stack.bootstrap_servers).read()

    def pay(self, amount_minor: int, *, bank_id: str) -> tuple[str, str]:
        """Pay twice: an amount, and one that always alerts; return the transactions' ids.

        Both are of one user: when the second has its alert, the first was judged.
        """
        self._payments += 1
        number = self._payments
        producer = Producer({"bootstrap.servers": self.stack.bootstrap_servers})
        ids = (f"asked-{number}", f"sure-{number}")
        for name, amount in zip(ids, (amount_minor, -1), strict=True):
            payment = _payment(name, number, amount, bank_id)
            producer.produce(TRANSACTIONS.name, encode(payment), payment.user_id.encode())
        producer.flush(10)
        return ids

    def alert_of_a_payment(self, amount_minor: int, *, bank_id: str) -> Alert | None:
        """Pay, and return the alert; None where the payment was judged and raised none."""
        asked, sure = self.pay(amount_minor, bank_id=bank_id)
        found: dict[str, Alert] = {}

        def judged() -> bool:
            for message in read_topic(self.stack.bootstrap_servers, ALERTS):
                alert = decode_alert(value_of(message))
                found[alert.transaction.transaction_id] = alert
            return sure in found

        wait_until(judged, "the alert of a negative amount")
        return found.get(asked)


def status_of(url: str) -> int | None:
    """Return the HTTP status of a page, None where nothing answers."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return None


@contextmanager
def running_platform(
    api: Cluster, home: Path, fetched_jars: Path, *, taskmanagers: int, started: int
) -> Iterator[Platform]:
    """Run the job on `started` of `taskmanagers` TaskManagers, and the operator beside it."""
    with running_job(home, fetched_jars, taskmanagers=taskmanagers, started=started) as stack:
        platform = Platform(api, stack, home / "operator")
        try:
            platform.start_operator()
            yield platform
        finally:
            platform.stop_operator()


def _payment(name: str, number: int, amount_minor: int, bank_id: str) -> Transaction:
    return make_transaction(
        transaction_id=name,
        event_time=time.time_ns() // 1_000_000 - (600_000 if name.startswith("asked") else 0),
        user_id=f"payer-{number}",
        card_id=f"tok_payer_{number}",
        bank_id=bank_id,
        amount_minor=amount_minor,
    )
