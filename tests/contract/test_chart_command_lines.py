"""What the chart says to the components, against what these understand."""

import base64
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import pytest
from tests.unit.charts.pods import pod_templates
from tests.unit.charts.rendering import FIRST_BUILD_S, only, render

from cardwatch_archiver.settings import parse_settings
from cardwatch_contracts.detector_config import API_VERSION, KIND
from cardwatch_contracts.topics import TRANSACTIONS
from cardwatch_gateway.command_line import parse_command
from cardwatch_gateway.keys import EVERY_BANK, ROLES, read_keys
from cardwatch_gateway.settings import GatewaySettings
from cardwatch_job.settings import JobSettings
from cardwatch_local.flink_config import OPEN_MODULES, FlinkPorts, cluster_config
from cardwatch_local.settings import StackSettings

pytestmark = pytest.mark.timeout(FIRST_BUILD_S)
SECRET = "valkey://:secret@cardwatch-valkey:6379"
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
        ("Pod cardwatch-test-gateway", "cardwatch_gateway.smoke"),
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


def test_the_archiver_understands_its_environment(tmp_path: Path) -> None:
    settings = parse_settings([], environment_of("archiver", tmp_path, "archiver.retentionDays=7"))
    assert settings.bootstrap_servers == "cardwatch-kafka-bootstrap:9092"
    assert settings.valkey_url == SECRET
    assert str(settings.database) == "postgresql://cardwatch@cardwatch-postgres:5432/cardwatch"
    assert settings.database is not None and settings.database.password() == SECRET
    assert settings.retention.kept_days == 7
    assert settings.metrics_port == 9090


def test_the_gateway_understands_its_environment(tmp_path: Path) -> None:
    environment = environment_of("gateway", tmp_path, "gateway.sampledShare=0.5")
    settings = parse_command([], environment)
    assert isinstance(settings, GatewaySettings)
    assert settings.bootstrap_servers == "cardwatch-kafka-bootstrap:9092"
    assert settings.valkey_url == SECRET
    gateways = "postgresql://cardwatch_gateway@cardwatch-postgres:5432/cardwatch"
    assert str(settings.database) == gateways
    assert settings.database is not None and settings.database.password() == SECRET
    assert settings.keys_file == Path("/etc/cardwatch/keys/keys.json")
    assert (settings.sampled_share, settings.metrics_port) == (0.5, 9090)


def test_the_generated_api_key_is_one_that_the_gateway_takes() -> None:
    made = only(render(), "Secret", "cardwatch-api-keys")["data"]
    said = {name: base64.b64decode(value) for name, value in made.items()}
    found = read_keys(said["keys.json"]).find(said["key"].decode(), datetime.now(UTC))
    assert found is not None
    assert (found.bank_id, found.roles) == (EVERY_BANK, frozenset(ROLES))
    assert said["key"] not in said["keys.json"]


def environment_of(name: str, folder: Path, *values: str) -> dict[str, str]:
    """Return a component's environment; what is secret or in a file is `SECRET`."""
    (folder / "password").write_text(SECRET)
    documents = render("monitoring.enabled=true", "tracing.enabled=true", *values)
    (pod,) = (p for p in pod_templates(documents) if p.owner == f"Deployment cardwatch-{name}")
    (container,) = pod.spec["containers"]
    said = {v["name"]: v.get("value", SECRET) for v in container["env"]}
    return said | {"CARDWATCH_DATABASE_PASSWORD_FILE": str(folder / "password")}


def test_the_autoscaler_scales_what_there_is() -> None:
    spec = only(render("autoscaling.enabled=true"), "HorizontalPodAutoscaler")["spec"]
    target = spec["scaleTargetRef"]
    assert (target["apiVersion"], target["kind"]) == (API_VERSION, KIND)
    assert spec["maxReplicas"] == TRANSACTIONS.partitions
