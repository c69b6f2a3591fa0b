import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from cardwatch_local.clean import clean, stack_names
from cardwatch_local.detached import connect, running_state, stop_running
from cardwatch_local.errors import StackError
from cardwatch_local.leftovers import end_leftovers
from cardwatch_local.settings import StackSettings, child_environment
from cardwatch_local.stack_lock import StackLock
from cardwatch_local.state import StackState, write_state


def test_clean_removes_what_cardwatch_made_and_nothing_else(tmp_path: Path) -> None:
    settings = StackSettings(home=tmp_path)
    settings.data_dir.mkdir(parents=True)
    settings.jars_dir.mkdir()
    (tmp_path / "thesis.txt").write_text("mine")
    assert stack_names(tmp_path) == ["default"]
    assert clean(settings) == [tmp_path / "stacks", tmp_path / "jars"]
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
    assert clean(settings) == []


def test_clean_can_keep_the_jars(tmp_path: Path) -> None:
    settings = StackSettings(home=tmp_path / "home")
    settings.data_dir.mkdir(parents=True)
    settings.jars_dir.mkdir()
    clean(settings, jars=False)
    assert settings.jars_dir.exists()
    clean(settings)
    assert not settings.home.exists()


def test_clean_refuses_while_a_stack_of_any_name_runs(tmp_path: Path) -> None:
    demo = StackSettings(home=tmp_path, name="demo")
    lock = StackLock(demo.stack_dir)
    lock.acquire()
    try:
        with pytest.raises(StackError, match="`cardwatch down --name demo`"):
            clean(StackSettings(home=tmp_path))
    finally:
        lock.release()
    assert demo.stack_dir.exists()


def test_without_a_stack_connect_says_how_to_start_one(tmp_path: Path) -> None:
    settings = StackSettings(home=tmp_path)
    with pytest.raises(StackError, match="no stack `default` is running: start it with"):
        connect(settings)
    assert not stop_running(settings)


def test_the_file_of_a_crashed_stack_does_not_count_as_running(tmp_path: Path) -> None:
    settings = StackSettings(home=tmp_path)
    state = StackState(name="default", status="ready", pid=1, started_at="", versions={})
    write_state(settings.state_file, state)
    assert running_state(settings) is None


def test_leftovers_of_this_stack_are_ended_and_no_others(tmp_path: Path) -> None:
    mine = StackSettings(home=tmp_path, name="mine")
    other = StackSettings(home=tmp_path, name="other")
    sleep = [sys.executable, "-c", "input()"]
    with (
        subprocess.Popen(
            sleep, env=child_environment(mine.mark), stdin=subprocess.PIPE
        ) as leftover,
        subprocess.Popen(
            sleep, env=child_environment(other.mark), stdin=subprocess.PIPE
        ) as bystander,
    ):
        assert end_leftovers(mine.stack_dir) == 1
        assert not psutil.pid_exists(leftover.pid)
        assert bystander.poll() is None
        bystander.kill()
    assert end_leftovers(mine.stack_dir) == 0
