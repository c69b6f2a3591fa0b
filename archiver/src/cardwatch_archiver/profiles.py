"""Card profiles in Valkey, and how far the topic has been written there.

Profiles, the offsets they came from and their totals change together in one transaction of
Valkey, so whatever Valkey holds is consistent and says itself where to go on. An emptied Valkey
has no offsets and is therefore rebuilt from the topic's beginning.

Order: a card's profiles lie in one partition, which is read in order, and the last one written
wins. A lower `version` after a higher one is thus the job's own word (it went back to a checkpoint
and is counting again), and the newest follows it in the same partition.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from valkey import Valkey, WatchError

from cardwatch_archiver.position import Position, PositionChangedError
from cardwatch_contracts.card import PROFILE_KEY_PREFIX, decode_card_profile
from cardwatch_contracts.codec import InvalidRecordError

OFFSETS_KEY: Final = "archiver:offsets:card-profiles"
"""Hash: next offset to read for each partition, and the topic's id."""
STATS_KEY: Final = "archiver:stats"
"""Hash: `profiles` and `transactions`."""

_TOPIC_ID: Final = "topic-id"
_FORGET_BATCH: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileStats:
    """Totals over all cards that have a profile."""

    profiles: int
    """Cards with a profile."""
    transactions: int
    """Transactions that these profiles stand on."""


def read_stats(client: Valkey) -> ProfileStats:
    """Return the totals; takes constant time, for progress bars.

    Raises:
        valkey.ValkeyError: Valkey does not answer.
    """
    profiles, transactions = cast(
        list[bytes | None], client.hmget(STATS_KEY, ["profiles", "transactions"])
    )
    return ProfileStats(profiles=int(profiles or 0), transactions=int(transactions or 0))


def count_profiles(client: Valkey) -> int:
    """Return how many cards have a profile; takes constant time.

    Raises:
        valkey.ValkeyError: Valkey does not answer.
    """
    return read_stats(client).profiles


class ProfileStore:
    """Writes profiles into Valkey. One writer at a time.

    Every method raises `valkey.ValkeyError` or `OSError` where Valkey does not answer; nothing of
    a batch is written then, or all of it.
    """

    def __init__(self, client: Valkey) -> None:
        self._client = client

    def position(self, topic_id: str) -> Position:
        """Return how far the topic is written; of another topic's profiles none is kept."""
        stored = self._read(self._client)
        if stored is not None and stored.topic_id != topic_id:
            self._forget_all()
            stored = None
        return stored or Position(topic_id=topic_id)

    def is_at(self, position: Position) -> bool:
        """Return whether Valkey is still where it was left."""
        return (self._read(self._client) or Position(topic_id=position.topic_id)) == position

    def write(
        self, profiles: Mapping[str, bytes | None], *, before: Position, after: Position
    ) -> None:
        """Write profiles, their totals and the new position in one transaction.

        Args:
            profiles: JSON by card id; None forgets the card.
            before: where Valkey was left.
            after: where it is with these profiles.

        Raises:
            PositionChangedError: Valkey is not at `before`; nothing is written.
        """
        keys = {PROFILE_KEY_PREFIX + card_id: value for card_id, value in profiles.items()}
        with self._client.pipeline(transaction=True) as pipe:
            pipe.watch(OFFSETS_KEY)  # type: ignore[no-untyped-call]  # valkey leaves it unannotated
            if (self._read(pipe) or Position(topic_id=before.topic_id)) != before:
                raise PositionChangedError
            old = cast(list[bytes | None], pipe.mget(list(keys))) if keys else []
            pipe.multi()
            self._queue(pipe, keys, old)
            fields: dict[str | bytes, Any] = {str(p): at for p, at in after.offsets.items()}
            pipe.hset(OFFSETS_KEY, mapping={_TOPIC_ID: after.topic_id} | fields)
            try:
                pipe.execute()  # type: ignore[no-untyped-call]
            except WatchError:
                raise PositionChangedError from None

    def _queue(
        self, pipe: Any, keys: Mapping[str, bytes | None], old: Sequence[bytes | None]
    ) -> None:
        """Queue the commands that write `keys` over `old` and keep the totals right."""
        present = {key: value for key, value in keys.items() if value is not None}
        gone = [key for key, value in keys.items() if value is None]
        if present:
            pipe.mset(present)
        if gone:
            pipe.delete(*gone)
        profiles = len(present) - sum(value is not None for value in old)
        transactions = sum(map(_transactions, present.values())) - sum(map(_transactions, old))
        pipe.hincrby(STATS_KEY, "profiles", profiles)
        pipe.hincrby(STATS_KEY, "transactions", transactions)

    def _read(self, client: Any) -> Position | None:
        fields: dict[bytes, bytes] = client.hgetall(OFFSETS_KEY)
        topic_id = fields.pop(_TOPIC_ID.encode(), None)
        if topic_id is None:
            return None
        offsets = {int(partition): int(offset) for partition, offset in fields.items()}
        return Position(topic_id=topic_id.decode(), offsets=offsets)

    def _forget_all(self) -> None:
        """Remove all profiles, the position last: a crash in between starts again here."""
        keys: list[bytes] = []
        for key in self._client.scan_iter(match=f"{PROFILE_KEY_PREFIX}*", count=_FORGET_BATCH):
            keys.append(key)
            if len(keys) == _FORGET_BATCH:
                self._client.unlink(*keys)
                keys.clear()
        self._client.unlink(*keys, STATS_KEY)
        self._client.delete(OFFSETS_KEY)


def _transactions(value: bytes | None) -> int:
    """Return how many transactions a stored profile stands on; 0 for none or a foreign value."""
    if value is None:
        return 0
    try:
        return decode_card_profile(value).transactions
    except InvalidRecordError:
        return 0
