"""Removes the card profiles of one user from Valkey, beside a running archiver."""

from typing import Any, Final, cast

from valkey import Valkey, WatchError

from cardwatch_archiver.profiles import OFFSETS_KEY, STATS_KEY
from cardwatch_contracts.card import PROFILE_KEY_PREFIX, CardProfile, decode_card_profile
from cardwatch_contracts.codec import InvalidRecordError

_SCAN: Final = 5_000


def profile_keys_of(client: Valkey, user_id: str) -> list[bytes]:
    """Return under which keys a user's profiles are, in alphabetical order. Looks at every profile.

    Raises:
        valkey.ValkeyError: Valkey does not answer.
    """
    keys = list(client.scan_iter(match=f"{PROFILE_KEY_PREFIX}*", count=_SCAN))
    found = set()
    for first in range(0, len(keys), _SCAN):
        some = keys[first : first + _SCAN]
        for key, value in zip(some, cast(list[bytes | None], client.mget(some)), strict=True):
            profile = _profile(value)
            if profile is not None and profile.user_id == user_id:
                found.add(key)
    return sorted(found)


def forget_profile(client: Valkey, key: bytes, user_id: str) -> bool:
    """Remove a profile and keep the totals right; return whether it was there and the user's.

    Raises:
        valkey.ValkeyError: Valkey does not answer.
    """
    while True:
        with client.pipeline(transaction=True) as pipe:
            pipe.watch(key, OFFSETS_KEY)  # type: ignore[no-untyped-call]  # unannotated in valkey
            profile = _profile(cast(bytes | None, pipe.get(key)))
            if profile is None or profile.user_id != user_id:
                return False
            offsets = cast(dict[str | bytes, Any], pipe.hgetall(OFFSETS_KEY))
            pipe.multi()
            pipe.delete(key)
            pipe.hincrby(STATS_KEY, "profiles", -1)
            pipe.hincrby(STATS_KEY, "transactions", -profile.transactions)
            if offsets:
                # Changes nothing, but whoever writes at this moment sees that something was: an
                # archiver has read what it replaces, and would take this profile off twice.
                pipe.hset(OFFSETS_KEY, mapping=offsets)
            try:
                pipe.execute()  # type: ignore[no-untyped-call]
            except WatchError:
                continue
            return True


def _profile(value: bytes | None) -> CardProfile | None:
    try:
        return None if value is None else decode_card_profile(value)
    except InvalidRecordError:
        return None
