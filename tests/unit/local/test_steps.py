import pytest

from cardwatch_local.progress import SilentListener
from cardwatch_local.state import Step
from cardwatch_local.steps import StepLog, StepReplay


class Recorder:
    def __init__(self) -> None:
        self.calls: list[tuple[object, ...]] = []

    def started(self, step: str, total: int | None) -> None:
        self.calls.append(("started", step, total))

    def advanced(self, step: str, done: int) -> None:
        self.calls.append(("advanced", step, done))

    def finished(self, step: str) -> None:
        self.calls.append(("finished", step))


EXPECTED = [
    ("started", "fetch", 2),
    ("advanced", "fetch", 1),
    ("advanced", "fetch", 2),
    ("finished", "fetch"),
    ("started", "start", None),
    ("finished", "start"),
]


def test_a_listener_hears_every_step_and_the_log_keeps_them() -> None:
    listener, changes = Recorder(), []
    log = StepLog(listener, changed=lambda: changes.append(list(log.steps)))
    with log.step("fetch", total=2) as advance:
        advance(1)
        advance(2)
    with log.step("start"):
        pass
    assert listener.calls == EXPECTED
    assert len(changes) == len(EXPECTED)
    assert log.steps == [
        Step(name="fetch", total=2, done=2, finished=True),
        Step(name="start", finished=True),
    ]


def test_a_step_that_fails_is_not_finished() -> None:
    log = StepLog(SilentListener(), changed=lambda: None)
    with pytest.raises(ValueError, match="no"), log.step("start"):
        raise ValueError("no")
    assert log.steps == [Step(name="start")]


def test_a_replay_of_every_change_tells_the_same() -> None:
    listener = Recorder()
    replay = StepReplay(listener)
    log = StepLog(SilentListener(), changed=lambda: replay.show(log.steps))
    with log.step("fetch", total=2) as advance:
        advance(1)
        advance(2)
    with log.step("start"):
        pass
    assert listener.calls == EXPECTED


def test_a_replay_that_missed_changes_catches_up() -> None:
    listener = Recorder()
    StepReplay(listener).show(
        [Step(name="fetch", total=2, done=2, finished=True), Step(name="start", finished=True)]
    )
    assert listener.calls == [call for call in EXPECTED if call != ("advanced", "fetch", 1)]
