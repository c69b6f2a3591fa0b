import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.unit.charts.rendering import (
    FIRST_BUILD_S,
    OPERATORS,
    PLATFORM,
    PROFILES,
    template,
    without_dependencies,
)

pytestmark = pytest.mark.timeout(FIRST_BUILD_S)
_SCHEMA = json.loads((PLATFORM / "values.schema.json").read_text("utf-8"))
_POSTGRES = "postgres.url=postgresql://cardwatch@db.example.com:5432/cardwatch"
_WITHOUT_KAFKA = ("kafka.create=false", "kafka.bootstrapServers=kafka.example.com:9092")


@pytest.mark.parametrize(
    ("where", "typo", "value"),
    [
        ("", "jobs", ".parallelism=2"),
        ("/job", "paralelism", "=2"),
        ("/job/taskManager", "memmory", "=2048m"),
        ("/job/storage/claim", "storageclass", "=fast"),
        ("/kafka/brokers", "replica", "=3"),
        ("/kafka/authentication", "secret", "=mine"),
        ("/kafka/controllers/storage", "sise", "=1Gi"),
        ("/valkey/persistence", "enable", "=true"),
        ("/archiver/resources", "request", ".cpu=1"),
        ("/gateway", "replica", "=2"),
        ("/gateway/keys", "secret", "=mine"),
        ("/gateway/ingress", "hosts", "=example.com"),
        ("/visualizer", "replica", "=2"),
        ("/visualizer/login", "kind", "=users"),
        ("/visualizer/login/proxy", "network", "=10.0.0.0"),
        ("/visualizer/ingress", "hosts", "=example.com"),
        ("/postgres", "enabled", "=true"),
        ("/postgres/persistence", "deleteClaims", "=false"),
        ("/generator/tps", "C", "=1"),
        ("/networkPolicies", "enabeld", "=true"),
        ("/tracing", "shares", "=5"),
        ("/tracing/collector", "decisionWait", "=5s"),
        ("/tracing/jaeger", "endpoints", "=jaeger:4317"),
    ],
)
def test_a_misspelt_value_is_named(where: str, typo: str, value: str) -> None:
    path = f"{where}/{typo}".replace("/", ".").removeprefix(".")
    done = template(PLATFORM, path + value)
    assert done.returncode != 0
    assert f"at '{where}': additional properties '{typo}' not allowed" in done.stderr


def test_a_misspelt_value_of_the_operators_is_named(tmp_path: Path) -> None:
    done = template(without_dependencies(OPERATORS, tmp_path), "operator.replica=2")
    assert "at '/operator': additional properties 'replica' not allowed" in done.stderr


