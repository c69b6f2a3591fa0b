"""PyFlink as in its tutorials."""

from collections.abc import Sequence
from functools import partial
from typing import Final

from benchmarks.contenders._base import Contender
from benchmarks.settings import Method
from benchmarks.stand import Stand
from cardwatch_local.service import Service


def _servers(
    stand: Stand, run: str, method: Method, group: str, *, mode: str, shared: bool = False
) -> Sequence[Service]:
    job = [
        *("-pym", "benchmarks.programs.naive_pyflink"),
        *("--bootstrap-servers", stand.bootstrap_servers),
        *("--group", group),
        *("--checkpoint-interval-ms", str(method.commit_interval_ms)),
        *("--mode", mode),
    ]
    return stand.flink(run, method, job, slots=method.parallelism if shared else 1)


NAIVE_PROCESS: Final = Contender(
    name="naive_pyflink_process",
    only_when_named=True,
    guarantee="exactly once",
    setup="DataStream, record by record, ValueState by user, Python in its own process",
    servers=partial(_servers, mode="process"),
)
NAIVE_THREAD: Final = Contender(
    name="naive_pyflink_thread",
    guarantee="exactly once",
    setup="DataStream, record by record, ValueState by user, Python inside the TaskManagers",
    servers=partial(_servers, mode="thread"),
)
NAIVE_SHARED: Final = Contender(
    name="naive_pyflink_shared",
    only_when_named=True,
    guarantee="exactly once",
    setup="DataStream, record by record, ValueState by user, Python inside one TaskManager",
    servers=partial(_servers, mode="thread", shared=True),
)
