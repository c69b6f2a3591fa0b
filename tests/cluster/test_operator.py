"""DetectorConfigs on a real Kubernetes API, put in force in a real job by the operator."""

import json
import os
import re
import signal
import urllib.request
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
import yaml
from confluent_kafka import Producer
from tests.cluster.platform import ACK_TIMEOUT_S, MANIFESTS, Platform, status_of
from tests.integration.job.feed import wait_until
from tests.unit.model.made import artefact

from cardwatch_contracts.topics import MODELS
from cardwatch_job.model.artefact import encode_artefact
from cardwatch_operator.crd import detector_config_crd

pytestmark = pytest.mark.timeout(1500)  # the first test builds Kubernetes, where nobody has yet


def _spec(bank_id: str, max_amount_minor: int = 1_000, **more: Any) -> dict[str, Any]:
    return {
        "selector": {"bankIds": [bank_id]},
        "detectors": {"veryHighValue": {"maxAmountMinor": max_amount_minor}},
        **more,
    }


@pytest.fixture(autouse=True)
def _operator_runs(platform: Platform) -> Iterator[None]:
    yield
    if not platform.operator.is_running:
        platform.start_operator()


def test_a_config_judges_once_it_is_applied(platform: Platform) -> None:
    platform.apply("first", _spec("first-bank"))
    platform.wait_applied("first")
    alert = platform.alert_of_a_payment(2_000, bank_id="first-bank")
    assert alert is not None
    assert (alert.config, alert.generation) == ("first", 1)
    status = platform.get("dc", "first")["status"]
    assert (status["appliedGeneration"], status["subtasks"]) == (1, "2/2")
    assert status["selects"] == "bankIds first-bank"
    reasons = dict(platform.events_of("first"))
    assert reasons["Acknowledged"] == "all 2 subtasks judge by generation 1"
    shown = platform.api.kubectl("get", "dc", "first").stdout.splitlines()
    columns = ["NAME", "READY", "APPLIED", "SUBTASKS", "PARALLELISM", "ALERTS/MIN", "AGE"]
    assert shown[0].split() == columns
    assert shown[1].split()[:5] == ["first", "True", "1", "2/2", "2"]


def test_an_edit_is_the_next_generation(platform: Platform) -> None:
    platform.apply("edited", _spec("edited-bank"))
    platform.wait_applied("edited")
    platform.apply("edited", _spec("edited-bank", 5_000))
    wait_until(
        lambda: platform.get("dc", "edited")["status"].get("appliedGeneration") == 2, "the edit"
    )
    assert platform.alert_of_a_payment(4_000, bank_id="edited-bank") is None
    alert = platform.alert_of_a_payment(6_000, bank_id="edited-bank")
    assert alert is not None and alert.generation == 2
    history = platform.topics().history("edited")
    assert [record.generation for record, _ in history] == [1, 2]
    assert history[1][0].changed_by == "kubectl-client-side-apply"


def test_what_is_deleted_judges_no_more(platform: Platform) -> None:
    platform.apply("deleted", _spec("deleted-bank"))
    platform.wait_applied("deleted")
    platform.delete("deleted")
    assert platform.alert_of_a_payment(2_000, bank_id="deleted-bank") is None
    platform.apply("deleted", _spec("deleted-bank", 1_500))
    platform.wait_applied("deleted")
    alert = platform.alert_of_a_payment(2_000, bank_id="deleted-bank")
    assert alert is not None
    assert alert.generation == 3, "the name's generations never come back"


def test_five_edits_while_the_operator_is_down_are_one(platform: Platform) -> None:
    platform.apply("slept", _spec("slept-bank"))
    platform.wait_applied("slept")
    platform.apply("gone", _spec("gone-bank"))
    platform.wait_applied("gone")
    platform.stop_operator()
    for amount in range(2_000, 7_000, 1_000):
        platform.apply("slept", _spec("slept-bank", amount))
    platform.api.kubectl("delete", "dc", "gone")
    platform.start_operator()
    wait_until(
        lambda: platform.get("dc", "slept")["status"].get("appliedGeneration") == 6, "the last edit"
    )
    assert [r.generation for r, _ in platform.topics().history("slept")] == [1, 6]
    wait_until(lambda: platform.topics().known["gone"].current is None, "the withdrawal")


