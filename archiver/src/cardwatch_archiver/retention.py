"""Which days the archive keeps. Days are numbered from 2000-01-01 UTC on. Pure."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

MAX_RETENTION_DAYS: Final = 3650

_DAY_US: Final = 86_400_000_000
_FIRST: Final = date(2000, 1, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """Which days the archive keeps.

    Raises:
        ValueError: the number of days is not allowed.
    """

    kept_days: int = 90
    """How many full days before today. 1 to 3,650."""
    ahead_days: int = 2
    """How many days to come have a partition already. At least 1."""

    def __post_init__(self) -> None:
        if not 1 <= self.kept_days <= MAX_RETENTION_DAYS:
            raise ValueError(
                f"retention is {self.kept_days} days; allowed: 1 to {MAX_RETENTION_DAYS}"
            )
        if self.ahead_days < 1:
            raise ValueError(f"ahead_days is {self.ahead_days}; allowed: at least 1")

    def days(self, today: date) -> range:
        """Return the days of which rows are taken: brokers' clocks may be ahead of ours."""
        return range(number_of(today) - self.kept_days, number_of(today) + 2)

    def ahead(self, today: date) -> range:
        """Return the days that are to have a partition whether rows have come or not."""
        return range(number_of(today), number_of(today) + self.ahead_days + 1)


def day_of(us: int) -> int:
    """Return the day of a time in microseconds since 2000-01-01 UTC."""
    return us // _DAY_US


def number_of(day: date) -> int:
    """Return the number of a day."""
    return (day - _FIRST).days


def date_of(day: int) -> date:
    """Return the day of a number."""
    return _FIRST + timedelta(days=day)
