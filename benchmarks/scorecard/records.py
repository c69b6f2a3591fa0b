"""The handbook's payments as Cardwatch's records. Pure."""

from dataclasses import dataclass
from typing import Final

from cardwatch_contracts.alert import alert_id_of
from cardwatch_contracts.codec import encode
from cardwatch_contracts.feedback import Feedback
from cardwatch_contracts.transaction import Transaction
from cardwatch_local.training.payments import Paid

CATEGORY: Final = "unknown"
"""The file knows no trades; nor places: all payments are at one."""
_ANALYST: Final = "scorecard"


@dataclass(frozen=True, slots=True)
class World:
    """One copy of the handbook's customers and terminals: a bank, judged by a config of its own.

    Several at once are strangers to each other: no customer, card or terminal is in two.
    """

    bank_id: str

    def transaction_id(self, number: str) -> str:
        """Return a payment's id in this world."""
        return f"{self.bank_id}-{number}"

    def transaction(self, paid: Paid) -> tuple[bytes, bytes]:
        """Return a payment as key and value of the topic `transactions`."""
        user_id = f"{self.bank_id}-user-{paid.user_id}"
        transaction = Transaction(
            transaction_id=self.transaction_id(paid.transaction_id),
            event_time=paid.event_time,
            user_id=user_id,
            card_id=f"{self.bank_id}-card-{paid.user_id}",
            bank_id=self.bank_id,
            payment_system="unknown",
            amount_minor=paid.amount_minor,
            currency="XXX",  # ISO 4217 for no currency
            merchant_id=f"{self.bank_id}-terminal-{paid.merchant_id}",
            merchant_category=paid.merchant_category,
            country="ZZ",  # ISO 3166 for unknown
            city="",
            latitude=paid.latitude,
            longitude=paid.longitude,
            pin_used=True,  # so that no rule about a missing one fires
            channel="chip",
        )
        return user_id.encode(), encode(transaction)

    def feedback(
        self, paid: Paid, *, fraudulent: bool, given_at: int, amount_deviations: float
    ) -> tuple[bytes, bytes]:
        """Return what became known of a payment as key and value of the topic `feedback`.

        `amount_deviations` are those of the payment's alert; `given_at`, milliseconds, is when the
        label became known.
        """
        transaction_id = self.transaction_id(paid.transaction_id)
        feedback = Feedback(
            feedback_id=f"{transaction_id}-told",
            alert_id=alert_id_of(transaction_id),
            transaction_id=transaction_id,
            user_id=f"{self.bank_id}-user-{paid.user_id}",
            card_id=f"{self.bank_id}-card-{paid.user_id}",
            bank_id=self.bank_id,
            merchant_id=f"{self.bank_id}-terminal-{paid.merchant_id}",
            label="fraudulent" if fraudulent else "genuine",
            given_by=_ANALYST,
            given_at=given_at,
            event_time=paid.event_time,
            amount_deviations=amount_deviations,
        )
        return transaction_id.encode(), encode(feedback)
