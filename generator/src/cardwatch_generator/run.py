"""One run of the generator: the stream, paced, into a sink."""

from bisect import bisect_right
from collections.abc import Callable
from typing import Final

from cardwatch_generator.baselines import Baselines
from cardwatch_generator.batches import TransactionBatch
from cardwatch_generator.cardholder import Population, build_population
from cardwatch_generator.clock import Clock
from cardwatch_generator.publish import KafkaSink
from cardwatch_generator.seed import past_payments, past_transactions
from cardwatch_generator.settings import GeneratorSettings
from cardwatch_generator.sinks import Counts, Sink, Tally
from cardwatch_generator.stream import TransactionStream

_LONGEST_SLEEP_MS: Final = 50
_PROGRESS_EVERY_MS: Final = 250


def start_of(settings: GeneratorSettings, clock: Clock) -> int:
    """Return the event time at which a run that begins now starts, in milliseconds."""
    if settings.start_ms is not None:
        return settings.start_ms
    if settings.pace == "max" and settings.duration_s is not None:
        return clock.now_ms() - round(settings.duration_s * 1000)
    return clock.now_ms()


def run_generator(
    settings: GeneratorSettings,
    *,
    sink: Sink,
    clock: Clock,
    baselines: Baselines | None = None,
    population: Population | None = None,
    stop: Callable[[], bool] = lambda: False,
    on_progress: Callable[[Counts], None] | None = None,
) -> Counts:
    """Send the stream to `sink` until its duration is over or `stop` returns True.

    `population`, where it is at hand, must be that of `settings`. `on_progress` is called about
    four times a second and at the end; it must return quickly.

    Raises:
        PublishError: Kafka did not take a transaction in time.
        OSError: the file could not be written.
    """
    population = population or build_population(settings)
    stream = TransactionStream(
        settings, start_ms=start_of(settings, clock), baselines=baselines, population=population
    )
    run = _Run(sink=sink, clock=clock, stop=stop, on_progress=on_progress)
    for batch in stream:
        if settings.pace == "real":
            run.send_in_time(batch)
        else:
            run.send(batch)
        if stop():
            break
    return run.finish()


def seed_cards(
    settings: GeneratorSettings,
    *,
    sink: KafkaSink,
    start_ms: int,
    population: Population | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> Counts:
    """Publish the cards on record, then their history before `start_ms`, and wait for both.

    `on_progress` is called with the transactions sent and how many are expected.

    Raises:
        PublishError: Kafka did not take a record in time.
    """
    population = population or build_population(settings)
    sink.send_cards(population.records())
    tally = Tally(sink)
    payments = past_payments(settings, population, start_ms=start_ms)
    sent = 0
    for batch in past_transactions(settings, population, payments, start_ms=start_ms):
        sink.send(batch)
        tally.add(batch)
        sent += len(batch)
        if on_progress:
            on_progress(sent, len(payments))
    sink.flush()
    return tally.counts()


class _Run:
    """What is going on in one run."""

    def __init__(
        self,
        *,
        sink: Sink,
        clock: Clock,
        stop: Callable[[], bool],
        on_progress: Callable[[Counts], None] | None,
    ) -> None:
        self._sink = sink
        self._clock = clock
        self._stop = stop
        self._on_progress = on_progress
        self._tally = Tally(sink)
        self._progress_at_ms = clock.now_ms()

    def send(self, batch: TransactionBatch, *, lag_ms: int = 0) -> None:
        """Send a batch at once."""
        if len(batch):
            self._sink.send(batch)
            self._tally.add(batch, lag_ms=lag_ms)
        self._report()

    def send_in_time(self, batch: TransactionBatch) -> None:
        """Send each transaction when its event time has come; what is late goes at once."""
        times_ms = [txn.event_time for txn in batch.transactions]
        first = 0
        while first < len(times_ms) and not self._stop():
            now_ms = self._clock.now_ms()
            last = bisect_right(times_ms, now_ms, lo=first)
            if last > first:
                self.send(batch.part(first, last), lag_ms=now_ms - times_ms[last - 1])
                first = last
            else:
                self._sink.check()
                self._report()
                wait_ms = min(times_ms[first] - now_ms, _LONGEST_SLEEP_MS)
                self._clock.sleep(wait_ms / 1000)

    def finish(self) -> Counts:
        """Wait until everything has arrived and return the counts."""
        self._sink.flush()
        counts = self._tally.counts()
        if self._on_progress:
            self._on_progress(counts)
        return counts

    def _report(self) -> None:
        now_ms = self._clock.now_ms()
        if self._on_progress and now_ms >= self._progress_at_ms:
            self._progress_at_ms = now_ms + _PROGRESS_EVERY_MS
            self._on_progress(self._tally.counts())
