"""Payments and labels into the running job, alerts out of it, each waited for."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

import numpy as np
from confluent_kafka import Consumer, Producer

from benchmarks.errors import BenchError
from benchmarks.scorecard.protocol import Rows
from benchmarks.scorecard.records import World
from benchmarks.scorecard.seen import Seen
from cardwatch_contracts.topics import ALERTS, FEEDBACK, TRANSACTIONS, Topic
from cardwatch_local.demo.drain import Drain
from cardwatch_local.reading.offsets import OffsetReader
from cardwatch_local.reading.topic import beginnings, read_topic, value_of
from cardwatch_local.training.payments import FRAUDULENT, Paid, Payments
from cardwatch_operator.reader import new_consumer

_PATIENCE_S: Final = 0.02
_BATCH: Final = 5_000
_FLUSH_S: Final = 60.0
_LONGEST_S: Final = 300.0
"""How long the job may take for what it was given last."""
_LOOK_S: Final = 0.05


class Feed:
    """Gives a job payments and labels, in every world the same, and reads what it says of them."""

    def __init__(
        self,
        bootstrap_servers: str,
        payments: Payments,
        worlds: Sequence[World],
        *,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        """Speak to the Kafka at `bootstrap_servers`; `check` raises what keeps the job from it."""
        self._servers = bootstrap_servers
        self._payments = payments
        self._worlds = worlds
        self._check = check
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap_servers,
                "linger.ms": 5,
                "compression.type": "lz4",
                "log_level": 0,
                "queue.buffering.max.messages": 1_000_000,
            }
        )
        self._consumer: Consumer = new_consumer(bootstrap_servers, isolation="read_uncommitted")
        self._consumer.assign(beginnings(ALERTS))
        self.seen = Seen(worlds, payments.transaction_id.tolist())

    def pay(self, rows: Rows, *, per_s: float | None = None) -> None:
        """Send payments, in their order; `per_s` so many a second, else as fast as it goes."""
        began_s = time.monotonic()
        for number, paid in enumerate(self._paid(rows)):
            if per_s is not None:
                self._pace(began_s + number / per_s)
            for world in self._worlds:
                self._produce(TRANSACTIONS, *world.transaction(paid))
        self._flush()

    def tell(self, rows: Rows) -> None:
        """Send what became known of payments, with what alerts in the first world said of them.

        Raises:
            BenchError: one of them has no alert with what the label has to say.
        """
        bank_id = self._worlds[0].bank_id
        deviations = self.seen.of[bank_id].deviations[rows]
        if np.isnan(deviations).any():
            raise BenchError(
                f"{int(np.isnan(deviations).sum()):,} alerts in {bank_id} do not say by how much "
                "the amount deviates: did no model judge these payments?"
            )
        for world in self._worlds:
            told = zip(self._paid(rows), rows.tolist(), deviations.tolist(), strict=True)
            for paid, row, deviation in told:
                key, value = world.feedback(
                    paid,
                    fraudulent=bool(self._payments.label[row] == FRAUDULENT),
                    given_at=int(self._payments.known_at[row]),
                    amount_deviations=deviation,
                )
                self._produce(FEEDBACK, key, value)
        self._flush()

    def wait_heard(self, now_ms: int) -> None:
        """Return once every subtask has taken every label that was sent. `now_ms`: in event time.

        Raises:
            BenchError: one has not within some minutes.
        """
        marks = self.seen.marks
        for partition, key, value in marks.labels(now_ms):
            self._produce(FEEDBACK, key, value, partition)
        self._flush()
        deadline_s = time.monotonic() + _LONGEST_S
        while not marks.are_heard:
            if time.monotonic() > deadline_s:
                raise BenchError(
                    f"the job has not taken all of topic {FEEDBACK.name} after {_LONGEST_S:.0f} s"
                )
            self.wait_marked(now_ms)

    def wait_marked(self, now_ms: int) -> None:
        """Return once every payment that was sent is judged, those without an alert too.

        `now_ms`: in event time.

        Raises:
            BenchError: one is not within some minutes.
        """
        for partition, key, value in self.seen.marks.payments(now_ms):
            self._produce(TRANSACTIONS, key, value, partition)
        self._flush()
        self._read_until(lambda: self.seen.marks.unjudged, "marks")

    def wait_alerts(self, rows: Rows, worlds: Iterable[World]) -> None:
        """Return once these payments have their alerts, in each of these worlds.

        Raises:
            BenchError: one has none within some minutes.
        """
        waited = tuple(worlds)
        self._read_until(lambda: self.seen.without_alert(waited, rows), "payments")

    def wait_judged(self) -> None:
        """Return once every payment that was sent is judged and all alerts there are were taken."""
        Drain(self._servers, OffsetReader(self._servers)).wait(timeout_s=_LONGEST_S)
        for message in read_topic(self._servers, ALERTS):
            self.seen.take(value_of(message))

    def close(self) -> None:
        """Let go of the connections."""
        self._consumer.close()

    def _paid(self, rows: Rows) -> Iterator[Paid]:
        return self._payments.where(rows).rows()

    def _produce(self, topic: Topic, key: bytes, value: bytes, partition: int = -1) -> None:
        """Send a record; the key chooses a partition where none is named."""
        while True:
            try:
                self._producer.produce(topic.name, value, key, partition)
            except BufferError:
                self._producer.poll(_LOOK_S)
            else:
                return

    def _flush(self) -> None:
        if left := self._producer.flush(_FLUSH_S):
            raise BenchError(f"Kafka did not take {left:,} records within {_FLUSH_S:.0f} s")

    def _pace(self, due_s: float) -> None:
        self._producer.poll(0)
        while (early_s := due_s - time.monotonic()) > 0:
            if not self._read(min(early_s, _PATIENCE_S)):
                time.sleep(min(max(0.0, due_s - time.monotonic()), _PATIENCE_S))

    def _read_until(self, lacking: Callable[[], int], what: str) -> None:
        deadline_s = time.monotonic() + _LONGEST_S
        while count := lacking():
            if not self._read() and time.monotonic() > deadline_s:
                raise BenchError(f"{count:,} {what} have no alert after {_LONGEST_S:.0f} s")

    def _read(self, patience_s: float = _PATIENCE_S) -> bool:
        """Take alerts that have come; return whether there were any."""
        some = False
        for message in self._consumer.consume(_BATCH, timeout=patience_s):
            if message.error() is None:
                self.seen.take(value_of(message))
                some = True
        if not some:
            self._check()
        return some
