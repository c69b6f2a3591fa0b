"""What a spreadsheet would run never begins a cell, whatever it takes for a separator."""

import csv
import io
import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardwatch_contracts.cells import Cell, csv_cell, csv_line, harmless

STARTS_A_FORMULA = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"
SEPARATORS = ",;\t|"
_NUMBER = re.compile(r"-?\d+(\.\d+)?(e[+-]?\d+)?")
# As hostile as it gets: mostly what has a meaning in CSV or in a spreadsheet.
HOSTILE = st.text(st.sampled_from(STARTS_A_FORMULA + SEPARATORS + "\"' \u00a0ac1(|)!"))
TEXT = HOSTILE | st.text()
# No line begins with a number: beside a foreign separator it would begin a cell with a minus.
CELLS = st.lists(
    TEXT
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.booleans()
    | st.none()
    | st.lists(TEXT, max_size=3)
    | st.datetimes(timezones=st.just(UTC)),
    min_size=1,
)


def begins_a_formula(cell: str) -> bool:
    """Whether a spreadsheet may run it, even one that leaves out spaces."""
    return cell.startswith(tuple(STARTS_A_FORMULA)) or cell.lstrip().startswith(
        tuple(STARTS_A_FORMULA)
    )


@given(TEXT, CELLS)
def test_nothing_a_spreadsheet_would_run_begins_a_cell(first: str, others: list[Cell]) -> None:
    line = csv_line([first, *others])
    for separator in SEPARATORS:
        for row in csv.reader(io.StringIO(line, newline=""), delimiter=separator):
            for cell in row:
                said = cell.strip()  # of nothing but line ends nothing can be run
                assert not said or _NUMBER.fullmatch(said) or not begins_a_formula(cell), cell


@given(TEXT)
def test_text_loses_nothing_but_gains_apostrophes(text: str) -> None:
    assert harmless(text).replace("'", "") == text.replace("'", "")
    assert len(harmless(text)) >= len(text)


@given(st.lists(st.text(), min_size=1))
def test_a_line_reads_back_as_what_it_was_made_harmless_to(texts: list[str]) -> None:
    (row,) = csv.reader(io.StringIO(csv_line(texts), newline=""))
    assert row == [harmless(text) for text in texts]


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("grocery", '"grocery"'),
        ("=1+1", '"\'=1+1"'),
        ("@SUM(A1)", '"\'@SUM(A1)"'),
        ("-2+3", '"\'-2+3"'),
        ("\tx", '"\'\tx"'),
        ("  =1", '"  \'=1"'),
        ("\uff1d1", '"\'\uff1d1"'),
        ('a",=HYPERLINK("x")', '"a"",\'=HYPERLINK(""x"")"'),
        ("a;-cmd|'/c calc'!A0", "\"a;'-cmd|'/c calc'!A0\""),
        ("Rio - Niterói", '"Rio - Niterói"'),
        ("", '""'),
    ],
)
def test_known_attacks_are_quoted(text: str, cell: str) -> None:
    assert csv_cell(text) == cell


def test_numbers_stay_numbers_and_what_is_missing_is_empty() -> None:
    assert csv_line([-500, -2.5, 1e-07, 10**15, True, None]) == (
        "-500,-2.5,1e-07,1000000000000000,true,\r\n"
    )


def test_times_are_in_utc_to_the_millisecond() -> None:
    noon = datetime(2026, 11, 21, 13, 0, 0, 250_000, tzinfo=timezone(timedelta(hours=1)))
    assert csv_cell(noon) == "2026-11-21T12:00:00.250Z"


def test_several_texts_share_a_cell() -> None:
    assert csv_cell(["amount_spike", "many_no_pin"]) == '"amount_spike / many_no_pin"'
