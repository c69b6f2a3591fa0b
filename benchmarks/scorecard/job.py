"""The job as it is shipped, on a broker of its own."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks.contenders import CARDWATCH
from benchmarks.errors import BenchError
from benchmarks.settings import Method
from benchmarks.stand import Stand
from cardwatch_contracts.topics import JOB_GROUP


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job that runs."""

    bootstrap_servers: str
    check: Callable[[], None]
    """Raises BenchError when one of its processes has ended."""


@contextmanager
def job_running(method: Method) -> Iterator[Job]:
    """Run Kafka and the job while the block lasts, all topics empty.

    Raises:
        StackError: one of them does not start.
    """
    with Stand() as stand:
        servers = CARDWATCH.servers(stand, stand.next_run(), method, JOB_GROUP)

        def check() -> None:
            for server in servers:
                if not server.is_running:
                    raise BenchError(
                        f"{server.name} ended with status {server.exit_code}; "
                        f"{server.why_not_ready()}"
                    )

        try:
            for server in servers:
                server.start()
            for server in servers:
                server.wait_ready()
            yield Job(bootstrap_servers=stand.bootstrap_servers, check=check)
        finally:
            for server in servers:
                server.begin_stop()
            for server in servers:
                server.stop()
