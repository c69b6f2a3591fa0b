"""Payments and labels that nobody made: by their alerts it is known how far the job is.

What comes by one partition of a topic to one subtask stays in its order. So where every subtask
has judged a mark behind the payments of every partition, it has judged all of these; and where
every subtask knows of a fraud that was told behind the labels of every partition, it has taken all
labels. Flink's own word, the offset that a source commits with a checkpoint, can come ten seconds
later: a Kafka source without anything to read does not look up before.
"""

from collections.abc import Iterator
from typing import Final

from benchmarks.scorecard.onlooker import YES
from benchmarks.scorecard.records import CATEGORY, World
from cardwatch_contracts.topics import FEEDBACK, TRANSACTIONS
from cardwatch_local.training.payments import Paid

MARKS: Final = World("marks")
_USERS: Final = 12
"""Of each partition, and each is some subtask's: that none is left out is as good as certain."""

Sent = tuple[int, bytes, bytes]
"""Partition, key and value."""


class Marks:
    """Makes marks, and knows which of them the job has answered."""

    def __init__(self) -> None:
        """Begin with none."""
        self._labels = 0
        self._rounds = 0
        self._risks: dict[str, float] = {}

    def labels(self, event_time: int) -> Iterator[Sent]:
        """Return a reported fraud for each partition of the topic `feedback`.

        Each is of a merchant that is known for nothing else. Earlier payments are forgotten.
        """
        self._labels += 1
        self._risks.clear()
        for partition in range(FEEDBACK.partitions):
            number = f"label-{self._labels}-{partition}"
            paid = _paid(number, "nobody", self._merchant(partition), event_time)
            key, value = MARKS.feedback(
                paid, fraudulent=True, given_at=event_time, amount_deviations=0.0
            )
            yield partition, key, value

    def payments(self, event_time: int) -> Iterator[Sent]:
        """Return payments for each partition of the topic `transactions`; forget earlier ones.

        Of each partition there are some at each merchant of the latest labels.
        """
        self._rounds += 1
        self._risks.clear()
        for partition in range(TRANSACTIONS.partitions):
            for number in range(_USERS):
                merchant = self._merchant((partition + number) % FEEDBACK.partitions)
                user = f"{partition}-{number}"
                paid = _paid(f"{self._rounds}-{user}", user, merchant, event_time)
                key, value = MARKS.transaction(paid)
                yield partition, key, value

    def take(self, number: str, risk: float) -> None:
        """Take the risk of a payment by its number."""
        if number.startswith(f"{self._rounds}-"):
            self._risks[number] = risk

    @property
    def unjudged(self) -> int:
        """How many of the latest payments are not judged yet."""
        return TRANSACTIONS.partitions * _USERS - len(self._risks)

    @property
    def are_heard(self) -> bool:
        """Whether whoever judged the latest payments knew of the latest labels."""
        return not self.unjudged and min(self._risks.values()) >= YES

    def _merchant(self, partition: int) -> str:
        return f"{self._labels}-{partition}"


def _paid(number: str, user: str, merchant: str, event_time: int) -> Paid:
    return Paid(
        transaction_id=number,
        event_time=event_time,
        user_id=user,
        merchant_id=merchant,
        merchant_category=CATEGORY,
        amount_minor=100,
        latitude=0.0,
        longitude=0.0,
    )
