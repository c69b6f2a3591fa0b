import resource
import socket
from pathlib import Path

import pytest

from cardwatch_local.errors import StackError
from cardwatch_local.preflight import (
    check_machine,
    disk_problem,
    home_problem,
    memory_problem,
    open_files_problem,
)
from cardwatch_local.settings import StackSettings

GIB = 1024**3


def test_a_machine_with_room_has_no_problem(tmp_path: Path) -> None:
    check_machine(StackSettings(home=tmp_path / "home"))


def test_too_little_disk_says_how_much_and_what_to_do(tmp_path: Path) -> None:
    assert disk_problem(free_bytes=2 * GIB, folder=tmp_path) is None
    problem = disk_problem(free_bytes=2 * GIB - 200_000_000, folder=tmp_path)
    assert problem == (
        f"only 1.8 GiB are free on the disk of {tmp_path}, 2 are needed: "
        "make room, or set CARDWATCH_HOME to a folder on another disk"
    )


def test_too_little_memory_says_how_much_and_what_to_do() -> None:
    assert memory_problem(available_bytes=3 * GIB) is None
    problem = memory_problem(available_bytes=GIB)
    assert problem is not None
    assert problem.startswith("only 1.0 GiB of memory are available, 2.5 are needed: ")


def test_too_few_open_files_names_the_command() -> None:
    assert open_files_problem(4096) is None
    assert "ulimit -n 2048" in str(open_files_problem(1024))


def test_the_limit_of_open_files_is_raised_where_that_is_allowed(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
        check_machine(StackSettings(home=tmp_path))
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == 2048
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_port_that_is_taken_is_named_with_its_server(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(StackError, match=f"port {port} for Valkey is taken"):
            check_machine(StackSettings(home=tmp_path, valkey_port=port))


def test_a_home_that_is_a_file_is_named(tmp_path: Path) -> None:
    home = tmp_path / "file"
    home.write_text("")
    problem = home_problem(home)
    assert problem is not None
    assert str(home) in problem
    assert "CARDWATCH_HOME" in problem
    assert "a file is in the way" in str(home_problem(home / "below"))


def test_a_home_that_is_not_writable_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The tests may run as root, who may write everywhere.
    monkeypatch.setattr("cardwatch_local.preflight.os.access", lambda *_: False)
    assert "is not writable" in str(home_problem(tmp_path))


def test_all_problems_are_told_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cardwatch_local.preflight._MIN_FREE_DISK", 1 << 60)
    monkeypatch.setattr("cardwatch_local.preflight._MIN_FREE_MEMORY", 1 << 60)
    with pytest.raises(StackError, match=r"are free on the disk.*; .*of memory are available"):
        check_machine(StackSettings(home=tmp_path))
