"""What the Flink operator's stand-in makes of a FlinkDeployment."""

import json
from typing import Any

import pytest
import yaml
from tests.cluster.standins.flink_manifests import flink_manifests
from tests.cluster.standins.flink_pods import LAST_STATE
from tests.cluster.standins.flink_spec import Change, change, memory_mib, to_json, why_refused
from tests.cluster.standins.flink_status import finished, refusal
from tests.unit.standins.resources import FLINK, changed

_SPEC = FLINK["spec"]


def _made(
    spec: dict[str, Any] = _SPEC, savepoint: str | None = None
) -> dict[tuple[str, str], dict[str, Any]]:
    manifests = flink_manifests(FLINK, spec, job_id="0" * 32, attempt="1", savepoint=savepoint)
    return {(each["kind"], each["metadata"]["name"]): each for each in manifests}


def _main_container(deployment: dict[str, Any]) -> dict[str, Any]:
    containers = deployment["spec"]["template"]["spec"]["containers"]
    return dict(next(each for each in containers if each["name"] == "flink-main-container"))


def test_the_job_manager_gets_the_arguments_that_operator_1_15_gives() -> None:
    container = _main_container(_made(savepoint=LAST_STATE)["Deployment", "cardwatch"])

    assert container["command"] == ["/docker-entrypoint.sh"]
    assert container["args"] == [
        "standalone-job",
        *("--job-classname", "org.apache.flink.client.python.PythonDriver"),
        *("--fromSavepoint", "KUBERNETES_OPERATOR_LAST_STATE"),
        *("--host", "$(_POD_IP_ADDRESS)"),
        *("-pym", "cardwatch_job.main"),
    ]


def test_the_configuration_is_the_specs_and_what_the_operator_adds() -> None:
    config_map = _made()["ConfigMap", "flink-config-cardwatch"]

    configuration = yaml.safe_load(config_map["data"]["config.yaml"])

    assert configuration["scheduler-mode"] == "reactive"
    assert configuration["kubernetes.cluster-id"] == "cardwatch"
    assert configuration["kubernetes.namespace"] == "shop"
    assert configuration["parallelism.default"] == "2"
    assert configuration["pipeline.classpaths"].startswith("file:///opt/flink/opt/")
    assert configuration["taskmanager.memory.process.size"] == "1728m"
    assert configuration["job-result-store.storage-path"] == (
        "file:///state/ha/job-result-store/cardwatch/1"
    )


def test_templates_of_the_part_go_over_the_one_of_both() -> None:
    main = {"name": "flink-main-container"}
    common = {"spec": {"containers": [main | {"env": [{"name": "A", "value": "1"}]}]}}
    own = {"spec": {"containers": [main | {"env": [{"name": "A", "value": "2"}]}]}}
    spec = changed(changed(_SPEC, "podTemplate", common), "taskManager/podTemplate", own)

    made = _made(spec)

    of_taskmanager = _main_container(made["Deployment", "cardwatch-taskmanager"])["env"]
    assert of_taskmanager == [{"name": "A", "value": "2"}]
    of_jobmanager = _main_container(made["Deployment", "cardwatch"])["env"]
    assert {"name": "A", "value": "1"} in of_jobmanager


@pytest.mark.parametrize(("parallelism", "slots", "count"), [(1, 1, 1), (3, 2, 2), (4, 2, 2)])
def test_there_are_task_managers_for_every_subtask(
    parallelism: int, slots: int, count: int
) -> None:
    spec = changed(_SPEC, "job/parallelism", parallelism)
    key = "flinkConfiguration/taskmanager.numberOfTaskSlots"

    made = _made(changed(spec, key, str(slots)))

    assert made["Deployment", "cardwatch-taskmanager"]["spec"]["replicas"] == count


def test_the_limit_is_the_request_unless_a_factor_says_otherwise() -> None:
    made = _made(changed(_SPEC, "flinkConfiguration/kubernetes.jobmanager.cpu.limit-factor", "8"))

    assert _main_container(made["Deployment", "cardwatch"])["resources"] == {
        "requests": {"cpu": "0.25", "memory": "1408Mi"},
        "limits": {"cpu": "2", "memory": "1408Mi"},
    }
    of_taskmanager = _main_container(made["Deployment", "cardwatch-taskmanager"])["resources"]
    assert of_taskmanager["requests"] == of_taskmanager["limits"]


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("job/parallelism", 3, Change.SCALE),
        ("job/args", ["-pym", "another"], Change.UPGRADE),
        ("image", "cardwatch/job:next", Change.UPGRADE),
        ("restartNonce", 1, Change.UPGRADE),
        ("flinkConfiguration/heartbeat.timeout", "9 s", Change.UPGRADE),
        ("job/state", "suspended", Change.UPGRADE),
        ("job/upgradeMode", "savepoint", Change.NONE),
        ("flinkConfiguration/kubernetes.operator.savepoint.history.max.age", "1 h", Change.NONE),
    ],
)
def test_a_change_is_scaled_in_place_or_deployed_again(
    path: str, value: Any, expected: Change
) -> None:
    assert change(_SPEC, changed(_SPEC, path, value)) is expected


def test_a_job_that_is_not_reactive_is_deployed_again_to_scale() -> None:
    spec = changed(_SPEC, "flinkConfiguration/scheduler-mode", "default")

    assert change(spec, changed(spec, "job/parallelism", 3)) is Change.UPGRADE


@pytest.mark.parametrize(
    ("path", "value", "word"),
    [
        ("job/parallelism", 0, "parallelism must be larger than 0"),
        ("flinkConfiguration/kubernetes.cluster-id", "x", "kubernetes.cluster-id"),
        ("flinkConfiguration/high-availability.type", "NONE", "last-state while HA disabled"),
        ("mode", "native", "standalone"),
        ("taskManager/resource/memory", "much", "memory parse error"),
    ],
)
def test_a_bad_spec_is_refused(path: str, value: Any, word: str) -> None:
    assert not why_refused(_SPEC)
    assert word in why_refused(changed(_SPEC, path, value))


@pytest.mark.parametrize(
    ("text", "mib"), [("2g", 2048), ("1408m", 1408), ("2Gi", 2048), ("512Mi", 512), ("x", None)]
)
def test_memory_is_read_as_flink_and_as_kubernetes_write_it(text: str, mib: int | None) -> None:
    assert memory_mib(text) == mib


def test_a_status_is_stable_once_the_job_ran_as_asked() -> None:
    last = to_json(_SPEC, 3, state="running")
    reconciliation = {"state": "DEPLOYED", "lastReconciledSpec": last}
    status = {"reconciliationStatus": reconciliation, "jobStatus": {"state": "RECONCILING"}}

    assert finished(FLINK, status)["lifecycleState"] == "DEPLOYED"

    reconciliation["lastStableSpec"] = last
    stable = finished(FLINK, {**status, "jobStatus": {"state": "RUNNING"}})
    assert stable["lifecycleState"] == "STABLE"
    assert stable["observedGeneration"] == 3
    assert stable["taskManager"]["replicas"] == 2
    assert stable["conditions"][0]["type"] == "Running"
    assert stable["conditions"][0]["status"] == "True"


def test_a_first_spec_that_is_refused_has_failed() -> None:
    status = {"reconciliationStatus": {}, "jobStatus": {"state": "RECONCILING"}}

    failed = finished(FLINK, {**status, "error": refusal("no")})

    assert failed["lifecycleState"] == "FAILED"
    assert json.loads(failed["error"])["message"] == "no"
