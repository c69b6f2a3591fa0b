"""The archive's tables, brought about by numbered files of SQL: `migrations/NNNN_name.sql`.

Each is applied once, in order and in a transaction of its own, together with the line that says so
in `schema_migrations`. A file that was applied never changes: its checksum is held against the one
that was written down.
"""

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from threading import Lock
from typing import Final

from cardwatch_archiver.database import Connection, Cursor

_log = logging.getLogger(__name__)

_FILE = re.compile(r"(?P<version>\d{4})_(?P<name>[a-z0-9_]+)\.sql")
_LOCK: Final = 0x63775F736368656D
"""Of PostgreSQL's advisory locks: who migrates. "cw_schem" in ASCII."""
_PATIENCE_S: Final = 3600.0
_TABLE: Final = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    version integer PRIMARY KEY,
    name text NOT NULL,
    sha256 text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""


class MigrationError(Exception):
    """The database is not what this version of Cardwatch can bring up to date; says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One numbered file."""

    version: int
    name: str
    text: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the file, in hexadecimal digits."""
        return sha256(self.text.encode()).hexdigest()

    def __str__(self) -> str:
        return f"{self.version:04}_{self.name}"


def load_migrations() -> list[Migration]:
    """Return the files of this package, in order.

    Raises:
        MigrationError: their numbers do not count from 1 on.
    """
    found = []
    for file in files("cardwatch_archiver").joinpath("migrations").iterdir():
        if match := _FILE.fullmatch(file.name):
            text = file.read_text("utf-8")
            found.append(Migration(version=int(match["version"]), name=match["name"], text=text))
    found.sort(key=lambda migration: migration.version)
    if [each.version for each in found] != list(range(1, len(found) + 1)):
        raise MigrationError(
            f"migrations are numbered {', '.join(str(each) for each in found)}; "
            "allowed: each number once, from 0001 on"
        )
    return found


def outstanding(
    known: Sequence[Migration], applied: Mapping[int, tuple[str, str]]
) -> list[Migration]:
    """Return what is still to be applied, in order.

    Args:
        known: of this version, in order.
        applied: name and checksum of those in the database, by number.

    Raises:
        MigrationError: the database is newer, misses one, or had another file.
    """
    newest = known[-1].version if known else 0
    if newer := sorted(set(applied) - {migration.version for migration in known}):
        version = newer[-1]
        raise MigrationError(
            f"the database has migration {version:04}_{applied[version][0]}, this version of "
            f"Cardwatch ends at {newest:04}: start the version that brought it, or a later one"
        )
    for migration in known:
        if migration.version not in applied:
            continue
        if applied[migration.version] != (migration.name, migration.checksum):
            raise MigrationError(
                f"migration {migration} is not the one that was applied to the database: "
                "a change needs a migration of its own, with the next number"
            )
    left = [migration for migration in known if migration.version not in applied]
    if left and applied and left[0].version < max(applied):
        raise MigrationError(
            f"migration {left[0]} is missing in the database, which has {max(applied):04}: "
            "restore the table schema_migrations, or the database, from a backup"
        )
    return left


class Schema:
    """The tables, brought up to date once in a process; for any number of threads."""

    def __init__(self, known: Sequence[Migration] | None = None) -> None:
        self._known = load_migrations() if known is None else known
        self._lock = Lock()
        self._is_current = False

    def left(self, connection: Connection) -> list[Migration]:
        """Return what is still to be applied, in order; nothing is changed.

        Raises:
            MigrationError: the database is of another version.
            StoreAwayError: PostgreSQL does not answer, or does not let the user read.
        """
        with connection.alone() as cursor:
            return outstanding(self._known, _applied(cursor))

    def ensure(
        self, connection: Connection, applied: Callable[[Migration], None] = lambda _each: None
    ) -> None:
        """Bring the tables up to date, if nobody has yet; `applied` is told of each migration.

        Several archivers may do so at once: they take turns.

        Raises:
            MigrationError: the database is of another version.
            StoreAwayError: PostgreSQL does not answer, or does not let the user do it.
        """
        with self._lock:
            if self._is_current:
                return
            if self.left(connection):
                # One of a large table takes its time, and so does waiting for another archiver's.
                with connection.alone(timeout_s=_PATIENCE_S) as cursor:
                    while (migration := self._apply_next(cursor)) is not None:
                        applied(migration)
            self._is_current = True

    def _apply_next(self, cursor: Cursor) -> Migration | None:
        """Apply the next migration and return it; None: there is none."""
        with cursor.connection.transaction():
            cursor.execute("SET LOCAL statement_timeout = 0")
            cursor.execute("SET LOCAL lock_timeout = 0")
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
            left = outstanding(self._known, _applied(cursor))
            if not left:
                return None
            migration = left[0]
            if migration.version == 1:
                cursor.execute(_TABLE)
            cursor.execute(migration.text.encode())
            cursor.execute(
                "INSERT INTO schema_migrations (version, name, sha256) VALUES (%s, %s, %s)",
                (migration.version, migration.name, migration.checksum),
            )
        _log.info("migration %s is applied", migration)
        return migration


def _applied(cursor: Cursor) -> dict[int, tuple[str, str]]:
    """Return name and checksum of what was applied, by number."""
    # to_regclass would say what this session saw before it waited for another's migration.
    cursor.execute(
        "SELECT EXISTS (SELECT FROM pg_class"
        " WHERE relname = 'schema_migrations' AND pg_table_is_visible(oid))"
    )
    if cursor.fetchone() != (True,):
        return {}
    cursor.execute("SELECT version, name, sha256 FROM schema_migrations")
    return {version: (name, checksum) for version, name, checksum in cursor.fetchall()}