@pytest.mark.parametrize(
    ("value", "where"),
    [
        ("job.parallelism=0", "/job/parallelism"),
        ("job.delivery=maybe", "/job/delivery"),
        ("job.taskManager.memory=2Gi", "/job/taskManager/memory"),
        ("job.storage.uri=bucket", "/job/storage/uri"),
        ("kafka.brokers.replicas=0", "/kafka/brokers/replicas"),
        ("kafka.controllers.replicas=2", "/kafka/controllers/replicas"),
        ("kafka.bootstrapServers=kafka", "/kafka/bootstrapServers"),
        ("kafka.authentication.type=tls", "/kafka/authentication/type"),
        ("generator.anomalyShare=0.6", "/generator/anomalyShare"),
        ("valkey.maxMemory=lots", "/valkey/maxMemory"),
        ("job.taskManager.cpu=0.0", "/job/taskManager/cpu"),
        ("generator.tps.A=many", "/generator/tps/A"),
        ("gateway.replicas=0", "/gateway/replicas"),
        ("gateway.sampledShare=1.5", "/gateway/sampledShare"),
        ("gateway.service.type=ExternalName", "/gateway/service/type"),
        ("visualizer.replicas=0", "/visualizer/replicas"),
        ("visualizer.workers=0", "/visualizer/workers"),
        ("visualizer.login.type=off", "/visualizer/login/type"),
        ("visualizer.login.proxy.networks[0]=proxy", "/visualizer/login/proxy/networks/0"),
        ("visualizer.login.proxy.userHeader=X User", "/visualizer/login/proxy/userHeader"),
        ("visualizer.jaegerUrl=jaeger:16686", "/visualizer/jaegerUrl"),
        ("archiver.retentionDays=0", "/archiver/retentionDays"),
        ("postgres.url=postgresql://user:secret@db:5432/cardwatch", "/postgres/url"),
        ("postgres.url=mysql://user@db/cardwatch", "/postgres/url"),
        ("postgres.config.Shared-Buffers=1GB", "/postgres/config"),
        ("image.pullPolicy=Sometimes", "/image/pullPolicy"),
        ("monitoring.interval=often", "/monitoring/interval"),
        ("tracing.share=101", "/tracing/share"),
        ("tracing.share=100.5", "/tracing/share"),
        ("tracing.collector.decisionWaitSeconds=0", "/tracing/collector/decisionWaitSeconds"),
        ("tracing.jaeger.endpoint=http://jaeger:4317", "/tracing/jaeger/endpoint"),
        ("tracing.jaeger.maxTraces=0", "/tracing/jaeger/maxTraces"),
    ],
)
def test_a_value_out_of_range_is_named(value: str, where: str) -> None:
    done = template(PLATFORM, value)
    assert done.returncode != 0
    assert f"at '{where}'" in done.stderr


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (["kafka.create=false"], "kafka.bootstrapServers is empty: it is needed"),
        ([_WITHOUT_KAFKA[1]], "kafka.bootstrapServers is for a Kafka that exists already"),
        (["kafka.tls.existingSecret=mine"], "are for a Kafka that exists already"),
        (["kafka.authentication.existingSecret=mine"], "are for a Kafka that exists already"),
        (["kafka.authentication.type=plain"], "a Kafka that is created offers scram-sha-512"),
        (
            [*_WITHOUT_KAFKA, "kafka.authentication.type=scram-sha-256"],
            "kafka.authentication.existingSecret is empty",
        ),
        (
            [*_WITHOUT_KAFKA, "kafka.tls.existingSecret=mine"],
            "a Secret for Kafka is named, and would not be used",
        ),
        (
            [
                *_WITHOUT_KAFKA,
                "kafka.authentication.type=plain",
                "kafka.authentication.existingSecret=mine",
            ],
            "kafka.authentication.type plain sends the password as it is",
        ),
        (["job.storage.claim.create=false"], "job.storage.uri is empty: it is needed"),
        (["job.storage.uri=s3://bucket"], "job.storage has both a uri and a claim"),
        (["valkey.create=false"], "valkey.existingSecret is empty"),
        (
            [
                "valkey.create=false",
                "valkey.existingSecret=mine",
                "networkPolicies.enabled=true",
            ],
            "networkPolicies.extraEgress.gateway is empty",
        ),
        (
            [
                "valkey.create=false",
                "valkey.existingSecret=mine",
                "networkPolicies.enabled=true",
                "gateway.enabled=false",
            ],
            "networkPolicies.extraEgress.archiver is empty",
        ),
        (
            [
                "valkey.create=false",
                "valkey.existingSecret=mine",
                "networkPolicies.enabled=true",
                "gateway.enabled=false",
                "networkPolicies.extraEgress.archiver[0].ports[0].port=6379",
            ],
            "networkPolicies.extraEgress.visualizer is empty",
        ),
        ([_POSTGRES], "are for a PostgreSQL that exists already"),
        ([_POSTGRES.replace("url", "visualizerUrl")], "are for a PostgreSQL that exists already"),
        (["postgres.create=false", _POSTGRES], "postgres.existingSecret is empty"),
        (
            ["postgres.create=false", "postgres.existingSecret=mine"],
            "postgres.existingSecret is set, and would not be used",
        ),
        (
            ["postgres.create=false", _POSTGRES.replace("url", "gatewayUrl")],
            "postgres.url is empty: where postgres.gatewayUrl or postgres.visualizerUrl is set",
        ),
        (["visualizer.ingress.enabled=true"], "visualizer.ingress.host is empty"),
        (
            [
                "visualizer.ingress.enabled=true",
                "visualizer.ingress.host=cardwatch.example.com",
                "visualizer.login.type=none",
            ],
            "visualizer.ingress leads to nobody",
        ),
        (
            ["visualizer.login.type=none", "visualizer.login.existingSecret=mine"],
            "visualizer.login.existingSecret is set, and would not be used",
        ),
        (["visualizer.login.type=proxy"], "visualizer.login.proxy.networks is empty"),
        (
            ["visualizer.login.proxy.networks[0]=10.0.0.0/8"],
            "visualizer.login.proxy.networks is set, and would not be used",
        ),
        (
            [
                "visualizer.login.type=proxy",
                "visualizer.login.proxy.networks[0]=10.0.0.0/8",
                "networkPolicies.enabled=true",
            ],
            "visualizer.clients is empty: every pod",
        ),
        (["gateway.ingress.enabled=true"], "gateway.ingress.host is empty"),
        (["gateway.autoscaling.minReplicas=11"], "gateway.autoscaling.minReplicas is above"),
        (
            ["tracing.enabled=true", "tracing.jaeger.create=false"],
            "tracing.jaeger.endpoint is empty: it is needed",
        ),
        (
            ["tracing.jaeger.endpoint=jaeger.example.com:4317"],
            "tracing.jaeger.endpoint is for a Jaeger that exists already",
        ),
        (["autoscaling.minReplicas=13"], "autoscaling.minReplicas is above"),
        (["job.jobManager.cpuLimit=0.1"], "job.jobManager.cpuLimit is 0.1, below cpu"),
        (
            ["job.taskManager.pythonMemory=1024m"],
            "job.taskManager.memory of 1728m leaves 128m for the heap",
        ),
    ],
)
def test_values_that_contradict_each_other_are_refused(values: list[str], sentence: str) -> None:
    done = template(PLATFORM, *values)
    assert done.returncode != 0
    assert sentence in done.stderr


