"""This project's job."""

from collections.abc import Sequence
from functools import partial
from typing import Final

from benchmarks.contenders._base import Contender
from benchmarks.settings import Method
from benchmarks.stand import Stand
from cardwatch_contracts.topics import JOB_GROUP
from cardwatch_local.service import Service

_SETUP: Final = "the job as it is shipped, compiled: one Flink TaskManager with all subtasks"


def _servers(
    stand: Stand, run: str, method: Method, _group: str, *, delivery: str
) -> Sequence[Service]:
    job = [
        "-pym",
        "cardwatch_job.main",
        "--bootstrap-servers",
        stand.bootstrap_servers,
        "--checkpoint-interval-ms",
        str(method.commit_interval_ms),
        "--delivery",
        delivery,
    ]
    # One JVM has to compile itself, not several; the interpreter's lock is held for short moments.
    return stand.flink(run, method, job, slots=method.parallelism)


CARDWATCH: Final = Contender(
    name="cardwatch",
    guarantee="exactly once",
    setup=_SETUP,
    servers=partial(_servers, delivery="exactly-once"),
    group=JOB_GROUP,
)
CARDWATCH_AT_LEAST_ONCE: Final = Contender(
    name="cardwatch_at_least_once",
    only_when_named=True,
    guarantee="at least once",
    setup=_SETUP,
    servers=partial(_servers, delivery="at-least-once"),
    group=JOB_GROUP,
)
