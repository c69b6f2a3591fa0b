"""Transactions that trip every detector, sent to a job of its own, and waiting for its answer."""

import random
import time
from collections.abc import Callable, Sequence
from itertools import count
from typing import Protocol

from confluent_kafka import Producer
from msgspec.structs import replace

from cardwatch_contracts.card import Card, card_key, decode_card_profile
from cardwatch_contracts.codec import encode
from cardwatch_contracts.detector_config import ConfigRecord
from cardwatch_contracts.topics import ALERTS, CARD_PROFILES, DETECTOR_CONFIGS, TRANSACTIONS
from cardwatch_contracts.transaction import Transaction
from cardwatch_local.demo.drain import Drain
from cardwatch_local.reading.offsets import OffsetReader
from cardwatch_local.reading.topic import read_topic, value_of

_DAY_MS = 86_400_000
_USERS = 40
_CITIES = ((52.52, 13.40), (48.86, 2.35), (40.71, -74.01), (35.68, 139.69))


class Draws:
    """Seeded transactions of a few users that trip every detector.

    `silence` is how likely all users are silent for 95 days before a transaction. Event time must
    not reach the present, ten years after the first: what comes from the future is refused.
    """

    def __init__(self, silence: float = 0.0007) -> None:
        self._silence = silence
        self._random = random.Random(20261121)
        self._numbers = count()
        self._time_ms = time.time_ns() // 1_000_000 - 3_600 * _DAY_MS
        self._user = 0

    def draw(self) -> Transaction:
        """Draw a transaction; users come in bursts, and now and then all are silent for long."""
        draw = self._random
        if draw.random() < 0.1:
            self._user = draw.randrange(_USERS)
            self._time_ms += 600_000
        if draw.random() < self._silence:
            self._time_ms += 95 * _DAY_MS
        self._time_ms += draw.choice((500, 4_000, 60_000))
        user = self._user
        latitude, longitude = draw.choice(_CITIES) if draw.random() < 0.2 else _CITIES[0]
        amount = int(draw.lognormvariate(8.5, 1.0))
        if draw.random() < 0.1:
            amount = draw.choice((-500, 9_500, 9_900, 9_950, 1_500_000))
        return Transaction(
            transaction_id=f"t-{next(self._numbers)}",
            event_time=self._time_ms - draw.choice((0, 0, 0, 30_000)),
            user_id=f"u{user}",
            card_id=f"tok_{user}_{draw.randrange(2)}",
            bank_id="A",
            payment_system="visa",
            amount_minor=amount,
            currency="EUR",
            merchant_id="m-1",
            merchant_category="grocery",
            country="DE",
            city="Berlin",
            latitude=latitude,
            longitude=longitude,
            pin_used=draw.random() < 0.4,
            channel="chip",
        )


class Feed:
    """Transactions drawn at random, sent under their keys."""

    def __init__(self, bootstrap_servers: str, draws: Draws | None = None) -> None:
        self.draw = (draws or Draws()).draw
        self._producer = Producer(
            {"bootstrap.servers": bootstrap_servers, "enable.idempotence": True}
        )

    def send_cards(self) -> None:
        for number in range(_USERS):
            card = Card(
                card_id=f"tok_{number}_0",
                user_id=f"u{number}",
                bank_id="A",
                payment_system="visa",
                currency="EUR",
                card_limit_minor=300_000,
            )
            self._producer.produce("cards", encode(card), card_key(card))
        self._flush()

    def send(self, transactions: int) -> None:
        for _ in range(transactions):
            txn = self.draw()
            self._producer.produce(TRANSACTIONS.name, encode(txn), txn.user_id.encode())
        self._flush()

    def send_under_wrong_keys(self, transactions: int) -> None:
        for _ in range(transactions):
            txn = replace(self.draw(), amount_minor=2_000_000)
            self._producer.produce(TRANSACTIONS.name, encode(txn), b"somebody-else")
        self._flush()

    def send_values(self, values: Sequence[bytes | None]) -> None:
        for value in values:
            self._producer.produce(TRANSACTIONS.name, value, b"u1")
        self._flush()

    def send_config(self, record: ConfigRecord) -> None:
        self._producer.produce(DETECTOR_CONFIGS.name, encode(record), record.name.encode())
        self._flush()

    def _flush(self) -> None:
        assert self._producer.flush(20) == 0


class Broker(Protocol):
    """A stack or a cluster, as far as its broker."""

    @property
    def bootstrap_servers(self) -> str: ...


def drain(stack: Broker) -> None:
    """Wait until the job has judged and committed all there is."""
    reader = OffsetReader(stack.bootstrap_servers)
    Drain(stack.bootstrap_servers, reader).wait(timeout_s=120)


def wait_until(condition: Callable[[], bool], what: str, timeout_s: float = 60) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"not within {timeout_s:.0f} s: {what}"
        time.sleep(0.1)


def alerts_committed(stack: Broker) -> int:
    """Count the alerts that a consumer sees that reads committed."""
    return sum(1 for _ in read_topic(stack.bootstrap_servers, ALERTS))


def judged(stack: Broker) -> int:
    """Count the transactions judged, where no card has more than ten: each brings a profile."""
    profiles = (
        decode_card_profile(value_of(m)) for m in read_topic(stack.bootstrap_servers, CARD_PROFILES)
    )
    return len({(profile.card_id, profile.version) for profile in profiles if profile.transactions})


def wait_judged(stack: Broker, transactions: int) -> None:
    """Wait until so many were judged since the broker's start, and not one more."""
    wait_until(lambda: judged(stack) >= transactions, f"{transactions} transactions judged")
    assert judged(stack) == transactions
