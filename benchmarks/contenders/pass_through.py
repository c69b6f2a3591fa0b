"""Flink without Python."""

from collections.abc import Sequence
from typing import Final

from benchmarks.contenders._base import LIMIT_COMMIT_INTERVAL_MS as COMMIT_INTERVAL_MS
from benchmarks.contenders._base import Contender
from benchmarks.settings import Method
from benchmarks.stand import Stand
from cardwatch_local.service import Service


def _servers(stand: Stand, run: str, method: Method, group: str) -> Sequence[Service]:
    job = [
        *("-pym", "benchmarks.programs.pass_through"),
        *("--bootstrap-servers", stand.bootstrap_servers),
        *("--group", group),
        *("--checkpoint-interval-ms", str(COMMIT_INTERVAL_MS)),
    ]
    return stand.flink(run, method, job, slots=method.parallelism)


JVM_PASS_THROUGH: Final = Contender(
    name="jvm_pass_through",
    guarantee="judges nothing",
    setup="Flink SQL from the topic to a black hole, raw bytes, no Python in the workers",
    servers=_servers,
    writes_alerts=False,
)
