"""What is remembered of a user and their cards between transactions.

Everything is bounded, so that a user's memory is too: at most `MAX_CARDS` cards with
`MAX_WINDOW_ENTRIES` times in each of two windows. `history.pxd` has the types for machine code.
"""

from dataclasses import dataclass, field
from typing import Final

from cardwatch_contracts.transaction import Transaction
from cardwatch_job.detectors.stored import (
    SCHEMA_VERSION,
    HeldTransaction,
    StoredCard,
    StoredUser,
    pack,
    unpack,
)

MAX_CARDS: Final = 64
"""Cards remembered for one user; the one that was silent longest is forgotten first."""
MAX_WINDOW_ENTRIES: Final = 50
"""Times remembered in a window; no detector can ask for more (`Count` in DetectorConfig)."""
DUPLICATES_WITHIN_MS: Final = 10 * 60_000
"""Event time for which a user's transaction ids are remembered. Milliseconds."""
MAX_RECENT_IDS: Final = 64
"""Transaction ids remembered of one user, whatever the time."""
FORGET_EVERY_MS: Final = 86_400_000
"""Idle cards are looked for once in so much event time. Milliseconds."""
_MAX_SUM_MINOR: Final = 2**62


@dataclass
class CardState:
    """What is remembered of one card. What is `last` means nothing before the first transaction."""

    transactions: int = 0
    amounts: int = 0
    """How many positive amounts `amount_sum_minor` is the sum of."""
    amount_sum_minor: int = 0
    last_event_time: int = 0
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

    def learn(self, txn: Transaction) -> None:
        """Take in what several detectors need."""
        self.take(txn.event_time, txn.latitude, txn.longitude, txn.amount_minor)

    def take(self, time_ms: int, latitude: float, longitude: float, amount_minor: int) -> None:
        """Take in a transaction. A late one does not turn back time."""
        if not self.transactions or time_ms >= self.last_event_time:
            self.last_event_time = time_ms
            self.last_latitude = latitude
            self.last_longitude = longitude
        self.transactions += 1
        self.latitude_sum += latitude
        self.longitude_sum += longitude
        if amount_minor > 0:
            if self.amount_sum_minor > _MAX_SUM_MINOR:  # the mean stays what it was
                self.amount_sum_minor //= 2
                self.amounts //= 2
            self.amounts += 1
            self.amount_sum_minor += amount_minor

    def stored(self) -> StoredCard:
        """Return the form in which it is kept in Flink's state."""
        return StoredCard(
            self.transactions,
            self.amounts,
            self.amount_sum_minor,
            self.last_event_time,
            self.last_latitude,
            self.last_longitude,
            self.latitude_sum,
            self.longitude_sum,
            self.limit_minor,
            self.near_limit_times,
            self.no_pin_times,
        )


@dataclass
class UserState:
    """What is remembered of one user: their cards by card id."""

    cards: dict[str, CardState] = field(default_factory=dict)
    recent_ids: list[str] = field(default_factory=list)
    """Ids of the latest transactions, in the order in which they were judged."""
    recent_times: list[int] = field(default_factory=list)
    """Their event times."""
    held: tuple[HeldTransaction, ...] = ()
    """Transactions that wait for earlier ones."""

    def has_seen(self, transaction_id: str) -> bool:
        """Whether one of this id was judged within `DUPLICATES_WITHIN_MS`, or waits."""
        if transaction_id in self.recent_ids:
            return True
        return bool(self.held) and transaction_id in [held.transaction_id for held in self.held]

    def hold(self, held: HeldTransaction) -> None:
        """Let a transaction wait."""
        self.held = (*self.held, held)

    def take_earliest(self) -> HeldTransaction:
        """Return the first of those that wait, by event time and then by id."""
        earliest = min(self.held, key=lambda held: (held.event_time, held.transaction_id))
        self.held = tuple(held for held in self.held if held is not earliest)
        return earliest

    def remember_id(self, transaction_id: str, event_time: int) -> None:
        """Know a transaction if it comes again. Event time in milliseconds."""
        ids, times = self.recent_ids, self.recent_times
        oldest_ms = event_time - DUPLICATES_WITHIN_MS
        expired = max(0, len(times) - MAX_RECENT_IDS + 1)
        while expired < len(times) and times[expired] < oldest_ms:
            expired += 1
        if expired > 0:
            del ids[:expired], times[:expired]
        ids.append(transaction_id)
        times.append(event_time)

    def forget_before(self, time_ms: int) -> bool:
        """Forget the cards whose latest transaction is older; return whether any was.

        Of a card with a limit on record the limit stays.
        """
        idle = [
            card_id
            for card_id, card in self.cards.items()
            if card.transactions and card.last_event_time < time_ms
        ]
        for card_id in idle:
            limit_minor = self.cards.pop(card_id).limit_minor
            if limit_minor is not None:
                self.cards[card_id] = CardState(limit_minor=limit_minor)
        return bool(idle)

    def forget(self, card_id: str) -> None:
        """Forget a card; without an id all of them, and the transactions' ids.

        What waits stays: it was accepted, and will be judged.
        """
        if card_id:
            self.cards.pop(card_id, None)
        else:
            self.cards.clear()
            self.recent_ids.clear()
            self.recent_times.clear()

    def card(self, card_id: str) -> CardState:
        """Return the memory of a card, an empty one where it is new."""
        card = self.cards.get(card_id)
        if card is None:
            if len(self.cards) >= MAX_CARDS:
                del self.cards[min(self.cards, key=self._last_seen)]
            card = self.cards[card_id] = CardState()
        return card

    def _last_seen(self, card_id: str) -> int:
        return self.cards[card_id].last_event_time


@dataclass
class Usual:
    """What is usual for a user, held against a transaction."""

    payments: int
    """How many of the user's payments it stands on."""
    distance_km: float
    """From the mean place of these payments."""


@dataclass
class History:
    """What came before a transaction: its card's memory and those of the user's other cards."""

    card: CardState
    cards: dict[str, CardState]
    """All of the user's cards by card id, this one among them."""
    usual: Usual | None = None
    """What is usual for the user; None where nobody wants to know."""


def encode_user(user: UserState) -> bytes:
    """Pack a user's memory for keyed state."""
    cards = {card_id: card.stored() for card_id, card in user.cards.items()}
    return pack(StoredUser(SCHEMA_VERSION, cards, user.recent_ids, user.recent_times, user.held))


def decode_user(value: bytes | None) -> UserState:
    """Unpack a user's memory; an empty one where there is none yet.

    Raises:
        ValueError: it was written by a newer version of Cardwatch.
    """
    if value is None:
        return UserState()
    stored = unpack(value)
    cards = {card_id: _card_of(card) for card_id, card in stored.cards.items()}
    return UserState(cards, stored.recent_ids, stored.recent_times, stored.held)


def _card_of(stored: StoredCard) -> CardState:
    return CardState(
        stored.transactions,
        stored.amounts,
        stored.amount_sum_minor,
        stored.last_event_time,
        stored.last_latitude,
        stored.last_longitude,
        stored.latitude_sum,
        stored.longitude_sum,
        stored.limit_minor,
        stored.near_limit_times,
        stored.no_pin_times,
    )
