"""Counts of the archive as what plots and tables show. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any, Final

from cardwatch_visualizer.archive.time_spans import TimeSpan
from cardwatch_visualizer.live.rows import shown
from cardwatch_visualizer.views.times import plot_time

Row = Mapping[str, Any]

NAMED: Final = ("bank", "country", "category", "detector")
"""Kinds of names by which alerts are counted."""
_QUARTER_MS: Final = 15 * 60_000
OTHERS: Final = "all others"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """Alerts by name or by time: all of the same length."""

    names: tuple[str, ...]
    """What a reader sees, or a time as plotly takes it."""
    alerts: tuple[int, ...]
    """In force."""
    on_trial: tuple[int, ...]

    def __bool__(self) -> bool:
        return any(self.alerts) or any(self.on_trial)

    def lines(self, *, times: bool = False) -> Iterator[tuple[str, str, str]]:
        """Yield it as a table; `times`: the names are such."""
        for name, alerts, on_trial in zip(self.names, self.alerts, self.on_trial, strict=True):
            said = name.partition(".")[0].replace("T", " ") if times else name
            yield said, f"{alerts:,}", f"{on_trial:,}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertCounts:
    """Alerts of a span."""

    alerts: int
    on_trial: int
    users: int
    counted_from_ms: int | None
    """Event time of the oldest that is counted, where some were too many; else None."""
    by_name: Mapping[str, Bars]
    """By the kinds of `NAMED`, most alerts first."""
    by_time: Bars
    by_hour: Bars
    """Of the day, in the viewer's zone: 24."""


def alert_counts(rows: Sequence[Row], span: TimeSpan, zone: tzinfo, most: int) -> AlertCounts:
    """Return what the archive's rows say.

    Args:
        rows: of `archive.analytics.alert_counts`.
        span: which span they are of.
        zone: the viewer's.
        most: how many alerts are counted at most.
    """
    kinds: dict[str, list[Row]] = {}
    for row in rows:
        kinds.setdefault(row["kind"], []).append(row)
    (total,) = kinds["total"]
    is_cut = total["alerts"] + total["on_trial"] >= most
    return AlertCounts(
        alerts=total["alerts"],
        on_trial=total["on_trial"],
        users=total["users"],
        counted_from_ms=total["at_ms"] if is_cut else None,
        by_name={kind: _named(kinds.get(kind, ())) for kind in NAMED},
        by_time=_over_time(kinds.get("time", ()), span, zone),
        by_hour=_by_hour(kinds.get("quarter", ()), zone),
    )


def _named(rows: Sequence[Row]) -> Bars:
    return Bars(
        names=tuple(shown(row["name"]) for row in rows),
        alerts=tuple(row["alerts"] for row in rows),
        on_trial=tuple(row["on_trial"] for row in rows),
    )


def _over_time(rows: Sequence[Row], span: TimeSpan, zone: tzinfo) -> Bars:
    """Return every step, those without an alert too."""
    found = {row["at_ms"]: row for row in rows}
    steps = range(span.since_ms, span.until_ms, span.of.alert_step_ms)
    return Bars(
        names=tuple(plot_time(at_ms, zone) for at_ms in steps),
        alerts=tuple(found[at]["alerts"] if at in found else 0 for at in steps),
        on_trial=tuple(found[at]["on_trial"] if at in found else 0 for at in steps),
    )


def _by_hour(rows: Sequence[Row], zone: tzinfo) -> Bars:
    alerts, on_trial = [0] * 24, [0] * 24
    for row in rows:
        # Its middle, so that rounding never puts it into the hour before.
        middle_s = (row["at_ms"] + _QUARTER_MS / 2) / 1000
        hour = datetime.fromtimestamp(middle_s, zone).hour
        alerts[hour] += row["alerts"]
        on_trial[hour] += row["on_trial"]
    return Bars(
        names=tuple(f"{hour:02}:00" for hour in range(24)),
        alerts=tuple(alerts),
        on_trial=tuple(on_trial),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Transactions a second by bank."""

    at: tuple[str, ...]
    """When each step begins, as plotly takes it, in the viewer's zone."""
    banks: tuple[tuple[str, tuple[float | None, ...]], ...]
    """Busiest first, then `OTHERS`; None where the job counted nothing at all."""
    transactions: int
    """In all steps."""

    def lines(self) -> Iterator[tuple[str, str, str]]:
        """Yield banks, their mean and their highest rate."""
        for name, rates in self.banks:
            known = [rate for rate in rates if rate is not None]
            if known:
                yield name, f"{sum(known) / len(known):,.2f}", f"{max(known):,.2f}"


def bank_rates(rows: Sequence[Row], span: TimeSpan, zone: tzinfo, most: int) -> Rates:
    """Return rates of the banks with the most transactions, and of all others together.

    Args:
        rows: of `archive.analytics.bank_counts`.
        span: which span they are of.
        zone: the viewer's.
        most: how many banks have a line of their own.
    """
    totals: dict[str, int] = {}
    counts: dict[tuple[str, int], int] = {}
    for row in rows:
        name, at_ms, count = row["name"], row["at_ms"], row["transactions"]
        totals[name] = totals.get(name, 0) + count
        counts[name, at_ms] = counts.get((name, at_ms), 0) + count
    names = sorted(totals, key=lambda name: (-totals[name], name))
    steps = range(span.since_ms, span.until_ms, span.of.step_ms)
    counted = {at_ms for _, at_ms in counts}
    step_s = span.of.step_ms / 1000

    def rates(of: Sequence[str]) -> tuple[float | None, ...]:
        return tuple(
            sum(counts.get((name, at), 0) for name in of) / step_s if at in counted else None
            for at in steps
        )

    banks = [(shown(name), rates([name])) for name in names[:most]]
    if len(names) > most:
        banks.append((OTHERS, rates(names[most:])))
    return Rates(
        at=tuple(plot_time(at_ms, zone) for at_ms in steps),
        banks=tuple(banks),
        transactions=sum(totals.values()),
    )
