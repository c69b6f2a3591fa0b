"""This project's job."""

from collections.abc import Sequence
from typing import Final

from benchmarks.contenders._base import Contender
from benchmarks.settings import Method
from benchmarks.stand import Stand
from cardwatch_local.reading.offsets import JOB_GROUP
from cardwatch_local.service import Service


def _servers(stand: Stand, run: str, method: Method, _group: str) -> Sequence[Service]:
    job = [
        "-pym",
        "cardwatch_job.main",
        "--bootstrap-servers",
        stand.bootstrap_servers,
        "--checkpoint-interval-ms",
        str(method.commit_interval_ms),
    ]
    return stand.flink(run, method, job)


CARDWATCH: Final = Contender(
    name="cardwatch",
    guarantee="exactly once",
    setup="the job as it is shipped: a Flink TaskManager with one slot for each of the subtasks",
    servers=_servers,
    group=JOB_GROUP,
)
