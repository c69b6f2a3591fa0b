"""When a service that died may start again."""

from dataclasses import dataclass
from typing import Final

_FIRST_DELAY_S: Final = 1.0
_LONGEST_DELAY_S: Final = 30.0
_STABLE_S: Final = 60.0
_LIMIT: Final = 8


@dataclass(slots=True, kw_only=True)
class RestartPolicy:
    """Bounded back-off: 1 s, 2 s, 4 s, … 30 s, and an end after eight deaths in a row.

    A service that ran for a minute starts afresh. Times are seconds of one monotonic clock.
    """

    deaths: int = 0
    """How often it died without a stable minute between."""
    _started_s: float = 0.0
    _not_before_s: float | None = None

    def started(self, now_s: float) -> None:
        """Tell that the service was started."""
        self._started_s = now_s
        self._not_before_s = None

    def is_due(self, now_s: float) -> bool:
        """Return whether the service, found dead, is to be started now."""
        if self._not_before_s is None:
            self._not_before_s = now_s + self._next_delay_s(now_s)
        return not self.has_given_up and self._not_before_s <= now_s

    @property
    def has_given_up(self) -> bool:
        """Whether it died too often to be started again."""
        return self.deaths > _LIMIT

    def _next_delay_s(self, now_s: float) -> float:
        if now_s - self._started_s >= _STABLE_S:
            self.deaths = 0
        self.deaths += 1
        return min(_FIRST_DELAY_S * 2.0 ** (self.deaths - 1), _LONGEST_DELAY_S)