def test_killed_between_publishing_and_reporting(platform: Platform) -> None:
    for round_ in range(3):
        name = f"killed-{round_}"
        platform.apply(name, _spec(f"{name}-bank"))
        platform.wait_published(name)
        assert platform.operator.pid is not None
        os.kill(platform.operator.pid, signal.SIGKILL)
        wait_until(lambda: not platform.operator.is_running, "the operator's end")
        platform.start_operator()
        platform.wait_applied(name, timeout_s=60)
        assert [r.generation for r, _ in platform.topics().history(name)] == [1]


def test_two_operators_take_turns(platform: Platform) -> None:
    other = platform.new_operator("operator-2")
    other.start()
    try:
        other.wait_ready()
        platform.apply("shared", _spec("shared-bank"))
        platform.wait_applied("shared")
        platform.operator.stop()
        platform.apply("shared", _spec("shared-bank", 3_000))
        wait_until(
            lambda: platform.get("dc", "shared")["status"].get("appliedGeneration") == 2,
            "the other operator to take over",
        )
        lease = platform.get("lease", "cardwatch-operator")
        assert lease["spec"]["holderIdentity"] == "operator-2"
    finally:
        other.stop()
    assert [r.generation for r, _ in platform.topics().history("shared")] == [1, 2]


def test_silent_subtasks_are_named_and_asked_again(platform: Platform) -> None:
    platform.apply("silent", _spec("silent-bank"))
    platform.wait_applied("silent")
    frozen = platform.stack.cluster.taskmanagers[1]
    assert frozen.pid is not None
    assert ACK_TIMEOUT_S < 10, "Flink ends a frozen TaskManager after 10 s"
    os.kill(frozen.pid, signal.SIGSTOP)
    try:
        platform.apply("silent", _spec("silent-bank", 5_000))
        applied = platform.wait_reason("silent", "Applied", "AckTimeout")
    finally:
        os.kill(frozen.pid, signal.SIGCONT)
    assert applied["status"] == "False"
    # Both, where the change stands behind a checkpoint's barrier, which does not get through.
    who, _, what = applied["message"].partition(" of 2 did not ")
    assert re.fullmatch(r"subtask [01]|subtasks 0, 1", who)
    assert what == "acknowledge generation 2 within 4 s; tried again"
    platform.wait_applied("silent", timeout_s=120)


def test_a_model_is_refused_until_it_is_there_and_a_newer_one_takes_over(
    platform: Platform,
) -> None:
    platform.apply("learned", _spec("learned-bank", model={"name": "made"}))
    refused = platform.wait_reason("learned", "Applied", "ModelRefused")
    words = "no model made is published; rules alone judge"
    assert refused["message"] == f"subtasks 0, 1 of 2: {words}"
    assert ("ModelRefused", refused["message"]) in platform.events_of("learned")
    alert = platform.alert_of_a_payment(2_000, bank_id="learned-bank")
    assert alert is not None and alert.config == "learned", "its rules judge all the same"
    for model in (artefact(threshold=0.5), artefact(threshold=0.75)):
        _publish(platform, model.name, model.hash, encode_artefact(model))
        wait_until(partial(_judges_with, platform, "learned", model.hash), "the model to judge")
    shown = platform.api.kubectl("get", "dc", "learned", "-o", "wide").stdout.splitlines()
    assert "MODEL" in shown[0].split()
    assert model.hash in shown[1].split()
    _publish(platform, "made", "0" * 64, b"{}")
    refused = platform.wait_reason("learned", "Applied", "ModelRefused")
    assert f"{model.hash[:12]} stays in force" in refused["message"]
    assert platform.get("dc", "learned")["status"]["model"] == model.hash
    platform.delete("learned")


