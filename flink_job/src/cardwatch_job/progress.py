"""How far event time has come."""

from typing import Final

_ROUND: Final = 100_000


class Progress:
    """The latest event time in every partition that still delivers.

    While a backlog is read, one partition may be years ahead of another: what is old enough for
    the one may be news in the other. A partition that delivers nothing for a hundred thousand
    transactions of the others no longer counts, or an idle one would hold up time for ever.
    """

    def __init__(self, *, transactions_a_round: int = _ROUND) -> None:
        self._round = transactions_a_round
        self._latest: dict[int, int] = {}
        self._before: dict[int, int] = {}
        self._left = transactions_a_round

    def note(self, partition: int, event_time: int) -> None:
        """Take in a transaction's event time. Milliseconds."""
        self.note_many(partition, event_time, 1)

    def note_many(self, partition: int, latest_ms: int, transactions: int) -> None:
        """Take in the latest event time of some transactions of a partition. Milliseconds."""
        latest = self._latest
        if latest_ms > latest.get(partition, -1):
            latest[partition] = latest_ms
        self._left -= transactions
        if self._left <= 0:
            self._before, self._latest, self._left = latest, {}, self._round

    @property
    def slowest_ms(self) -> int:
        """The latest event time of the partition that is furthest behind.

        0 until the first round is over: nobody knows yet which partitions there are.
        """
        if not self._before:
            return 0
        return min((self._before | self._latest).values())
