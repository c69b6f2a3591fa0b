"""What is on record for a card, and what its history taught.

`Card` travels on the compacted topic `cards`, `CardProfile` on the compacted topic
`card-profiles` and into Valkey.
"""

from typing import Final

import msgspec

from cardwatch_contracts.codec import decode, refuse_card_number
from cardwatch_contracts.transaction import Currency, EventTimeMs, Identifier, LimitMinor

PROFILE_KEY_PREFIX: Final = "card-profile:"
"""What a card's key in Valkey begins with; the card id follows, the value is a `CardProfile`."""


class Card(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A card as its bank issued it."""

    card_id: Identifier
    """A token, never the number."""
    user_id: Identifier
    bank_id: Identifier
    payment_system: Identifier
    currency: Currency
    card_limit_minor: LimitMinor | None = None
    """Limit for one transaction, minor units of `currency`; absent: no limit on record."""


class CardProfile(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the transactions of one card have shown so far. Absolute values, never increments."""

    card_id: Identifier
    user_id: Identifier
    version: int
    """Grows with every transaction of the card; the highest is the newest."""
    transactions: int
    """How many the job has seen."""
    average_amount_minor: float | None = None
    """Mean of the positive amounts, minor units, to the hundredth; absent before the first."""
    amounts: int = 0
    """How many amounts the average stands on."""
    card_limit_minor: LimitMinor | None = None
    last_event_time: EventTimeMs | None = None
    """Event time of the latest transaction. Milliseconds since 1970-01-01 UTC."""
    last_latitude: float | None = None
    """Where the latest transaction was. Degrees north, WGS 84."""
    last_longitude: float | None = None
    """Degrees east, WGS 84."""
    home_latitude: float | None = None
    """Mean place of the card's transactions, to the millionth. Degrees north, WGS 84."""
    home_longitude: float | None = None
    """Degrees east, WGS 84."""


_card_decoder: Final = msgspec.json.Decoder(Card)
_profile_decoder: Final = msgspec.json.Decoder(CardProfile)


def card_key(card: Card) -> bytes:
    """Kafka key on `cards`: the user, then the card, so that compaction keeps each card."""
    return f"{card.user_id}/{card.card_id}".encode()


def decode_card(value: bytes | None) -> Card:
    """Decode and check one card.

    Raises:
        InvalidRecordError: with the field and what is allowed.
    """
    card = decode(_card_decoder, value)
    refuse_card_number("card_id", card.card_id)
    refuse_card_number("user_id", card.user_id)
    refuse_card_number("bank_id", card.bank_id)
    refuse_card_number("payment_system", card.payment_system)
    return card


def decode_card_profile(value: bytes | None) -> CardProfile:
    """Decode one card profile.

    Raises:
        InvalidRecordError: with the field and what is allowed.
    """
    return decode(_profile_decoder, value)
