"""Reading topics and offsets from a real broker, transactions of Kafka included."""

import threading
import time
from collections.abc import Iterator

import pytest
from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from cardwatch_contracts.topics import (
    ALERTS,
    CARDS,
    FEEDBACK,
    JOB_GROUP,
    MODELS,
    TRANSACTIONS,
    USER_HABITS,
    Topic,
)
from cardwatch_local.demo.drain import Drain
from cardwatch_local.endpoints import Endpoints
from cardwatch_local.errors import StackError
from cardwatch_local.reading import topic as reading
from cardwatch_local.reading.offsets import OffsetReader, progress
from cardwatch_local.reading.topic import beginnings, follow_topic, read_topic, value_of
from cardwatch_local.topics import create_topics


@pytest.fixture
def own_topic(stack_without_job: Endpoints, request: pytest.FixtureRequest) -> Iterator[Topic]:
    """A topic of two partitions for one test."""
    topic = Topic(name=f"reading-{abs(hash(request.node.name))}", key="any", partitions=2)
    create_topics(stack_without_job.bootstrap_servers, [topic])
    yield topic
    admin = AdminClient({"bootstrap.servers": stack_without_job.bootstrap_servers})
    admin.delete_topics([topic.name])[topic.name].result(10)


def values(
    kafka: str, topic: Topic, isolation: reading.Isolation = "read_committed"
) -> list[bytes]:
    return sorted(value_of(m) or b"" for m in read_topic(kafka, topic, isolation=isolation))


def transactional(kafka: str, name: str) -> Producer:
    producer = Producer({"bootstrap.servers": kafka, "transactional.id": name})
    producer.init_transactions(10)
    return producer


def send(kafka: str, topic: Topic, *texts: bytes) -> None:
    producer = Producer({"bootstrap.servers": kafka})
    for number, text in enumerate(texts):
        producer.produce(topic.name, text, partition=number % topic.partitions)
    assert producer.flush(10) == 0


def test_a_topic_is_read_to_its_end_and_no_further(
    stack_without_job: Endpoints, own_topic: Topic
) -> None:
    kafka = stack_without_job.bootstrap_servers
    assert values(kafka, own_topic) == []
    send(kafka, own_topic, b"a", b"b", b"c")
    assert values(kafka, own_topic) == [b"a", b"b", b"c"]


def test_a_topic_takes_the_largest_model_and_nothing_larger(stack_without_job: Endpoints) -> None:
    kafka, topic = stack_without_job.bootstrap_servers, MODELS
    margin = 1024  # of the batch around the record
    producer = Producer({"bootstrap.servers": kafka, "message.max.bytes": 2 * 9_437_184})
    refused: list[int | None] = []
    for size in (topic.max_message_bytes - margin, topic.max_message_bytes + margin):
        producer.produce(
            topic.name,
            bytes(size),
            key=f"large/{size}",
            on_delivery=lambda error, _: refused.append(None if error is None else error.code()),
        )
        assert producer.flush(30) == 0
    assert refused == [None, KafkaError.MSG_SIZE_TOO_LARGE]
    sizes = [len(value_of(m) or b"") for m in read_topic(kafka, topic)]
    producer.produce(topic.name, None, key=f"large/{max(sizes)}")
    assert producer.flush(10) == 0
    assert max(sizes) == topic.max_message_bytes - margin


def test_an_open_transaction_is_seen_by_who_reads_uncommitted_only(
    stack_without_job: Endpoints, own_topic: Topic
) -> None:
    kafka = stack_without_job.bootstrap_servers
    offsets = OffsetReader(kafka)
    producer = transactional(kafka, own_topic.name)
    producer.begin_transaction()
    producer.produce(own_topic.name, b"pending", partition=0)
    producer.flush(10)
    assert values(kafka, own_topic) == []
    assert values(kafka, own_topic, "read_uncommitted") == [b"pending"]
    assert offsets.ends([own_topic]) != offsets.ends([own_topic], committed=True)
    producer.commit_transaction(10)
    assert values(kafka, own_topic) == [b"pending"]
    assert offsets.ends([own_topic]) == offsets.ends([own_topic], committed=True)


