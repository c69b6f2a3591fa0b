"""Quix Streams."""

from collections.abc import Sequence
from functools import partial
from typing import Final

from benchmarks.contenders._base import Contender
from benchmarks.peers import peers_python
from benchmarks.settings import Method
from benchmarks.stand import Stand
from cardwatch_local.service import Service

_SETUP: Final = "as many processes as cores, state by user in RocksDB with changelog topics"


def _servers(
    stand: Stand, run: str, method: Method, group: str, *, guarantee: str
) -> Sequence[Service]:
    return [
        stand.python(
            run,
            f"quix-{index}",
            [
                *("-m", "benchmarks.programs.quix"),
                *("--bootstrap-servers", stand.bootstrap_servers),
                *("--group", group),
                *("--commit-interval-ms", str(method.commit_interval_ms)),
                *("--guarantee", guarantee),
                *("--state-dir", str(stand.folder_of(run) / f"quix-{index}")),
            ],
            python=peers_python(),
        )
        for index in range(method.parallelism)
    ]


QUIX_EXACTLY_ONCE: Final = Contender(
    name="quix_streams",
    guarantee="exactly once",
    setup=_SETUP,
    servers=partial(_servers, guarantee="exactly-once"),
)
QUIX_AT_LEAST_ONCE: Final = Contender(
    name="quix_streams_at_least_once",
    guarantee="at least once",
    setup=_SETUP,
    servers=partial(_servers, guarantee="at-least-once"),
)
