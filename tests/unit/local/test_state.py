import threading
from pathlib import Path

from cardwatch_local.endpoints import Endpoints
from cardwatch_local.state import ServiceState, StackState, Step, read_state, write_state


def make_state(error: str | None = None) -> StackState:
    return StackState(
        name="default",
        status="ready",
        pid=42,
        started_at="2026-11-21T12:00:00+00:00",
        versions={"kafka": "4.3.1"},
        endpoints=Endpoints(bootstrap_servers="127.0.0.1:9092", valkey_url="valkey://127.0.0.1:1"),
        services=[
            ServiceState(name="kafka", status="ready", pid=43, restarts=0, log_file="/tmp/k.log")
        ],
        steps=[Step(name="fetch the jars", total=47, done=47, finished=True)],
        error=error,
    )


def test_a_state_reads_back_as_written(tmp_path: Path) -> None:
    write_state(tmp_path / "stack.json", make_state())
    assert read_state(tmp_path / "stack.json") == make_state()


def test_a_reader_never_sees_half_a_state(tmp_path: Path) -> None:
    path = tmp_path / "stack.json"
    short, long = make_state("x"), make_state("x" * 200_000)
    write_state(path, short)
    done = threading.Event()

    def write_in_turn() -> None:
        for number in range(200):
            write_state(path, long if number % 2 else short)
        done.set()

    writer = threading.Thread(target=write_in_turn)
    writer.start()
    seen = set()
    while not done.is_set():
        state = read_state(path)
        assert state in (short, long)
        seen.add(len(state.error or "") if state else -1)
    writer.join()
    assert seen == {1, 200_000}
    assert [entry.name for entry in tmp_path.iterdir()] == ["stack.json"]


def test_a_missing_or_foreign_file_is_no_state(tmp_path: Path) -> None:
    assert read_state(tmp_path / "stack.json") is None
    (tmp_path / "stack.json").write_text('{"status": "perfect"}')
    assert read_state(tmp_path / "stack.json") is None
    (tmp_path / "stack.json").write_bytes(b"\x00\xff")
    assert read_state(tmp_path / "stack.json") is None
