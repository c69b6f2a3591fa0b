import io

import pytest

from cardwatch_contracts.transaction import decode_transaction
from cardwatch_generator.batches import TransactionBatch
from cardwatch_generator.run import run_generator, start_of
from cardwatch_generator.settings import GeneratorSettings
from cardwatch_generator.sinks import Counts, JsonLinesSink

_NOW_MS = 1_795_262_400_000


class SimulatedClock:
    """A clock that moves only when somebody sleeps."""

    def __init__(self) -> None:
        self.time_ms = float(_NOW_MS)
        self.slept: list[float] = []

    def now_ms(self) -> int:
        return int(self.time_ms)

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.slept.append(seconds)
        self.time_ms += seconds * 1000


class TimedSink:
    """Remembers when each transaction came."""

    failed = 0

    def __init__(self, clock: SimulatedClock) -> None:
        self._clock = clock
        self.came: list[tuple[int, int]] = []
        self.flushed = 0

    @property
    def acknowledged(self) -> int:
        return len(self.came)

    def send(self, batch: TransactionBatch) -> None:
        now_ms = self._clock.now_ms()
        self.came.extend((now_ms, txn.event_time) for txn in batch.transactions)

    def check(self) -> None:
        pass

    def flush(self) -> None:
        self.flushed += 1


def test_in_real_time_each_transaction_leaves_when_its_event_time_has_come() -> None:
    clock = SimulatedClock()
    sink = TimedSink(clock)

    counts = run_generator(GeneratorSettings(duration_s=5), sink=sink, clock=clock)

    assert counts.sent == len(sink.came) > 300
    assert all(0 <= came - event_time <= 1 for came, event_time in sink.came)
    assert max(clock.slept) <= 0.05
    assert sink.flushed == 1


def test_at_full_speed_nobody_sleeps_and_the_stream_ends_now() -> None:
    clock = SimulatedClock()
    sink = TimedSink(clock)
    settings = GeneratorSettings(duration_s=5, pace="max")

    run_generator(settings, sink=sink, clock=clock)

    assert start_of(settings, clock) == _NOW_MS - 5000
    assert clock.slept == []
    assert _NOW_MS - 5000 <= sink.came[0][1] <= sink.came[-1][1] < _NOW_MS


def test_a_run_stops_when_told_and_flushes() -> None:
    clock = SimulatedClock()
    sink = TimedSink(clock)

    counts = run_generator(
        GeneratorSettings(), sink=sink, clock=clock, stop=lambda: len(sink.came) >= 100
    )

    assert 100 <= counts.sent < 120
    assert sink.flushed == 1


def test_progress_is_shown_four_times_a_second_and_at_the_end() -> None:
    clock = SimulatedClock()
    seen: list[Counts] = []

    counts = run_generator(
        GeneratorSettings(duration_s=5, anomaly_share=0.2),
        sink=TimedSink(clock),
        clock=clock,
        on_progress=seen.append,
    )

    assert 18 <= len(seen) <= 22
    assert seen[-1] == counts
    assert counts.genuine + sum(counts.by_label.values()) == counts.sent
    assert counts.by_label


def test_json_lines_are_the_same_for_the_same_seed_and_start() -> None:
    settings = GeneratorSettings(duration_s=5, pace="max", start_ms=_NOW_MS)
    files = [io.BytesIO(), io.BytesIO()]
    for file in files:
        run_generator(settings, sink=JsonLinesSink(file), clock=SimulatedClock())

    lines = files[0].getvalue().splitlines()
    assert files[0].getvalue() == files[1].getvalue()
    assert [decode_transaction(line).bank_id for line in lines].count("A") > 200


def test_a_file_that_cannot_be_written_ends_the_run() -> None:
    file = io.BytesIO()
    file.close()

    with pytest.raises(ValueError, match="closed file"):
        run_generator(
            GeneratorSettings(duration_s=5, pace="max"),
            sink=JsonLinesSink(file),
            clock=SimulatedClock(),
        )
