import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from cardwatch_local.errors import StackError
from cardwatch_local.service import Service, ServiceSpec

PARENT_AND_CHILD = """
    import subprocess, sys, time
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    print(child.pid, flush=True)
    time.sleep(600)
"""
IGNORES_SIGTERM = """
    import signal, time
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print("deaf", flush=True)
    time.sleep(600)
"""


def wait_until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.02)


def is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def make_spec(
    tmp_path: Path, *, ready_timeout_s: float = 10, stop_timeout_s: float = 5
) -> ServiceSpec:
    return ServiceSpec(
        name="sample",
        log_file=tmp_path / "sample.log",
        cwd=tmp_path,
        ready_timeout_s=ready_timeout_s,
        stop_timeout_s=stop_timeout_s,
    )


def python(code: str) -> list[str]:
    return [sys.executable, "-c", textwrap.dedent(code)]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Callable[..., Service]]:
    services: list[Service] = []

    def start(code: str, *, ready: Callable[[], bool] = lambda: True, **times: float) -> Service:
        command = python(code)
        service = Service(make_spec(tmp_path, **times), command=lambda: command, ready=ready)
        services.append(service)
        service.start()
        return service

    yield start
    for service in services:
        service.stop()


def first_line(service: Service) -> str:
    wait_until(lambda: "\n" in service.spec.log_file.read_text())
    return service.spec.log_file.read_text().splitlines()[0]


def test_a_service_runs_until_it_is_stopped(run: Callable[..., Service]) -> None:
    service = run("import time; time.sleep(600)")
    pid = service.pid
    assert pid is not None
    assert service.is_running
    service.stop()
    assert not service.is_running
    assert is_gone(pid)
    assert service.exit_code == 128 + signal.SIGTERM


def test_stopping_takes_down_the_children_too(run: Callable[..., Service]) -> None:
    service = run(PARENT_AND_CHILD)
    child = int(first_line(service))
    service.stop()
    assert is_gone(child)


def test_a_service_that_dies_leaves_no_children(run: Callable[..., Service]) -> None:
    service = run(PARENT_AND_CHILD)
    child = int(first_line(service))
    assert service.pid is not None
    os.kill(service.pid, signal.SIGKILL)
    wait_until(lambda: not service.is_running)
    assert is_gone(child)
    assert service.exit_code == 128 + signal.SIGKILL


def test_a_service_deaf_to_sigterm_is_killed_when_its_time_is_over(
    run: Callable[..., Service],
) -> None:
    service = run(IGNORES_SIGTERM, stop_timeout_s=0.3)
    first_line(service)
    pid = service.pid
    service.stop()
    assert pid is not None
    assert is_gone(pid)


def test_a_killed_guardian_takes_the_service_and_its_children_with_it(
    run: Callable[..., Service],
) -> None:
    service = run(PARENT_AND_CHILD)
    child = int(first_line(service))
    pid = service.pid
    assert pid is not None
    guardian = psutil.Process(pid).ppid()
    os.kill(guardian, signal.SIGKILL)
    if sys.platform == "linux":
        wait_until(lambda: is_gone(pid))
    service.stop()
    assert is_gone(pid)
    wait_until(lambda: is_gone(child))


def test_a_killed_owner_takes_services_and_their_children_with_it(tmp_path: Path) -> None:
    owner = subprocess.Popen(
        python(
            f"""
            import sys, time
            from pathlib import Path
            from cardwatch_local.service import Service, ServiceSpec
            folder = Path({str(tmp_path)!r})
            spec = ServiceSpec(name="sample", log_file=folder / "log", cwd=folder)
            command = [sys.executable, "-c", {textwrap.dedent(PARENT_AND_CHILD)!r}]
            service = Service(spec, command=lambda: command)
            service.start()
            print(service.pid, flush=True)
            time.sleep(600)
            """
        ),
        stdout=subprocess.PIPE,
        text=True,
    )
    with owner:
        assert owner.stdout is not None
        pid = int(owner.stdout.readline())
        wait_until(lambda: "\n" in (tmp_path / "log").read_text())
        child = int((tmp_path / "log").read_text())
        guardian = psutil.Process(pid).ppid()
        assert not any(is_gone(each) for each in (pid, child, guardian))
        owner.kill()
    for each in (pid, child, guardian):
        wait_until(lambda each=each: is_gone(each))  # type: ignore[misc]