@pytest.mark.parametrize(
    ("kinds", "values", "missing"),
    [
        ([], [], "FlinkDeployments"),
        (["flink.apache.org/v1beta1/FlinkDeployment"], [], "Kafka of kafka.strimzi.io/v1"),
        (["flink.apache.org/v1beta1/FlinkDeployment"], _WITHOUT_KAFKA, ""),
    ],
)
def test_a_cluster_without_the_operators_is_told_of_them(
    kinds: list[str], values: list[str], missing: str
) -> None:
    # A cluster that answers lists kinds, too.
    known = ",".join(["v1/ConfigMap", *kinds])
    done = template(PLATFORM, *values, options=("--api-versions", known))
    if missing:
        assert f"the cluster does not know {missing}" in done.stderr
        assert "install charts/cardwatch-operators first" in done.stderr
    else:
        assert done.returncode == 0, done.stderr


def test_the_schema_knows_every_value_and_no_other() -> None:
    values = yaml.safe_load((PLATFORM / "values.yaml").read_text("utf-8"))
    assert set(_paths(values)) == set(_known(_SCHEMA)) - {("global",)}


@pytest.mark.parametrize("profile", PROFILES[1:])
def test_a_profile_changes_only_values_that_there_are(profile: str) -> None:
    values = yaml.safe_load((PLATFORM / "values.yaml").read_text("utf-8"))
    changed = yaml.safe_load((PLATFORM / profile).read_text("utf-8"))
    assert set(_paths(changed)) <= set(_known(_SCHEMA))
    assert any(changed.get(section) != values[section] for section in changed), (
        "a profile that changes nothing"
    )


def test_every_group_of_values_is_explained() -> None:
    lines = (PLATFORM / "values.yaml").read_text("utf-8").splitlines()
    for before, line in pairwise(lines):
        if line and not line.startswith((" ", "#")):
            assert before.startswith("#"), f"{line} has no comment"


def _paths(values: Any, *path: str) -> Iterator[tuple[str, ...]]:
    """Yield the path of each value; objects whose keys are the user's own are one value."""
    schema = _at(path)
    if not isinstance(values, dict) or not schema.get("properties"):
        yield path
        return
    for key, value in values.items():
        yield from _paths(value, *path, key)


def _known(schema: dict[str, Any], *path: str) -> Iterator[tuple[str, ...]]:
    schema = _resolved(schema)
    properties = schema.get("properties")
    if not properties or path[-1:] == ("resources",):
        yield path
        return
    assert schema.get("additionalProperties") is False, f"{path}: a typo is not noticed"
    for key, inner in properties.items():
        yield from _known(inner, *path, key)


def _at(path: tuple[str, ...]) -> dict[str, Any]:
    schema: dict[str, Any] = _SCHEMA
    for key in path:
        if path[-1] == "resources" and key == "resources":
            return {}
        schema = _resolved(schema["properties"][key])
    return schema


def _resolved(schema: dict[str, Any]) -> dict[str, Any]:
    for part in schema.get("allOf", [])[:1]:
        return _resolved(part)
    if "$ref" in schema:
        return dict(_SCHEMA["definitions"][schema["$ref"].rsplit("/", 1)[1]])
    return schema
