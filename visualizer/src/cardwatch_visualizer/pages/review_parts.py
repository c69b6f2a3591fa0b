"""The filters, the buttons and the table of alert review."""

from typing import Any, Final

import dash_ag_grid as dag
import dash_mantine_components as dmc
from dash import html
from dash.development.base_component import Component

from cardwatch_visualizer.archive.connection import ArchiveAwayError
from cardwatch_visualizer.archive.filters import DETECTORS
from cardwatch_visualizer.archive.questions import banks
from cardwatch_visualizer.auth.gate import identity
from cardwatch_visualizer.pages.base import text_of
from cardwatch_visualizer.services import Services
from cardwatch_visualizer.views.links import PERIOD, PERIODS

_MODES: Final = {"": "any", "active": "active", "shadow": "on trial"}
_ANSWERS: Final = {
    "": "any",
    "unanswered": "unanswered",
    "fraudulent": "fraudulent",
    "genuine": "genuine",
    "unsure": "unsure",
}
_TIME: Final = {"function": "cardwatchTime(params.value)"}
_RISK: Final = {"function": "cardwatchRisk(params.value)"}
_JOINED: Final = {"function": "cardwatchJoined(params.value)"}


def filters(services: Services, query: dict[str, Any]) -> list[Component]:
    """Return the filters, as the address's query has them."""
    try:
        known = banks(services.archive)
    except ArchiveAwayError:
        known = []  # the table says it
    periods = [{"value": key, "label": name} for key, (name, _) in PERIODS.items()]

    def chosen(name: str) -> list[str]:
        return [part for part in text_of(query, name).split(",") if part]

    return [
        dmc.TextInput(
            id="review-search",
            label="Search",
            value=text_of(query, "search"),
            placeholder="user, card, merchant, place …",
            debounce=400,
        ),
        dmc.Select(
            id="review-period",
            label="Period",
            data=periods,
            value=text_of(query, "period") or PERIOD,
            allowDeselect=False,
        ),
        dmc.MultiSelect(
            id="review-bank",
            label="Banks",
            data=sorted({*known, *chosen("bank")}),
            value=chosen("bank"),
            placeholder="all",
        ),
        dmc.MultiSelect(
            id="review-detector",
            label="Detectors",
            data=sorted({*DETECTORS, *chosen("detector")}),
            value=chosen("detector"),
            placeholder="all",
        ),
        _choice("review-mode", "Mode", _MODES, text_of(query, "mode")),
        _choice("review-answer", "Answer", _ANSWERS, text_of(query, "answer")),
        dmc.TextInput(
            id="review-amount",
            label="Amount from",
            value=text_of(query, "amount"),
            placeholder="0.00",
            debounce=400,
        ),
    ]


def _choice(name: str, label: str, choices: dict[str, str], value: str) -> Component:
    data = [{"value": key, "label": words} for key, words in choices.items()]
    chosen = value if value in choices else ""
    return dmc.Select(id=name, label=label, data=data, value=chosen, allowDeselect=False)


KEYS: Final = "Keys: arrows move, Enter opens, Space chooses, F fraudulent, G genuine, U unsure."


def bulk() -> Component:
    """Return what is done with all chosen alerts."""
    may_answer = identity().may_answer
    buttons = [
        html.Button(
            label.capitalize(),
            id=f"bulk-{label}",
            className=f"cw-button cw-{label}",
            n_clicks=0,
            disabled=not may_answer,
        )
        for label in ("fraudulent", "genuine", "unsure")
    ]
    exports = [
        html.A(words, id=f"review-{suffix}", href="#", className="cw-button", download="")
        for suffix, words in (("csv", "CSV"), ("parquet", "Parquet"))
    ]
    return html.Div(
        [
            html.Span("Answer all chosen:", className="cw-label"),
            *buttons,
            html.Span(className="cw-gap"),
            *(exports if may_answer else []),
            *([] if may_answer else [html.Span(e, hidden=True) for e in exports]),
        ],
        className="cw-bar",
    )


def grid() -> Component:
    """Return the table."""
    return dag.AgGrid(
        id="review-grid",
        rowModelType="infinite",
        columnDefs=[
            {"field": "event_time", "headerName": "time", "valueFormatter": _TIME, "width": 190},
            {"field": "amount", "headerName": "amount", "type": "rightAligned", "width": 140},
            {
                "field": "risk",
                "headerName": "risk",
                "type": "rightAligned",
                "valueFormatter": _RISK,
                "width": 90,
            },
            {"field": "label", "headerName": "answer", "width": 110},
            {
                "field": "detectors",
                "headerName": "detectors",
                "valueFormatter": _JOINED,
                "width": 200,
                "sortable": False,
            },
            {"field": "merchant_id", "headerName": "merchant", "width": 150},
            {"field": "city", "headerName": "city", "width": 120},
            {"field": "bank_id", "headerName": "bank", "width": 90},
            {"field": "user_id", "headerName": "user", "width": 110},
            {"field": "card_id", "headerName": "card", "width": 150},
            {"field": "mode", "headerName": "mode", "width": 90},
            {"field": "config", "headerName": "config", "width": 120},
            {
                "field": "reason",
                "headerName": "reason",
                "minWidth": 300,
                "sortable": False,
                "tooltipField": "reason",
            },
        ],
        getRowId="params.data.alert_id",
        defaultColDef={"resizable": True, "sortable": True},
        dashGridOptions={
            "rowSelection": {"mode": "multiRow", "checkboxes": True, "headerCheckbox": False},
            "rowBuffer": 0,
            "cacheBlockSize": 100,
            "maxBlocksInCache": 20,
            "maxConcurrentDatasourceRequests": 1,
            "rowHeight": 34,
            "animateRows": False,
            "localeText": {"noRowsToShow": "no alert is like that"},
        },
        eventListeners={"cellKeyDown": ["cardwatchKey(params)"]},
        className="cw-grid",
        style={"height": "max(420px, calc(100vh - 330px))"},  # else it is 400 px
    )
