import sys
import time
from collections.abc import Callable
from pathlib import Path

from cardwatch_visualizer.supervise import Part


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def a_part(script: str) -> Part:
    return Part("part", [sys.executable, "-c", script], {})


def test_a_part_that_ends_is_started_again(tmp_path: Path) -> None:
    log = tmp_path / "log"
    part = a_part(f"open({str(log)!r}, 'a').write('x')")

    def has_run_twice() -> bool:
        part.tend()
        return log.exists() and log.read_text() == "xx"

    until(has_run_twice)
    part.stop(time.monotonic() + 10)


def test_a_part_whose_settings_are_wrong_is_given_up() -> None:
    part = a_part("raise SystemExit(2)")
    part.tend()
    until(lambda: part.never_worked)


def test_a_part_that_does_not_end_is_killed() -> None:
    part = a_part("import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(600)")
    part.tend()
    part.begin_stop()
    began_s = time.monotonic()
    part.stop(time.monotonic() + 0.5)
    assert time.monotonic() - began_s < 10
