import os
from pathlib import Path

import pytest

from cardwatch_local.checkpoints import newest_checkpoint, remove_outdated
from cardwatch_local.flink_config import (
    FlinkPorts,
    cluster_config,
    jobmanager_jvm_options,
    taskmanager_jvm_options,
    to_yaml,
)
from cardwatch_local.settings import StackSettings
from cardwatch_operator.flink_rest import innermost_cause

PORTS = FlinkPorts(rpc=6123, rest=8081)


def megabytes(text: str) -> int:
    return int(text.rpartition("=")[2].lstrip("-Xmsx").rstrip("m"))


@pytest.mark.parametrize("heap_mb", [256, 512, 4096])
def test_the_jvm_gets_the_memory_the_configuration_promises(heap_mb: int) -> None:
    settings = StackSettings(taskmanager_heap_mb=heap_mb)
    config = cluster_config(settings, PORTS)
    memory = {
        key.removeprefix("taskmanager.memory."): megabytes(value)
        for key, value in config.items()
        if key.startswith("taskmanager.memory.")
    }
    options = taskmanager_jvm_options(settings)
    heap, limit, direct, metaspace = (megabytes(option) for option in options[:4])
    assert heap == limit == memory["framework.heap.size"] + memory["task.heap.size"] == heap_mb
    assert direct == sum(
        memory[part] for part in ("framework.off-heap.size", "task.off-heap.size", "network.max")
    )
    assert metaspace == memory["jvm-metaspace.size"]


def test_every_server_listens_on_the_loopback_interface_only() -> None:
    config = cluster_config(StackSettings(), PORTS)
    hosts = [value for key, value in config.items() if key.endswith(("host", "address"))]
    assert len(hosts) == 6
    assert set(hosts) == {"127.0.0.1"}


def test_the_jobmanager_is_tuned_for_its_start_and_the_taskmanager_for_records() -> None:
    assert "-XX:TieredStopAtLevel=1" in jobmanager_jvm_options(StackSettings())
    assert "-XX:TieredStopAtLevel=1" not in taskmanager_jvm_options(StackSettings())


def test_the_yaml_quotes_what_it_must() -> None:
    assert to_yaml({"a.b": "1 s", "dir": 'file:/x"y: #z'}) == (
        'a.b: "1 s"\ndir: "file:/x\\"y: #z"\n'
    )


def make_checkpoint(
    folder: Path, run: str, number: int, *, age_s: int, complete: bool = True
) -> Path:
    checkpoint = folder / run / f"chk-{number}"
    checkpoint.mkdir(parents=True)
    if complete:
        (checkpoint / "_metadata").write_text("")
        os.utime(checkpoint / "_metadata", (1_000_000 - age_s, 1_000_000 - age_s))
    return checkpoint


def test_the_newest_complete_checkpoint_wins_whatever_its_number(tmp_path: Path) -> None:
    make_checkpoint(tmp_path, "a", 900, age_s=50)
    expected = make_checkpoint(tmp_path, "b", 7, age_s=10)
    make_checkpoint(tmp_path, "c", 8, age_s=0, complete=False)
    assert newest_checkpoint(tmp_path) == expected


def test_without_a_complete_checkpoint_there_is_none(tmp_path: Path) -> None:
    assert newest_checkpoint(tmp_path / "missing") is None
    make_checkpoint(tmp_path, "a", 1, age_s=0, complete=False)
    assert newest_checkpoint(tmp_path) is None


def test_only_the_run_of_the_newest_checkpoint_is_kept(tmp_path: Path) -> None:
    make_checkpoint(tmp_path, "a", 900, age_s=50)
    newest = make_checkpoint(tmp_path, "b", 7, age_s=10)
    remove_outdated(tmp_path, newest)
    assert [run.name for run in tmp_path.iterdir()] == ["b"]
    remove_outdated(tmp_path, None)
    assert list(tmp_path.iterdir()) == []


def test_of_a_stack_trace_the_last_cause_and_its_python_lines_are_shown() -> None:
    trace = (
        "java.lang.RuntimeException: task failed\n"
        "\tat org.apache.flink.A.b(A.java:1)\n"
        "Caused by: java.lang.RuntimeException: Traceback (most recent call last):\n"
        '  File "scoring.py", line 3, in process\n'
        "ValueError: no card\n"
        "\tat org.apache.beam.C.d(C.java:2)\n"
        "\t... 5 more\n"
    )
    assert innermost_cause(trace) == (
        "java.lang.RuntimeException: Traceback (most recent call last):\n"
        '  File "scoring.py", line 3, in process\n'
        "ValueError: no card"
    )
