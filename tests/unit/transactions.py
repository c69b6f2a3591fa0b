"""Transactions for tests: a plain one, of which a test changes what it is about."""

from typing import Any, Final

from msgspec.structs import replace

from cardwatch_contracts.codec import encode
from cardwatch_contracts.transaction import Transaction

NOON_MS: Final = 1_760_000_400_000
"""Event time of the plain transaction: 2025-10-09 09:00 UTC. Milliseconds."""

_PLAIN: Final = Transaction(
    transaction_id="txn-1",
    event_time=NOON_MS,
    user_id="user-1",
    card_id="card-1",
    bank_id="bank-a",
    payment_system="visa",
    amount_minor=2_500,
    currency="EUR",
    merchant_id="merchant-1",
    merchant_category="grocery",
    country="DE",
    city="Berlin",
    latitude=52.52,
    longitude=13.405,
    pin_used=True,
    channel="chip",
)


def make_transaction(*, after_s: float = 0.0, **changes: Any) -> Transaction:
    """Return the plain transaction with `changes`, `after_s` seconds later."""
    event_time = changes.pop("event_time", NOON_MS) + round(after_s * 1000)
    return replace(_PLAIN, event_time=event_time, **changes)


def encoded_transaction(**changes: Any) -> bytes:
    """Return the plain transaction with `changes` as it travels on the topic."""
    return encode(make_transaction(**changes))
