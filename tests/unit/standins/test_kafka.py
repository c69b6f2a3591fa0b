"""What the Strimzi stand-in makes of Kafka and KafkaNodePools."""

from typing import Any

import pytest
from tests.cluster.standins.kafka_cluster import KafkaCluster, Refused, read_cluster
from tests.cluster.standins.kafka_manifests import kafka_manifests
from tests.unit.standins.resources import KAFKA, SECURED_KAFKA, changed, node_pool

_DUAL = node_pool("dual", 1, "controller", "broker")
_PLAIN = KAFKA["spec"]["kafka"]["listeners"][0]


def _by_kind(cluster: KafkaCluster, kind: str) -> dict[str, dict[str, Any]]:
    found = [each for each in kafka_manifests(cluster) if each["kind"] == kind]
    return {each["metadata"]["name"]: each for each in found}


def _properties(cluster: KafkaCluster, name: str) -> dict[str, str]:
    text = _by_kind(cluster, "ConfigMap")[name]["data"]["server.properties"]
    return dict(line.split("=", 1) for line in text.splitlines())


def test_pods_and_their_claims_are_named_as_strimzi_does() -> None:
    (name, made), *others = _by_kind(read_cluster(KAFKA, [_DUAL]), "StatefulSet").items()

    assert not others
    assert name == "cardwatch-dual"
    assert made["spec"]["ordinals"] == {"start": 0}  # cardwatch-dual-0
    (claim,) = made["spec"]["volumeClaimTemplates"]
    assert claim["metadata"]["name"] == "data-0"  # data-0-cardwatch-dual-0


def test_clients_get_pod_names_and_the_host_gets_addresses() -> None:
    properties = _properties(read_cluster(KAFKA, [_DUAL]), "cardwatch-dual")

    host = "${POD_NAME}.cardwatch-kafka-brokers.shop.svc"
    assert properties["advertised.listeners"].split(",") == [
        f"REPLICATION://{host}:9091",
        f"PLAIN://{host}:9092",
        "HOST://${HOST_ADDRESS}:9095",
    ]
    assert properties["auto.create.topics.enable"] == "false"


def test_what_makes_it_a_cluster_is_not_for_the_resource_to_say() -> None:
    kafka = changed(KAFKA, "spec/kafka/config", {"listeners": "NONE://:1", "node.id": 7})

    properties = _properties(read_cluster(kafka, [_DUAL]), "cardwatch-dual")

    assert properties["node.id"] == "${NODE_ID}"
    assert properties["listeners"].startswith("CONTROLLER://")


def test_controllers_of_their_own_vote_and_serve_no_clients() -> None:
    pools = [node_pool("brokers", 2, "broker"), node_pool("controllers", 3, "controller")]
    cluster = read_cluster(KAFKA, pools)

    voters = _properties(cluster, "cardwatch-brokers")["controller.quorum.voters"].split(",")
    assert [voter.split("@")[0] for voter in voters] == ["10", "11", "12"]
    assert voters[0].startswith("10@cardwatch-controllers-10.")
    controllers = _properties(cluster, "cardwatch-controllers")
    assert controllers["process.roles"] == "controller"
    assert "advertised.listeners" not in controllers


def test_a_pool_that_has_ids_keeps_them_when_another_comes() -> None:
    pools = [node_pool("a-new-one", 1, "broker"), node_pool("dual", 1, "broker", node_ids=[0])]

    assert {pool.name: pool.node_ids for pool in read_cluster(KAFKA, pools).pools} == {
        "a-new-one": [10],
        "dual": [0],
    }


@pytest.mark.parametrize(
    ("kafka", "pools", "reason", "word"),
    [
        (
            changed(KAFKA, "spec/kafka/version", "4.1.0"),
            [_DUAL],
            "UnsupportedKafkaVersionException",
            "4.2.0, 4.2.1, 4.3.0, 4.3.1",
        ),
        (KAFKA, [], "InvalidResourceException", "controller role"),
        (KAFKA, [node_pool("c", 1, "controller")], "InvalidResourceException", "broker role"),
        (
            changed(KAFKA, "spec/kafka/config", {"default.replication.factor": 3}),
            [_DUAL],
            "InvalidResourceException",
            "only 1 Kafka broker",
        ),
        (
            changed(KAFKA, "spec/kafka/listeners", [_PLAIN | {"type": "nodeport"}]),
            [_DUAL],
            "NotHere",
            "listener plain: here only internal ones",
        ),
        (
            changed(KAFKA, "spec/kafka/listeners", [_PLAIN | {"authentication": {"type": "tls"}}]),
            [_DUAL],
            "NotHere",
            "without users or with scram-sha-512",
        ),
        (
            changed(KAFKA, "spec/kafka/authorization", {"type": "simple"}),
            [_DUAL],
            "NotHere",
            "listener plain: with authorization every listener here needs",
        ),
        (
            changed(SECURED_KAFKA, "spec/kafka/authorization/superUsers", ["root"]),
            [_DUAL],
            "NotHere",
            "without superUsers",
        ),
    ],
)
def test_what_strimzi_or_its_stand_in_cannot_do_is_refused(
    kafka: dict[str, Any], pools: list[dict[str, Any]], reason: str, word: str
) -> None:
    with pytest.raises(Refused, match=word) as refused:
        read_cluster(kafka, pools).check()

    assert refused.value.reason == reason


def test_deleting_a_kafka_or_a_pool_takes_along_what_was_made_for_it() -> None:
    cluster = read_cluster(KAFKA, [_DUAL])

    owners = {
        (each["kind"], each["metadata"]["ownerReferences"][0]["kind"])
        for each in kafka_manifests(cluster)
    }

    assert owners == {
        ("Service", "Kafka"),
        ("ConfigMap", "KafkaNodePool"),
        ("StatefulSet", "KafkaNodePool"),
    }
