"""Transactions of which a client cannot know yet what became of them. Pure.

A client that was told 503 sends its transaction again. If the first is still on its way to Kafka,
or has arrived meanwhile, the second joins it instead of being sent: so each is on the topic once.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Final

from cardwatch_contracts.trace_context import TraceContext
from cardwatch_gateway.delivery import Delivery

_KEEP_S: Final = 600.0
"""How long an outcome is kept that nobody was told. Seconds. The job, too, leaves out a repeated
transaction for ten minutes."""
_MOST_KEPT: Final = 100_000

LedgerKey = tuple[str, str]
"""Bank and transaction."""


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """A transaction that was given to Kafka's client."""

    key: LedgerKey
    fingerprint: int
    """Of its content: another under the same id is no repetition."""
    context: TraceContext
    """Under which it was sent."""
    delivery: Delivery


class Ledger:
    """What is on its way, and what arrived without the client being told."""

    def __init__(self, clock: Callable[[], float] = monotonic, most: int = _MOST_KEPT) -> None:
        self._clock = clock
        self._most = most
        self._on_the_way: dict[LedgerKey, Entry] = {}
        self._untold: OrderedDict[LedgerKey, tuple[float, Entry]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._on_the_way) + len(self._untold)

    def find(self, key: LedgerKey) -> Entry | None:
        """Return what is known of a transaction."""
        entry = self._on_the_way.get(key)
        if entry is None and self._untold:
            kept = self._untold.get(key)
            if kept is not None and self._clock() < kept[0]:
                return kept[1]
        return entry

    def add(self, entry: Entry) -> None:
        """Remember a transaction until Kafka has it, or not."""

        def arrived(_: Delivery) -> None:
            del self._on_the_way[entry.key]

        self._on_the_way[entry.key] = entry
        entry.delivery.when_done(arrived)

    def leave_untold(self, entry: Entry) -> None:
        """Remember a transaction for longer: its sender was told that it is not known.

        What Kafka has not taken is forgotten as soon as that is sure, so that it can be sent anew.
        """

        def keep(delivery: Delivery) -> None:
            if delivery.accepted:
                self._untold[entry.key] = (self._clock() + _KEEP_S, entry)
                self._untold.move_to_end(entry.key)
                self._forget_oldest()

        entry.delivery.when_done(keep)

    def _forget_oldest(self) -> None:
        now_s = self._clock()
        while self._untold:
            until_s, _ = next(iter(self._untold.values()))
            if until_s > now_s and len(self._untold) <= self._most:
                return
            self._untold.popitem(last=False)
