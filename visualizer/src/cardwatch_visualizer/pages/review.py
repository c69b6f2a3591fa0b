"""Alert review: a table over the archive, a detail of one alert, and analysts' answers."""

from typing import Any, Final

import dash
from dash import Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from cardwatch_visualizer.archive.connection import ArchiveAwayError
from cardwatch_visualizer.archive.filters import InvalidFilterError
from cardwatch_visualizer.archive.questions import MOST_ROWS, alerts
from cardwatch_visualizer.live.reading import now_ms
from cardwatch_visualizer.pages import review_detail
from cardwatch_visualizer.pages.base import Layout, Page, text_of
from cardwatch_visualizer.pages.review_pane import NOTHING
from cardwatch_visualizer.pages.review_parts import KEYS, bulk, filters, grid
from cardwatch_visualizer.pages.shell import in_browser
from cardwatch_visualizer.services import Services
from cardwatch_visualizer.views.links import filter_of
from cardwatch_visualizer.views.review import table_row

CONTROLS: Final = ("search", "period", "bank", "detector", "mode", "answer", "amount")
"""The filters, by their names in the page's address."""
_MOST_A_PAGE: Final = 200


def layout(services: Services) -> Layout:
    """Return what makes the page."""

    def page(**query: Any) -> Component:
        return html.Div(
            [
                html.H1("Alert review", className="cw-title"),
                html.Div(filters(services, query), className="cw-bar"),
                html.Div(id="review-trouble", className="cw-trouble", role="alert", hidden=True),
                html.Div(
                    [
                        html.Section(
                            [bulk(), grid(), html.P(KEYS, className="cw-label")],
                            className="cw-panel cw-list",
                            **{"aria-label": "Alerts"},
                        ),
                        html.Section(
                            NOTHING,
                            id="review-detail",
                            className="cw-panel cw-detail",
                            **{"aria-label": "Detail of an alert", "aria-live": "polite"},
                        ),
                    ],
                    className="cw-review",
                ),
                dcc.Store(id="review-filter", data={n: query.get(n) for n in CONTROLS}),
                dcc.Store(id="review-fixed", data={n: query.get(n) for n in ("user", "card")}),
                dcc.Store(id="review-open", data=text_of(query, "alert") or None),
                dcc.Store(id="review-key"),
                dcc.Store(id="review-said"),
                dcc.Store(id="review-again"),
                html.Div(id="review-word", className="cw-word", role="status"),
            ],
            id="review-page",
        )

    return page


def register(app: dash.Dash, services: Services) -> None:
    """Add the callbacks."""
    app.clientside_callback(
        in_browser("reviewFilter"),
        Output("review-filter", "data"),
        *(Input(f"review-{name}", "value") for name in CONTROLS),
        State("review-fixed", "data"),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        in_browser("reviewReload"),
        Output("review-csv", "href"),
        Output("review-parquet", "href"),
        Input("review-filter", "data"),
        Input("review-said", "data"),
        State("review-fixed", "data"),
    )
    app.clientside_callback(
        in_browser("reviewOpen"),
        Output("review-open", "data"),
        Input("review-grid", "cellClicked"),
        prevent_initial_call=True,
    )

    def rows(wanted: Any, chosen: Any, fixed: Any) -> tuple[Any, str, bool]:
        if not isinstance(wanted, dict):
            return no_update, "", True
        try:
            return page_of(services, wanted, {**(chosen or {}), **(fixed or {})}), "", True
        except (ArchiveAwayError, InvalidFilterError) as error:
            return {"rowData": [], "rowCount": 0}, str(error), False

    app.callback(
        Output("review-grid", "getRowsResponse"),
        Output("review-trouble", "children"),
        Output("review-trouble", "hidden"),
        Input("review-grid", "getRowsRequest"),
        State("review-filter", "data"),
        State("review-fixed", "data"),
        prevent_initial_call=True,
    )(rows)
    review_detail.register(app, services)


def page_of(services: Services, wanted: dict[str, Any], filters: dict[str, Any]) -> dict[str, Any]:
    """Return a piece of the table, as AG Grid's infinite row model asks for it.

    Args:
        services: know the archive.
        wanted: `startRow`, `endRow` (exclusive) and `sortModel`.
        filters: names and texts, as in the page's address.

    Raises:
        ArchiveAwayError: the archive does not answer.
        InvalidFilterError: a filter is not allowed.
    """
    first = min(max(0, int(wanted.get("startRow") or 0)), MOST_ROWS)
    limit = min(max(1, int(wanted.get("endRow") or 0) - first), _MOST_A_PAGE)
    found = alerts(
        services.archive,
        filter_of(filters, now_ms()),
        sort=wanted.get("sortModel") or (),
        offset=first,
        limit=limit,
    )
    shown = [table_row(row) for row in found[:limit]]
    is_last = len(found) <= limit or first + limit >= MOST_ROWS
    return {"rowData": shown, "rowCount": first + len(shown) if is_last else None}


PAGE: Final = Page(
    name="review", path="/review", title="Alert review", layout=layout, register=register
)
