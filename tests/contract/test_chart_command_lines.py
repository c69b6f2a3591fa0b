"""What the chart says to the components, against what these understand."""

import subprocess
import sys
from importlib.metadata import version

import pytest
from tests.unit.charts.pods import pod_templates
from tests.unit.charts.rendering import FIRST_BUILD_S, only, render

from cardwatch_archiver.settings import parse_settings
from cardwatch_contracts.detector_config import API_VERSION, KIND
from cardwatch_contracts.topics import TRANSACTIONS
from cardwatch_job.settings import JobSettings
from cardwatch_local.flink_config import OPEN_MODULES, FlinkPorts, cluster_config
from cardwatch_local.settings import StackSettings

pytestmark = pytest.mark.timeout(FIRST_BUILD_S)
_SAME = ("jobmanager.adaptive-scheduler.", "heartbeat.", "restart-strategy.", "cluster.")
_SAME_KEYS = {
    "classloader.resolve-order",
    "execution.checkpointing.externalized-checkpoint-retention",
    "execution.checkpointing.interval",
    "execution.checkpointing.timeout",
    "scheduler-mode",
    "state.backend.type",
    "taskmanager.memory.framework.off-heap.size",
    "taskmanager.memory.jvm-metaspace.size",
    "taskmanager.memory.managed.size",
    "taskmanager.memory.network.max",
    "taskmanager.memory.network.min",
    "taskmanager.numberOfTaskSlots",
    "web.submit.enable",
}


def test_the_job_understands_its_arguments() -> None:
    spec = only(
        render(
            "job.delivery=at-least-once",
            "job.checkpointIntervalMs=2500",
            "job.transactionalIdPrefix=other",
            "job.transactionTimeoutMs=1234567",
            "job.outOfOrdernessMs=200",
        ),
        "FlinkDeployment",
    )["spec"]
    arguments = spec["job"]["args"]
    own = arguments[arguments.index("cardwatch_job.main") + 1 :]

    assert JobSettings.from_args(own) == JobSettings(
        bootstrap_servers="cardwatch-kafka-bootstrap:9092",
        delivery="at-least-once",
        checkpoint_interval_ms=2500,
        transactional_id_prefix="other",
        transaction_timeout_ms=1_234_567,
        out_of_orderness_ms=200,
    )


def test_the_jobs_defaults_are_its_own() -> None:
    arguments = only(render(), "FlinkDeployment")["spec"]["job"]["args"]
    own = arguments[arguments.index("cardwatch_job.main") + 1 :]
    assert JobSettings.from_args(own) == JobSettings(
        bootstrap_servers="cardwatch-kafka-bootstrap:9092"
    )


def test_flink_is_the_one_that_the_job_is_made_with() -> None:
    spec = only(render(), "FlinkDeployment")["spec"]
    flink = version("apache-flink")
    assert spec["job"]["jarURI"].endswith(f"/flink-python-{flink}.jar")
    assert spec["flinkVersion"] == "v" + "_".join(flink.split(".")[:2])


def test_flink_is_configured_as_on_a_laptop() -> None:
    there = only(render(), "FlinkDeployment")["spec"]["flinkConfiguration"]
    here = cluster_config(StackSettings(), FlinkPorts(rpc=1, rest=2))
    same = {key for key in here if key.startswith(_SAME)} | _SAME_KEYS
    assert {key: there.get(key) for key in same} == {key: here[key] for key in same}
    assert tuple(there["env.java.opts.all"].split()) == OPEN_MODULES


@pytest.mark.parametrize(
    ("owner", "module"),
    [
        ("Deployment cardwatch-generator", "cardwatch_generator"),
        ("Pod cardwatch-test", "cardwatch_generator.smoke"),
        ("Job cardwatch-removal", "cardwatch_operator.removal"),
    ],
)
def test_a_component_knows_its_options(owner: str, module: str) -> None:
    pods = pod_templates(render("generator.enabled=true"))
    (container,) = (c for pod in pods if pod.owner == owner for c in pod.containers)
    assert container.get("command", ["python", "-m", module]) == ["python", "-m", module]

    done = subprocess.run(
        [sys.executable, "-m", module, "--help"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    options = [argument for argument in container["args"] if argument.startswith("--")]
    assert options
    for option in options:
        assert option in done.stdout.split(), f"{module} has no {option}"


def test_the_archiver_understands_its_environment() -> None:
    (archiver,) = (p for p in pod_templates(render()) if p.owner == "Deployment cardwatch-archiver")
    names = {variable["name"] for variable in archiver.containers[0]["env"]}
    settings = parse_settings([], dict.fromkeys(names, "valkey://:secret@cardwatch-valkey:6379"))
    assert settings.valkey_url == settings.bootstrap_servers


def test_the_autoscaler_scales_what_there_is() -> None:
    spec = only(render("autoscaling.enabled=true"), "HorizontalPodAutoscaler")["spec"]
    target = spec["scaleTargetRef"]
    assert (target["apiVersion"], target["kind"]) == (API_VERSION, KIND)
    assert spec["maxReplicas"] == TRANSACTIONS.partitions
