import pytest
from tests.unit.charts.rendering import FIRST_BUILD_S, Document, only, render

pytestmark = pytest.mark.timeout(FIRST_BUILD_S)


@pytest.mark.parametrize(
    ("brokers", "copies", "in_sync"), [(1, 1, 1), (2, 2, 1), (3, 3, 2), (5, 3, 2)]
)
def test_records_are_kept_as_often_as_there_are_brokers_for(
    brokers: int, copies: int, in_sync: int
) -> None:
    documents = render(f"kafka.brokers.replicas={brokers}")
    config = only(documents, "Kafka")["spec"]["kafka"]["config"]

    for key, value in config.items():
        if key.endswith("replication.factor"):
            assert value == copies, key
        if key.endswith((".isr", "insync.replicas")):
            assert value == in_sync, key
    assert {topic["spec"]["replicas"] for topic in topics(documents)} == {copies}


def test_a_transaction_may_be_open_as_long_as_transactions_are_kept() -> None:
    documents = render()
    config = only(documents, "Kafka")["spec"]["kafka"]["config"]
    kept = only(documents, "KafkaTopic", "transactions")["spec"]["config"]["retention.ms"]

    assert config["transaction.max.timeout.ms"] == kept
    assert config["auto.create.topics.enable"] is False
    arguments = only(documents, "FlinkDeployment")["spec"]["job"]["args"]
    assert arguments[arguments.index("--transaction-timeout-ms") + 1] == kept


def test_own_settings_of_the_brokers_win() -> None:
    documents = render(
        "kafka.config.min\\.insync\\.replicas=1",
        "kafka.config.log\\.segment\\.bytes=134217728",
    )
    config = only(documents, "Kafka")["spec"]["kafka"]["config"]
    assert config["min.insync.replicas"] == 1
    assert config["log.segment.bytes"] == 134217728


def test_a_single_pool_has_both_roles_unless_there_are_controllers() -> None:
    assert pools(render()) == {"cardwatch-dual": (1, ["controller", "broker"])}
    assert pools(render(profile="values-production.yaml")) == {
        "cardwatch-controllers": (3, ["controller"]),
        "cardwatch-brokers": (3, ["broker"]),
    }


def test_in_production_records_survive_the_loss_of_a_node() -> None:
    documents = render(profile="values-production.yaml")
    config = only(documents, "Kafka")["spec"]["kafka"]["config"]
    assert (config["default.replication.factor"], config["min.insync.replicas"]) == (3, 2)
    for pool in (document for document in documents if document["kind"] == "KafkaNodePool"):
        (volume,) = pool["spec"]["storage"]["volumes"]
        assert volume["type"] == "persistent-claim"
        assert volume["deleteClaim"] is False
        hosts, _ = pool["spec"]["template"]["pod"]["topologySpreadConstraints"]
        assert hosts["topologyKey"] == "kubernetes.io/hostname"
        assert hosts["whenUnsatisfiable"] == "DoNotSchedule"
        own = {"strimzi.io/cluster": "cardwatch", "strimzi.io/pool-name": pool["metadata"]["name"]}
        assert hosts["labelSelector"]["matchLabels"] == own


def test_what_is_ephemeral_has_no_claim() -> None:
    documents = render("kafka.brokers.storage.type=ephemeral", "kafka.brokers.storage.size=1Gi")
    (volume,) = only(documents, "KafkaNodePool")["spec"]["storage"]["volumes"]
    assert volume == {"id": 0, "kraftMetadata": "shared", "type": "ephemeral", "sizeLimit": "1Gi"}


def test_every_topic_says_whose_it_is() -> None:
    for topic in topics(render()):
        assert topic["metadata"]["labels"]["strimzi.io/cluster"] == "cardwatch"
        # By this a removal knows them.
        assert topic["metadata"]["labels"]["app.kubernetes.io/part-of"] == "cardwatch"


def topics(documents: list[Document]) -> list[Document]:
    return [document for document in documents if document["kind"] == "KafkaTopic"]


def pools(documents: list[Document]) -> dict[str, tuple[int, list[str]]]:
    return {
        document["metadata"]["name"]: (document["spec"]["replicas"], document["spec"]["roles"])
        for document in documents
        if document["kind"] == "KafkaNodePool"
    }
