"""What the analytics page answers when it is asked."""

from collections.abc import Callable
from typing import Any, Final

from dash import no_update

from cardwatch_visualizer.archive import analytics as archive
from cardwatch_visualizer.archive.connection import ArchiveAwayError
from cardwatch_visualizer.archive.filters import InvalidFilterError
from cardwatch_visualizer.archive.time_spans import TimeSpan
from cardwatch_visualizer.figures.analytics import (
    MOST_LINES,
    names_figure,
    rates_figure,
    steps_figure,
)
from cardwatch_visualizer.figures.places import Layer, Spot, places_figure
from cardwatch_visualizer.figures.theme import Theme, theme_of
from cardwatch_visualizer.figures.world import world
from cardwatch_visualizer.live.reading import now_ms
from cardwatch_visualizer.pages.panels import stats, table
from cardwatch_visualizer.services import Services
from cardwatch_visualizer.views import analytics as views
from cardwatch_visualizer.views.analytics_links import address, held_end, review_address, span_of
from cardwatch_visualizer.views.places import Amounts, amounts_by_place
from cardwatch_visualizer.views.times import format_time, zone_of

ALERT_PLOTS: Final = (
    *("analytics-time", "analytics-hours"),
    *(f"analytics-by-{name}" for name in views.NAMED),
)
"""Plots of alerts, in the order of what is answered."""
_NO_ALERT: Final = "no alert in this window"
_NO_RATES: Final = "the job has counted nothing in this window"
_BY_BANK: Final = "The job counts transactions by bank: the other filters do not change them."
_NO_PLACES: Final = "no transaction in this window"
_SAID: Final = ("", True)
"""Of a trouble that is none: no words, and hidden."""

Callback = Callable[..., tuple[Any, ...]]


def alerts(services: Services) -> Callback:
    """Return what answers how many alerts there are."""
    # Figures, their tables and the choices; then stats, alerts, span, two links, interval, end.
    unchanged = (no_update,) * (2 * len(ALERT_PLOTS) + len(views.NAMED) + 7)

    def answer(asked: Any, _: Any, scheme: Any, zone_name: Any, *known: Any) -> tuple[Any, ...]:
        query = asked if isinstance(asked, dict) else {}
        zone, at_ms = zone_of(zone_name), now_ms()
        try:
            span = span_of(query, at_ms)
            rows = archive.alert_counts(services.archive, span)
            counts = views.alert_counts(rows, span, zone, archive.MOST_ALERTS)
        except (ArchiveAwayError, InvalidFilterError) as error:
            return (*unchanged, str(error), False)
        until = "until" if held_end(query) else "until now,"
        said = f"From {format_time(span.since_ms, zone)} {until} {format_time(span.until_ms, zone)}"
        if counts.counted_from_ms is not None:
            said += f"; of alerts the newest {archive.MOST_ALERTS:,} alone are counted"
        return (
            *_figures(theme_of(scheme), counts),
            *_tables(counts),
            *(
                sorted({*(names or ()), *counts.by_name[kind].names})
                for kind, names in zip(views.NAMED, known, strict=True)
            ),
            stats(_stats(counts)),
            counts.alerts,
            said,
            address(span, held=True),
            review_address(span, at_ms),
            span.of.refresh_ms,
            span.until_ms,
            *_SAID,
        )

    return answer


def rates(services: Services) -> Callback:
    """Return what answers how many transactions a second each bank has."""
    unchanged = (no_update,) * 5

    def answer(asked: Any, _: Any, scheme: Any, zone_name: Any) -> tuple[Any, ...]:
        try:
            span = span_of(asked if isinstance(asked, dict) else {}, now_ms())
            rows = archive.bank_counts(services.archive, span)
        except (ArchiveAwayError, InvalidFilterError) as error:
            return (*unchanged, str(error), False)
        found = views.bank_rates(rows, span, zone_of(zone_name), MOST_LINES)
        columns = ("bank", "mean, transactions/s", "highest")
        return (
            rates_figure(theme_of(scheme), found, _NO_RATES),
            table(columns, found.lines(), _NO_RATES),
            stats(_rate_stats(found.transactions, span)),
            found.transactions if span.counts_whole_banks else None,
            "" if span.counts_whole_banks else _BY_BANK,
            *_SAID,
        )

    return answer


def places(services: Services) -> Callback:
    """Return what answers which amounts were paid where."""
    unchanged = (no_update,) * 4

    def answer(asked: Any, _: Any, scheme: Any, __: Any, currency: Any) -> tuple[Any, ...]:
        try:
            span = span_of(asked if isinstance(asked, dict) else {}, now_ms())
            rows, one_in = archive.places(services.archive, span)
            raised = archive.alert_places(services.archive, span)
        except (ArchiveAwayError, InvalidFilterError) as error:
            return (*unchanged, str(error), False)
        found = amounts_by_place(
            rows,
            raised,
            currency=str(currency or ""),
            one_in=one_in,
            most=archive.MOST_READ,
        )
        columns = ("place", "transactions", "amount", "average", "alerts")
        return (
            places_figure(theme_of(scheme), world(), _layers(found)),
            table(columns, found.lines(), _NO_PLACES),
            list(found.currencies),
            found.caveat() if found.places else _NO_PLACES,
            *_SAID,
        )

    return answer


def _figures(theme: Theme, counts: views.AlertCounts) -> list[Any]:
    return [
        steps_figure(theme, counts.by_time, _NO_ALERT, times=True),
        steps_figure(theme, counts.by_hour, _NO_ALERT, times=False),
        *(names_figure(theme, counts.by_name[kind], _NO_ALERT) for kind in views.NAMED),
    ]


def _tables(counts: views.AlertCounts) -> list[Any]:
    def of(first: str, bars: views.Bars, *, times: bool = False) -> Any:
        lines = bars.lines(times=times) if bars else ()
        return table((first, "alerts", "on trial"), lines, _NO_ALERT)

    return [
        of("from", counts.by_time, times=True),
        of("hour", counts.by_hour),
        *(of(kind, counts.by_name[kind]) for kind in views.NAMED),
    ]


def _stats(counts: views.AlertCounts) -> list[tuple[str, str]]:
    return [
        (f"{counts.alerts:,}", "alerts"),
        (f"{counts.on_trial:,}", "on trial"),
        (f"{counts.users:,}", "users with alerts"),
    ]


def _rate_stats(transactions: int, span: TimeSpan) -> list[tuple[str, str]]:
    per_s = transactions / (span.of.span_ms / 1000)
    return [(f"{transactions:,}", "transactions"), (f"{per_s:,.2f}", "transactions/s")]


def _layers(found: Amounts) -> list[Layer]:
    def words(number: int) -> str:
        name, transactions, amount, average, raised = lines[number]
        return f"{name}\n{amount}\n{transactions} transactions, average {average}\n{raised} alerts"

    lines = list(found.lines())
    spots = tuple(
        Spot(
            latitude=place.latitude,
            longitude=place.longitude,
            weight=max(0.0, float(place.total_minor)),
            words=words(number),
        )
        for number, place in enumerate(found.places)
    )
    return [Layer(name=f"amounts in {found.currency}", colour="primary", spots=spots)]
