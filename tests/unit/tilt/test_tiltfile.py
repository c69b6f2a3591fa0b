import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from tests.unit.project.machine import REPOSITORY
from tests.unit.tilt.tiltfile import Tilt, run_tiltfile

from cardwatch_contracts.topics import TRANSACTIONS
from cardwatch_generator.__main__ import main as generate

_DURATION = re.compile(r"--timeout=(\d+)s")


@pytest.fixture(scope="module")
def tilt() -> Tilt:
    return run_tiltfile()


def _values(chart: str) -> Any:
    return yaml.safe_load((REPOSITORY / chart / "values.yaml").read_text())


def _button(tilt: Tilt, name: str) -> dict[str, Any]:
    (found,) = (call.options for call in tilt.calls["cmd_button"] if call.name == name)
    return found


def test_what_a_resource_waits_for_is_a_resource_and_none_waits_for_itself(tilt: Tilt) -> None:
    for name in tilt.resources:
        before = tilt.before(name)  # ends only where nothing goes in circles
        assert before <= tilt.resources.keys()
        assert name not in before


def test_operators_come_before_kafka_kafka_before_the_job_and_the_job_before_the_rest(
    tilt: Tilt,
) -> None:
    order = ["namespaces", "cardwatch-operators", "upstream-operators", "cardwatch", "kafka", "job"]
    for place, name in enumerate(order):
        assert tilt.before(name) >= set(order[:place]), name
    rest = ("flink-ui", "operator", "generator", "detectorconfig", "smoke")
    of_the_archive = ("archiver", "gateway", "visualizer")
    for name in (*rest, *of_the_archive):
        assert "job" in tilt.before(name), name
    for name in of_the_archive:
        assert "postgres" in tilt.before(name), name


@pytest.mark.parametrize(
    ("gate", "waits_for"),
    [
        ("upstream-operators", "deployment/strimzi-cluster-operator"),
        ("upstream-operators", "deployment/flink-kubernetes-operator"),
        ("kafka", "--for=condition=Ready kafka/cardwatch"),
        ("job", "--for=jsonpath={.status.jobStatus.state}=RUNNING flinkdeployment/cardwatch"),
        ("operator", "deployment/cardwatch-operator"),
        ("postgres", "statefulset/cardwatch-postgres"),
        ("archiver", "deployment/cardwatch-archiver"),
        ("gateway", "deployment/cardwatch-gateway"),
        ("visualizer", "deployment/cardwatch-visualizer"),
        ("generator", "deployment/cardwatch-generator"),
        ("collector", "deployment/cardwatch-collector"),
        ("jaeger", "deployment/cardwatch-jaeger"),
        ("detectorconfig", "--for=condition=Applied --timeout=120s dc/default"),
    ],
)
def test_each_gate_waits_for_real_readiness(tilt: Tilt, gate: str, waits_for: str) -> None:
    command = " ".join(tilt.command(gate))

    assert re.search(r"\bkubectl (wait|rollout status)\b", command)
    assert waits_for in command


def test_tilt_does_not_take_pods_of_a_whole_release_for_readiness(tilt: Tilt) -> None:
    for call in tilt.calls["helm_resource"]:
        assert call.options["pod_readiness"] == "ignore", call.name


def test_ci_has_more_patience_than_any_gate(tilt: Tilt) -> None:
    (settings,) = (call.options for call in tilt.calls["ci_settings"])
    patience_s = 60 * int(settings["readiness_timeout"].removesuffix("m"))
    for name, resource in tilt.resources.items():
        if resource["kind"] == "local_resource" and len(resource["arguments"]) > 1:
            for seconds in _DURATION.findall(" ".join(tilt.command(name))):
                assert int(seconds) <= patience_s, name


def test_every_resource_has_a_label(tilt: Tilt) -> None:
    for name, resource in tilt.resources.items():
        assert resource["labels"], name


def test_every_image_of_a_chart_is_built_and_its_values_exist(tilt: Tilt) -> None:
    built = {call.name for call in tilt.calls["docker_build"]}
    used = set()
    for call in tilt.calls["helm_resource"]:
        values = _values(call.arguments[1])
        images = call.options["image_deps"]
        assert len(images) == len(call.options["image_keys"])
        for image, keys in zip(images, call.options["image_keys"], strict=True):
            used.add(image)
            for key in keys if isinstance(keys[0], list) else [keys]:
                for path in key:
                    *parents, last = path.split(".")
                    holder = values
                    for parent in parents:
                        holder = holder[parent]
                    assert last in holder, f"{path} is no value of {call.arguments[1]}"
    assert used == built


def test_what_the_tiltfile_names_exists(tilt: Tilt) -> None:
    paths = list(tilt.files)
    for call in tilt.calls["docker_build"]:
        paths += [ignored for ignored in call.options["ignore"]]
        for step in call.options["live_update"]:
            if step["step"] == "sync":
                paths.append(step["arguments"][0])
            if step["step"] == "fall_back_on":
                paths += step["arguments"][0]
    for call in tilt.calls["helm_resource"]:
        paths += [call.arguments[1], *call.options["deps"]]
        flags = call.options.get("flags", [])
        paths += [flags[place + 1] for place, flag in enumerate(flags) if flag == "--values"]
    for call in tilt.calls["local_resource"]:
        paths += call.options.get("deps", [])
    paths += [path for call in tilt.calls["k8s_yaml"] for path in call.arguments]
    for path in paths:
        assert (REPOSITORY / path).exists(), path


