import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardwatch_contracts.transaction import MAX_AMOUNT_MINOR
from cardwatch_generator.cells import (
    Cell,
    CellError,
    amount_of,
    check_text,
    degrees_of,
    flag_reader,
    text_of,
)
from cardwatch_generator.times import calendar_reader, epoch_reader

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TIMES = st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(2099, 12, 30))  # noqa: DTZ001
AMOUNTS_MINOR = st.integers(-(10**12), 10**12 - 1)


@given(AMOUNTS_MINOR)
def test_major_units_with_two_decimals_come_back_to_the_cent(minor: int) -> None:
    text = f"{Decimal(minor) / 100:.2f}"
    assert amount_of(text, 2) == minor
    assert amount_of(Decimal(text), 2) == minor


@given(st.integers(-(10**10), 10**10))
def test_an_amount_in_floats_is_its_shortest_decimal_form(minor: int) -> None:
    assert amount_of(float(f"{Decimal(minor) / 100:.2f}"), 2) == minor


@given(st.text(max_size=50))
def test_any_text_is_an_amount_or_a_clear_error(text: str) -> None:
    try:
        assert abs(amount_of(text, 2)) <= MAX_AMOUNT_MINOR
    except CellError as error:
        assert "allowed: " in str(error)


@given(st.text(max_size=50))
def test_an_error_does_not_repeat_the_cell(text: str) -> None:
    cell = f"\N{SNOWMAN}{text}\N{SNOWMAN}"  # words of a message alone are no repetition
    with pytest.raises(CellError) as raised:
        amount_of(cell, 2)
    assert "\N{SNOWMAN}" not in str(raised.value)


@pytest.mark.parametrize(
    ("cell", "scale", "minor"),
    [
        ("12.34", 2, 1234),
        ("12.3", 2, 1230),
        ("12", 2, 1200),
        ("-0.01", 2, -1),
        ("+7", 0, 7),
        ("1.250", 2, 125),
        ("1.234", 3, 1234),
        (1e-2, 2, 1),
        (5, 2, 500),
        ("-0", 2, 0),
    ],
)
def test_amounts_are_read_exactly(cell: Cell, scale: int, minor: int) -> None:
    assert amount_of(cell, scale) == minor


@pytest.mark.parametrize(
    ("cell", "problem"),
    [
        ("12.345", "too many decimals; allowed: at most 2"),
        (12.345, "too many decimals"),
        ("12,34", "not a number"),
        ("1_000", "not a number"),
        ("1e3", "not a number"),
        ("١٢", "not a number"),
        (" 12", "not a number"),
        ("NaN", "not a number"),
        (math.nan, "not a number"),
        (math.inf, "not a number"),
        (True, "not a number"),
        ("9" * 38, "too large"),
        (1e308, "too large"),
        ("10000000000000.01", "too large"),
        (378282246310005, "card number"),
    ],
)
def test_an_amount_that_is_not_exact_is_an_error(cell: Cell, problem: str) -> None:
    with pytest.raises(CellError, match=problem):
        amount_of(cell, 0 if cell == 378282246310005 else 2)


@given(TIMES, st.integers(-14 * 60, 14 * 60))
def test_an_iso_time_with_an_offset_is_that_instant(naive: datetime, offset_min: int) -> None:
    moment = naive.replace(tzinfo=timezone(timedelta(minutes=offset_min)))
    expected = (moment - EPOCH) // timedelta(milliseconds=1)
    for separator in "T ":
        text = moment.isoformat(separator, timespec="milliseconds")
        assert calendar_reader(None, ZoneInfo("Asia/Tokyo"))(text) == expected


