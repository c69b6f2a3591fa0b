"""A consumer loop without a framework."""

from collections.abc import Sequence
from typing import Final

from benchmarks.contenders._base import LIMIT_COMMIT_INTERVAL_MS as COMMIT_INTERVAL_MS
from benchmarks.contenders._base import Contender
from benchmarks.settings import Method
from benchmarks.stand import Stand
from cardwatch_local.service import Service


def _servers(stand: Stand, run: str, method: Method, group: str) -> Sequence[Service]:
    return [
        stand.python(
            run,
            f"plain-loop-{index}",
            [
                *("-m", "benchmarks.programs.plain_loop"),
                *("--bootstrap-servers", stand.bootstrap_servers),
                *("--group", group),
                *("--index", str(index)),
                *("--processes", str(method.parallelism)),
                *("--commit-interval-ms", str(COMMIT_INTERVAL_MS)),
            ],
        )
        for index in range(method.parallelism)
    ]


PLAIN_LOOP: Final = Contender(
    name="plain_loop",
    guarantee="none",
    setup=(
        "confluent-kafka in batches of 1,000, memory in a dictionary that a failure loses, "
        "one process a core"
    ),
    servers=_servers,
)
