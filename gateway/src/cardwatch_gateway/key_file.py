"""The file of API keys, read again whenever it changes."""

import logging
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Final

from cardwatch_gateway.keys import NO_AUTH, ApiKey, InvalidKeysError, KeyRing, read_keys

_log = logging.getLogger(__name__)

_LOOK_EVERY_S: Final = 1.0
_MAX_BYTES: Final = 1_048_576


class KeyFile:
    """Finds keys in a file, or takes everybody where there is none.

    A Secret that Kubernetes mounts is a link that is changed: the file is looked at once a second,
    when a key is asked for. One that cannot be read leaves the keys as they were, and is logged.

    Raises:
        InvalidKeysError: at the start, the file is missing or not what it should be.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._looked_s = monotonic()
        self._seen: tuple[int, int, int] | None = None
        self._ring = KeyRing({})
        if path is not None:
            self._seen = self._state(path)
            self._ring = self._read(path)

    def find(self, presented: str | None) -> ApiKey | None:
        """Return who presents a key; None where nobody known does."""
        if self._path is None:
            return NO_AUTH
        if monotonic() - self._looked_s >= _LOOK_EVERY_S:
            self._look(self._path)
        if presented is None:
            return None
        return self._ring.find(presented, datetime.now(UTC))

    def _look(self, path: Path) -> None:
        self._looked_s = monotonic()
        try:
            state = self._state(path)
            if state == self._seen:
                return
            self._seen = state
            self._ring = self._read(path)
        except InvalidKeysError as error:
            _log.error("the keys stay as they were: %s", error)
        else:
            _log.info("read %d API keys anew", len(self._ring))

    @staticmethod
    def _state(path: Path) -> tuple[int, int, int]:
        try:
            stat = path.stat()
        except OSError as error:
            raise InvalidKeysError(f"{path}: {error.strerror}") from None
        return stat.st_mtime_ns, stat.st_ino, stat.st_size

    @staticmethod
    def _read(path: Path) -> KeyRing:
        try:
            with path.open("rb") as file:
                text = file.read(_MAX_BYTES + 1)
        except OSError as error:
            raise InvalidKeysError(f"{path}: {error.strerror}") from None
        if len(text) > _MAX_BYTES:
            raise InvalidKeysError(f"{path}: at most {_MAX_BYTES:,} bytes are allowed")
        try:
            return read_keys(text)
        except InvalidKeysError as error:
            raise InvalidKeysError(f"{path}: {error}") from None
