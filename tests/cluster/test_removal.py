from collections.abc import Iterator

import pytest
import yaml
from lightkube import Client, KubeConfig
from tests.cluster.cluster import Cluster
from tests.cluster.definitions import install_upstream

from cardwatch_operator.cluster import ClusterError
from cardwatch_operator.removal import remove

_FINALIZER = "strimzi.io/topic-operator"


@pytest.fixture
def client(api: Cluster) -> Iterator[Client]:
    install_upstream(api)
    with Client(KubeConfig.from_file(api.kubeconfig)) as client:
        yield client


def test_a_topic_that_nobody_lets_go_is_named(api: Cluster, client: Client) -> None:
    _make(api, "held", part_of="cardwatch", finalizers=[_FINALIZER])

    with pytest.raises(ClusterError, match=r"still there after 3 s: KafkaTopic held; does the"):
        remove(client, api.namespace, timeout_s=3)

    api.kubectl(
        "patch", "kafkatopic", "held", "--type=merge", "-p", '{"metadata":{"finalizers":[]}}'
    )
    remove(client, api.namespace, timeout_s=10)


def test_configs_and_our_topics_go_and_no_others(api: Cluster, client: Client) -> None:
    _make(api, "ours", part_of="cardwatch")
    _make(api, "theirs", part_of="shop")
    api.kubectl(
        "apply", "-f", "-", stdin=_document("cardwatch.dev/v1alpha1", "DetectorConfig", "x")
    )

    remove(client, api.namespace, timeout_s=10)

    assert api.kubectl("get", "dc", "-o", "name").stdout == ""
    assert api.kubectl("get", "kafkatopics", "-o", "name").stdout.split() == [
        "kafkatopic.kafka.strimzi.io/theirs"
    ]
    api.kubectl("delete", "kafkatopic", "theirs")


def _make(api: Cluster, name: str, *, part_of: str, finalizers: list[str] | None = None) -> None:
    labels = {"app.kubernetes.io/part-of": part_of, "strimzi.io/cluster": "cardwatch"}
    document = _document("kafka.strimzi.io/v1", "KafkaTopic", name, labels, finalizers)
    api.kubectl("apply", "-f", "-", stdin=document)


def _document(
    api_version: str,
    kind: str,
    name: str,
    labels: dict[str, str] | None = None,
    finalizers: list[str] | None = None,
) -> str:
    metadata = {"name": name, "labels": labels or {}, "finalizers": finalizers or []}
    return yaml.safe_dump(
        {"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": {}}
    )
