"""A payment-card transaction, as it travels on the topic `transactions`."""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from cardwatch_contracts._transaction_checks import check_codes, refuse_card_numbers
from cardwatch_contracts.codec import decode

MAX_AMOUNT_MINOR: Final = 10**15
"""Largest amount, either sign, in minor units: sums of many stay exact everywhere."""

EARLIEST_EVENT_TIME_MS: Final = 0
LATEST_EVENT_TIME_MS: Final = 4_102_444_800_000  # 2100-01-01T00:00:00Z

Identifier = Annotated[str, Meta(min_length=1, max_length=128)]
Name = Annotated[str, Meta(max_length=256)]
Currency = Annotated[str, Meta(min_length=3, max_length=3)]
Country = Annotated[str, Meta(min_length=2, max_length=2)]
AmountMinor = Annotated[int, Meta(ge=-MAX_AMOUNT_MINOR, le=MAX_AMOUNT_MINOR)]
LimitMinor = Annotated[int, Meta(gt=0, le=MAX_AMOUNT_MINOR)]
EventTimeMs = Annotated[int, Meta(ge=EARLIEST_EVENT_TIME_MS, lt=LATEST_EVENT_TIME_MS)]
Latitude = Annotated[float, Meta(ge=-90, le=90)]
Longitude = Annotated[float, Meta(ge=-180, le=180)]
Channel = Literal["chip", "contactless", "magstripe", "online", "atm"]


class Transaction(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One payment, refund or withdrawal with one card."""

    transaction_id: Identifier
    """Unique for all time; the alert's id is derived from it."""
    event_time: EventTimeMs
    """When the cardholder paid. Milliseconds since 1970-01-01 UTC."""
    user_id: Identifier
    """The account's owner; the Kafka key. A user may have several cards."""
    card_id: Identifier
    """A token for the card, never its number."""
    bank_id: Identifier
    payment_system: Identifier
    """The scheme, such as `visa`, `mastercard` or `mir`."""
    amount_minor: AmountMinor
    """Minor units of `currency` (cents). Negative is accepted here and reported by a detector."""
    currency: Currency
    """ISO 4217, such as `EUR`."""
    merchant_id: Identifier
    merchant_category: Identifier
    country: Country
    """ISO 3166-1 alpha-2, where the merchant is."""
    city: Name
    latitude: Latitude
    """Degrees north, WGS 84."""
    longitude: Longitude
    """Degrees east, WGS 84."""
    pin_used: bool
    channel: Channel
    card_limit_minor: LimitMinor | None = None
    """The card's limit for one transaction. Minor units; absent: the limit on record."""
    label: str | None = None
    """The scenario a simulator injected. Never read by a detector."""
    traceparent: str | None = None
    """W3C trace context, for producers that cannot set a Kafka header. The header wins."""
    reply_to: Identifier | None = None
    """Who waits for the job's verdict: the key of its record on `verdicts`. Set by the gateway."""


_decoder: Final = msgspec.json.Decoder(Transaction)


def decode_transaction(value: bytes | None) -> Transaction:
    """Decode and check one transaction from JSON. Unknown fields are ignored.

    Raises:
        InvalidRecordError: with the field and what is allowed; no value is repeated.
    """
    txn = decode(_decoder, value)
    check_transaction(txn)
    return txn


def check_transaction(txn: Transaction) -> None:
    """Check what the types alone cannot say.

    Raises:
        InvalidRecordError: a code is not in capital letters, or a field is a card number.
    """
    check_codes(txn)
    refuse_card_numbers(txn)
