"""Ends a run after a number of transactions."""

from cardwatch_generator.batches import TransactionBatch
from cardwatch_generator.sinks import Counts, Sink, Tally


class LimitedSink:
    """Hands the first transactions on to another sink, counts them, and drops the rest."""

    def __init__(self, sink: Sink, *, limit: int | None) -> None:
        """Pass on `limit` transactions; None: all."""
        self._sink = sink
        self._left = limit
        self._tally = Tally(sink)

    @property
    def is_full(self) -> bool:
        """Whether the limit is reached; the run may end."""
        return self._left is not None and self._left <= 0

    @property
    def counts(self) -> Counts:
        """What was passed on."""
        return self._tally.counts()

    @property
    def acknowledged(self) -> int:
        """How many transactions are safe at the receiver."""
        return self._sink.acknowledged

    @property
    def failed(self) -> int:
        """How many transactions are lost."""
        return self._sink.failed

    def send(self, batch: TransactionBatch) -> None:
        """Pass on as much of a batch as the limit leaves."""
        if self._left is not None:
            batch = batch.part(0, min(len(batch), self._left))
            self._left -= len(batch)
        if len(batch):
            self._sink.send(batch)
            self._tally.add(batch)

    def check(self) -> None:
        """Raise what has gone wrong since."""
        self._sink.check()

    def flush(self) -> None:
        """Return when everything has arrived."""
        self._sink.flush()
