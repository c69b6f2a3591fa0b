import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import pytest
from confluent_kafka import OFFSET_BEGINNING, Consumer, Message, TopicPartition
from valkey import Valkey

from cardwatch_contracts.card import PROFILE_KEY_PREFIX, CardProfile, decode_card
from cardwatch_contracts.codec import encode
from cardwatch_contracts.telemetry import TRACEPARENT_HEADER
from cardwatch_contracts.topics import CARDS, TRANSACTIONS
from cardwatch_contracts.trace_context import trace_id_of
from cardwatch_contracts.transaction import decode_transaction
from cardwatch_generator.banks import Bank
from cardwatch_generator.baselines import ValkeyBaselines
from cardwatch_generator.cardholder import build_population
from cardwatch_generator.clock import SystemClock
from cardwatch_generator.publish import KafkaSettings, KafkaSink, PublishError
from cardwatch_generator.run import run_generator, seed_cards
from cardwatch_generator.settings import GeneratorSettings, change_settings
from cardwatch_generator.stream import TransactionStream
from cardwatch_local.endpoints import Endpoints
from cardwatch_local.jar_lock import read_lock
from cardwatch_local.kafka import KafkaBroker
from cardwatch_local.settings import StackSettings
from cardwatch_local.topics import create_topics

_DEADLINE_S = 60.0


def _bank(name: str, tps: float = 200.0) -> tuple[Bank, ...]:
    """Return a bank of the test's own: the topics are shared with other tests."""
    return (Bank(id=name, first_user=10_000, last_user=19_999, tps=tps),)


@pytest.fixture
def kafka(stack_without_job: Endpoints) -> Iterator[KafkaSink]:
    sink = KafkaSink(KafkaSettings(bootstrap_servers=stack_without_job.bootstrap_servers))
    yield sink
    sink.close()


class _Tail:
    """Reads a topic from its beginning."""

    def __init__(self, bootstrap_servers: str, topic: str) -> None:
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap_servers,
                "group.id": "generator-tests",
                "enable.auto.commit": False,
            }
        )
        partitions = self._consumer.list_topics(topic, timeout=10).topics[topic].partitions
        self._consumer.assign(
            [TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in partitions]
        )

    def read(self, count: int, wanted: Callable[[Message], bool]) -> list[Message]:
        found: list[Message] = []
        deadline = time.monotonic() + _DEADLINE_S
        while len(found) < count and time.monotonic() < deadline:
            found.extend(filter(wanted, self._consumer.consume(1000, timeout=0.2)))
        return found

    def close(self) -> None:
        self._consumer.close()


@pytest.fixture
def tail(stack_without_job: Endpoints) -> Iterator[Callable[[str], _Tail]]:
    tails: list[_Tail] = []

    def open_tail(topic: str) -> _Tail:
        tails.append(_Tail(stack_without_job.bootstrap_servers, topic))
        return tails[-1]

    yield open_tail
    for each in tails:
        each.close()


def test_each_transaction_arrives_once_under_its_user_with_its_trace(
    kafka: KafkaSink, tail: Callable[[str], _Tail]
) -> None:
    transactions = tail(TRANSACTIONS.name)
    settings = GeneratorSettings(banks=_bank("ARRIVES"), cards=9_000, duration_s=10, pace="max")

    counts = run_generator(settings, sink=kafka, clock=SystemClock())

    assert counts.sent == counts.acknowledged > 1500
    assert counts.failed == 0
    messages = transactions.read(counts.sent, lambda m: b'"ARRIVES-' in (m.value() or b""))
    arrived = [decode_transaction(message.value()) for message in messages]
    assert len({txn.transaction_id for txn in arrived}) == len(arrived) == counts.sent
    assert sum(txn.label is not None for txn in arrived) == sum(counts.by_label.values()) > 0
    for message, txn in zip(messages, arrived, strict=True):
        assert message.key() == txn.user_id.encode()
        headers = dict(message.headers() or {})
        assert list(headers) == [TRACEPARENT_HEADER]
        assert trace_id_of(cast(bytes, headers[TRACEPARENT_HEADER]).decode()) is not None


