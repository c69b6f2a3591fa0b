"""Card numbers are never accepted, stored, logged or shown.

A card number (PAN, ISO/IEC 7812) is 12 to 19 digits whose last one is a Luhn check digit;
payment cards in use have 13 to 19. See ISO/IEC 7812-1, annex B, for the Luhn formula.
"""

import re
from typing import Final

MIN_CARD_DIGITS: Final = 13
_MAX_DIGITS: Final = 19
_DOUBLED: Final = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
_DIGIT_RUN = re.compile(r"\d(?:(?:[ \t.\-+_]|%20|%2[BbDdEe]){0,3}\d){12,}")
_URL_ENCODED_SEPARATOR = re.compile(r"%2[0BbDdEe]")
_SEPARATORS: Final = str.maketrans("", "", " \t.-+_")

REDACTED: Final = "[card number redacted]"


def passes_luhn(digits: str) -> bool:
    """Whether the last of `digits` is the Luhn check digit of those before it."""
    total = 0
    for position, digit in enumerate(reversed(digits)):
        value = int(digit)  # of any script: Arabic digits make a card number too
        total += _DOUBLED[value] if position % 2 else value
    return total % 10 == 0


def is_card_number(text: str) -> bool:
    """Whether `text`, apart from separators, is 13 to 19 digits that pass the Luhn check."""
    if len(text) < MIN_CARD_DIGITS or text[0].isalpha():  # most ids end here
        return False
    digits = text.translate(_SEPARATORS)
    return (
        MIN_CARD_DIGITS <= len(digits) <= _MAX_DIGITS and digits.isdecimal() and passes_luhn(digits)
    )


def redact_card_numbers(text: str) -> str:
    """Replace every card number in `text`, plain or grouped, by a fixed phrase.

    A run of digits that contains a card number is replaced whole: showing the digits around it
    would narrow it down.
    """
    return _DIGIT_RUN.sub(_redact_run, text)


def _redact_run(match: re.Match[str]) -> str:
    digits = _URL_ENCODED_SEPARATOR.sub("", match.group()).translate(_SEPARATORS)
    for length in range(MIN_CARD_DIGITS, min(_MAX_DIGITS, len(digits)) + 1):
        for start in range(len(digits) - length + 1):
            if passes_luhn(digits[start : start + length]):
                return REDACTED
    return match.group()
