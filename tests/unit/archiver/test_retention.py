from datetime import date

import pytest

from cardwatch_archiver.partitions import Partitions, partition_name
from cardwatch_archiver.retention import Retention, date_of, day_of, number_of

TODAY = date(2026, 11, 22)
_DAY_US = 86_400_000_000


def test_days_are_numbered_from_2000_on() -> None:
    assert day_of(0) == day_of(_DAY_US - 1) == number_of(date(2000, 1, 1)) == 0
    assert day_of(-1) == -1
    assert date_of(number_of(TODAY)) == TODAY


def test_so_many_days_are_kept_and_tomorrow_is_taken() -> None:
    days = Retention(kept_days=3).days(TODAY)
    assert [date_of(day).day for day in days] == [19, 20, 21, 22, 23]


def test_partitions_are_there_before_they_are_needed() -> None:
    ahead = Retention(ahead_days=2).ahead(TODAY)
    assert [partition_name("alerts", day) for day in ahead] == [
        "alerts_20261122",
        "alerts_20261123",
        "alerts_20261124",
    ]


def test_a_partition_is_missing_until_it_was_made_here() -> None:
    assert Partitions("alerts").missing([_DAY_US + 5, 0, 7]) == [0, 1]


@pytest.mark.parametrize("days", [0, -1, 3651])
def test_a_retention_out_of_range_is_refused(days: int) -> None:
    with pytest.raises(ValueError, match=rf"retention is {days} days; allowed: 1 to 3650"):
        Retention(kept_days=days)
