"""Card profiles in Valkey, as the archiver keeps them."""

from collections.abc import Mapping, Sequence
from typing import Final, cast

from valkey import Valkey
from valkey.exceptions import ValkeyError

from cardwatch_contracts.card import PROFILE_KEY_PREFIX, CardProfile, decode_card_profile
from cardwatch_contracts.codec import InvalidRecordError
from cardwatch_visualizer.live.store import StoreAwayError

MOST_CARDS: Final = 64
"""Profiles that are asked for in one go: as many cards as the job remembers of a user."""


class ProfileReader:
    """Reads profiles.

    Args:
        client: of Valkey.
    """

    def __init__(self, client: Valkey) -> None:
        self._client = client

    def of(self, card_ids: Sequence[str]) -> Mapping[str, CardProfile]:
        """Return the profiles of cards, `MOST_CARDS` at most, by card id; some may have none.

        Raises:
            StoreAwayError: Valkey does not answer.
        """
        asked = list(card_ids[:MOST_CARDS])
        if not asked:
            return {}
        keys = [PROFILE_KEY_PREFIX + card_id for card_id in asked]
        try:
            values = cast(list[bytes | None], self._client.mget(keys))
        except (ValkeyError, OSError) as error:
            raise StoreAwayError(type(error).__name__) from None
        profiles = map(_profile, values)
        return {
            card_id: profile
            for card_id, profile in zip(asked, profiles, strict=True)
            if profile is not None
        }


def _profile(value: bytes | None) -> CardProfile | None:
    try:
        return None if value is None else decode_card_profile(value)
    except InvalidRecordError:
        return None  # somebody else's value under our name
