"""The archive's PostgreSQL: the chart's own, another, or none."""

import base64
from typing import Any

import pytest
from tests.unit.charts.pods import PodTemplate, pod_templates
from tests.unit.charts.rendering import EVERYTHING, FIRST_BUILD_S, Document, only, render

pytestmark = pytest.mark.timeout(FIRST_BUILD_S)
_NAME = "cardwatch-postgres"
_NONE = "postgres.create=false"
_ELSEWHERE = (
    _NONE,
    "postgres.url=postgresql://owner@db.example.com:5432/cardwatch",
    "postgres.existingSecret=mine",
)


def test_the_archiver_owns_it_and_the_others_read_it() -> None:
    documents = render()
    service = only(documents, "Service", _NAME)
    (port,) = service["spec"]["ports"]
    for name, role, key in (
        ("archiver", "cardwatch", "password"),
        ("gateway", "cardwatch_gateway", "gateway-password"),
        ("visualizer", "cardwatch_visualizer", "visualizer-password"),
    ):
        address = f"postgresql://{role}@{service['metadata']['name']}:{port['port']}/cardwatch"
        assert database(documents, name) == (address, [(_NAME, key, "password", False)])


def test_one_elsewhere_is_asked_by_one_user_or_by_several() -> None:
    one = render(*_ELSEWHERE)
    assert not [d for d in one if d["metadata"]["name"] == _NAME]
    authority = ("mine", "ca.crt", "ca.crt", True)
    for name in ("archiver", "gateway", "visualizer"):
        assert database(one, name) == (
            "postgresql://owner@db.example.com:5432/cardwatch",
            [("mine", "password", "password", False), authority],
        )
    reader = "postgres.gatewayUrl=postgresql://reader@db/cardwatch"
    two = render(*_ELSEWHERE, reader)
    assert database(two, "archiver") == database(one, "archiver")
    for name in ("gateway", "visualizer"):
        assert database(two, name) == (
            "postgresql://reader@db/cardwatch",
            [("mine", "gateway-password", "password", False), authority],
        )
    three = render(*_ELSEWHERE, reader, "postgres.visualizerUrl=postgresql://shown@db/cardwatch")
    assert database(three, "gateway") == database(two, "gateway")
    assert database(three, "visualizer") == (
        "postgresql://shown@db/cardwatch",
        [("mine", "visualizer-password", "password", False), authority],
    )


def test_without_one_there_is_no_archive() -> None:
    documents = render(_NONE)
    assert not [d for d in documents if d["metadata"]["name"] == _NAME]
    for name in ("archiver", "gateway", "visualizer"):
        assert database(documents, name) == (None, [])


def test_its_pod_starts_with_the_files_of_the_chart() -> None:
    documents = render("postgres.config.shared_buffers=1GB", "postgres.config.max_wal_size=3GB")
    (container,) = postgres(documents).containers
    files = only(documents, "ConfigMap", _NAME)["data"]
    (script,) = container["command"][1:]
    folder, _, name = script.rpartition("/")
    (mount,) = (m for m in container["volumeMounts"] if m["name"] == "config")
    assert mount["mountPath"] == folder
    assert name in files
    configuration = files["postgresql.conf"].splitlines()
    assert {"shared_buffers = '1GB'", "max_wal_size = '3GB'"} <= set(configuration)
    assert f"hba_file = '{folder}/pg_hba.conf'" in configuration
    assert f"{folder}/postgresql.conf" in files["start.sh"]


def test_it_writes_only_where_a_volume_is() -> None:
    documents = render()
    (container,) = postgres(documents).containers
    said = {each["name"]: each["value"] for each in container["env"]}
    configuration = only(documents, "ConfigMap", _NAME)["data"]["postgresql.conf"]
    writable = {m["mountPath"] for m in container["volumeMounts"] if not m.get("readOnly")}
    assert writable == {"/var/lib/cardwatch", "/var/run/postgresql", "/dev/shm"}
    assert said["PGDATA"].rpartition("/")[0] in writable
    assert said["PGHOST"] in writable
    assert f"unix_socket_directories = '{said['PGHOST']}'" in configuration


def test_passwords_are_generated_or_ones_own() -> None:
    secret = only(render(), "Secret", _NAME)["data"]
    assert set(secret) == {"password", "gateway-password", "visualizer-password"}
    values = {base64.b64decode(value).decode() for value in secret.values()}
    assert [len(value) for value in values] == [32, 32, 32]

    documents = render("postgres.existingSecret=mine")
    assert not [d for d in documents if d["kind"] == "Secret" and d["metadata"]["name"] == _NAME]
    for name in ("archiver", "gateway", "visualizer"):
        assert [source[0] for source in database(documents, name)[1]] == ["mine"]
    (volume,) = (v for v in postgres(documents).spec["volumes"] if v["name"] == "passwords")
    assert volume["secret"]["secretName"] == "mine"
    assert {item["key"] for item in volume["secret"]["items"]} == set(secret)


@pytest.mark.parametrize(("profile", "kept"), [("dev", "Delete"), ("production", "Retain")])
def test_its_volume_stays_in_production_alone(profile: str, kept: str) -> None:
    spec = only(render(profile=f"values-{profile}.yaml"), "StatefulSet", _NAME)["spec"]
    assert spec["persistentVolumeClaimRetentionPolicy"]["whenDeleted"] == kept


@pytest.mark.parametrize("change", ["postgres.config.work_mem=8MB", "postgres.image=postgres:19"])
def test_a_change_that_it_reads_at_its_start_starts_it_anew(change: str) -> None:
    before, after = (only(render(*v), "StatefulSet", _NAME) for v in ((), (change,)))
    assert before["spec"]["template"] != after["spec"]["template"]


def test_nothing_of_it_is_left_out_when_all_is_on() -> None:
    documents = render(*EVERYTHING)
    (claim,) = only(documents, "StatefulSet", _NAME)["spec"]["volumeClaimTemplates"]
    assert claim["spec"]["storageClassName"] == "fast"


def postgres(documents: list[Document]) -> PodTemplate:
    (pod,) = (p for p in pod_templates(documents) if p.owner == f"StatefulSet {_NAME}")
    return pod


def database(documents: list[Document], name: str) -> tuple[Any, list[tuple[Any, ...]]]:
    """Return where the archive is for a component, and its files: Secret, key, path, optional."""
    (pod,) = (p for p in pod_templates(documents) if p.owner == f"Deployment cardwatch-{name}")
    (container,) = pod.spec["containers"]
    said = {each["name"]: each.get("value") for each in container["env"]}
    files = [
        (secret["name"], item["key"], item["path"], secret.get("optional", False))
        for volume in pod.spec.get("volumes", ())
        if volume["name"] == "database"
        for secret in (source["secret"] for source in volume["projected"]["sources"])
        for item in secret["items"]
    ]
    if files:
        (mount,) = (m for m in container["volumeMounts"] if m["name"] == "database")
        assert said["CARDWATCH_DATABASE_PASSWORD_FILE"] == f"{mount['mountPath']}/password"
    return said.get("CARDWATCH_DATABASE_URL"), files
