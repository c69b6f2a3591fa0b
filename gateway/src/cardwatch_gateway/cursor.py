"""Where in the topic of alerts a client is: from there on nothing is lost or doubled. Pure.

The id of each event holds the next offset of every partition, so that what a filter left out, and
partitions that were quiet, are known too.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

_CURSOR: Final = re.compile(r"o1((?:\.[0-9a-z]{1,12}){1,512})")
_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"


class InvalidCursorError(ValueError):
    """A text that is no cursor."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """The next offset of each partition, from 0 on."""

    offsets: tuple[int, ...]

    def __str__(self) -> str:
        return "o1." + ".".join(map(_written, self.offsets))

    def after(self, partition: int, offset: int) -> "Cursor":
        """Return where a client is that has this record, too."""
        offsets = list(self.offsets)
        offsets[partition] = offset + 1
        return Cursor(tuple(offsets))

    def is_behind(self, other: "Cursor") -> bool:
        """Return whether there may be records between this and another place."""
        return any(mine < its for mine, its in zip(self.offsets, other.offsets, strict=True))


def read_cursor(text: str) -> Cursor:
    """Read a cursor.

    Raises:
        InvalidCursorError: it is none.
    """
    match = _CURSOR.fullmatch(text)
    if match is None:
        raise InvalidCursorError("expected the id of an event of this stream")
    return Cursor(tuple(int(part, 36) for part in match[1][1:].split(".")))


def resumed(
    wanted: Cursor, lows: Sequence[int], highs: Sequence[int]
) -> tuple[Cursor, Mapping[int, str]]:
    """Return where to go on, and what is missing by partition.

    Args:
        wanted: where the client is.
        lows: the first offset that Kafka still has, by partition.
        highs: the next offset that Kafka gives, by partition.
    """
    missing: dict[int, str] = {}
    offsets: list[int] = []
    for partition, (low, high) in enumerate(zip(lows, highs, strict=True)):
        offset = wanted.offsets[partition] if partition < len(wanted.offsets) else low
        if offset < low:
            missing[partition] = "older than Kafka keeps"
            offset = low
        elif offset > high:
            missing[partition] = "the topic was made anew"
            offset = low
        offsets.append(offset)
    return Cursor(tuple(offsets)), missing


def _written(number: int) -> str:
    digits = ""
    while True:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
        if not number:
            return digits
