"""Which transactions wait for earlier ones that may still come, where the settings ask for it."""

from collections.abc import Iterable, Iterator
from heapq import heappop, heappush

from cardwatch_job.detectors.history import UserState


class WaitingRoom:
    """Who waits, by event time. What waits is in the users' memories, and so in Flink's state."""

    def __init__(self, users: Iterable[tuple[str, UserState]] = ()) -> None:
        self._turns: list[tuple[int, str]] = []
        self.latest_ms = 0
        """The highest event time that has entered."""
        for user_id, user in users:
            for held in user.held:
                self.enter(held.event_time, user_id)

    def __len__(self) -> int:
        return len(self._turns)

    def enter(self, event_time: int, user_id: str) -> None:
        """Let a user's transaction wait."""
        heappush(self._turns, (event_time, user_id))
        self.latest_ms = max(self.latest_ms, event_time)

    def due(self, until_ms: int) -> Iterator[str]:
        """Yield the user of each transaction up to `until_ms`, and let it go."""
        while self._turns and self._turns[0][0] <= until_ms:
            yield heappop(self._turns)[1]
