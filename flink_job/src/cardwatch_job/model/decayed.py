"""Counts that forget: what happened weighs half as much after each half-life of event time."""

from dataclasses import dataclass
from typing import Final

DAY_MS: Final = 86_400_000


def fading(age_ms: float, half_life_d: float) -> float:
    """Return what is left of a weight of 1 after so many milliseconds; 1 for what is to come."""
    return 1.0 if age_ms <= 0 else float(2.0 ** (-age_ms / (half_life_d * DAY_MS)))


@dataclass(slots=True)
class Fading:
    """How often something happened, and the sum of its amounts.

    What comes late is added with what would be left of it by now.
    """

    count: float = 0.0
    total: float = 0.0
    at_ms: int = 0
    """Event time up to which both have faded."""

    def read(self, now_ms: int, half_life_d: float) -> float:
        """Return what is left of the count at a time; nothing changes."""
        return self.count * fading(now_ms - self.at_ms, half_life_d) if self.count else 0.0

    def read_total(self, now_ms: int, half_life_d: float) -> float:
        """Return what is left of the amounts at a time; nothing changes."""
        return self.total * fading(now_ms - self.at_ms, half_life_d) if self.total else 0.0

    def mean(self) -> float | None:
        """Return the mean amount; None before the first."""
        return self.total / self.count if self.count > 0 else None

    def add(self, at_ms: int, half_life_d: float, *, amount: float = 0.0, times: int = 1) -> None:
        """Add what happened at a time; `times` -1 takes it back."""
        weight: float = times
        if at_ms >= self.at_ms:
            left = fading(at_ms - self.at_ms, half_life_d)
            self.count *= left
            self.total *= left
            self.at_ms = at_ms
        else:
            weight *= fading(self.at_ms - at_ms, half_life_d)
        self.count += weight
        self.total += weight * amount