@pytest.mark.own_cluster("changes the kind's definition for a while")
def test_a_bad_config_that_got_past_admission_leaves_the_last_good_one(platform: Platform) -> None:
    platform.apply("lenient", _spec("lenient-bank"))
    platform.wait_applied("lenient")
    lenient = detector_config_crd()
    (version,) = lenient["spec"]["versions"]
    version["schema"]["openAPIV3Schema"]["properties"]["spec"] = {
        "type": "object",
        "x-kubernetes-preserve-unknown-fields": True,
        "properties": {
            "parallelism": {"type": "integer"},
            "jobRef": {"type": "string"},
        },
    }
    try:
        _install(platform, lenient)
        patch = {"spec": {"detectors": {"veryHighValue": {"maxAmountMinor": -5}}}}
        wait_until(
            lambda: (
                platform.api.kubectl(
                    "patch", "dc", "lenient", "--type=merge", "-p", json.dumps(patch), check=False
                ).returncode
                == 0
            ),
            "the lenient schema",
        )
        ready = platform.wait_reason("lenient", "Ready", "InvalidSpec")
    finally:
        _install(platform, detector_config_crd())
    assert ready["message"] == (
        "Expected `int` >= 1 - at `$.spec.detectors.veryHighValue.maxAmountMinor`; "
        "generation 1 stays in force"
    )
    alert = platform.alert_of_a_payment(2_000, bank_id="lenient-bank")
    assert alert is not None and alert.generation == 1
    platform.delete("lenient")


def test_the_younger_of_two_that_claim_the_same_says_so(platform: Platform) -> None:
    platform.apply("older", _spec("claimed-bank"))
    platform.wait_applied("older")
    platform.apply("younger", _spec("claimed-bank", 5))
    ready = platform.wait_reason("younger", "Ready", "Conflict")
    assert "DetectorConfig older is older and as specific" in ready["message"]
    assert platform.condition("older", "Ready")["status"] == "True"
    alert = platform.alert_of_a_payment(2_000, bank_id="claimed-bank")
    assert alert is not None and alert.config == "older"
    platform.delete("older")
    platform.wait_reason("younger", "Ready", "Ready")


def test_scaled_with_kubectl(platform: Platform) -> None:
    platform.api.kubectl("delete", "dc", "--all")
    platform.deploy_job(2)
    platform.apply("scaled", {"parallelism": 2})
    platform.wait_reason("scaled", "Rescaled", "Rescaled")
    platform.api.kubectl("scale", "dc/scaled", "--replicas=1")
    wait_until(
        lambda: platform.get("flinkdeployment", "cardwatch")["spec"]["job"]["parallelism"] == 1,
        "the FlinkDeployment to be changed",
    )
    assert platform.condition("scaled", "Rescaled")["reason"] == "Rescaling"
    managers = platform.get_managers("flinkdeployment", "cardwatch")
    assert managers["cardwatch-operator"] == ["parallelism"]
    platform.stack.cluster.taskmanagers[1].stop()  # as the Flink operator would
    platform.wait_reason("scaled", "Rescaled", "Rescaled", timeout_s=90)
    assert platform.get("dc", "scaled")["status"]["parallelism"] == 1
    platform.wait_applied("scaled", timeout_s=60)
    platform.api.kubectl(
        "patch",
        "flinkdeployment",
        "cardwatch",
        "--type=merge",
        "-p",
        '{"spec":{"job":{"parallelism":3}}}',
    )
    wait_until(lambda: "Reverted" in dict(platform.events_of("scaled")), "the Event that says so")
    assert platform.get("flinkdeployment", "cardwatch")["spec"]["job"]["parallelism"] == 1
    platform.api.kubectl("scale", "dc/scaled", "--replicas=2")
    platform.stack.cluster.taskmanagers[1].start()
    platform.wait_reason("scaled", "Rescaled", "Rescaled", timeout_s=90)
    platform.wait_applied("scaled", timeout_s=60)
    assert platform.get("dc", "scaled")["status"]["subtasks"] == "2/2"


