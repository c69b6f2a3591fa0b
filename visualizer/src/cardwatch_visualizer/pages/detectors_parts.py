"""The filters, the table and the plot of the page of detectors."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import dash_ag_grid as dag
import dash_mantine_components as dmc
from dash import html
from dash.development.base_component import Component

from cardwatch_contracts.detector_config import ConfigRecord
from cardwatch_visualizer.figures.detectors import findings_figure
from cardwatch_visualizer.live.generations import KeptConfigs
from cardwatch_visualizer.live.rows import shown
from cardwatch_visualizer.pages.base import text_of
from cardwatch_visualizer.pages.panels import plot, section, waited_for
from cardwatch_visualizer.views.detectors import column_names
from cardwatch_visualizer.views.links import PERIOD
from cardwatch_visualizer.views.links import PERIODS as ALL_PERIODS

PERIODS: Final[Mapping[str, tuple[str, int]]] = {
    key: (name, length) for key, (name, length) in ALL_PERIODS.items() if length is not None
}
"""How far back findings are counted: its name, and milliseconds of event time."""
_PRECISION: Final = (
    "Precision: of the findings that analysts have called fraudulent or genuine, by their latest "
    "answer, the share that is fraudulent. Behind it, of how many."
)
_WRAPPED: Final = {"lineHeight": "20px", "paddingTop": "10px", "paddingBottom": "10px"}
"""Else each further line is as high as a row."""
_RATE: Final = {"function": "cardwatchRate(params.value)"}


def filters(kept: KeptConfigs, query: Mapping[str, Any]) -> list[Component]:
    """Return the filters, as the address's query has them."""
    periods = [{"value": key, "label": name} for key, (name, _) in PERIODS.items()]
    period, config = text_of(query, "period"), text_of(query, "config")
    names = sorted({"built-in", *(each.name for each in kept.configs)})
    configs = [{"value": "", "label": "all configs"}]
    configs += [{"value": name, "label": shown(name)} for name in names]
    return [
        dmc.Select(
            id="detectors-period",
            label="Period",
            data=periods,
            value=period if period in PERIODS else PERIOD,
            allowDeselect=False,
        ),
        dmc.Select(
            id="detectors-config",
            label="Judged by",
            data=configs,
            value=config if config in names else "",
            allowDeselect=False,
        ),
        html.Button("Count again", id="detectors-again", className="cw-button", n_clicks=0),
    ]


def findings() -> list[Component]:
    """Return the table and the plot of findings."""
    return [
        html.Section(
            [
                dag.AgGrid(
                    id="detectors-grid",
                    columnDefs=columns([]),
                    rowData=[],
                    getRowId="params.data.detector",
                    defaultColDef={"resizable": True, "sortable": True},
                    dashGridOptions={
                        "animateRows": False,
                        "domLayout": "autoHeight",
                        "suppressMovableColumns": True,
                    },
                    style={"height": None, "width": "100%"},
                ),
                html.P(id="detectors-said", className="cw-label", role="status"),
                html.P(_PRECISION, className="cw-label"),
            ],
            className="cw-panel",
            **{"aria-label": "Findings and thresholds"},
        ),
        section(
            "Active against on trial",
            waited_for(plot("detectors-plot", findings_figure("light", [], ""), height="420px")),
            name="cw-below",
        ),
    ]


def columns(configs: Sequence[ConfigRecord]) -> list[dict[str, Any]]:
    """Return the table's columns; each config has one for its thresholds."""
    return [
        {"field": "detector", "headerName": "detector", "pinned": "left", "width": 205},
        *_mode("active", "active"),
        *_mode("shadow", "on trial"),
        *(
            {
                "field": f"config-{number}",
                "headerName": name,
                "sortable": False,
                "wrapText": True,
                "autoHeight": True,
                "cellStyle": _WRAPPED,
                "minWidth": 230,
                "flex": 1,
            }
            for number, name in enumerate(column_names(configs))
        ),
    ]


def _mode(mode: str, words: str) -> list[dict[str, Any]]:
    share = f"cardwatchShare(params.value, params.data.{mode}_answered)"
    return [
        {
            "field": f"{mode}_per_h",
            "headerName": f"{words}, an hour",
            "type": "rightAligned",
            "valueFormatter": _RATE,
            "width": 150,
        },
        {
            "field": f"{mode}_precision",
            "headerName": f"precision, {words}",
            "type": "rightAligned",
            "valueFormatter": {"function": share},
            "width": 165,
        },
    ]
