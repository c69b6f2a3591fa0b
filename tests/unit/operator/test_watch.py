import pytest
from tests.unit.operator.resource_samples import a_resource

from cardwatch_operator import watch as watch_module
from cardwatch_operator.watch import Watch


class Clock:
    """`time`, as slow as the test."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def monotonic(self) -> float:
        return self.now_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(watch_module, "time", clock)
    return clock


def test_what_was_heard_of_is_not_missed(clock: Clock) -> None:
    watch = Watch()
    watch.heard("uid-of-strict", 3)
    watch.heard("uid-of-strict", 2)
    assert watch.missed([a_resource(revision=3)]) == []
    clock.now_s = 1000
    assert watch.missed([a_resource(revision=3)]) == []


def test_what_is_listed_but_long_not_heard_of_is_missed(clock: Clock) -> None:
    watch = Watch()
    watch.heard("uid-of-strict", 1)
    assert watch.missed([a_resource(revision=2)]) == []
    clock.now_s = 30
    assert watch.missed([a_resource(revision=2)]) == []
    clock.now_s = 31
    assert watch.missed([a_resource(revision=2)]) == ["strict"]
    watch.heard("uid-of-strict", 2)
    assert watch.missed([a_resource(revision=2)]) == []


def test_each_revision_has_its_own_time_to_be_heard_of(clock: Clock) -> None:
    watch = Watch()
    assert watch.missed([a_resource(revision=1)]) == []
    clock.now_s = 31
    assert watch.missed([a_resource(revision=2)]) == []


def test_what_is_gone_and_made_again_is_another_one(clock: Clock) -> None:
    watch = Watch()
    watch.heard("uid-of-strict", 5)
    watch.heard("uid-of-strict", 0)
    watch.heard("never heard of", 0)
    assert watch.missed([a_resource(uid="another")]) == []
    clock.now_s = 31
    assert watch.missed([a_resource(uid="another")]) == ["strict"]
    assert watch.missed([]) == []
