"""The picture of the pipeline, the tables and the dead letters of the page of health."""

from typing import Final

import dash_ag_grid as dag
from dash import html
from dash.development.base_component import Component

from cardwatch_contracts.topics import (
    ALERTS,
    CARD_PROFILES,
    DEAD_LETTERS,
    DETECTOR_CONFIGS,
    FEEDBACK,
    STATS,
    TRANSACTIONS,
)
from cardwatch_visualizer.pages.panels import facts, trouble
from cardwatch_visualizer.views.letters import ShownLetter

COLUMNS: Final[tuple[tuple[str, tuple[tuple[str, str], ...]], ...]] = (
    ("senders", (("senders", "Generator, gateway and others"),)),
    (
        "Kafka",
        (
            (TRANSACTIONS.name, TRANSACTIONS.name),
            (DETECTOR_CONFIGS.name, DETECTOR_CONFIGS.name),
            (FEEDBACK.name, FEEDBACK.name),
        ),
    ),
    ("Flink", (("job", "Job"),)),
    (
        "Kafka",
        tuple((topic.name, topic.name) for topic in (ALERTS, STATS, CARD_PROFILES, DEAD_LETTERS)),
    ),
    (
        "readers",
        (("archiver", "Archiver"), ("gateway", "Gateway"), ("visualizer", "Visualizer")),
    ),
    ("stores", (("archive", "Archive (PostgreSQL)"), ("valkey", "Valkey"))),
)
"""The picture from left to right: what stands above each column, and its parts with their names."""
_TIME: Final = {"function": "cardwatchTime(params.value)"}
NO_LETTER: Final = [html.P("Choose a dead letter to look into it.", className="cw-empty")]


def pipeline() -> Component:
    """Return the picture, empty; the browser fills it as ticks come."""
    return html.Ol(
        [
            html.Li(
                [
                    html.Div(above, className="cw-label"),
                    html.Ul([_part(*each) for each in parts], className="cw-stage"),
                ]
            )
            for above, parts in COLUMNS
        ],
        id="health-pipeline",
        className="cw-pipe",
    )


def _part(name: str, title: str) -> Component:
    return html.Li(
        [
            html.Div(
                [
                    html.Strong(title),
                    html.Span("not known", className="cw-state", id=f"state-{name}"),
                ],
                className="cw-part-head",
            ),
            html.Div("", className="cw-figure", id=f"figure-{name}"),
            html.Div("", className="cw-label", id=f"says-{name}"),
        ],
        id=f"part-{name}",
        className="cw-part",
        **{"data-state": "unknown"},
    )


def letters_grid() -> list[Component]:
    """Return the table of dead letters."""
    return [
        html.Div(
            [
                html.Button("Look again", id="health-look", className="cw-button", n_clicks=0),
                html.Span(
                    "Card numbers are redacted; the original stands in Kafka, where the line says.",
                    className="cw-label",
                ),
            ],
            className="cw-bar",
        ),
        trouble("health-letters-trouble"),
        dag.AgGrid(
            id="health-letters",
            columnDefs=[
                {
                    "field": "ingested_at",
                    "headerName": "time",
                    "valueFormatter": _TIME,
                    "width": 165,
                },
                {
                    "field": "reason",
                    "headerName": "reason",
                    "flex": 1,
                    "minWidth": 280,
                    "tooltipField": "reason",
                },
                {"field": "topic", "headerName": "topic", "width": 150},
                _number("partition", "partition", 100),
                _number("offset", "offset", 110),
                _number("size_bytes", "bytes", 100),
            ],
            rowData=[],
            getRowId="params.data.id",
            defaultColDef={"resizable": True, "sortable": True},
            dashGridOptions={
                "animateRows": False,
                "rowHeight": 34,
                "localeText": {"noRowsToShow": "no dead letter: every record could be read"},
            },
            eventListeners={"cellKeyDown": ["cardwatchLetterKey(params)"]},
            className="cw-grid",
        ),
    ]


def _number(field: str, name: str, width: int) -> dict[str, str | int]:
    return {"field": field, "headerName": name, "type": "rightAligned", "width": width}


def letter_pane(shown: ShownLetter) -> list[Component]:
    """Return the pane that shows one dead letter."""
    # It can be scrolled, so it can be reached by the keyboard.
    excerpt = html.Pre(
        shown.excerpt,
        id="health-excerpt",
        className="cw-code",
        tabIndex="0",
        role="region",
        **{"aria-label": "The record's beginning, redacted"},
    )
    return [
        html.H2(shown.title, className="cw-heading"),
        facts(shown.facts),
        excerpt if shown.excerpt else html.P(shown.note, className="cw-empty"),
    ]