def test_in_real_time_event_time_is_the_wall_clock(
    kafka: KafkaSink, tail: Callable[[str], _Tail]
) -> None:
    transactions = tail(TRANSACTIONS.name)
    settings = GeneratorSettings(banks=_bank("PACED", 50.0), cards=6_000, duration_s=3)

    counts = run_generator(settings, sink=kafka, clock=SystemClock())

    messages = transactions.read(counts.sent, lambda m: b'"PACED-' in (m.value() or b""))
    delays = [m.timestamp()[1] - decode_transaction(m.value()).event_time for m in messages]
    assert len(delays) == counts.acknowledged
    assert min(delays) >= 0
    assert sorted(delays)[len(delays) // 2] < 500


def test_cards_and_their_history_are_seeded(kafka: KafkaSink, tail: Callable[[str], _Tail]) -> None:
    cards, transactions = tail(CARDS.name), tail(TRANSACTIONS.name)
    settings = GeneratorSettings(banks=_bank("SEEDED"), cards=300)
    population = build_population(settings)
    seen: list[tuple[int, int]] = []

    counts = seed_cards(
        settings,
        sink=kafka,
        start_ms=SystemClock().now_ms(),
        population=population,
        on_progress=lambda sent, total: seen.append((sent, total)),
    )

    records = cards.read(300, lambda m: b'"SEEDED"' in (m.value() or b""))
    by_id = {card.card_id: card for card in population.records()}
    assert {decode_card(m.value()).card_id for m in records} == set(by_id)
    for message in records:
        card = decode_card(message.value())
        assert card == by_id[card.card_id]
        assert message.key() == f"{card.user_id}/{card.card_id}".encode()
    past = transactions.read(counts.sent, lambda m: b'"SEEDED-' in (m.value() or b""))
    assert len(past) == counts.acknowledged == counts.sent
    assert 6 * 300 <= counts.sent <= 9 * 300
    assert seen[-1] == (counts.sent, counts.sent)
    live = run_generator(
        change_settings(settings, tps={}, duration_s=1, pace="max"), sink=kafka, clock=SystemClock()
    )
    assert live.sent == live.acknowledged < counts.sent


def test_no_broker_is_an_error_with_its_address_in_bounded_time() -> None:
    before = time.monotonic()

    with pytest.raises(
        PublishError, match=r"no Kafka broker answered at 127\.0\.0\.1:1 within 1 s"
    ):
        KafkaSink(KafkaSettings(bootstrap_servers="127.0.0.1:1", connect_timeout_s=1.0))

    assert time.monotonic() - before < 5


def test_refused_kafka_settings_name_the_field() -> None:
    for field in ("linger_ms", "connect_timeout_s", "delivery_timeout_s", "flush_timeout_s"):
        with pytest.raises(ValueError, match=f"{field} -1"):
            KafkaSettings(bootstrap_servers="localhost:9092", **{field: -1})
    with pytest.raises(ValueError, match="bootstrap_servers is empty"):
        KafkaSettings(bootstrap_servers=" ")


@pytest.fixture
def own_broker(tmp_path: Path, fetched_jars: Path) -> Iterator[KafkaBroker]:
    jars = [fetched_jars / jar.path for jar in read_lock(["kafka"])]
    broker = KafkaBroker(StackSettings(home=tmp_path, name="generator-tests"), jars)
    try:
        broker.start()
        broker.wait_ready()
        yield broker
    finally:
        broker.stop()


def test_a_broker_that_goes_away_ends_the_run_in_bounded_time_with_the_loss_counted(
    own_broker: KafkaBroker,
) -> None:
    servers = own_broker.bootstrap_servers
    with pytest.raises(PublishError, match="no topic 'transactions'"):
        KafkaSink(KafkaSettings(bootstrap_servers=servers))
    create_topics(servers)
    sink = KafkaSink(
        KafkaSettings(bootstrap_servers=servers, delivery_timeout_s=3.0, flush_timeout_s=5.0)
    )
    stopped_at: list[float] = []

    def stop_the_broker_once() -> bool:
        if not stopped_at and sink.acknowledged > 50:
            own_broker.stop()
            stopped_at.append(time.monotonic())
        return False

    with pytest.raises(PublishError, match=f"Kafka at {servers} did not take a record within 3 s"):
        run_generator(
            GeneratorSettings(banks=_bank("LOST"), cards=9_000, duration_s=_DEADLINE_S),
            sink=sink,
            clock=SystemClock(),
            stop=stop_the_broker_once,
        )

    assert time.monotonic() - stopped_at[0] < 20
    assert sink.acknowledged > 50
    assert sink.failed > 0
    sink.close()


def test_baselines_come_from_valkey_and_what_it_does_not_know_is_counted(
    stack_without_job: Endpoints,
) -> None:
    known = CardProfile(
        card_id="tok_known", user_id="1", version=3, transactions=3, average_amount_minor=123.0
    )
    with Valkey.from_url(stack_without_job.valkey_url) as valkey:
        valkey.set(PROFILE_KEY_PREFIX + "tok_known", encode(known))
        valkey.set(PROFILE_KEY_PREFIX + "tok_broken", b"{")
    baselines = ValkeyBaselines(stack_without_job.valkey_url)

    profiles = baselines.lookup(["tok_known", "tok_broken", "tok_missing"])

    assert profiles == {"tok_known": known}
    assert (baselines.unknown, baselines.degraded) == (2, 0)
    baselines.close()


def test_a_stream_with_valkey_uses_its_averages(stack_without_job: Endpoints) -> None:
    settings = GeneratorSettings(
        seed=77,
        banks=_bank("LEARNED"),
        cards=2_000,
        anomaly_share=0.05,
        scenario_mix={"amount_spike": 1.0},
        duration_s=20,
        pace="max",
    )
    population = build_population(settings)
    with Valkey.from_url(stack_without_job.valkey_url) as valkey:
        for card, card_id in enumerate(population.card_ids):
            profile = CardProfile(
                card_id=card_id,
                user_id=str(population.user_id[card]),
                version=9,
                transactions=9,
                average_amount_minor=5_000_000.0,
                amounts=9,
            )
            valkey.set(PROFILE_KEY_PREFIX + card_id, encode(profile))
    baselines = ValkeyBaselines(stack_without_job.valkey_url)

    stream = TransactionStream(settings, start_ms=1_795_262_400_000, baselines=baselines)
    spikes = [t.amount_minor for batch in stream for t in batch.transactions if t.label]

    assert len(spikes) > 50
    assert min(spikes) > 5_000_000
    baselines.close()


def test_a_valkey_that_is_gone_costs_one_timeout_and_then_nothing() -> None:
    now_s = [0.0]
    baselines = ValkeyBaselines("redis://127.0.0.1:1", timeout_s=0.2, clock=lambda: now_s[0])

    assert baselines.lookup(["tok_a"]) == {}
    before = time.monotonic()
    assert all(baselines.lookup(["tok_a"]) == {} for _ in range(1000))
    assert time.monotonic() - before < 0.2
    assert baselines.degraded == 1001
