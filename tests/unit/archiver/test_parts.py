import time
from collections.abc import Callable
from threading import Event, Thread

from cardwatch_archiver.kafka import KafkaFailedError
from cardwatch_archiver.metrics import ArchiverMetrics
from cardwatch_archiver.parts import Part, Parts
from cardwatch_contracts import telemetry as t

AtWork = Callable[[], None]


def fail(_at_work: AtWork) -> None:
    raise KafkaFailedError("no topic")


def break_down(_at_work: AtWork) -> None:
    raise ZeroDivisionError


def parts_of(*runs: Callable[[AtWork], None], stop: Event, metrics: ArchiverMetrics) -> Parts:
    parts = [Part(name=f"topic-{number}", run=run) for number, run in enumerate(runs)]
    return Parts(parts, stop=stop, metrics=metrics, restart_s=0.01)


def test_when_all_have_failed_it_ends() -> None:
    metrics = ArchiverMetrics()
    assert not parts_of(fail, break_down, stop=Event(), metrics=metrics).run()
    assert metrics.registry.get_sample_value(t.PART_FAILURES.name, {"topic": "topic-1"}) == 1


def test_one_that_fails_is_begun_again_beside_the_others() -> None:
    stop, metrics, begun = Event(), ArchiverMetrics(), []

    def work(at_work: AtWork) -> None:
        at_work()
        stop.wait(30)

    def fail_twice(at_work: AtWork) -> None:
        begun.append(time.monotonic())
        if len(begun) < 3:
            raise KafkaFailedError("no topic")
        at_work()
        stop.set()

    assert parts_of(work, fail_twice, stop=stop, metrics=metrics).run()
    assert len(begun) == 3
    assert metrics.registry.get_sample_value(t.PART_FAILURES.name, {"topic": "topic-1"}) == 2


def test_a_part_that_does_not_end_is_left_behind() -> None:
    stop, never = Event(), Event()

    def wait(_: object) -> None:
        never.wait(60)

    parts = parts_of(wait, stop=stop, metrics=ArchiverMetrics())
    results: list[bool] = []
    thread = Thread(target=lambda: results.append(parts.run()))
    thread.start()
    stop.set()
    thread.join(10)
    never.set()
    assert results == [True]
