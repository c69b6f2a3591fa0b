import pytest
from tests.unit.charts.rendering import FIRST_BUILD_S, Document, only, render

pytestmark = pytest.mark.timeout(FIRST_BUILD_S)


def test_the_state_lies_on_a_volume_of_all_pods() -> None:
    documents = render()
    claim = only(documents, "PersistentVolumeClaim")
    spec = only(documents, "FlinkDeployment")["spec"]
    pod = spec["podTemplate"]["spec"]

    (volume,) = (volume for volume in pod["volumes"] if "persistentVolumeClaim" in volume)
    assert volume["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]
    assert mounts(spec)[volume["name"]] == "/var/lib/cardwatch"
    assert folders(spec) == {f"file:///var/lib/cardwatch/{name}" for name in STATE}
    # The user that writes it.
    assert pod["securityContext"]["fsGroup"] == pod["securityContext"]["runAsUser"] == 9999


def test_the_state_can_lie_elsewhere() -> None:
    documents = render("job.storage.claim.create=false", "job.storage.uri=s3://bucket/cardwatch/")
    spec = only(documents, "FlinkDeployment")["spec"]

    assert not [d for d in documents if d["kind"] == "PersistentVolumeClaim"]
    assert folders(spec) == {f"s3://bucket/cardwatch/{name}" for name in STATE}
    assert set(mounts(spec)) == {"tmp", "log"}


def test_all_that_flink_writes_to_is_a_volume() -> None:
    spec = only(render(), "FlinkDeployment")["spec"]
    assert mounts(spec)["tmp"] == spec["flinkConfiguration"]["io.tmp.dirs"] == "/tmp"
    assert mounts(spec)["log"] == "/opt/flink/log"


def test_a_job_that_cannot_start_yet_is_no_failed_job() -> None:
    configuration = only(render(), "FlinkDeployment")["spec"]["flinkConfiguration"]
    assert configuration["execution.submit-failed-job-on-application-error"] == "false"


def test_processors_may_be_used_beyond_what_is_reserved() -> None:
    documents = render("job.jobManager.cpu=0.5", "job.jobManager.cpuLimit=2")
    spec = only(documents, "FlinkDeployment")["spec"]
    assert spec["jobManager"]["resource"]["cpu"] == 0.5
    assert float(spec["flinkConfiguration"]["kubernetes.jobmanager.cpu.limit-factor"]) == 4


def test_own_settings_of_flink_win() -> None:
    documents = render("job.flinkConfiguration.heartbeat\\.timeout=20 s")
    configuration = only(documents, "FlinkDeployment")["spec"]["flinkConfiguration"]
    assert configuration["heartbeat.timeout"] == "20 s"
    assert configuration["heartbeat.interval"] == "2 s"


def test_its_account_may_change_config_maps_and_nothing_else() -> None:
    documents = render()
    account = only(documents, "FlinkDeployment")["spec"]["serviceAccount"]
    binding = only(documents, "RoleBinding", "cardwatch-job")
    (rule,) = only(documents, "Role", "cardwatch-job")["rules"]

    assert only(documents, "ServiceAccount", account)
    assert [subject["name"] for subject in binding["subjects"]] == [account]
    assert (rule["apiGroups"], rule["resources"]) == ([""], ["configmaps"])


def test_metrics_are_served_where_they_are_read() -> None:
    documents = render("monitoring.enabled=true")
    spec = only(documents, "FlinkDeployment")["spec"]
    monitor = only(documents, "PodMonitor", "cardwatch-job")["spec"]

    (port,) = spec["podTemplate"]["spec"]["containers"][0]["ports"]
    assert spec["flinkConfiguration"]["metrics.reporter.prom.port"] == str(port["containerPort"])
    assert [endpoint["port"] for endpoint in monitor["podMetricsEndpoints"]] == [port["name"]]
    labels = spec["podTemplate"]["metadata"]["labels"]
    assert monitor["selector"]["matchLabels"].items() <= labels.items()


def test_an_autoscaler_scales_the_config_and_the_config_the_job() -> None:
    spec = only(render("autoscaling.enabled=true"), "HorizontalPodAutoscaler")["spec"]
    assert spec["scaleTargetRef"] == {
        "apiVersion": "cardwatch.dev/v1alpha1",
        "kind": "DetectorConfig",
        "name": "default",
    }
    (metric,) = spec["metrics"]
    assert metric["external"]["target"]["averageValue"] == "20000"


STATE = ("checkpoints", "savepoints", "high-availability")


def folders(spec: Document) -> set[str]:
    configuration = spec["flinkConfiguration"]
    return {
        configuration["execution.checkpointing.dir"],
        configuration["execution.checkpointing.savepoint-dir"],
        configuration["high-availability.storageDir"],
    }


def mounts(spec: Document) -> dict[str, str]:
    (container,) = spec["podTemplate"]["spec"]["containers"]
    assert container["name"] == "flink-main-container"
    return {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
