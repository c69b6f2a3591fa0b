import time

import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType
from valkey import Valkey

from cardwatch_contracts.topics import TOPICS, Topic
from cardwatch_local.endpoints import Endpoints
from cardwatch_local.errors import StackError
from cardwatch_local.topics import create_topics


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_each_topic_has_the_partitions_and_settings_of_the_contract(
    stack_without_job: Endpoints, topic: Topic
) -> None:
    admin = AdminClient({"bootstrap.servers": stack_without_job.bootstrap_servers})
    found = admin.list_topics(topic.name, timeout=10).topics[topic.name]
    assert len(found.partitions) == topic.partitions
    resource = ConfigResource(ResourceType.TOPIC, topic.name)
    settings = admin.describe_configs([resource])[resource].result(timeout=10)
    assert {key: settings[key].value for key in topic.config} == topic.config


def test_making_the_topics_again_changes_nothing(stack_without_job: Endpoints) -> None:
    create_topics(stack_without_job.bootstrap_servers)
    admin = AdminClient({"bootstrap.servers": stack_without_job.bootstrap_servers})
    names = {name for name in admin.list_topics(timeout=10).topics if not name.startswith("_")}
    assert names >= {topic.name for topic in TOPICS}


def test_a_topic_with_other_partitions_is_named_in_the_error(
    stack_without_job: Endpoints,
) -> None:
    changed = Topic(name=TOPICS[0].name, key="user_id", partitions=TOPICS[0].partitions + 1)
    with pytest.raises(StackError, match=rf"topic {changed.name} has 12 partitions.*needs 13"):
        create_topics(stack_without_job.bootstrap_servers, [changed])


def test_a_broker_that_is_gone_is_an_error_in_bounded_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("cardwatch_local.topics._TIMEOUT_S", 1.0)
    before = time.monotonic()
    with pytest.raises(StackError, match="the broker did not"):
        create_topics("127.0.0.1:1")
    assert time.monotonic() - before < 5


def test_what_is_produced_can_be_consumed_with_its_headers(stack_without_job: Endpoints) -> None:
    address = {"bootstrap.servers": stack_without_job.bootstrap_servers}
    producer = Producer(address)
    producer.produce(
        "feedback", key=b"stack-test", value=b"hello", headers=[("traceparent", b"00-ab-cd-01")]
    )
    assert producer.flush(10) == 0
    consumer = Consumer(
        {**address, "group.id": "stack-test", "auto.offset.reset": "earliest"},
    )
    try:
        consumer.subscribe(["feedback"])
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            message = consumer.poll(0.5)
            if message is not None and message.key() == b"stack-test":
                assert message.value() == b"hello"
                assert message.headers() == [("traceparent", b"00-ab-cd-01")]
                return
    finally:
        consumer.close()
    pytest.fail("the message did not come back within 20 s")


def test_valkey_keeps_a_value_and_refuses_rather_than_forgets_when_full(
    stack_without_job: Endpoints,
) -> None:
    with Valkey.from_url(stack_without_job.valkey_url) as client:
        client.set("stack-test", "1")
        assert client.get("stack-test") == b"1"
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
