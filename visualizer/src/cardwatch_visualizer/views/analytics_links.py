"""The analytics page's filters in its address, and from there to the review. Pure."""

from collections.abc import Mapping
from typing import Any, Final

from cardwatch_visualizer.archive.filters import InvalidFilterError
from cardwatch_visualizer.archive.time_spans import STATS_MS, WINDOW, WINDOWS, TimeSpan, end_of
from cardwatch_visualizer.views.links import PERIODS, address_of

Query = Mapping[str, Any]
"""A page's query: names and texts, or lists of texts."""

CONTROLS: Final = ("window", "bank", "country", "category", "detector", "mode")
"""The filters, by their names in the page's address."""
_MODES: Final = ("active", "shadow")


def span_of(query: Query, now_ms: int) -> TimeSpan:
    """Return the span that a query stands for.

    Args:
        query: names and texts; what is missing filters nothing. `until`, milliseconds since
            1970-01-01 UTC, holds the end where it is; without, it is now.
        now_ms: now. Milliseconds since 1970-01-01 UTC.

    Raises:
        InvalidFilterError: a value is not allowed.
    """
    mode = query.get("mode")
    newest_ms = end_of(now_ms)
    until_ms = held_end(query)
    return TimeSpan(
        until_ms=newest_ms if until_ms is None else min(until_ms, newest_ms),
        window=str(query.get("window") or WINDOW),
        banks=choices(query, "bank"),
        countries=choices(query, "country"),
        categories=choices(query, "category"),
        detectors=choices(query, "detector"),
        mode=mode if mode in _MODES else None,
    )


def held_end(query: Query) -> int | None:
    """Return where a query holds the end, None where it goes on. Milliseconds since 1970.

    Raises:
        InvalidFilterError: it is no time.
    """
    text = query.get("until")
    if text in (None, ""):
        return None
    try:
        until_ms = int(str(text))
    except ValueError:
        until_ms = 0
    if not 0 < until_ms < 10**14:
        raise InvalidFilterError("until: milliseconds since 1970-01-01 UTC are allowed")
    return until_ms // STATS_MS * STATS_MS


def choices(query: Query, name: str) -> tuple[str, ...]:
    """Return what is chosen, of a text with commas between or of a list."""
    value = query.get(name) or ()
    parts = value.split(",") if isinstance(value, str) else value
    return tuple(part for part in parts if isinstance(part, str) and part)


def address(span: TimeSpan, *, held: bool) -> str:
    """Return a span's link, with its end where `held`."""
    chosen = {
        "window": "" if span.window == WINDOW else span.window,
        "bank": ",".join(span.banks),
        "country": ",".join(span.countries),
        "category": ",".join(span.categories),
        "detector": ",".join(span.detectors),
        "mode": span.mode or "",
        "until": str(span.until_ms) if held else "",
    }
    return address_of("/analytics", chosen)


def review_address(span: TimeSpan, now_ms: int) -> str:
    """Return the link to the review of a span's alerts, as far as its filters go.

    The review looks back from now: it is given its shortest period that has the span's beginning,
    and knows no countries or categories.
    """
    back_ms = now_ms - span.since_ms
    fitting = (name for name, (_, ms) in PERIODS.items() if ms is None or ms >= back_ms)
    chosen = {
        "period": next(fitting),
        "bank": ",".join(span.banks),
        "detector": ",".join(span.detectors),
        "mode": span.mode or "",
    }
    return address_of("/review", chosen)


def titles() -> dict[str, str]:
    """Return the windows' names in words, by those in the address."""
    return {name: f"last {window.label}" for name, window in WINDOWS.items()}
