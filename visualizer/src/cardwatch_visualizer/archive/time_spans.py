"""Which span of the archive a page adds up, and what of it, as conditions of SQL. Pure.

What people type is only ever a parameter; the texts of the conditions are constants of this module.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from cardwatch_contracts.alert import FindingMode
from cardwatch_contracts.card_numbers import holds_card_number
from cardwatch_visualizer.archive.filters import MOST_CHOSEN, InvalidFilterError

STATS_MS: Final = 10_000
"""Length of the windows in which the job counts. Spans begin and end with one. Milliseconds."""
LATE_MS: Final = 5_000
"""How long a window's counts may take into the archive. Milliseconds."""
_MAX_TEXT: Final = 128
_S: Final = 1_000
_MINUTE: Final = 60 * _S
_HOUR: Final = 60 * _MINUTE
_DAY: Final = 24 * _HOUR


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """How far back a page looks. All in milliseconds."""

    label: str
    span_ms: int
    step_ms: int
    """Of plots over time of what the job counted; a multiple of `STATS_MS`."""
    alert_step_ms: int
    """Of plots over time of alerts, each of which has a time of its own."""
    refresh_ms: int
    """After how long it is asked for again, while somebody looks."""


def _window(label: str, span: int, step: int, alert_step: int, refresh: int) -> Window:
    return Window(
        label=label,
        span_ms=span,
        step_ms=step,
        alert_step_ms=alert_step,
        refresh_ms=refresh,
    )


WINDOWS: Final[Mapping[str, Window]] = {
    "10s": _window("10 seconds", 10 * _S, STATS_MS, _S, 10 * _S),
    "1m": _window("1 minute", _MINUTE, STATS_MS, _S, 10 * _S),
    "10m": _window("10 minutes", 10 * _MINUTE, STATS_MS, 10 * _S, 10 * _S),
    "1h": _window("1 hour", _HOUR, _MINUTE, _MINUTE, 30 * _S),
    "6h": _window("6 hours", 6 * _HOUR, 5 * _MINUTE, 5 * _MINUTE, _MINUTE),
    "24h": _window("24 hours", _DAY, 15 * _MINUTE, 15 * _MINUTE, 2 * _MINUTE),
    "7d": _window("7 days", 7 * _DAY, 2 * _HOUR, 2 * _HOUR, 5 * _MINUTE),
    "30d": _window("30 days", 30 * _DAY, 6 * _HOUR, 6 * _HOUR, 10 * _MINUTE),
}
"""By their names in a page's address."""
WINDOW: Final = "1h"
"""Where the address names none."""


class TimeSpan(msgspec.Struct, frozen=True, kw_only=True):
    """Which alerts and transactions are added up; empty or None: whatever.

    Raises:
        InvalidFilterError: a value is too long, or a card number.
    """

    until_ms: int
    """Event time before then. Milliseconds since 1970-01-01 UTC, a multiple of `STATS_MS`."""
    window: str = WINDOW
    banks: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    detectors: tuple[str, ...] = ()
    """One of an alert's findings is of one of them; says nothing of transactions."""
    mode: FindingMode | None = None
    """Of alerts; says nothing of transactions."""

    def __post_init__(self) -> None:
        if self.window not in WINDOWS:
            raise InvalidFilterError(f"window: allowed: {', '.join(WINDOWS)}")
        chosen = (self.banks, self.countries, self.categories, self.detectors)
        texts = [text for each in chosen for text in each]
        if any(len(text) > _MAX_TEXT or "\0" in text for text in texts):
            raise InvalidFilterError(f"a filter: at most {_MAX_TEXT} characters are allowed")
        if any(map(holds_card_number, texts)):
            raise InvalidFilterError("a card number: nothing is stored under one")
        if any(len(each) > MOST_CHOSEN for each in chosen):
            raise InvalidFilterError(f"a filter: at most {MOST_CHOSEN} choices are allowed")

    @property
    def of(self) -> Window:
        """Its window."""
        return WINDOWS[self.window]

    @property
    def since_ms(self) -> int:
        """Event time from then on. Milliseconds since 1970-01-01 UTC."""
        return self.until_ms - self.of.span_ms

    @property
    def counts_whole_banks(self) -> bool:
        """Whether what the job counted of banks is what this asks for."""
        return not (self.countries or self.categories or self.detectors or self.mode)


def end_of(now_ms: int) -> int:
    """Return the end of the newest window that the archive has: all spans end with one."""
    return (now_ms - LATE_MS) // STATS_MS * STATS_MS


def bounds(span: TimeSpan) -> dict[str, Any]:
    """Return the parameters that every condition on a span has."""
    return {"since": span.since_ms, "until": span.until_ms}


_WITHIN: Final = (
    # The second leaves out days before: what is paid later was not taken earlier, but for clocks
    # that are wrong.
    "{0}.event_time >= to_timestamp(%(since)s / 1000.0)",
    "{0}.ingested_at >= to_timestamp(%(since)s / 1000.0) - interval '1 hour'",
    "{0}.event_time < to_timestamp(%(until)s / 1000.0)",
)


def transaction_conditions(span: TimeSpan, table: str = "t") -> tuple[str, dict[str, Any]]:
    """Return a condition on transactions, and its parameters."""
    conditions = [each.format(table) for each in _WITHIN]
    values = bounds(span)
    for column, chosen in (
        ("bank_id", span.banks),
        ("country", span.countries),
        ("merchant_category", span.categories),
    ):
        if chosen:
            conditions.append(f"{table}.{column} = ANY (%({column})s)")
            values[column] = list(chosen)
    return " AND ".join(conditions), values


def alert_conditions(span: TimeSpan) -> tuple[str, dict[str, Any]]:
    """Return a condition on alerts, `a`, and its parameters."""
    condition, values = transaction_conditions(span, "a")
    if span.detectors:
        condition += " AND a.detectors && %(detectors)s::text[]"
        values["detectors"] = list(span.detectors)
    if span.mode is not None:
        condition += " AND a.mode = %(mode)s"
        values["mode"] = span.mode
    return condition, values


def stats_conditions(span: TimeSpan) -> tuple[str, dict[str, Any]]:
    """Return a condition on windows in which the job counted, `s`, and its parameters."""
    condition = (
        "s.window_start >= to_timestamp(%(since)s / 1000.0) "
        "AND s.window_start < to_timestamp(%(until)s / 1000.0)"
    )
    values = bounds(span)
    if span.banks:
        condition += " AND s.name = ANY (%(bank_id)s)"
        values["bank_id"] = list(span.banks)
    return condition, values
