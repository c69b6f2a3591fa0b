"""Slows down who guesses passwords, across all workers."""

from hashlib import sha256
from typing import Any, Final

from valkey import Valkey
from valkey.exceptions import ValkeyError

_KEY: Final = "visualizer:failed-logins:"
_WINDOW_S: Final = 300
MOST: Final = 10
"""Failed logins of a name within five minutes."""
MOST_FROM_ADDRESS: Final = 100
"""From an address: behind an ingress it is everybody's."""


class Throttle:
    """Counts failed logins in Valkey. Where that is away, nobody is held up.

    Args:
        client: of Valkey.
    """

    def __init__(self, client: Valkey) -> None:
        self._client = client

    def is_shut(self, name: str, address: str) -> bool:
        """Return whether there were too many of a name or from an address."""
        try:
            counts: Any = self._client.mget(_keys(name, address))
        except (ValkeyError, OSError):
            return False
        of_name, from_address = (int(count or 0) for count in counts)
        return of_name >= MOST or from_address >= MOST_FROM_ADDRESS

    def note_failed(self, name: str, address: str) -> None:
        """Count a failed login."""
        try:
            with self._client.pipeline() as pipeline:
                for key in _keys(name, address):
                    pipeline.incr(key)
                    pipeline.expire(key, _WINDOW_S)
                pipeline.execute()  # type: ignore[no-untyped-call] # untyped in the client
        except (ValkeyError, OSError):
            return


def _keys(name: str, address: str) -> list[str]:
    # What people type into the field of the name may be a password.
    return [
        f"{_KEY}{kind}:{sha256(text.encode()).hexdigest()[:32]}"
        for kind, text in (("name", name), ("address", address))
    ]
