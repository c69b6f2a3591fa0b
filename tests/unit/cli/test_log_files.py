from pathlib import Path

from cardwatch_local.log_files import follow_logs, last_lines, log_files, show_logs


def test_the_newest_log_of_each_service_is_found(tmp_path: Path) -> None:
    for name in ("kafka.log", "kafka.log.1", "valkey.log", "notes.txt"):
        (tmp_path / name).touch()
    assert list(log_files(tmp_path)) == ["kafka", "valkey"]


def test_the_last_lines_are_whole_lines(tmp_path: Path) -> None:
    log = tmp_path / "kafka.log"
    log.write_text("".join(f"line {n}\n" for n in range(1000)))
    assert last_lines(log, 2) == ["line 998", "line 999"]
    assert last_lines(log, 0) == []
    assert len(last_lines(log, 5000)) == 1000
    assert last_lines(tmp_path / "missing.log", 3) == []


def test_several_logs_stand_under_their_names(tmp_path: Path) -> None:
    written: list[str] = []
    for name in ("a", "b"):
        (tmp_path / f"{name}.log").write_text(f"from {name}\n")
    show_logs(log_files(tmp_path), lines=5, write=written.append)
    assert written == ["==> a <==", "from a", "==> b <==", "from b"]


def test_following_shows_what_is_added_also_after_a_rotation(tmp_path: Path) -> None:
    log = tmp_path / "kafka.log"
    log.write_text("old\n")
    written: list[str] = []

    def add_more_then_stop() -> bool:
        turns.append(1)
        if len(turns) == 1:
            with log.open("a") as file:
                file.write("first\nhalf")
        elif written == ["first"]:
            with log.open("a") as file:
                file.write(" second\n")
        elif written == ["first", "half second"]:
            log.replace(tmp_path / "kafka.log.1")
            log.write_text("after\n")
        return "after" in written or len(turns) > 1000

    turns: list[int] = []
    follow_logs({"kafka": log}, write=written.append, stopped=add_more_then_stop)
    assert written == ["first", "half second", "after"]
