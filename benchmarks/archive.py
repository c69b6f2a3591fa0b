"""How fast transactions get from Kafka into PostgreSQL, with their indexes."""

import sys
import time
from dataclasses import asdict, dataclass
from typing import Any, Final

import psycopg

from benchmarks.errors import BenchError
from benchmarks.progress import ends_of
from benchmarks.stand import Stand
from benchmarks.usage import TreeUsage
from cardwatch_contracts.database_settings import PASSWORD_FILE
from cardwatch_local.postgres import PostgresServer
from cardwatch_local.service import Service, ServiceSpec
from cardwatch_local.settings import StackSettings

_STALLED_S: Final = 60.0
_LOOK_S: Final = 0.25
_WRITTEN: Final = (
    "SELECT coalesce(sum(next_offset), 0) FROM archive_positions WHERE topic = 'transactions'"
)
_SIZE: Final = (
    "SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree('transactions') WHERE isleaf"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveFigures:
    """What the archive did."""

    rows: int
    """Transactions written, from the first batch seen on."""
    seconds: float
    """How long that took."""
    rows_per_s: float
    archiver_cpu_us_per_row: float
    """CPU time of the archiver. Microseconds."""
    postgres_cpu_us_per_row: float
    """CPU time of all of PostgreSQL's processes. Microseconds."""
    bytes_per_row: float
    """On disk, indexes included."""

    def __str__(self) -> str:
        return (
            f"archive: {self.rows_per_s:,.0f} rows/s, "
            f"{self.archiver_cpu_us_per_row:.1f} µs CPU a row in the archiver and "
            f"{self.postgres_cpu_us_per_row:.1f} in PostgreSQL, "
            f"{self.bytes_per_row:.0f} bytes a row"
        )


def measure_archive(stand: Stand) -> dict[str, Any]:
    """Archive the stand's transactions in a new PostgreSQL; return `ArchiveFigures` as a dict.

    Raises:
        BenchError: nothing was written for a minute, or a row is missing or doubled.
        StackError: PostgreSQL or the archiver does not start.
    """
    return asdict(archive_figures(stand))


def archive_figures(stand: Stand) -> ArchiveFigures:
    """Archive the stand's transactions in a new PostgreSQL; raises as `measure_archive` does."""
    settings = StackSettings(home=stand.home, name="archive")
    server = PostgresServer(settings)
    server.start()
    try:
        server.wait_ready()
        archiver = _archiver(settings, stand.bootstrap_servers, server)
        archiver.start()
        try:
            return _watch(server, archiver, sum(ends_of(stand.bootstrap_servers).values()))
        finally:
            archiver.stop()
    finally:
        server.stop()


def _archiver(settings: StackSettings, servers: str, postgres: PostgresServer) -> Service:
    module = ("cardwatch_archiver", "--bootstrap-servers", servers, "--database-url", postgres.url)
    return Service(
        ServiceSpec(
            name="archiver",
            log_file=settings.logs_dir / "archiver.log",
            cwd=settings.data_dir,
            environment={**settings.mark, PASSWORD_FILE: str(postgres.password_file.absolute())},
        ),
        command=lambda: [sys.executable, "-m", *module],
    )


def _watch(server: PostgresServer, archiver: Service, end: int) -> ArchiveFigures:
    assert server.pid is not None and archiver.pid is not None, "both were started"
    used = [TreeUsage([archiver.pid]), TreeUsage([server.pid])]
    with psycopg.connect(
        server.url, password=server.database.password(), autocommit=True
    ) as connection:
        first, began_s = _wait_beyond(connection, 0, archiver), time.monotonic()
        before = [each.read().cpu_s for each in used]
        written = first
        while written < end:
            written = _wait_beyond(connection, written, archiver)
        seconds = time.monotonic() - began_s
        after = [each.read().cpu_s for each in used]
        rows = written - first
        cpu_us = [(late - early) * 1e6 / rows for early, late in zip(before, after, strict=True)]
        count = int(_number(connection, "SELECT count(*) FROM transactions"))
        if count != end:
            raise BenchError(f"{count:,} rows of {end:,} records: {archiver.log_tail()}")
        return ArchiveFigures(
            rows=rows,
            seconds=seconds,
            rows_per_s=rows / seconds,
            archiver_cpu_us_per_row=cpu_us[0],
            postgres_cpu_us_per_row=cpu_us[1],
            bytes_per_row=_number(connection, _SIZE) / count,
        )


def _wait_beyond(connection: psycopg.Connection[Any], written: int, archiver: Service) -> int:
    """Return how many records are written once these are more than `written`."""
    deadline = time.monotonic() + _STALLED_S
    while True:
        there = connection.execute("SELECT to_regclass('archive_positions') IS NOT NULL").fetchone()
        now = int(_number(connection, _WRITTEN)) if there == (True,) else 0
        if now > written:
            return now
        if time.monotonic() > deadline:
            raise BenchError(
                f"nothing was archived for {_STALLED_S:.0f} s; the archiver said:\n"
                f"{archiver.log_tail()}"
            )
        time.sleep(_LOOK_S)


def _number(connection: psycopg.Connection[Any], query: str) -> float:
    row = connection.execute(query.encode()).fetchone()
    return float(row[0]) if row else 0.0
