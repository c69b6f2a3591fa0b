"""All that models remember, and the order in which it is asked and taught: look, then learn.

In machine code where the job is compiled, with the same results to the last bit.
"""

from array import array
from collections.abc import Mapping

from cardwatch_job.model.habits import Payment
from cardwatch_job.model.lessons import Heard, Lesson
from cardwatch_job.model.merchants import MAX_MERCHANTS, Merchants
from cardwatch_job.model.users import ModelUsers

try:
    from cardwatch_job.model.flat_habits import FlatModelUsers
    from cardwatch_job.model.flat_merchants import FlatMerchants
except ImportError:  # not compiled
    FlatMerchants, FlatModelUsers = Merchants, ModelUsers  # type: ignore[assignment, misc]


def users_of_bucket(packed: Mapping[str, bytes] | None = None) -> ModelUsers:
    """Begin with the packed memories of a bucket's users, by user id.

    Raises:
        BrokenMemoryError: one is none of this version; at once, or when the user is asked for.
    """
    return FlatModelUsers(packed)


def merchants(packed: Mapping[str, bytes] | None = None, *, most: int = MAX_MERCHANTS) -> Merchants:
    """Begin with packed memories of merchants; at most so many are remembered.

    Raises:
        BrokenMemoryError: one is none of this version.
    """
    return FlatMerchants(packed, most=most)


class Memory:
    """What is remembered of users and merchants together, as a replay has it."""

    def __init__(self) -> None:
        """Know nothing."""
        self.users = users_of_bucket()
        self.merchants = merchants()

    def look(self, payment: Payment) -> "array[float]":
        """Return a payment's features; nothing is changed."""
        return self.users.look(payment, self.merchants)

    def learn(self, payment: Payment, *, alerted: bool) -> float:
        """Take in a payment after it was scored; one that alerted changes no habit for now.

        Returns:
            By how many standard deviations its amount was over the user's mean before.
        """
        return self.users.learn(payment, alerted=alerted)

    def hear(self, lesson: Lesson) -> Heard:
        """Take in an analyst's word; return what became of it at the merchant."""
        self.users.hear(lesson)
        return self.merchants.hear(lesson)