@given(TIMES)
def test_all_forms_of_a_time_agree(naive: datetime) -> None:
    moment = naive.replace(microsecond=naive.microsecond // 1000 * 1000)
    us = (moment.replace(tzinfo=UTC) - EPOCH) // timedelta(microseconds=1)
    expected = us // 1000
    assert epoch_reader("epoch_s")(str(Decimal(us) / 1_000_000)) == expected
    assert epoch_reader("epoch_ms")(expected) == expected
    assert epoch_reader("epoch_us")(us) == expected
    assert epoch_reader("epoch_ns")(us * 1000) == expected
    assert calendar_reader(None, UTC)(moment) == expected
    assert (
        calendar_reader("%d.%m.%Y %H:%M:%S.%f", UTC)(f"{moment:%d.%m.%Y %H:%M:%S.%f}") == expected
    )


@given(st.text(max_size=40))
@pytest.mark.parametrize(
    "read", [calendar_reader(None, UTC), calendar_reader("%Y %H:%M", UTC), epoch_reader("epoch_s")]
)
def test_any_text_is_a_time_or_a_clear_error(read: Callable[[Cell], int], text: str) -> None:
    try:
        assert isinstance(read(text), int)
    except CellError as error:
        assert "allowed" in str(error)


def test_a_local_time_is_read_in_the_zone_of_the_mapping() -> None:
    read = calendar_reader("%Y-%m-%d %H:%M", ZoneInfo("Europe/Berlin"))
    assert read("2026-07-01 12:00") == calendar_reader(None, None)("2026-07-01T10:00:00Z")
    assert read("2026-01-01 12:00") == calendar_reader(None, None)("2026-01-01T11:00:00Z")


@pytest.mark.parametrize("text", ["2026-10-25 02:30", "2026-03-29 02:30"])
def test_a_local_time_that_happens_twice_or_never_is_an_error(text: str) -> None:
    with pytest.raises(CellError, match="clocks of Europe/Berlin change"):
        calendar_reader("%Y-%m-%d %H:%M", ZoneInfo("Europe/Berlin"))(text)


def test_a_time_without_offset_needs_a_zone() -> None:
    with pytest.raises(CellError, match="allowed: an offset, or `zone` in the mapping"):
        calendar_reader(None, None)("2026-07-01T12:00:00")


def test_a_date_without_time_of_day_is_not_taken_for_midnight() -> None:
    with pytest.raises(CellError, match="ISO 8601"):
        calendar_reader(None, UTC)("2026-07-01")


def test_a_time_column_is_not_read_as_a_number() -> None:
    with pytest.raises(CellError, match="read: iso8601"):
        epoch_reader("epoch_s")(EPOCH)


@pytest.mark.parametrize(
    ("cell", "text"),
    [("a", "a"), (7, "7"), (596.0, "596"), (True, "true"), (Decimal("1.50"), "1.50"), (0.5, "0.5")],
)
def test_cells_of_a_parquet_file_become_text(cell: Cell, text: str) -> None:
    assert text_of(cell) == text


def test_a_time_is_no_text() -> None:
    with pytest.raises(CellError, match="not a text or number column"):
        text_of(EPOCH)


@pytest.mark.parametrize(
    "text",
    [
        "4111111111111111",
        "4111 1111 1111 1111",
        "shop 4111-1111-1111-1111 Berlin",
        "pan4111111111111111",
        "c4111111111111111",
    ],
)
def test_a_card_number_inside_a_text_is_found_and_not_repeated(text: str) -> None:
    with pytest.raises(CellError, match="card_number_columns") as error:
        check_text(text)
    assert "1111" not in str(error.value)


@given(st.binary(min_size=16, max_size=16))
def test_a_digest_with_a_letter_is_an_id_whatever_its_digits(digest: bytes) -> None:
    text = digest.hex()
    if not text.isdigit():
        assert check_text(text) == text


def test_bytes_that_are_not_utf8_are_an_error() -> None:
    with pytest.raises(CellError, match="not UTF-8"):
        check_text(b"caf\xe9".decode("utf-8", "surrogateescape"))


def test_a_flag_is_one_of_the_declared_cells() -> None:
    read = flag_reader(["Y", "1"], ["N", "0"])
    assert read("Y") is True
    assert read(0) is False
    with pytest.raises(CellError, match="allowed: `Y`, `1`, `N`, `0`"):
        read("y")


def test_degrees_are_finite_numbers() -> None:
    assert degrees_of("-33.8688") == -33.8688
    with pytest.raises(CellError, match="not a number"):
        degrees_of("33°52'S")
