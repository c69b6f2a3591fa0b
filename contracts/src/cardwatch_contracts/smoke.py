"""The payment by which an installed platform is tried out, whichever way it is sent. Pure."""

from typing import Final

from cardwatch_contracts.transaction import Transaction

BANK: Final = "cardwatch-smoke"


def suspicious_payment(name: str, *, event_time: int) -> Transaction:
    """Return a payment of a negative amount by a user of its own. Time: epoch ms, UTC."""
    return Transaction(
        transaction_id=name,
        event_time=event_time,
        user_id=name,
        card_id=f"tok_{name}",
        bank_id=BANK,
        payment_system="visa",
        amount_minor=-100,
        currency="EUR",
        merchant_id="m-smoke",
        merchant_category="grocery",
        country="DE",
        city="Berlin",
        latitude=52.52,
        longitude=13.405,
        pin_used=True,
        channel="chip",
        label="smoke",
    )
