"""What comes in by addresses: no page and no redirection repeats a card number. Pure."""

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

from cardwatch_contracts.card_numbers import holds_card_number, without_card_numbers

_OURS: Final = {
    "alert": re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
    "letter": re.compile(r"[a-z-]{1,40}/[0-9]{1,4}/[0-9]{1,12}"),
    "until": re.compile(r"[0-9]{1,14}"),
}
"""Ids and times that pages themselves put there: some look like card numbers."""


def without_cards(query: Mapping[str, Any]) -> dict[str, Any]:
    """Return a page's query with the card numbers in its texts redacted."""
    return {
        name: without_card_numbers(value) if _is_from_people(name, value) else value
        for name, value in query.items()
    }


def local_path(text: str) -> str:
    """Return where to go after a login: a path of ours without card numbers; `/` for all else."""
    is_ours = text.startswith("/") and not text.startswith(("//", "/\\")) and text.isprintable()
    return text if is_ours and "\\" not in text and not _holds_card_number(text) else "/"


def _holds_card_number(path: str) -> bool:
    parts = urlsplit(path)
    named = parse_qsl(parts.query, keep_blank_values=True)
    texts = [value for name, value in named if _is_from_people(name, value)]
    return any(map(holds_card_number, [*texts, *unquote(parts.path).split("/")]))


def _is_from_people(name: str, value: object) -> bool:
    ours = _OURS.get(name)
    return isinstance(value, str) and (ours is None or not ours.fullmatch(value))
