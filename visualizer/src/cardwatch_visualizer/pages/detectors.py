"""Detectors: thresholds by config, findings an hour, precision, what changed, and YAML to apply."""

from collections.abc import Sequence
from typing import Any, Final

import dash
from dash import Input, Output, dcc, html
from dash.development.base_component import Component

from cardwatch_contracts.detector_config import DEFAULT_CONFIG, ConfigRecord
from cardwatch_visualizer.archive.connection import ArchiveAwayError
from cardwatch_visualizer.archive.detector_questions import (
    MOST_ALERTS,
    findings_by_detector,
    newest_alerts,
)
from cardwatch_visualizer.figures.detectors import findings_figure
from cardwatch_visualizer.figures.theme import theme_of
from cardwatch_visualizer.live.generations import KeptConfigs
from cardwatch_visualizer.live.reading import now_ms
from cardwatch_visualizer.live.store import StoreAwayError
from cardwatch_visualizer.pages import detectors_diff, detectors_form
from cardwatch_visualizer.pages.base import Layout, Page, text_of
from cardwatch_visualizer.pages.detectors_parts import PERIODS, columns, filters, findings
from cardwatch_visualizer.pages.panels import trouble
from cardwatch_visualizer.pages.shell import in_browser
from cardwatch_visualizer.services import Services
from cardwatch_visualizer.views.detectors import MOST_CONFIGS, detector_rows, hours_of
from cardwatch_visualizer.views.links import PERIOD

_LINKED: Final = (
    *("detectors-period", "detectors-config"),
    *("diff-config", "diff-from", "diff-to", "form-base"),
)
"""What stands in the page's address."""
_NO_FINDING: Final = "no finding in this period"
_NEWEST: Final = f"in which the period's newest {MOST_ALERTS:,} alerts were"
_NOT_KNOWN: Final = "not known without the archive"
_STORE_AWAY: Final = "Valkey does not answer, so configs are not known: thresholds are the defaults"


def layout(services: Services) -> Layout:
    """Return what makes the page."""

    def page(**query: Any) -> Component:
        kept, why = _kept(services)
        return html.Div(
            [
                html.H1("Detectors", className="cw-title"),
                html.Div(filters(kept, query), className="cw-bar"),
                trouble("detectors-trouble", why),
                *findings(),
                detectors_diff.panel(kept, query),
                detectors_form.panel(kept, text_of(query, "edit")),
                dcc.Store(id="detectors-address"),
            ],
            id="detectors-page",
        )

    return page


def register(app: dash.Dash, services: Services) -> None:
    """Add the callbacks."""

    def show(period: Any, config: Any, _: Any, scheme: Any) -> tuple[Any, ...]:
        kept, why = _kept(services)
        configs = in_force(kept)
        try:
            rows, said = rows_of(services, str(period), str(config or "") or None, configs)
            nothing = _NO_FINDING
        except ArchiveAwayError as error:
            rows, said, nothing = detector_rows(None, configs, 1.0), "", _NOT_KNOWN
            why = ". ".join(filter(None, (why, str(error))))
        figure = findings_figure(theme_of(scheme), rows, nothing)
        return columns(configs), rows, figure, said, why, not why

    app.callback(
        Output("detectors-grid", "columnDefs"),
        Output("detectors-grid", "rowData"),
        Output("detectors-plot", "figure"),
        Output("detectors-said", "children"),
        Output("detectors-trouble", "children"),
        Output("detectors-trouble", "hidden"),
        Input("detectors-period", "value"),
        Input("detectors-config", "value"),
        Input("detectors-again", "n_clicks"),
        # What says the theme, not what it is kept in: that is not known from the start.
        Input("mantine", "forceColorScheme"),
    )(show)
    app.clientside_callback(
        in_browser("detectorsAddress"),
        Output("detectors-address", "data"),
        *(Input(each, "value") for each in _LINKED),
        prevent_initial_call=True,
    )
    detectors_diff.register(app, services)
    detectors_form.register(app, services)


def in_force(kept: KeptConfigs) -> list[ConfigRecord]:
    """Return the built-in thresholds and the newest generation of each config that judges."""
    current = [each.generations[0].record for each in kept.configs if each.is_current]
    return [DEFAULT_CONFIG, *current][:MOST_CONFIGS]


def rows_of(
    services: Services, period: str, config: str | None, configs: Sequence[ConfigRecord]
) -> tuple[list[dict[str, Any]], str]:
    """Return the table's lines, and over which time they are averaged, in words.

    Args:
        services: know the archive.
        period: one of `PERIODS`; another is the usual one.
        config: whose findings count; None: those of all.
        configs: whose thresholds are told.

    Raises:
        ArchiveAwayError: the archive does not answer in time.
    """
    until_ms = now_ms()
    length_ms = PERIODS.get(period, PERIODS[PERIOD])[1]
    since_ms = until_ms - length_ms
    newest = newest_alerts(services.archive, since_ms, until_ms)
    begins_ms = since_ms if newest.first_ms is None else newest.first_ms
    found = findings_by_detector(services.archive, begins_ms, until_ms, config)
    hours = hours_of(newest.first_ms, since_ms, until_ms)
    since = "from the period's first alert on" if newest.are_all else _NEWEST
    said = f"Averages are of the last {hours:,.1f} h, {since}."
    return detector_rows(found, configs, hours), said


def _kept(services: Services) -> tuple[KeptConfigs, str]:
    try:
        return services.kept.configs(), ""
    except StoreAwayError:
        return KeptConfigs(), _STORE_AWAY


PAGE: Final = Page(
    name="detectors", path="/detectors", title="Detectors", layout=layout, register=register
)
