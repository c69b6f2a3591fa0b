"""What could not be read, on the topic `transactions-dlq`."""

import base64
import binascii
import codecs
import re
from typing import Final

import msgspec

from cardwatch_contracts.codec import decode
from cardwatch_contracts.privacy import REDACTED, redact_card_numbers

_MAX_EXCERPT_BYTES: Final = 2048
_LONGEST_CARD_NUMBER_BYTES: Final = 256
"""Room for a card number that begins in the excerpt, however it is grouped or encoded."""
_BASE64_WORD = re.compile(r"[A-Za-z0-9+/_-]{18,}={0,2}")  # 13 digits take 18 letters
_URL_SAFE_TO_STANDARD: Final = str.maketrans("-_", "+/")
_Utf8Decoder: Final = codecs.getincrementaldecoder("utf-8")


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A record that was set aside, where it came from and why."""

    reason: str
    """What was wrong, where, and what is allowed."""
    topic: str
    partition: int
    offset: int
    """`topic`, `partition` and `offset` find the original record."""
    ingested_at: int
    """When Kafka took the record. Milliseconds since 1970-01-01 UTC."""
    size_bytes: int
    """Length of the original record."""
    excerpt: str = ""
    """The record's first 2,048 bytes with card numbers redacted."""
    encoding: str = "utf-8"
    """`utf-8`, or `lost` where the bytes are not text and are not shown."""


_decoder: Final = msgspec.json.Decoder(DeadLetter)


def excerpt_of(value: bytes | None) -> tuple[str, str]:
    """Return the shown part of a bad record and its encoding.

    Bytes that are not UTF-8 are not shown at all: a card number could hide in them. No more is
    looked at than needed, so that a long record of digits cannot keep the job busy.
    """
    value = value or b""
    head = value[: _MAX_EXCERPT_BYTES + _LONGEST_CARD_NUMBER_BYTES]
    try:
        text = _Utf8Decoder().decode(head, final=len(head) == len(value))
    except UnicodeDecodeError:
        return "", "lost"
    redacted = redact_card_numbers(_BASE64_WORD.sub(_redact_base64, text))
    return redacted.encode()[:_MAX_EXCERPT_BYTES].decode(errors="ignore"), "utf-8"


def _redact_base64(match: re.Match[str]) -> str:
    """Redact a word that holds a card number in base64, of either alphabet, padded or not."""
    word = match.group()
    digits = word.rstrip("=").translate(_URL_SAFE_TO_STANDARD)
    try:
        inner = base64.b64decode(digits + "=" * (-len(digits) % 4)).decode("latin-1")
    except binascii.Error:
        return word
    return word if redact_card_numbers(inner) == inner else REDACTED


def decode_dead_letter(value: bytes | None) -> DeadLetter:
    """Decode one dead letter.

    Raises:
        InvalidRecordError: with the field and what is allowed.
    """
    return decode(_decoder, value)
