"""How Cardwatch's records become bytes and what is said when they cannot be read."""

from typing import Any, Final, TypeVar

import msgspec

from cardwatch_contracts._explain import explain
from cardwatch_contracts.privacy import MIN_CARD_DIGITS, is_card_number

MAX_RECORD_BYTES: Final = 64 * 1024
"""Longest record that is read. A transaction takes about 400 bytes."""

_T = TypeVar("_T")


class InvalidRecordError(ValueError):
    """A record that does not follow its contract.

    The message names the field and what is allowed there, and never repeats the value: it goes
    into dead letters, logs and answers.
    """


def decode(decoder: msgspec.json.Decoder[_T], value: bytes | None) -> _T:
    """Decode one JSON record.

    Raises:
        InvalidRecordError: `value` is missing, too long, not JSON, or breaks the contract.
    """
    if not value:
        raise InvalidRecordError("empty record: expected a JSON object")
    if len(value) > MAX_RECORD_BYTES:
        raise InvalidRecordError(
            f"record of {len(value):,} bytes: at most {MAX_RECORD_BYTES:,} are allowed"
        )
    try:
        return decoder.decode(value)
    except msgspec.ValidationError as error:
        raise InvalidRecordError(explained(error, decoder.type)) from None
    except msgspec.DecodeError as error:
        raise InvalidRecordError(f"not JSON: {error}") from None
    except UnicodeDecodeError:
        raise InvalidRecordError("not UTF-8") from None
    except RecursionError:
        raise InvalidRecordError("nested too deeply") from None


def explained(error: msgspec.ValidationError, record_type: Any) -> str:
    """Say what of a type was broken: the field and what is allowed there, never the value."""
    return explain(str(error), record_type)


def refuse_card_number(field: str, text: str) -> None:
    """Check that a text field is not a card number.

    Raises:
        InvalidRecordError: it is; the message names the field.
    """
    # Most are too short, and every transaction pays for asking.
    if len(text) >= MIN_CARD_DIGITS and is_card_number(text):
        raise InvalidRecordError(f"Card number where none is allowed - at `$.{field}`")


def encode(record: msgspec.Struct) -> bytes:
    """Encode one record as compact UTF-8 JSON; fields at their default are left out."""
    return _encoder.encode(record)


_encoder: Final = msgspec.json.Encoder()
