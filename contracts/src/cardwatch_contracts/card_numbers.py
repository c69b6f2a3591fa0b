"""Card numbers in disguise. Pure.

The contract refuses a field that is a card number. What comes from outside may be percent-encoded
or in base64 besides, and a place name may hold one among words.
"""

import base64
import binascii
from typing import Final
from urllib.parse import unquote

from cardwatch_contracts.privacy import MIN_CARD_DIGITS, is_card_number, redact_card_numbers

_BASE64_OF_A_DIGIT: Final = "MNO"
"""Base64 of a text that begins with a digit begins with one of these."""
_MAX_BASE64: Final = 56


def is_disguised_card_number(text: str) -> bool:
    """Whether a text is a card number, as it is, percent-encoded or in base64."""
    if len(text) < MIN_CARD_DIGITS:
        return False
    if is_card_number(text):
        return True
    if "%" in text and is_card_number(unquote(text)):
        return True
    return text[0] in _BASE64_OF_A_DIGIT and len(text) <= _MAX_BASE64 and _in_base64(text)


def holds_card_number(text: str) -> bool:
    """Whether a text that people write holds a card number among other things."""
    if len(text) < MIN_CARD_DIGITS:
        return False
    return redact_card_numbers(text) != text or any(map(is_disguised_card_number, text.split()))


def without_card_numbers(text: str) -> str:
    """Return a text that people write with its card numbers redacted, those in disguise too."""
    redacted = redact_card_numbers(text)
    if not any(map(is_disguised_card_number, redacted.split())):
        return redacted
    words = redacted.split(" ")
    return " ".join("[card number redacted]" if holds_card_number(w) else w for w in words)


def _in_base64(text: str) -> bool:
    padded = text.rstrip("=")
    try:
        decoded = base64.b64decode(padded + "=" * (-len(padded) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return False
    return decoded.isascii() and is_card_number(decoded.decode("ascii"))
