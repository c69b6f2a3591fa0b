import base64
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.card_numbers import card_numbers, in_groups

from cardwatch_contracts.dead_letter import excerpt_of
from cardwatch_contracts.privacy import (
    REDACTED,
    is_card_number,
    passes_luhn,
    redact_card_numbers,
)

_NUMBER = "4111111111111111"
# Published by card schemes for tests; 13, 14, 15, 16 and 19 digits.
_KNOWN = [
    "4222222222222",
    "30569309025904",
    "378282246310005",
    _NUMBER,
    "5555555555554444",
    "6304000000000000000",
]


@pytest.mark.parametrize("number", _KNOWN)
def test_numbers_of_the_schemes_are_card_numbers(number: str) -> None:
    assert is_card_number(number)


@given(card_numbers(), st.integers(0, 18), st.integers(1, 9))
def test_a_number_with_one_wrong_digit_is_none(number: str, place: int, by: int) -> None:
    place %= len(number)
    wrong = str((int(number[place]) + by) % 10)

    assert not passes_luhn(number[:place] + wrong + number[place + 1 :])


@pytest.mark.parametrize(
    "text",
    ["", "0" * 12, "0" * 20, "card-4111111111111111", "tok_4111", "4111 1111", "²" * 16, "-" * 16],
)
def test_what_is_not_13_to_19_digits_is_no_card_number(text: str) -> None:
    assert not is_card_number(text)


def test_digits_of_every_script_make_a_card_number() -> None:
    for zero in "\N{ARABIC-INDIC DIGIT ZERO}\N{DEVANAGARI DIGIT ZERO}\N{FULLWIDTH DIGIT ZERO}":
        assert is_card_number("".join(chr(ord(zero) + int(digit)) for digit in _NUMBER))


def _base64(number: str) -> str:
    return base64.b64encode(number.encode()).decode()


_WAYS_TO_WRITE: dict[str, Callable[[str], str]] = {
    "plain": str,
    "spaced": lambda number: in_groups(number, " "),
    "dashed": lambda number: in_groups(number, "-"),
    "dotted": lambda number: in_groups(number, "."),
    "spaced wide": lambda number: in_groups(number, "  "),
    "digit by digit": lambda number: in_groups(number, " ", 1),
    "URL-encoded": lambda number: quote(in_groups(number, " ")),
    "as in a form": lambda number: quote_plus(in_groups(number, " ")),
    "URL-encoded dashes": lambda number: in_groups(number, "%2D"),
    "base64": _base64,
    "base64 unpadded": lambda number: _base64(number).rstrip("="),
    "base64 of groups": lambda number: _base64(in_groups(number, " ")),
    "base64 in a URL": lambda number: quote(_base64(number)),
}
_PLACES = ['{"card_id": "%s"}', "card_id=%s&amount=5", "%s", "<pan>%s</pan>", '{"a": ["%s"']


@pytest.mark.parametrize("way", _WAYS_TO_WRITE)
@given(number=card_numbers(), place=st.sampled_from(_PLACES))
def test_an_excerpt_shows_no_card_number(way: str, number: str, place: str) -> None:
    written = _WAYS_TO_WRITE[way](number)

    excerpt, encoding = excerpt_of((place % written).encode())

    assert encoding == "utf-8"
    assert excerpt.replace("%3D", "") == place % REDACTED  # padding may be left


def test_digits_around_a_card_number_are_redacted_with_it() -> None:
    assert redact_card_numbers(f"id 99{_NUMBER}99.") == f"id {REDACTED}."


def test_text_without_a_card_number_stays_as_it_is() -> None:
    text = '{"transaction_id": "txn-1", "event_time": 1760000400001, "amount_minor": 2500}'

    assert excerpt_of(text.encode()) == (text, "utf-8")


@pytest.mark.parametrize("before", range(2020, 2060))
def test_a_card_number_at_the_end_of_the_excerpt_is_not_shown_in_part(before: int) -> None:
    excerpt, _ = excerpt_of(("x" * before + " " + in_groups(_NUMBER, "-") + "x" * 100).encode())

    assert "4111" not in excerpt
    assert len(excerpt.encode()) <= 2048


def test_bytes_that_are_no_text_are_not_shown() -> None:
    assert excerpt_of(b"4111\xff1111") == ("", "lost")


def test_a_letter_cut_by_the_end_of_the_excerpt_is_left_out() -> None:
    excerpt, encoding = excerpt_of(("x" + "é" * 3000).encode())

    assert encoding == "utf-8"
    assert excerpt == "x" + "é" * 1023


def test_nothing_has_an_empty_excerpt() -> None:
    assert excerpt_of(None) == excerpt_of(b"") == ("", "utf-8")


@pytest.mark.timeout(10)
@pytest.mark.parametrize("value", [b"1", b"1 ", b"1%20", b"A", b"1-1 "])
def test_a_long_record_takes_no_longer_than_a_short_one(value: bytes) -> None:
    for _ in range(5):
        excerpt_of(value * (5_000_000 // len(value)))


@given(st.binary(max_size=4000) | st.text(max_size=1000).map(str.encode))
def test_an_excerpt_can_be_made_of_any_bytes(value: bytes) -> None:
    excerpt, encoding = excerpt_of(value)

    assert encoding in {"utf-8", "lost"}
    assert len(excerpt.encode()) <= 2048
