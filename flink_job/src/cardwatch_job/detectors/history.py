"""What is remembered of a user and their cards between transactions.

Everything is bounded, so that a user's memory is too: at most `MAX_CARDS` cards with
`MAX_WINDOW_ENTRIES` times in each of two windows.
"""

from dataclasses import dataclass
from typing import Final

import msgspec

from cardwatch_contracts.transaction import Transaction

SCHEMA_VERSION: Final = 1
MAX_CARDS: Final = 64
"""Cards remembered for one user; the one that was silent longest is forgotten first."""
MAX_WINDOW_ENTRIES: Final = 50
"""Times remembered in a window; no detector can ask for more (`Count` in DetectorConfig)."""
DUPLICATES_WITHIN_MS: Final = 10 * 60_000
"""Event time for which a user's transaction ids are remembered. Milliseconds."""
MAX_RECENT_IDS: Final = 64
"""Transaction ids remembered of one user, whatever the time."""


class CardState(msgspec.Struct, array_like=True, gc=False):
    """What is remembered of one card. New fields go to the end, with a default."""

    transactions: int = 0
    amounts: int = 0
    """How many positive amounts `amount_sum_minor` is the sum of."""
    amount_sum_minor: int = 0
    last_event_time: int | None = None
    """Event time of the latest transaction. Milliseconds."""
    last_latitude: float = 0.0
    last_longitude: float = 0.0
    latitude_sum: float = 0.0
    longitude_sum: float = 0.0
    limit_minor: int | None = None
    """The limit on record; a transaction that brings its own is judged by that one."""
    near_limit_times: tuple[int, ...] = ()
    """Event times of amounts just below the PIN-free limit, oldest first."""
    no_pin_times: tuple[int, ...] = ()
    """Event times of transactions without PIN, oldest first."""

    @property
    def average_amount_minor(self) -> float | None:
        """Mean of the positive amounts so far; None before the first."""
        return self.amount_sum_minor / self.amounts if self.amounts else None


class HeldTransaction(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A transaction that waits for earlier ones, as it came."""

    event_time: int
    transaction_id: str
    value: bytes
    timestamp_ms: int
    traceparent: str | None


class UserState(msgspec.Struct, array_like=True, gc=False):
    """What is remembered of one user: their cards by card id."""

    version: int = SCHEMA_VERSION
    cards: dict[str, CardState] = {}
    recent: dict[str, int] = {}
    """Event time by id of the latest transactions, in the order in which they were judged."""
    held: tuple[HeldTransaction, ...] = ()
    """Transactions that wait for earlier ones."""

    def has_seen(self, txn: Transaction) -> bool:
        """Whether one of this id was judged within `DUPLICATES_WITHIN_MS`, or waits."""
        return txn.transaction_id in self.recent or (
            len(self.held) > 0
            and any(held.transaction_id == txn.transaction_id for held in self.held)
        )

    def hold(self, held: HeldTransaction) -> None:
        """Let a transaction wait."""
        self.held = (*self.held, held)

    def take_earliest(self) -> HeldTransaction:
        """Return the first of those that wait, by event time and then by id."""
        earliest = min(self.held, key=lambda held: (held.event_time, held.transaction_id))
        self.held = tuple(held for held in self.held if held is not earliest)
        return earliest

    def remember_id(self, txn: Transaction) -> None:
        """Know the transaction if it comes again."""
        recent = self.recent
        recent[txn.transaction_id] = txn.event_time
        oldest_ms = txn.event_time - DUPLICATES_WITHIN_MS
        first = next(iter(recent))
        while recent[first] < oldest_ms or len(recent) > MAX_RECENT_IDS:
            del recent[first]
            first = next(iter(recent))

    def forget_before(self, time_ms: int) -> bool:
        """Forget the cards whose latest transaction is older; return whether any was.

        Of a card with a limit on record the limit stays.
        """
        idle = [
            card_id
            for card_id, card in self.cards.items()
            if card.last_event_time is not None and card.last_event_time < time_ms
        ]
        for card_id in idle:
            limit_minor = self.cards.pop(card_id).limit_minor
            if limit_minor is not None:
                self.cards[card_id] = CardState(limit_minor=limit_minor)
        return bool(idle)

    def card(self, card_id: str) -> CardState:
        """Return the memory of a card, an empty one where it is new."""
        card = self.cards.get(card_id)
        if card is None:
            if len(self.cards) >= MAX_CARDS:
                del self.cards[min(self.cards, key=self._last_seen)]
            card = self.cards[card_id] = CardState()
        return card

    def _last_seen(self, card_id: str) -> int:
        return self.cards[card_id].last_event_time or 0


@dataclass(slots=True)
class History:
    """What came before a transaction: its card's memory and those of the user's other cards."""

    card: CardState
    cards: dict[str, CardState]
    """All of the user's cards by card id, this one among them."""

    def learn(self, txn: Transaction) -> None:
        """Take in what several detectors need. A late transaction does not turn back time."""
        card = self.card
        card.transactions += 1
        card.latitude_sum += txn.latitude
        card.longitude_sum += txn.longitude
        if txn.amount_minor > 0:
            card.amounts += 1
            card.amount_sum_minor += txn.amount_minor
        if card.last_event_time is None or txn.event_time >= card.last_event_time:
            card.last_event_time = txn.event_time
            card.last_latitude = txn.latitude
            card.last_longitude = txn.longitude


_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(UserState)


def encode_user(user: UserState) -> bytes:
    """Pack a user's memory for keyed state (MessagePack)."""
    return _encoder.encode(user)


def decode_user(value: bytes | None) -> UserState:
    """Unpack a user's memory; an empty one where there is none yet.

    Raises:
        ValueError: it was written by a newer version of Cardwatch.
    """
    if value is None:
        return UserState()
    user = _decoder.decode(value)
    if user.version > SCHEMA_VERSION:
        raise ValueError(
            f"user state of schema version {user.version}: this version reads up to "
            f"{SCHEMA_VERSION}; restore it with the newer Cardwatch that wrote it"
        )
    user.version = SCHEMA_VERSION
    return user