def test_changed_code_goes_where_a_pod_may_write_and_starts_anew(tilt: Tilt) -> None:
    for call in tilt.calls["docker_build"]:
        steps = call.options["live_update"]
        synced = [step["arguments"] for step in steps if step["step"] == "sync"]
        assert len(synced) == 2, "the contracts, and the component itself"
        for source, target in synced:
            assert target == f"/dev/shm/cardwatch/{Path(source).name}"
            assert not any(source.startswith(path) for path in call.options["ignore"])
        assert steps[-1] == {"step": "run", "arguments": ["kill -HUP 1"]}


def test_images_are_those_of_users_with_a_reloader_and_without_rights(tilt: Tilt) -> None:
    reloader = (REPOSITORY / "k8s/kind/reload.py").read_text()
    for call in tilt.calls["docker_build"]:
        folder = "flink_job" if call.name == "cardwatch/job" else call.name.partition("/")[2]
        shipped = (REPOSITORY / folder / "Dockerfile").read_text()
        contents = call.options["dockerfile_contents"]
        assert contents.startswith(shipped)
        assert reloader in contents
        (user,) = re.findall(r"^USER .*$", shipped, re.MULTILINE)
        assert re.findall(r"^USER .*$", contents, re.MULTILINE)[-1] == user
        started = re.search(r'^ENTRYPOINT \["(.*)"\]$', shipped, re.MULTILINE)
        command = re.search(r'^ENV CARDWATCH_RELOADED="(.*)"$', contents, re.MULTILINE)
        assert started
        assert command
        if folder != "flink_job":  # there the entry point is a link to the command
            assert command[1] == started[1].replace('", "', " ")


def test_flink_is_shown_where_its_port_is_forwarded_to(tilt: Tilt) -> None:
    shown = tilt.resources["flink-ui"]
    assert shown["serve_cmd"][-2:] == ["service/cardwatch-rest", "8081"]
    assert shown["readiness_probe"]["http_get"]["port"] == 8081
    assert [link["arguments"][0] for link in shown["links"]] == ["http://localhost:8081"]


@pytest.mark.parametrize(
    ("resource", "component", "probed", "page"),
    [
        ("gateway-http", "gateway", "/readyz", "http://localhost:8080/docs"),
        ("visualizer-pages", "visualizer", "/healthz", "http://localhost:8050"),
    ],
)
def test_a_component_is_shown_where_its_port_is_forwarded_to(
    tilt: Tilt, resource: str, component: str, probed: str, page: str
) -> None:
    shown, port = tilt.resources[resource], urlsplit(page).port
    assert component in tilt.before(resource)
    assert shown["serve_cmd"][-2:] == [f"service/cardwatch-{component}", str(port)]
    assert shown["readiness_probe"]["http_get"] == {
        "step": "http_get_action",
        "arguments": [],
        "port": port,
        "path": probed,
    }
    (link,) = shown["links"]
    assert link["arguments"][0] == page


@pytest.mark.parametrize("name", ["fraud-burst", "strict-config", "scale-to-4"])
def test_buttons_stand_on_resources(tilt: Tilt, name: str) -> None:
    assert _button(tilt, name)["resource"] in tilt.resources


def test_the_burst_is_half_fraud(
    tilt: Tilt, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    argv = _button(tilt, "fraud-burst")["argv"]
    begin = argv.index("cardwatch_generator")
    assert argv[begin - 2 : begin] == ["python", "-m"]
    address, servers, *options = argv[begin + 1 :]
    assert (address, servers) == ("--bootstrap-servers", "cardwatch-kafka-bootstrap:9092")

    status = generate(["--output", str(tmp_path / "burst"), *options, "--pace", "max"])

    assert status == 0
    sent = len((tmp_path / "burst").read_text().splitlines())
    genuine = re.search(r"([\d,]+) genuine", caplog.text)
    assert genuine
    assert sent > 300
    assert int(genuine[1].replace(",", "")) < 0.7 * sent


def test_the_strict_config_is_applied_and_waited_for(tilt: Tilt) -> None:
    *_, script = _button(tilt, "strict-config")["argv"]
    path = re.search(r"-f (\S+)", script)
    assert path
    config = yaml.safe_load((REPOSITORY / path[1]).read_text())

    assert f"--for=condition=Applied --timeout=120s dc/{config['metadata']['name']}" in script


def test_scaling_to_four_waits_until_four_run(tilt: Tilt) -> None:
    *_, script = _button(tilt, "scale-to-4")["argv"]
    applied = yaml.safe_load((REPOSITORY / "k8s/detectorconfigs/defaults.yaml").read_text())

    assert f"dc/{applied['metadata']['name']} --replicas=4" in script
    assert "--for=condition=Rescaled" in script
    assert TRANSACTIONS.partitions >= 4


@pytest.mark.parametrize(("subcommand", "by_itself"), [("ci", True), ("up", False)])
def test_ci_sends_a_payment_and_waits_for_its_alert(subcommand: str, by_itself: bool) -> None:
    smoke = run_tiltfile(subcommand).resources["smoke"]

    assert smoke["arguments"][1][:3] == ["helm", "test", "cardwatch"]
    assert smoke["auto_init"] is by_itself


def test_releases_follow_what_their_charts_are_made_of(tilt: Tilt) -> None:
    for call in tilt.calls["helm_resource"]:
        chart = REPOSITORY / call.arguments[1]
        followed = {path.removeprefix(f"{call.arguments[1]}/") for path in call.options["deps"]}
        # Helm fetches into charts/ and writes Chart.lock at each release: they would never end.
        there = {name for name in os.listdir(chart) if not name.startswith(".")}
        assert there - {"charts", "Chart.lock", "README.md", "values-production.yaml"} <= followed
