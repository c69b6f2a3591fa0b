"""The pane that shows one alert."""

from typing import Final, get_args

from dash import dcc, html
from dash.development.base_component import Component

from cardwatch_contracts.feedback import Label
from cardwatch_visualizer.figures.history import history_figure
from cardwatch_visualizer.figures.theme import Theme
from cardwatch_visualizer.pages.users_links import with_link
from cardwatch_visualizer.views.review import Detail, ShownFinding

MAX_REASON: Final = 1000
LABELS: Final[tuple[Label, ...]] = get_args(Label)
NOTHING: Final = [
    html.P("Choose an alert to see why it was raised.", className="cw-empty"),
    # What callbacks look for, as long as no alert is shown.
    html.Div(
        [
            *(html.Button(each, id=f"answer-{each}", n_clicks=0) for each in LABELS),
            dcc.Textarea(id="answer-reason"),
        ],
        hidden=True,
    ),
]


def pane(shown: Detail, theme: Theme, may_answer: bool) -> list[Component]:
    """Return the pane.

    Args:
        shown: what it says.
        theme: of its plot.
        may_answer: whether who looks at it may give feedback.
    """
    plot = history_figure(theme, shown.payments, shown.marked, baseline_minor=shown.baseline_minor)
    return [
        html.H2(shown.title, className="cw-heading"),
        html.Div([_finding(each) for each in shown.findings]),
        html.H3("The card's recent payments", className="cw-heading"),
        dcc.Graph(
            id="review-history",
            figure=plot,
            config={"displayModeBar": False, "responsive": True},
            style={"height": "240px"},
        ),
        _answering(may_answer),
        *_answers(shown),
        html.H3("Facts", className="cw-heading"),
        html.Dl([part for fact in shown.facts for part in _fact(*fact)], className="cw-facts"),
        *_links(shown),
    ]


def _finding(finding: ShownFinding) -> Component:
    tags = [*([finding.version] if finding.version else []), *(["on trial"] * finding.on_trial)]
    trial = [html.Span(each, className="cw-tag") for each in tags]
    usual = f" (usual {finding.baseline})" if finding.baseline else ""
    held = f"{finding.observed} against {finding.threshold}{usual}"
    bar = []
    if finding.ratio is not None:
        share = min(100.0, 100 / finding.ratio) if finding.ratio > 1 else 100.0
        mark = html.Div(className="cw-mark", style={"left": f"{share:.1f}%"})
        bar = [html.Div(mark, className="cw-meter", role="img", **{"aria-label": held})]
    return html.Div(
        [
            html.Div([html.Strong(finding.detector), *trial]),
            html.P(finding.reason, className="cw-reason"),
            html.P(held, className="cw-held"),
            *bar,
            html.P(finding.counterfactual, className="cw-label"),
        ],
        className="cw-finding",
    )


def _answering(may_answer: bool) -> Component:
    return html.Div(
        [
            html.Label("Why (optional)", htmlFor="answer-reason", className="cw-label"),
            dcc.Textarea(
                id="answer-reason", maxLength=MAX_REASON, className="cw-text", value="", rows=2
            ),
            html.Div(
                [
                    html.Button(
                        each.capitalize(),
                        id=f"answer-{each}",
                        className=f"cw-button cw-{each}",
                        n_clicks=0,
                        disabled=not may_answer,
                    )
                    for each in LABELS
                ],
                className="cw-bar",
            ),
        ]
    )


def _answers(shown: Detail) -> list[Component]:
    if not shown.answers:
        return [html.P("Nobody has answered yet.", className="cw-label")]
    lines = [
        html.Li(f"{a.label}, {a.by}, {a.at}{f': {a.reason}' if a.reason else ''}")
        for a in shown.answers
    ]
    return [html.Ul(lines, className="cw-answers")]


def _fact(name: str, value: str) -> tuple[Component, Component]:
    return html.Dt(name), html.Dd(with_link(name, value))


def _links(shown: Detail) -> list[Component]:
    if shown.trace_url is None:
        return []
    return [
        html.A(
            "Its trace in Jaeger",
            href=shown.trace_url,
            target="_blank",
            rel="noopener noreferrer",
            className="cw-button",
            id="review-trace",
        )
    ]