def test_an_aborted_transaction_ends_the_wait_without_its_records(
    stack_without_job: Endpoints, own_topic: Topic
) -> None:
    kafka = stack_without_job.bootstrap_servers
    producer = transactional(kafka, own_topic.name)
    producer.begin_transaction()
    producer.produce(own_topic.name, b"never", partition=1)
    producer.flush(10)
    producer.abort_transaction(10)
    assert values(kafka, own_topic) == []


def test_following_yields_what_comes_and_stops_when_told(
    stack_without_job: Endpoints, own_topic: Topic
) -> None:
    kafka = stack_without_job.bootstrap_servers
    sender = threading.Timer(0.5, send, (kafka, own_topic, b"first", b"second"))
    sender.start()
    seen: list[bytes | None] = []
    deadline = time.monotonic() + 20
    for message in follow_topic(
        kafka,
        own_topic,
        start=beginnings(own_topic),
        stopped=lambda: len(seen) == 2 or time.monotonic() > deadline,
    ):
        seen.append(value_of(message))
    sender.join()
    assert sorted(filter(None, seen)) == [b"first", b"second"]


def test_offsets_at_a_time_are_those_of_the_first_record_as_young(
    stack_without_job: Endpoints, own_topic: Topic
) -> None:
    kafka = stack_without_job.bootstrap_servers
    send(kafka, own_topic, b"old", b"old")
    later_ms = time.time_ns() // 1_000_000 + 60_000
    producer = Producer({"bootstrap.servers": kafka})
    producer.produce(own_topic.name, b"young", partition=0, timestamp=later_ms)
    assert producer.flush(10) == 0
    found = OffsetReader(kafka).at_time([own_topic], later_ms)
    assert found == {(own_topic.name, 0): 1, (own_topic.name, 1): -1}


def test_progress_counts_what_a_group_has_behind_it(
    stack_without_job: Endpoints, own_topic: Topic
) -> None:
    kafka = stack_without_job.bootstrap_servers
    send(kafka, own_topic, b"a", b"b", b"c")
    commit(kafka, own_topic.name, TopicPartition(own_topic.name, 0, 1))
    offsets = OffsetReader(kafka)
    assert (
        progress(
            offsets.ends([own_topic]), offsets.of_group(own_topic.name, [own_topic]), own_topic
        )
        == 1
    )


def commit(kafka: str, group: str, *places: TopicPartition) -> None:
    consumer = Consumer({"bootstrap.servers": kafka, "group.id": group})
    consumer.commit(offsets=list(places), asynchronous=False)
    consumer.close()


def test_all_is_done_once_the_group_is_at_the_ends_and_alerts_are_committed(
    stack_without_job: Endpoints,
) -> None:
    kafka = stack_without_job.bootstrap_servers
    offsets = OffsetReader(kafka)
    drain = Drain(kafka, offsets)
    producer = Producer({"bootstrap.servers": kafka})
    producer.produce("transactions", b"{}", partition=3)
    assert producer.flush(10) == 0
    assert not drain.is_complete(), "the group has not judged it"
    with pytest.raises(StackError, match="did not judge and commit everything within 0 s"):
        drain.wait(timeout_s=0.2)
    alerts = transactional(kafka, "drain-test")
    alerts.begin_transaction()
    alerts.produce(ALERTS.name, b"{}", partition=0)
    # As the job does it: sent again under another key, in a Kafka transaction.
    alerts.produce("transactions-rekeyed", b"{}", partition=0)
    alerts.flush(10)
    ends = offsets.ends([TRANSACTIONS, CARDS, FEEDBACK, USER_HABITS])
    commit(kafka, JOB_GROUP, *(TopicPartition(*place, end) for place, end in ends.items() if end))
    assert not drain.is_complete(), "the alert is not committed"
    alerts.commit_transaction(10)
    assert not drain.is_complete(), "what was sent again is not judged"
    commit(kafka, JOB_GROUP, TopicPartition("transactions-rekeyed", 0, 1))
    assert drain.is_complete(), "only the mark of the transaction is left there"


def test_a_broker_that_is_gone_is_an_error_in_bounded_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reading, "RETRY_S", 1.0)
    before = time.monotonic()
    with pytest.raises(StackError, match=r"127\.0\.0\.1:1 has not answered for 1 s"):
        next(read_topic("127.0.0.1:1", ALERTS))
    with pytest.raises(StackError, match="Kafka did not tell its offsets"):
        OffsetReader("127.0.0.1:1", timeout_s=1.0).ends([ALERTS])
    assert time.monotonic() - before < 10