def test_the_terminals_ctrl_c_does_not_reach_a_service(run: Callable[..., Service]) -> None:
    service = run("import time; time.sleep(600)")
    assert service.pid is not None
    # A terminal signals the processes of its session's foreground group, and no other.
    assert os.getsid(service.pid) != os.getsid(0)


def test_a_service_that_is_not_ready_in_time_shows_the_end_of_its_log(
    run: Callable[..., Service],
) -> None:
    service = run(
        """
        import time
        print("warming up", flush=True)
        time.sleep(600)
        """,
        ready=lambda: False,
        ready_timeout_s=0.5,
    )
    first_line(service)
    with pytest.raises(StackError) as caught:
        service.wait_ready()
    assert "sample did not become ready within" in str(caught.value)
    assert str(service.spec.log_file) in str(caught.value)
    assert "warming up" in str(caught.value)


def test_a_service_that_ends_early_shows_its_status_and_log(run: Callable[..., Service]) -> None:
    service = run(
        """
        print("no such topic", flush=True)
        raise SystemExit(3)
        """,
        ready=lambda: False,
    )
    with pytest.raises(StackError, match=r"(?s)sample ended with status 3.*no such topic"):
        service.wait_ready()


def test_waiting_ends_at_once_when_the_check_says_it_is_in_vain(
    run: Callable[..., Service],
) -> None:
    def ready() -> bool:
        raise StackError("cannot come up")

    service = run("import time; time.sleep(600)", ready=ready)
    with pytest.raises(StackError, match="sample cannot come up"):
        service.wait_ready()
    assert not service.is_ready()


def test_a_program_that_does_not_exist_is_named(tmp_path: Path) -> None:
    service = Service(make_spec(tmp_path), command=lambda: ["/no/such/program"])
    with pytest.raises(StackError, match="sample: error: cannot start /no/such/program"):
        service.start()
    assert not service.is_running


def test_a_running_service_is_not_started_twice(run: Callable[..., Service]) -> None:
    service = run("import time; time.sleep(600)")
    with pytest.raises(StackError, match=f"running already, as process {service.pid}"):
        service.start()


def test_a_service_can_be_started_again_with_a_new_command(tmp_path: Path) -> None:
    answers = iter(["first", "second"])
    service = Service(make_spec(tmp_path), command=lambda: python(f"print({next(answers)!r})"))
    for expected in ("first", "second"):
        service.start()
        wait_until(lambda: not service.is_running)
        assert service.exit_code == 0
        assert service.log_tail(1) == expected
    service.stop()


def test_the_log_tail_leaves_out_java_stack_frames(tmp_path: Path) -> None:
    service = Service(make_spec(tmp_path), command=lambda: [])
    service.spec.log_file.write_text(
        "Caused by: no disk\n\tat a.b.C(C.java:1)\n\t... 12 more\nbye\n"
    )
    assert service.log_tail() == "Caused by: no disk\nbye"


def test_a_log_that_grew_too_long_is_put_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cardwatch_local.service._LOG_KEEP_BYTES", 10)
    service = Service(make_spec(tmp_path), command=lambda: python("print('new')"))
    service.spec.log_file.write_text("a long old log\n")
    service.start()
    wait_until(lambda: not service.is_running)
    service.stop()
    assert service.spec.log_file.read_text() == "new\n"
    assert (tmp_path / "sample.log.1").read_text() == "a long old log\n"
