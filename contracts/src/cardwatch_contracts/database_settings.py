"""Where PostgreSQL is, and as whom components speak to it.

The password is in a file, or in the variable that has the URL: no command line, log or message has
it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlsplit

URL: Final = "CARDWATCH_DATABASE_URL"
PASSWORD_FILE: Final = "CARDWATCH_DATABASE_PASSWORD_FILE"
VARIABLES: Final = (URL, PASSWORD_FILE)

_SCHEMES: Final = ("postgresql", "postgres")


class DatabaseSettingsError(ValueError):
    """An option, a variable or a file is not allowed; the message names it, never a password."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """A PostgreSQL. As text: its address without a password.

    Raises:
        DatabaseSettingsError: the URL is none of PostgreSQL's.
    """

    url: str = field(repr=False)
    """Such as `postgresql://cardwatch@db:5432/cardwatch?sslmode=verify-full`; may hold a password,
    and is therefore never shown."""
    password_file: Path | None = None
    """The password, with nothing behind it; None: it is in the URL, or none is needed. Read
    whenever a connection is made."""

    def __post_init__(self) -> None:
        if not self.url.startswith(tuple(f"{scheme}://" for scheme in _SCHEMES)):
            raise DatabaseSettingsError(
                "the database's URL: allowed is postgresql://USER@HOST:PORT/DATABASE"
            )

    def __str__(self) -> str:
        parts = urlsplit(self.url)
        user, has_user, hosts = parts.netloc.rpartition("@")
        return f"{parts.scheme}://{user.partition(':')[0]}{has_user}{hosts}{parts.path}"

    @property
    def has_password(self) -> bool:
        """Whether the URL itself holds a password."""
        parts = urlsplit(self.url)
        user, _, _ = parts.netloc.rpartition("@")
        return ":" in user or "password" in parse_qs(parts.query)

    def password(self) -> str | None:
        """Read the password; None where there is no file.

        Raises:
            DatabaseSettingsError: the file cannot be read, is empty or has a line break.
        """
        if self.password_file is None:
            return None
        try:
            password = self.password_file.read_text("utf-8")
        except OSError as error:
            raise DatabaseSettingsError(
                f"{PASSWORD_FILE} is {self.password_file}: {error.strerror}"
            ) from None
        except UnicodeDecodeError:
            raise DatabaseSettingsError(
                f"{PASSWORD_FILE} is {self.password_file}: it is not text in UTF-8"
            ) from None
        if not password or not password.isprintable():
            raise DatabaseSettingsError(
                f"{PASSWORD_FILE} is {self.password_file}: allowed is the password and nothing "
                "behind it, as `printf %s` writes it"
            )
        return password


def database_at(
    url: str, environment: Mapping[str, str], *, from_command_line: bool = False
) -> Database:
    """Return the database at a URL, with the password that the environment names.

    Raises:
        DatabaseSettingsError: the URL or the password's file is not what it should be, or a
            password is on the command line, where everybody on the machine can read it.
    """
    password_file = environment.get(PASSWORD_FILE)
    database = Database(url=url, password_file=Path(password_file) if password_file else None)
    if from_command_line and database.has_password:
        raise DatabaseSettingsError(
            f"the database's URL on the command line holds a password: allowed are {PASSWORD_FILE} "
            f"and {URL}"
        )
    database.password()
    return database
