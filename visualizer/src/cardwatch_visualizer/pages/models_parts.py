"""The filters, the tables and both sides of the page of models."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import dash_mantine_components as dmc
from dash import html
from dash.development.base_component import Component

from cardwatch_visualizer.live.model_shapes import KeptModels, ModelSeen
from cardwatch_visualizer.live.subtasks import SHORT_HASH
from cardwatch_visualizer.pages.detectors_parts import PERIODS
from cardwatch_visualizer.pages.panels import facts, panel, scrolled, section, stats, table
from cardwatch_visualizer.views.links import PERIOD
from cardwatch_visualizer.views.models import (
    Side,
    agreement_lines,
    agreement_words,
    configs_of,
    drift_words,
    high_risks,
    moved,
    overview,
    risk_lines,
    share_words,
    version,
    version_lines,
)

ROLES: Final = ("model", "challenger")
FILLED: Final = (
    ("facts", "children"),
    ("risks", "figure"),
    ("risks-table", "children"),
    ("moves", "children"),
)
"""The parts of a side that are drawn anew, each with what changes of it."""
NO_SIDE: Final = "none"
_TITLES: Final = {"model": "The model", "challenger": "Its challenger, on trial"}
_NONE: Final = {
    "model": "This config asks for no model: rules alone judge.",
    "challenger": "This config has no challenger.",
}
_NO_MODELS: Final = "No config asks for a model, and none was heard of for half an hour."
_OVERVIEW: Final = (
    *("config", "role", "version", "scored a minute", "findings a minute"),
    *("over the threshold", "risks", "moved most"),
)
_DRIFT: Final = (
    "Risks and features are of the last half hour. Risks are held against training by the "
    "population stability index: below 0.1 they are stable, above 0.25 the model judges another "
    "population than it was trained for. It does not see how few the highest risks are: look at "
    "the share over the threshold, too."
)
_BY_FEEDBACK: Final = (
    "Precision: of the findings that analysts have called fraudulent or genuine, by their latest "
    "answer, the share that is fraudulent; behind it, of how many, and between which shares it "
    "lies in 95 of 100 cases. What is on trial is answered more rarely, and seldom at random."
)
_NOT_COMPARED: Final = (
    "They are compared once both have a finding in this period: from then on both are known to "
    "judge."
)


def filters(kept: KeptModels, config: str, period: str) -> list[Component]:
    """Return the filters, as the address's query has them."""
    periods = [{"value": key, "label": name} for key, (name, _) in PERIODS.items()]
    return [
        dmc.Select(
            id="models-config",
            label="Config",
            data=choices_of(kept),
            value=config or None,
            placeholder="none with a model",
            allowDeselect=False,
        ),
        dmc.Select(
            id="models-period",
            label="Answers of",
            data=periods,
            value=period if period in PERIODS else PERIOD,
            allowDeselect=False,
        ),
        html.Button("Count again", id="models-again", className="cw-button", n_clicks=0),
    ]


def choices_of(kept: KeptModels) -> list[dict[str, str]]:
    """Return the configs that can be chosen."""
    return [{"value": name, "label": name} for name in configs_of(kept)]


def summary() -> Component:
    """Return where all models of all configs are told of."""
    return section(
        "Models that judge",
        html.Div(id="models-overview"),
        html.P(_DRIFT, className="cw-label"),
        name="cw-above",
    )


def side(role: str) -> Component:
    """Return where a model, or its challenger, is told of."""
    name = f"models-{role}"
    return panel(
        f"{name}-risks",
        _TITLES[role],
        height="260px",
        above=[html.Div(id=f"{name}-facts")],
        below=[html.Div(id=f"{name}-moves")],
    )


def said_by_analysts() -> list[Component]:
    """Return where it is told how often each is right."""
    return [
        section(
            "Model beside challenger",
            html.Div(id="models-agreement"),
            name="cw-below",
        ),
        section(
            "By analysts' answers",
            html.Div(id="models-versions"),
            html.P(_BY_FEEDBACK, className="cw-label"),
            name="cw-below",
        ),
    ]


def overview_table(kept: KeptModels) -> Component:
    """Return the table of all models."""
    return scrolled(table(_OVERVIEW, overview(kept), _NO_MODELS), "cw-words")


def facts_of(side: Side | None, role: str) -> list[Component]:
    """Return what a model is, and how it is doing; `role`: of which side."""
    if side is None:
        return [html.P(_NONE[role], className="cw-empty")]
    seen, drift = side.seen, side.drift
    asked = [("asked for", side.asked or "no more")]
    if seen is None or drift is None:
        return [facts([*asked, ("mode", side.mode)])]
    of_it = (version(seen.model, ""), version(seen.model, seen.hash))
    drifted = html.Span(
        drift_words(seen, drift), className="cw-drift", **{"data-drift": drift.verdict}
    )
    return [
        html.Div(
            stats(
                [
                    (f"{seen.scored_per_min:,.0f}", "scored a minute"),
                    (f"{seen.findings_per_min:,.1f}", "findings a minute"),
                    (share_words(seen.findings, seen.scored), "over the threshold"),
                ]
            ),
            className="cw-stats cw-inner",
        ),
        facts(
            [
                (
                    "version",
                    html.Span(
                        [f"{seen.model} ", html.Code(seen.hash[:SHORT_HASH], title=seen.hash)]
                    ),
                ),
                *([] if side.asked in of_it else asked),
                ("mode", side.mode),
                ("risks against training", drifted),
                ("risks of one half or more", high_risks(seen)),
                ("speaks from", f"{seen.subtasks} of {seen.parallelism} subtasks"),
                ("stands on", f"{seen.scored:,} transactions"),
            ]
        ),
    ]


def risks_table(seen: ModelSeen | None) -> Component:
    """Return the risks as a table."""
    lines = [] if seen is None else list(risk_lines(seen))
    return table(("risk", "transactions", "now", "in training"), lines, "nothing is known")


def moves_of(side: Side | None) -> list[Component]:
    """Return the features that moved most, in words."""
    if side is None or side.drift is None or not side.drift.moves:
        return []
    words = moved(side.drift)
    if not words:
        said = "No feature's mean is half a standard deviation from training, and no spread twice."
        return [html.P(said, className="cw-label")]
    return [
        html.H3("Features that moved most", className="cw-heading"),
        html.Ul([html.Li(each) for each in words], className="cw-answers"),
    ]


def version_table(rows: Sequence[Mapping[str, Any]]) -> Component:
    """Return what each detector, models by version, found, and how often it was right."""
    columns = ("detector", "version", "mode", "findings", "fraudulent", "genuine", "precision")
    return scrolled(table(columns, version_lines(rows), "no finding in this period"))


def agreement_part(rows: Sequence[Mapping[str, Any]], since: str) -> list[Component]:
    """Return on which alerts a model and its challenger agree.

    Args:
        rows: as the archive answers.
        since: from when on both judge, in words.
    """
    if not rows:
        return [html.P(_NOT_COMPARED, className="cw-empty")]
    columns = ("objects", "transactions", "fraudulent", "genuine", "precision")
    return [
        html.P(agreement_words(rows, since)),
        scrolled(table(columns, agreement_lines(rows), "")),
    ]
