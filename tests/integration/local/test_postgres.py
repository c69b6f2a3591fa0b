"""The embedded PostgreSQL: its own folder, user and password, and back after any death."""

import os
import signal
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from cardwatch_local.errors import StackError
from cardwatch_local.ports import LOOPBACK
from cardwatch_local.postgres import PostgresServer
from cardwatch_local.settings import StackSettings


@pytest.fixture
def server(tmp_path: Path) -> Iterator[PostgresServer]:
    server = PostgresServer(StackSettings(home=tmp_path / "home", name="postgres"))
    server.start()
    try:
        server.wait_ready()
        yield server
    finally:
        server.stop()


def connect(server: PostgresServer) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(server.url, password=server.database.password(), connect_timeout=5)


def test_it_never_runs_as_root_and_listens_to_this_machine_alone(server: PostgresServer) -> None:
    process = psutil.Process(server.pid)
    assert 0 not in process.uids()
    listening = [c.laddr for c in process.net_connections("all") if c.status == "LISTEN"]
    assert listening == [(LOOPBACK, server.port)]


def test_its_password_is_for_this_user_alone_and_is_needed(server: PostgresServer) -> None:
    about = server.password_file.stat()
    assert stat.S_IMODE(about.st_mode) == 0o600
    assert about.st_uid == os.geteuid()
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(server.url, password="", connect_timeout=5)
    password = server.database.password()
    assert password is not None
    assert password not in " ".join(psutil.Process(server.pid).cmdline())
    assert password not in server.spec.log_file.read_text()


def test_what_was_committed_is_there_after_a_kill_and_after_a_stop(server: PostgresServer) -> None:
    with connect(server) as connection:
        connection.execute("CREATE TABLE kept (number integer)")
    for number, kill in enumerate((True, True, False)):
        with connect(server) as connection:
            connection.execute("INSERT INTO kept VALUES (%s)", (number,))
        if kill:
            assert server.pid is not None
            os.kill(server.pid, signal.SIGKILL)
            wait_until_gone(server)
        else:
            server.stop()
        server.start()
        server.wait_ready()
    with connect(server) as connection:
        assert connection.execute("SELECT array_agg(number) FROM kept").fetchone() == ([0, 1, 2],)


def test_a_stop_does_not_wait_for_clients(server: PostgresServer) -> None:
    with connect(server) as connection:
        before = time.monotonic()
        server.stop()
        assert time.monotonic() - before < 5
        assert server.exit_code == 0
        connection.close()


def test_a_start_that_was_cut_short_begins_anew(tmp_path: Path) -> None:
    settings = StackSettings(home=tmp_path / "home", name="postgres")
    half_made = settings.data_dir / "postgres" / "cluster.new"
    half_made.mkdir(parents=True)
    (half_made / "PG_VERSION").write_text("18")
    server = PostgresServer(settings)
    server.start()
    try:
        server.wait_ready()
        with connect(server) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    finally:
        server.stop()


def test_a_folder_that_is_none_is_named(tmp_path: Path) -> None:
    settings = StackSettings(home=tmp_path / "home", name="postgres")
    cluster = settings.data_dir / "postgres" / "cluster"
    cluster.mkdir(parents=True)
    server = PostgresServer(settings)
    server.start()
    try:
        with pytest.raises(StackError, match=r"postgres ended with status [12](?s:.*)postgres.log"):
            server.wait_ready()
    finally:
        server.stop()


def wait_until_gone(server: PostgresServer) -> None:
    deadline = time.monotonic() + 10
    while server.is_running:
        assert time.monotonic() < deadline
        time.sleep(0.02)
