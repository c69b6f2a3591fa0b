"""Before the live phase: cards on record, and a past for each of them."""

import time
from collections.abc import Callable
from typing import Final

from cardwatch_generator.cardholder import Population
from cardwatch_generator.publish import KafkaSink
from cardwatch_generator.seed import past_payments, past_transactions
from cardwatch_generator.settings import GeneratorSettings
from cardwatch_local.errors import StackError
from cardwatch_local.progress import StepListener
from cardwatch_local.reading.cards import ProfileReader

_STALL_S: Final = 60.0
_POLL_S: Final = 0.1


class _Patience:
    """Gives up when nothing has moved for a minute; a slow machine that moves may go on."""

    def __init__(self, what: str, why: Callable[[], str | None]) -> None:
        self._what = what
        self._why = why
        self._done = -1
        self._since = time.monotonic()

    def saw(self, done: int) -> None:
        """Note how far it is.

        Raises:
            StackError: It has not moved for `_STALL_S`.
        """
        if done > self._done:
            self._done, self._since = done, time.monotonic()
        elif time.monotonic() - self._since > _STALL_S:
            reason = self._why() or "`cardwatch logs` says why"
            raise StackError(f"{self._what} has stood at {done:,} for {_STALL_S:.0f} s: {reason}")


def seed_cards(
    population: Population,
    *,
    sink: KafkaSink,
    profiles: ProfileReader,
    steps: StepListener,
    why_stuck: Callable[[], str | None] = lambda: None,
) -> None:
    """Publish the cards and wait until Valkey has a profile of each.

    The wait is what makes the job know every limit before the first transaction.

    Raises:
        StackError: It does not get there.
        PublishError: Kafka did not take them.
    """
    step, total = "seed cards", len(population)
    steps.started(step, total)
    sink.send_cards(population.records())
    patience = _Patience("the number of card profiles in Valkey", why_stuck)
    while (done := profiles.stats().profiles) < total:
        patience.saw(done)
        steps.advanced(step, done)
        time.sleep(_POLL_S)
    steps.finished(step)


def stream_history(
    settings: GeneratorSettings,
    population: Population,
    *,
    start_ms: int,
    sink: KafkaSink,
    profiles: ProfileReader,
    steps: StepListener,
    why_stuck: Callable[[], str | None] = lambda: None,
) -> int:
    """Send what the cards did before `start_ms` (epoch ms) and wait until Valkey shows all of it.

    Returns:
        How many transactions there were.

    Raises:
        StackError: It does not get there.
        PublishError: Kafka did not take them.
    """
    payments = past_payments(settings, population, start_ms=start_ms)
    step, total = "stream their history", len(payments)
    steps.started(step, total)
    for batch in past_transactions(settings, population, payments, start_ms=start_ms):
        sink.send(batch)
    sink.flush()
    patience = _Patience("the number of transactions in the profiles in Valkey", why_stuck)
    while (done := profiles.stats().transactions) < total:
        patience.saw(done)
        steps.advanced(step, done)
        time.sleep(_POLL_S)
    steps.finished(step)
    return total
