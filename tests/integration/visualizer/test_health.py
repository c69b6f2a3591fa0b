"""How the platform is, asked of a real Kafka, a real Valkey and a real PostgreSQL."""

import uuid
from collections.abc import Iterator

import psycopg
import pytest
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from tests.integration.gateway.alerts import new_alert, send_alerts
from tests.integration.gateway.running import eventually
from tests.integration.visualizer.configs import (
    acknowledge,
    new_letter,
    new_name,
    now_ms,
    publish,
    set_aside,
)
from tests.integration.visualizer.running import Event, RunningVisualizer, events
from tests.unit.transactions import encoded_transaction

from cardwatch_contracts.database_settings import Database
from cardwatch_contracts.detector_config import ConfigAck, ConfigRecord
from cardwatch_contracts.topics import ALERTS, DEAD_LETTERS, FEEDBACK, TOPICS, TRANSACTIONS
from cardwatch_local.endpoints import Endpoints
from cardwatch_visualizer.archive.connection import Archive
from cardwatch_visualizer.archive.positions import archived_places
from cardwatch_visualizer.live.group_places import GroupPlaces
from cardwatch_visualizer.live.health import Place
from cardwatch_visualizer.live.letters import MOST, LastLetters, LettersAwayError
from cardwatch_visualizer.live.topic_looks import TopicLooks


@pytest.fixture
def admin(stack_without_job: Endpoints) -> AdminClient:
    return AdminClient({"bootstrap.servers": stack_without_job.bootstrap_servers})


def parts(event: Event) -> dict[str, dict[str, str]]:
    return {part["name"]: part for part in event.body["health"]["parts"]}


def test_kafka_tells_of_all_topics_how_far_they_reach_and_how_old_they_are(
    stack_without_job: Endpoints, admin: AdminClient
) -> None:
    looks = TopicLooks(admin)

    def is_led() -> bool:
        """Whether each partition has its leader, which those of a new topic get by and by."""
        try:
            looks.describe()
            looks.look_back()
        except KafkaException:
            return False
        return True

    eventually(is_led, "Kafka tells of all partitions")
    before = looks.look()
    assert looks.missing == ()
    assert before.keys() == {topic.name for topic in TOPICS}
    assert len(before[TRANSACTIONS.name].ends) == TRANSACTIONS.partitions
    assert looks.ids.keys() == before.keys()

    began_ms = now_ms()
    send_alerts(stack_without_job.bootstrap_servers, new_alert(), new_alert())
    looks.look_back()
    after = looks.look()[ALERTS.name]

    grown = sum(after.ends.values()) - sum(before[ALERTS.name].ends.values())
    assert grown == 2
    assert after.newest_at is not None
    assert began_ms - 1_000 <= after.newest_at <= now_ms() + 1_000


def test_a_group_is_where_it_has_committed(
    stack_without_job: Endpoints, admin: AdminClient
) -> None:
    group = f"a-{uuid.uuid4().hex}"  # the first by name: others are looked at later
    address = {"bootstrap.servers": stack_without_job.bootstrap_servers}
    producer = Producer(address)
    producer.produce(TRANSACTIONS.name, encoded_transaction(), b"u", partition=3)
    assert producer.flush(30) == 0
    consumer = Consumer({**address, "group.id": group, "enable.auto.commit": False})
    consumer.commit(offsets=[TopicPartition(TRANSACTIONS.name, 3, 1)], asynchronous=False)
    consumer.close()
    groups, looks = GroupPlaces(address, admin), TopicLooks(admin)
    looks.describe()

    def found() -> list[Place]:
        groups.find()
        return [place for place in groups.places(looks.partitions) if place.reader == group]

    eventually(found, "the group is found")
    assert found() == [Place(reader=group, topic=TRANSACTIONS.name, offsets={3: 1})]
    groups.close()


