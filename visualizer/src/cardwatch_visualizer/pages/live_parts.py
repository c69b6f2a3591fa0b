"""The live page's stream of alerts, in its views."""

from typing import Final

import dash_ag_grid as dag
import dash_mantine_components as dmc
from dash import dcc, html
from dash.development.base_component import Component

from cardwatch_visualizer.archive.filters import DETECTORS
from cardwatch_visualizer.figures.world import world, world_figure

VIEWS: Final = {
    "stream": "Stream",
    "users": "By user",
    "cards": "By card",
    "detectors": "By anomaly",
    "map": "Map",
}
_TIME: Final = {"function": "cardwatchClock(params.value)"}
_JOINED: Final = {"function": "cardwatchJoined(params.value)"}


def stream(view: str, text: str) -> Component:
    """Return the panel of alerts as they come.

    Args:
        view: which of `VIEWS` is shown first.
        text: what they are filtered by.
    """
    return html.Section(
        [
            html.Div(
                [
                    dmc.SegmentedControl(
                        id="live-view",
                        value=view,
                        data=[{"value": key, "label": name} for key, name in VIEWS.items()],
                    ),
                    html.Span(className="cw-gap"),
                    html.Button("Pause", id="live-pause", className="cw-button", n_clicks=0),
                    html.Button("Step", id="live-step", className="cw-button", n_clicks=0),
                    html.Span("", id="live-waiting", className="cw-label", role="status"),
                ],
                className="cw-bar",
            ),
            html.Div(_filters(text), className="cw-bar"),
            html.Div(_alerts_grid(), id="live-stream-view", className="cw-view"),
            html.Div(_groups_grid(), id="live-groups-view", className="cw-view cw-hidden"),
            html.Div(_map(), id="live-map-view", className="cw-view cw-hidden"),
        ],
        className="cw-panel",
        **{"aria-label": "Alerts as they come"},
    )


def _filters(text: str) -> list[Component]:
    detectors = list(DETECTORS)
    return [
        dmc.TextInput(
            id="live-filter", value=text, placeholder="user, card, place, reason …", label="Filter"
        ),
        dmc.MultiSelect(id="live-banks", label="Banks", data=[], value=[], placeholder="all"),
        dmc.MultiSelect(
            id="live-detectors", label="Detectors", data=detectors, value=[], placeholder="all"
        ),
        dmc.Switch(id="live-trials", label="those on trial, too", checked=True),
    ]


def _alerts_grid() -> Component:
    return dag.AgGrid(
        id="live-grid",
        columnDefs=[
            {"field": "event_time", "headerName": "time", "valueFormatter": _TIME, "width": 110},
            {"field": "bank_id", "headerName": "bank", "width": 90},
            {"field": "user_id", "headerName": "user", "width": 110},
            {"field": "amount", "headerName": "amount", "type": "rightAligned", "width": 140},
            {"field": "city", "headerName": "city", "width": 130},
            {
                "field": "detectors",
                "headerName": "detectors",
                "valueFormatter": _JOINED,
                "width": 220,
            },
            {
                "field": "reason",
                "headerName": "reason",
                "flex": 1,
                "minWidth": 260,
                "tooltipField": "reason",
            },
            {"field": "mode", "headerName": "mode", "width": 90},
            {"field": "card_id", "headerName": "card", "width": 150},
        ],
        rowData=[],
        getRowId="params.data.alert_id",
        defaultColDef={"resizable": True, "sortable": False, "suppressMovable": True},
        dashGridOptions={
            "animateRows": False,
            "rowHeight": 34,
            "tooltipShowDelay": 300,
            "localeText": {"noRowsToShow": "no alert yet: the next one appears here"},
            "suppressCellFocus": False,
        },
        className="cw-grid",
        style={"height": "460px"},  # else it is 400 px
    )


def _groups_grid() -> Component:
    return dag.AgGrid(
        id="live-groups",
        columnDefs=[
            {"field": "name", "headerName": "name", "minWidth": 180, "flex": 1},
            {"field": "alerts", "headerName": "alerts in 15 min", "type": "rightAligned"},
            {"field": "last_time", "headerName": "latest", "valueFormatter": _TIME},
            {"field": "last_amount", "headerName": "amount", "type": "rightAligned"},
            {"field": "last_city", "headerName": "place"},
            {
                "field": "detectors",
                "headerName": "detectors",
                "valueFormatter": _JOINED,
                "minWidth": 240,
                "flex": 1,
            },
            {"field": "bank_id", "headerName": "bank"},
        ],
        rowData=[],
        getRowId="params.data.name",
        defaultColDef={"resizable": True, "sortable": True, "width": 150},
        dashGridOptions={"animateRows": False, "rowHeight": 34},
        className="cw-grid",
        style={"height": "460px"},  # else it is 400 px
    )


def _map() -> Component:
    return dcc.Graph(
        id="live-map",
        figure=world_figure("light", world()),
        config={"displaylogo": False, "scrollZoom": True, "responsive": True},
        style={"height": "min(70vh, 720px)"},
    )
