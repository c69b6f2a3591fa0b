"""Days on which people shop more (Western calendar, UTC)."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

_FRIDAY: Final = 4


@dataclass(frozen=True, slots=True)
class Bustle:
    """How a day differs from an ordinary one."""

    rate: float
    """Multiplies the number of transactions."""
    amount: float
    """Multiplies their amounts."""


ORDINARY: Final = Bustle(1.0, 1.0)
_CHRISTMAS: Final = Bustle(1.4, 1.25)
_BLACK_FRIDAY: Final = Bustle(1.6, 1.35)
_FIXED: Final = {
    (2, 13): Bustle(1.2, 1.1),
    (2, 14): Bustle(1.3, 1.2),
    (10, 31): Bustle(1.15, 1.0),
    (12, 31): Bustle(1.3, 1.1),
}


def bustle_at(time_ms: int) -> Bustle:
    """Return how busy the UTC day of `time_ms` is."""
    day = datetime.fromtimestamp(time_ms / 1000, UTC).date()
    if day.month == 12 and 16 <= day.day <= 24:
        return _CHRISTMAS
    if _black_friday(day.year) <= day <= _black_friday(day.year) + timedelta(days=3):
        return _BLACK_FRIDAY
    return _FIXED.get((day.month, day.day), ORDINARY)


def _black_friday(year: int) -> date:
    """Return the day after the fourth Thursday of November."""
    first = date(year, 11, 1)
    thursday = (_FRIDAY - 1 - first.weekday()) % 7
    return first + timedelta(days=thursday + 21 + 1)
