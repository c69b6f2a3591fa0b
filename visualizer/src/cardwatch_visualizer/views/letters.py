"""Dead letters as lines of a table and as a page shows one. Pure.

What could not be read may hold anything. The job has redacted card numbers before it set a record
aside; here it is done again, so that a letter that another program wrote shows none either.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any, Final

from cardwatch_contracts.dead_letter import DeadLetter, excerpt_of
from cardwatch_contracts.wording import printable
from cardwatch_visualizer.live.rows import shown
from cardwatch_visualizer.views.times import format_time

_MAX_REASON: Final = 280
LOST: Final = "Its bytes are no text. They are not shown: a card number could hide in them."
EMPTY: Final = "Nothing of it is kept."


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownLetter:
    """All that a page says of a dead letter."""

    title: str
    facts: tuple[tuple[str, str], ...]
    excerpt: str
    """Its beginning, several lines; empty where none can be shown."""
    note: str
    """Why there is no excerpt; empty where there is one."""


def letter_id(letter: DeadLetter) -> str:
    """Return what it is called in tables: where the original record stands."""
    return f"{letter.topic}/{letter.partition}/{letter.offset}"


def letter_row(letter: DeadLetter) -> dict[str, Any]:
    """Return the line of the table."""
    return {
        "id": shown(letter_id(letter)),
        "ingested_at": letter.ingested_at,
        "topic": shown(letter.topic),
        "partition": letter.partition,
        "offset": letter.offset,
        "size_bytes": letter.size_bytes,
        "reason": shown(letter.reason, _MAX_REASON),
    }


def find_letter(letters: Sequence[DeadLetter], name: object) -> DeadLetter | None:
    """Return a letter by what tables call it; None where it is not among them."""
    return next((each for each in letters if shown(letter_id(each)) == name), None)


def shown_letter(letter: DeadLetter, zone: tzinfo) -> ShownLetter:
    """Return what a page says of it; times in the viewer's zone."""
    excerpt, encoding = excerpt_of(letter.excerpt.encode())
    lines = [printable(line) for line in excerpt.splitlines()]
    text = "\n".join(lines)
    lost = "lost" in (letter.encoding, encoding)
    return ShownLetter(
        title=shown(letter.reason, _MAX_REASON),
        facts=(
            ("taken by Kafka", format_time(letter.ingested_at, zone)),
            ("topic", shown(letter.topic)),
            ("partition", str(letter.partition)),
            ("offset", str(letter.offset)),
            ("length", f"{letter.size_bytes:,} bytes"),
        ),
        excerpt="" if lost else text,
        note=LOST if lost else "" if text else EMPTY,
    )