def test_the_archive_tells_how_far_it_is(archive_url: str) -> None:
    with psycopg.connect(archive_url) as connection:
        for topic_id, partition, offset in (("now", 0, 5), ("now", 1, 7), ("before", 0, 99)):
            connection.execute(
                "INSERT INTO archive_positions VALUES (%s, %s, %s, %s)",
                (FEEDBACK.name, topic_id, partition, offset),
            )
        may_read = connection.execute(
            "SELECT has_table_privilege('cardwatch_reader', 'analytics.positions', 'SELECT')"
        ).fetchone()
    archive = Archive(Database(url=archive_url))
    archive.open()
    try:
        places = archived_places(archive, {FEEDBACK.name: "now", ALERTS.name: "none"})
    finally:
        archive.close()
    assert places == [Place(reader="archive", topic=FEEDBACK.name, offsets={0: 5, 1: 7})]
    assert may_read == (True,)


def test_a_page_is_told_how_everything_is(
    visualizer: RunningVisualizer, stack_without_job: Endpoints
) -> None:
    def is_looked_at(event: Event) -> bool:
        health = event.body.get("health")
        return bool(health and health["topics"] and health["readers"] is not None)

    stream = events(visualizer.client)
    told = next(event for event in stream if is_looked_at(event))
    states = {name: part["state"] for name, part in parts(told).items()}
    assert states["archive"] == "well"
    assert states[ALERTS.name] == "well"
    assert states["gateway"] == "unknown"

    set_aside(stack_without_job.bootstrap_servers, *(new_letter() for _ in range(20)))
    warned = next(
        event
        for event in stream
        if event.body.get("health") and parts(event)[DEAD_LETTERS.name]["state"] == "warn"
    )
    assert any("cannot be read" in each for each in warned.body["health"]["troubles"])


def test_each_subtasks_word_is_told(
    visualizer: RunningVisualizer, stack_without_job: Endpoints
) -> None:
    name, kafka = new_name(), stack_without_job.bootstrap_servers
    run, started_at = uuid.uuid4().hex, now_ms()

    def ack(generation: int, subtask: int) -> ConfigAck:
        return ConfigAck(
            name=name, generation=generation, subtask=subtask, parallelism=2,
            applied_at=started_at, run=run, started_at=started_at,
        )  # fmt: skip

    publish(kafka, ConfigRecord(name=name, generation=2, created_at=started_at))
    acknowledge(kafka, ack(2, 0), ack(1, 1))

    def told(event: Event) -> bool:
        return any(
            acks["name"] == name and [each[0] for each in acks["subtasks"]] == [2, 1]
            for acks in event.body.get("acks") or []
        )

    assert next(event for event in events(visualizer.client) if told(event))


@pytest.fixture
def letters(stack_without_job: Endpoints) -> Iterator[LastLetters]:
    yield LastLetters(stack_without_job.bootstrap_servers)


def test_the_last_dead_letters_are_read_newest_first(
    letters: LastLetters, stack_without_job: Endpoints
) -> None:
    at = now_ms() + 60_000
    made = [new_letter(ingested_at=at + number, offset=number) for number in range(MOST + 10)]
    set_aside(stack_without_job.bootstrap_servers, *made)
    assert letters.read() == list(reversed(made))[:MOST]


def test_letters_of_an_aborted_transaction_are_none(
    letters: LastLetters, stack_without_job: Endpoints
) -> None:
    producer = Producer(
        {
            "bootstrap.servers": stack_without_job.bootstrap_servers,
            "transactional.id": f"letters-{uuid.uuid4().hex}",
        }
    )
    producer.init_transactions(30)
    producer.begin_transaction()
    producer.produce(DEAD_LETTERS.name, b"not a dead letter either", b"k")
    producer.flush(30)
    producer.abort_transaction(30)
    last = new_letter(ingested_at=now_ms() + 120_000)
    set_aside(stack_without_job.bootstrap_servers, last)
    assert letters.read()[0] == last


def test_without_kafka_it_is_said() -> None:
    with pytest.raises(LettersAwayError, match="Kafka does not hand over dead letters"):
        LastLetters("127.0.0.1:1").read()
