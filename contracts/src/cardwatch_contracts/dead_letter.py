"""What could not be read, on the topic `transactions-dlq`."""

import base64
from typing import Final

import msgspec

from cardwatch_contracts.codec import decode
from cardwatch_contracts.privacy import redact_card_numbers

_MAX_EXCERPT_BYTES: Final = 2048


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

    Bytes that are not UTF-8 are not shown at all: a card number could hide in them.
    """
    try:
        text = (value or b"").decode()
    except UnicodeDecodeError:
        return "", "lost"
    return redact_card_numbers(_redact_encoded(text))[:_MAX_EXCERPT_BYTES], "utf-8"


def _redact_encoded(text: str) -> str:
    """Redact quoted words that are card numbers in base64."""
    words = text.split('"')
    for index, word in enumerate(words):
        if 16 <= len(word) <= 40:
            words[index] = _redact_base64(word)
    return '"'.join(words)


def _redact_base64(word: str) -> str:
    try:
        inner = base64.b64decode(word, validate=True).decode()
    except ValueError:
        return word
    return word if redact_card_numbers(inner) == inner else redact_card_numbers(inner)


def decode_dead_letter(value: bytes | None) -> DeadLetter:
    """Decode one dead letter.

    Raises:
        InvalidRecordError: with the field and what is allowed.
    """
    return decode(_decoder, value)
