"""Card profiles from Valkey."""

from collections.abc import Iterator
from typing import Final, cast

from valkey import Valkey
from valkey.exceptions import ValkeyError

from cardwatch_archiver.profiles import ProfileStats, read_stats
from cardwatch_contracts.card import PROFILE_KEY_PREFIX, CardProfile, decode_card_profile
from cardwatch_local.errors import StackError
from cardwatch_local.reading.topic import RETRY_S

_SCAN: Final = 5_000


class ProfileReader:
    """Reads the profiles that the archiver keeps in Valkey."""

    def __init__(self, url: str, *, timeout_s: float = RETRY_S) -> None:
        """Read from the server at `url`; each answer may take `timeout_s`."""
        try:
            self._client = Valkey.from_url(
                url, socket_timeout=timeout_s, socket_connect_timeout=timeout_s
            )
        except ValueError as error:
            raise StackError(f"--valkey-url {url}: {error}") from None
        self._url = url

    def profile(self, card_id: str) -> CardProfile | None:
        """Return a card's profile, None where there is none.

        Raises:
            StackError: Valkey does not answer.
        """
        try:
            value = cast(bytes | None, self._client.get(PROFILE_KEY_PREFIX + card_id))
        except (ValkeyError, OSError) as error:
            raise self._gone(error) from None
        return None if value is None else decode_card_profile(value)

    def profiles(self) -> Iterator[CardProfile]:
        """Yield every profile, in no order.

        Raises:
            StackError: Valkey does not answer.
        """
        try:
            keys: list[bytes] = []
            for key in self._client.scan_iter(match=f"{PROFILE_KEY_PREFIX}*", count=_SCAN):
                keys.append(key)
            for first in range(0, len(keys), _SCAN):
                values = cast(list[bytes | None], self._client.mget(keys[first : first + _SCAN]))
                yield from (decode_card_profile(value) for value in values if value is not None)
        except (ValkeyError, OSError) as error:
            raise self._gone(error) from None

    def stats(self) -> ProfileStats:
        """Return how many cards have a profile, and how many transactions these stand on.

        Raises:
            StackError: Valkey does not answer.
        """
        try:
            return read_stats(self._client)
        except (ValkeyError, OSError) as error:
            raise self._gone(error) from None

    def close(self) -> None:
        """Close the connection."""
        self._client.close()  # type: ignore[no-untyped-call] # unannotated in the client

    def _gone(self, error: Exception) -> StackError:
        return StackError(f"Valkey at {self._url} does not answer: {error}")
