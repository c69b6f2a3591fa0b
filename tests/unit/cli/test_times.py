from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardwatch_local.times import check_span, parse_time

MIDNIGHT = datetime(2026, 11, 21, tzinfo=UTC)
BEGIN_OF_TIME, END_OF_TIME = datetime(1900, 1, 1), datetime(2100, 1, 1)  # noqa: DTZ001 - hypothesis adds zones
ANY_ZONE = st.timedeltas(
    min_value=timedelta(hours=-23, minutes=-59), max_value=timedelta(hours=23, minutes=59)
).map(lambda offset: timezone(timedelta(minutes=offset // timedelta(minutes=1))))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-21", MIDNIGHT),
        (" 2026-11-21 ", MIDNIGHT),
        ("2026-11-21T12:30", MIDNIGHT + timedelta(hours=12, minutes=30)),
        ("2026-11-21 12:30:15", MIDNIGHT + timedelta(hours=12, minutes=30, seconds=15)),
        ("2026-11-21T12:30:00Z", MIDNIGHT + timedelta(hours=12, minutes=30)),
        ("2026-11-21T12:30+01:00", MIDNIGHT + timedelta(hours=11, minutes=30)),
    ],
)
def test_a_date_or_time_is_in_utc_unless_it_says_otherwise(text: str, expected: datetime) -> None:
    assert parse_time(text) == expected
    assert parse_time(text).tzinfo is UTC


@given(st.datetimes(min_value=BEGIN_OF_TIME, max_value=END_OF_TIME, timezones=ANY_ZONE))
def test_a_time_is_read_as_it_was_written(moment: datetime) -> None:
    assert parse_time(moment.isoformat()) == moment


@pytest.mark.parametrize(
    "text", ["", "soon", "21.11.2026", "2026-13-01", "1795261635", "0001-01-01T00:00+14:00"]
)
def test_what_is_no_time_is_named_with_what_is_allowed(text: str) -> None:
    with pytest.raises(ValueError, match="allowed are a date such as 2026-11-21"):
        parse_time(text)


@given(st.text())
def test_any_text_is_a_time_or_refused(text: str) -> None:
    try:
        parse_time(text)
    except ValueError as error:
        assert "allowed are" in str(error)


def test_a_span_is_not_empty_and_may_be_open() -> None:
    later = MIDNIGHT + timedelta(seconds=1)
    for begins, ends in ((MIDNIGHT, later), (None, MIDNIGHT), (MIDNIGHT, None), (None, None)):
        check_span(begins, ends)
    for begins in (MIDNIGHT, later):
        with pytest.raises(ValueError, match="is not before --to 2026-11-21T00:00:00"):
            check_span(begins, MIDNIGHT)
