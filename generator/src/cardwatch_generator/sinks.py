"""Where transactions go, and how many have gone there."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import BinaryIO, Protocol

from cardwatch_contracts.codec import encode
from cardwatch_generator.batches import TransactionBatch


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What has become of the transactions so far."""

    sent: int = 0
    acknowledged: int = 0
    """Safe at the receiver."""
    failed: int = 0
    by_label: Mapping[str, int] = field(default_factory=dict)
    """Transactions sent by scenario; the others are genuine."""
    event_time_ms: int | None = None
    """Event time of the latest transaction sent."""
    lag_ms: int = 0
    """How long after its event time that one was sent, with pace `real`."""

    @property
    def genuine(self) -> int:
        """How many of `sent` no scenario injected."""
        return self.sent - sum(self.by_label.values())


class Sink(Protocol):
    """Takes transactions."""

    @property
    def acknowledged(self) -> int:
        """How many transactions are safe at the receiver."""
        ...

    @property
    def failed(self) -> int:
        """How many transactions are lost."""
        ...

    def send(self, batch: TransactionBatch) -> None:
        """Take a batch. May return before it has arrived."""
        ...

    def check(self) -> None:
        """Raise what has gone wrong since; called often while there is nothing to send."""
        ...

    def flush(self) -> None:
        """Return when everything has arrived; raise where it has not in time."""
        ...


class Tally:
    """Counts what one run sends to a sink, which may have served others before."""

    __slots__ = ("_before", "_by_label", "_event_time_ms", "_lag_ms", "_sent", "_sink")

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._before = (sink.acknowledged, sink.failed)
        self._sent = 0
        self._by_label: Counter[str] = Counter()
        self._event_time_ms: int | None = None
        self._lag_ms = 0

    def add(self, batch: TransactionBatch, *, lag_ms: int = 0) -> None:
        """Count a batch, not empty, that was given to a sink."""
        self._sent += len(batch)
        self._by_label.update(txn.label for txn in batch.transactions if txn.label)
        self._event_time_ms = batch.transactions[-1].event_time
        self._lag_ms = lag_ms

    def counts(self) -> Counts:
        """Return the counts with what the sink knows."""
        acknowledged, failed = self._before
        return Counts(
            sent=self._sent,
            acknowledged=self._sink.acknowledged - acknowledged,
            failed=self._sink.failed - failed,
            by_label=dict(self._by_label),
            event_time_ms=self._event_time_ms,
            lag_ms=self._lag_ms,
        )


def write_jsonl(batch: TransactionBatch, file: BinaryIO) -> None:
    """Write the transactions as JSON lines, encoded as they are for Kafka."""
    file.writelines(encode(txn) + b"\n" for txn in batch.transactions)


class JsonLinesSink:
    """Writes transactions to a file or standard output, one JSON object a line."""

    failed = 0

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.acknowledged = 0

    def send(self, batch: TransactionBatch) -> None:
        """Write a batch."""
        write_jsonl(batch, self._file)
        self.acknowledged += len(batch)

    def check(self) -> None:
        """Nothing can go wrong later: `send` raises."""

    def flush(self) -> None:
        """Flush the file."""
        self._file.flush()
