"""One stack's life: up in the background, used, its holder killed, up again, repaired, down."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from confluent_kafka import Consumer, Producer
from valkey import Valkey

from cardwatch_local.detached import connect, running_state, spawn_detached, stop_running
from cardwatch_local.endpoints import Endpoints
from cardwatch_local.errors import StackError
from cardwatch_local.settings import STACK_VARIABLE, StackSettings
from cardwatch_local.stack import Stack
from cardwatch_operator.flink_rest import FlinkRest

SERVICES = {
    *("kafka", "valkey", "postgres", "jobmanager", "taskmanager-1"),
    *("archiver", "gateway", "visualizer"),
}


def wait_until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        time.sleep(0.1)


def processes_of(settings: StackSettings) -> list[psutil.Process]:
    """Return every living process that was started for the stack, workers included."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(STACK_VARIABLE) == str(settings.stack_dir):
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def produce(endpoints: Endpoints, value: bytes) -> None:
    producer = Producer({"bootstrap.servers": endpoints.bootstrap_servers, "acks": "all"})
    producer.produce("feedback", key=b"lifecycle", value=value)
    assert producer.flush(20) == 0


def consume(endpoints: Endpoints, count: int) -> list[bytes | None]:
    consumer = Consumer(
        {
            "bootstrap.servers": endpoints.bootstrap_servers,
            "group.id": "lifecycle",
            "auto.offset.reset": "earliest",
        }
    )
    consumer.subscribe(["feedback"])
    values: list[bytes | None] = []
    deadline = time.monotonic() + 30
    while len(values) < count and time.monotonic() < deadline:
        message = consumer.poll(0.5)
        if message is not None and message.error() is None:
            values.append(message.value())
    consumer.close()
    return values


@pytest.fixture
def settings(tmp_path: Path, fetched_jars: Path) -> Iterator[StackSettings]:
    home = tmp_path / "home"
    home.mkdir()
    (home / "jars").symlink_to(fetched_jars)
    settings = StackSettings(home=home, name="lifecycle")
    yield settings
    stop_running(settings)
    assert processes_of(settings) == []


@pytest.mark.timeout(600)
def test_a_stack_survives_the_death_of_its_holder_and_of_its_servers(
    settings: StackSettings,
) -> None:
    first = spawn_detached(settings)
    assert connect(settings) == first
    assert flink_job_runs(first)
    produce(first, b"before the crash")
    refuses_a_second_holder(settings)
    kill_holder(settings)

    with pytest.raises(StackError, match="no stack `lifecycle` is running"):
        connect(settings)
    second = spawn_detached(settings)
    assert flink_job_runs(second)
    assert consume(second, 1) == [b"before the crash"]

    kill_service(settings, "valkey")
    with Valkey.from_url(second.valkey_url) as client:
        assert client.ping()
    assert stop_running(settings)
    assert processes_of(settings) == []
    assert not settings.state_file.exists()


def flink_job_runs(endpoints: Endpoints) -> bool:
    status = FlinkRest(str(endpoints.flink_url)).job_status()
    return status is not None and status.is_running


def refuses_a_second_holder(settings: StackSettings) -> None:
    state = running_state(settings)
    assert state is not None
    assert {service.name for service in state.services} == SERVICES
    message = f"stack `lifecycle` is running already, held by process {state.pid}"
    with pytest.raises(StackError, match=message):
        Stack(settings).start()
    with pytest.raises(StackError, match=message):
        spawn_detached(settings)
    assert running_state(settings) is not None


def kill_holder(settings: StackSettings) -> None:
    state = running_state(settings)
    assert state is not None
    assert len(processes_of(settings)) >= 2 * len(SERVICES)  # each service and its guardian
    os.kill(state.pid, signal.SIGKILL)
    wait_until(lambda: not processes_of(settings), 60, "every process of the stack ends")


def kill_service(settings: StackSettings, name: str) -> None:
    def find() -> tuple[int | None, int, str]:
        state = running_state(settings)
        assert state is not None
        service = next(service for service in state.services if service.name == name)
        return service.pid, service.restarts, service.status

    pid, _, _ = find()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: find()[1:] == (1, "ready"), 60, f"{name} is started again")
    assert find()[0] != pid


def test_a_job_that_cannot_start_is_shown_with_its_own_words(settings: StackSettings) -> None:
    object.__setattr__(settings, "delivery", "at-most-once")  # past the check of StackSettings
    words = r"jobmanager ended with status 2; the job said:(?s:.*)--delivery is at-most-once: "
    with pytest.raises(StackError, match=words):
        Stack(settings).start()
    assert processes_of(settings) == []
    assert running_state(settings) is None