@pytest.mark.own_cluster("puts every DetectorConfig of the cluster in force")
def test_one_operator_for_all_namespaces(platform: Platform) -> None:
    platform.apply("taken", _spec("taken-bank"))
    platform.wait_applied("taken")
    platform.stop_operator()
    for namespace in ("cardwatch-system", "team-a"):
        platform.api.kubectl("create", "namespace", namespace)
    platform.api.kubectl("apply", "-f", str(MANIFESTS / "cluster-wide.yaml"))
    operator = platform.new_operator("operator-of-all", all_namespaces=True)
    operator.start()
    try:
        operator.wait_ready()
        platform.apply("of-team-a", _spec("team-a-bank"), namespace="team-a")
        platform.apply("taken", _spec("team-a-other-bank"), namespace="team-a")
        platform.api.kubectl(
            "wait", "--for=condition=Applied", "dc/of-team-a", "-n", "team-a", "--timeout=30s"
        )
        platform.api.kubectl(
            *("wait", "dc/taken", "-n", "team-a", "--timeout=30s"),
            """--for=jsonpath={.status.conditions[?(@.type=="Applied")].reason}=NameTaken""",
        )
        platform.api.kubectl("delete", "dc", "--all", "-n", "team-a")
        wait_until(
            lambda: platform.topics().known["of-team-a"].current is None, "it to be withdrawn"
        )
        assert platform.topics().known["taken"].in_force is not None
    finally:
        operator.stop()


def test_alerts_per_minute_are_counted(platform: Platform) -> None:
    platform.apply("counted", _spec("counted-bank"))
    platform.wait_applied("counted")
    paid = 0

    def counted() -> bool:
        nonlocal paid
        paid += len(platform.pay(2_000, bank_id="counted-bank"))
        return bool(platform.get("dc", "counted")["status"].get("alertsPerMinute"))

    wait_until(counted, "a minute's alerts to be counted", timeout_s=150)
    header, row = platform.api.kubectl("get", "dc", "counted").stdout.splitlines()
    assert 0 < int(row[header.index("ALERTS/MIN") :].split()[0]) <= paid


def test_without_kafka_it_is_not_healthy(platform: Platform) -> None:
    platform.stop_operator()
    lost = platform.new_operator("operator-4", bootstrap_servers="127.0.0.1:1", stuck_after_s="3")
    lost.start()
    try:
        wait_until(lambda: status_of(platform.health_url) == 500, "it to see that nothing goes on")
    finally:
        lost.stop()


def test_its_health_and_its_metrics(platform: Platform) -> None:
    operator = platform.new_operator("operator-3")
    operator.start()
    try:
        operator.wait_ready()
        assert status_of(platform.health_url) == 200
        with urllib.request.urlopen(platform.metrics_url, timeout=5) as page:
            text = page.read().decode()
        assert "cardwatch_operator_leads 0.0" in text
        assert "cardwatch_operator_apply_seconds_bucket" in text
    finally:
        operator.stop()


def _install(platform: Platform, definition: dict[str, Any]) -> None:
    platform.api.kubectl("replace", "-f", "-", stdin=yaml.safe_dump(definition))


def _judges_with(platform: Platform, config: str, hash_: str) -> bool:
    status = platform.get("dc", config)["status"]
    return bool(status.get("model") == hash_) and bool(
        platform.condition(config, "Applied")["status"] == "True"
    )


def _publish(platform: Platform, name: str, hash_: str, document: bytes) -> None:
    producer = Producer({"bootstrap.servers": platform.stack.bootstrap_servers})
    producer.produce(MODELS.name, document, f"{name}/{hash_}".encode())
    assert producer.flush(10) == 0
