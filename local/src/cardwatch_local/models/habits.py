"""What is usual for users, worked out from what they paid, for a job that starts without history.

By the job's own memory: what comes out is what the job would know, had it judged these payments.
"""

from collections.abc import Collection, Mapping
from typing import Final

import numpy as np

from cardwatch_contracts.kafka_settings import Kafka
from cardwatch_contracts.topics import USER_HABITS
from cardwatch_job.model.memory import Memory
from cardwatch_local.models.sending import Sender
from cardwatch_local.progress import StepListener
from cardwatch_local.reading.database import open_archive
from cardwatch_local.training.payments import FRAUDULENT, Payments
from cardwatch_local.training.replay import replay

_SAY_EVERY: Final = 1_000
_ALERTED_QUERY: Final = "SELECT transaction_id FROM analytics.alerts WHERE mode = 'active'"


def alerted_in_archive(url: str) -> set[str]:
    """Return the transactions that raised an alert.

    Raises:
        StackError: the database does not answer.
    """
    with open_archive(url) as connection:
        return {transaction_id for (transaction_id,) in connection.execute(_ALERTED_QUERY)}


def habits_of(
    payments: Payments, alerted: Collection[str], steps: StepListener
) -> Mapping[str, bytes]:
    """Return the packed memory of each user.

    As in the job, a payment that alerted teaches no habit until somebody says that it was genuine;
    nor does one of which it is known that it was fraudulent.
    """
    memory = Memory()
    held = (payments.label == FRAUDULENT) | np.isin(
        payments.transaction_id, np.array(list(alerted), object)
    )
    flags = iter(held.tolist())
    nothing = np.zeros(len(payments), bool)
    replay(payments, nothing, memory=memory, alerts=lambda _features: next(flags), steps=steps)
    changed = memory.users.take_changed()
    return {user_id: packed for user_id, packed in changed.items() if packed is not None}


def send_habits(kafka: Kafka, habits: Mapping[str, bytes], steps: StepListener) -> None:
    """Send them to the job; returns when Kafka has all of them.

    Raises:
        StackError: Kafka does not take them.
    """
    step = f"send to topic {USER_HABITS.name}"
    steps.started(step, len(habits))
    sender = Sender(kafka, USER_HABITS)
    for number, (user_id, packed) in enumerate(habits.items(), start=1):
        sender.send(user_id.encode(), packed)
        if number % _SAY_EVERY == 0:
            steps.advanced(step, number)
    sender.flush()
    steps.finished(step)
