"""What feedback teaches models, and what became of it."""

from enum import Enum
from typing import Final, NamedTuple

from cardwatch_contracts.feedback import Feedback

HIGH_DEVIATIONS: Final = 2.5
"""From here on an amount is far over what is usual for its user. Standard deviations."""


class Lesson(NamedTuple):
    """An analyst's word on a payment, with all that is needed to learn from it."""

    user_id: str
    transaction_id: str
    merchant_id: str
    event_time: int
    """When the payment was. Milliseconds since 1970-01-01 UTC."""
    fraudulent: bool
    amount_deviations: float
    """By how many standard deviations the amount was over the user's mean; 0: not known."""
    given_at: int
    """When it was said. Milliseconds since 1970-01-01 UTC."""


class Heard(Enum):
    """What became of a lesson."""

    LEARNED = "learned"
    CHANGED = "changed"
    """It contradicts an earlier one, which was taken back."""
    REPEATED = "repeated"
    """It says what is known, or is older than what is known: nothing is learned."""
    UNKNOWN = "unknown"
    """It is about somebody, or a payment, of whom nothing is known here: nothing changed."""


def lesson_of(feedback: Feedback) -> Lesson | None:
    """Return what a feedback teaches; None where it is unsure, or does not say when it was."""
    if feedback.label == "unsure" or feedback.event_time is None:
        return None
    return Lesson(
        feedback.user_id,
        feedback.transaction_id,
        feedback.merchant_id,
        feedback.event_time,
        feedback.label == "fraudulent",
        feedback.amount_deviations or 0.0,
        feedback.given_at,
    )


def is_explained(amount_deviations: float) -> bool:
    """Whether an amount so far over the usual would explain a fraud by a stolen card."""
    return amount_deviations > HIGH_DEVIATIONS
