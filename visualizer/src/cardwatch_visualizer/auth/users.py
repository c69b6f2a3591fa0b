"""Who there is, and what each may do. The file holds hashes of passwords alone."""

import logging
from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from time import monotonic
from typing import Annotated, Final, Literal, get_args

import msgspec
from msgspec import Meta

from cardwatch_contracts.privacy import is_card_number
from cardwatch_visualizer.auth.passwords import NOBODYS, hash_password, is_kept, matches

_log = logging.getLogger(__name__)

Role = Literal["viewer", "analyst"]
ROLES: Final[tuple[Role, ...]] = get_args(Role)
Name = Annotated[str, Meta(min_length=1, max_length=128)]

_LOOK_EVERY_S: Final = 1.0
_MAX_BYTES: Final = 1_048_576


class User(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is kept of a user."""

    name: Name
    role: Role
    """A viewer sees everything; an analyst gives feedback and exports as well."""
    password: str
    """Hashed, as `new-user` prints it."""


class _UsersFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    users: list[User]


class InvalidUsersError(ValueError):
    """A file of users that cannot be used; the message says why, and has no hash."""


_decoder: Final = msgspec.json.Decoder(_UsersFile)


def read_users(text: bytes) -> Mapping[str, User]:
    """Read a file of users, by their names.

    Raises:
        InvalidUsersError: it is not JSON, breaks its contract, or has a name twice.
    """
    try:
        entries = _decoder.decode(text).users
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidUsersError(f"users: {error}") from None
    users: dict[str, User] = {}
    for index, user in enumerate(entries):
        if user.name in users:
            raise InvalidUsersError(f"users[{index}].name: the same as another's")
        if not user.name.isprintable() or is_card_number(user.name):
            raise InvalidUsersError(f"users[{index}].name: allowed: printable, no card number")
        if not is_kept(user.password):
            raise InvalidUsersError(f"users[{index}].password: allowed: what `new-user` prints")
        users[user.name] = user
    return users


def new_user(name: str, role: Role, password: str) -> bytes:
    """Return a user's entry for the file, JSON.

    Raises:
        ValueError: the name or the password is not allowed.
    """
    if not 0 < len(name) <= 128 or not name.isprintable() or is_card_number(name):
        raise ValueError("--name: 1 to 128 printable characters are allowed, no card number")
    user = User(name=name, role=role, password=hash_password(password))
    return msgspec.json.format(msgspec.json.encode(user))


class UsersFile:
    """The file of users, looked at once a second, read again when it has changed.

    One that cannot be read leaves the users as they were, and is logged.

    Raises:
        InvalidUsersError: at the start, the file is missing or not what it should be.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Lock()
        self._looked_s = monotonic()
        self._seen = self._state()
        self._users = self._read()

    def find(self, name: str) -> User | None:
        """Return a user; None where there is none any more."""
        with self._lock:
            if monotonic() - self._looked_s >= _LOOK_EVERY_S:
                self._look()
            return self._users.get(name)

    def log_in(self, name: str, password: str) -> User | None:
        """Return the user whose name and password these are; None: nobody's."""
        user = self.find(name)
        # Compared whether there is such a user or not: the time tells nothing.
        fits = matches(password, NOBODYS if user is None else user.password)
        return user if fits else None

    def _look(self) -> None:
        self._looked_s = monotonic()
        try:
            state = self._state()
            if state == self._seen:
                return
            self._seen, self._users = state, self._read()
        except InvalidUsersError as error:
            _log.error("the users stay as they were: %s", error)
        else:
            _log.info("read %d users anew", len(self._users))

    def _state(self) -> tuple[int, int, int]:
        try:
            stat = self._path.stat()
        except OSError as error:
            raise InvalidUsersError(f"{self._path}: {error.strerror}") from None
        return stat.st_mtime_ns, stat.st_ino, stat.st_size

    def _read(self) -> Mapping[str, User]:
        try:
            with self._path.open("rb") as file:
                text = file.read(_MAX_BYTES + 1)
        except OSError as error:
            raise InvalidUsersError(f"{self._path}: {error.strerror}") from None
        if len(text) > _MAX_BYTES:
            raise InvalidUsersError(f"{self._path}: at most {_MAX_BYTES:,} bytes are allowed")
        try:
            return read_users(text)
        except InvalidUsersError as error:
            raise InvalidUsersError(f"{self._path}: {error}") from None
