"""Filters in a page's address, so that every view has a link. Pure."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

from cardwatch_visualizer.archive.filters import InvalidFilterError, ReviewFilter

HOUR_MS: Final = 3_600_000
PERIODS: Final[Mapping[str, tuple[str, int | None]]] = {
    "1h": ("last hour", HOUR_MS),
    "24h": ("last 24 hours", 24 * HOUR_MS),
    "7d": ("last 7 days", 7 * 24 * HOUR_MS),
    "30d": ("last 30 days", 30 * 24 * HOUR_MS),
    "all": ("everything", None),
}
"""How far back a table goes: its name, and milliseconds of event time."""
PERIOD: Final = "24h"
_ANSWERS: Final = ("fraudulent", "genuine", "unsure", "unanswered")
_MAX_AMOUNT: Final = 1e12

Query = Mapping[str, Any]
"""A page's query: names and texts."""


def filter_of(query: Query, now_ms: int) -> ReviewFilter:
    """Return the filter that a query stands for.

    Args:
        query: names and texts; what is missing or unknown filters nothing.
        now_ms: the end of its period. Milliseconds since 1970-01-01 UTC.

    Raises:
        InvalidFilterError: a value is not allowed.
    """
    period = PERIODS.get(_text(query, "period") or PERIOD, PERIODS[PERIOD])[1]
    mode, answer = _text(query, "mode"), _text(query, "answer")
    return ReviewFilter(
        search=_text(query, "search"),
        banks=_texts(query, "bank"),
        detectors=_texts(query, "detector"),
        mode=mode if mode in ("active", "shadow") else None,  # type: ignore[arg-type] # one of them
        answer=answer if answer in _ANSWERS else None,  # type: ignore[arg-type] # one of them
        since_ms=None if period is None else now_ms - period,
        min_amount=_amount(query),
        user_id=_text(query, "user") or None,
        card_id=_text(query, "card") or None,
    )


def address_of(path: str, values: Mapping[str, str]) -> str:
    """Return a page's link; what is empty is left out."""
    kept = {name: text for name, text in values.items() if text}
    return f"{path}?{urlencode(kept)}" if kept else path


def query_of(values: Query) -> str:
    """Return a page's query, with its question mark; what is empty is left out."""
    kept = {}
    for name, value in values.items():
        text = ",".join(value) if isinstance(value, list | tuple) else value
        if text not in (None, "") and not (name == "period" and text == PERIOD):
            kept[name] = text
    return f"?{urlencode(kept)}" if kept else ""


def _text(query: Query, name: str) -> str:
    value = query.get(name)
    return value.strip() if isinstance(value, str) else ""


def _texts(query: Query, name: str) -> tuple[str, ...]:
    value = query.get(name) or ()
    parts = value.split(",") if isinstance(value, str) else value
    return tuple(part for part in parts if isinstance(part, str) and part)


def _amount(query: Query) -> float | None:
    value = query.get("amount")
    if value in (None, ""):
        return None
    try:
        amount = float(value)
    except (TypeError, ValueError):
        amount = float("nan")
    if not abs(amount) <= _MAX_AMOUNT:
        raise InvalidFilterError("amount: a number is allowed")
    return amount
