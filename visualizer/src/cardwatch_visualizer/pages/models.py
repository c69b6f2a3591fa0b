"""Models: drift from training, a challenger beside its model, and how often each is right."""

from typing import Any, Final

import dash
from dash import Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from cardwatch_visualizer.archive.connection import ArchiveAwayError
from cardwatch_visualizer.archive.model_questions import agreement, findings_by_version
from cardwatch_visualizer.figures.models import risks_figure
from cardwatch_visualizer.figures.theme import theme_of
from cardwatch_visualizer.live.model_shapes import KeptModels
from cardwatch_visualizer.live.reading import now_ms
from cardwatch_visualizer.live.store import StoreAwayError
from cardwatch_visualizer.pages import models_parts as parts
from cardwatch_visualizer.pages.base import Layout, Page, text_of
from cardwatch_visualizer.pages.detectors_parts import PERIODS
from cardwatch_visualizer.pages.panels import said_trouble, trouble
from cardwatch_visualizer.pages.shell import in_browser
from cardwatch_visualizer.services import Services
from cardwatch_visualizer.views.links import PERIOD
from cardwatch_visualizer.views.models import Side, configs_of, side_of, troubles_of
from cardwatch_visualizer.views.times import format_time, zone_of

_EVERY_MS: Final = 10_000
"""Subtasks speak of their models as often."""
_STORE_AWAY: Final = "Valkey does not answer, so nothing is known of models."
_NOTHING: Final = "it has scored nothing in the last half hour"


def layout(services: Services) -> Layout:
    """Return what makes the page."""

    def page(**query: Any) -> Component:
        kept, why = _kept(services)
        config = chosen(kept, text_of(query, "config"))
        return html.Div(
            [
                html.H1("Models", className="cw-title"),
                html.Div(parts.filters(kept, config, text_of(query, "period")), className="cw-bar"),
                trouble("models-trouble", why),
                parts.summary(),
                html.Div([parts.side(role) for role in parts.ROLES], className="cw-sides"),
                *parts.said_by_analysts(),
                dcc.Store(id="models-pair"),
                dcc.Store(id="models-address"),
                dcc.Interval(id="models-clock", interval=_EVERY_MS),
            ],
            id="models-page",
        )

    return page


def register(app: dash.Dash, services: Services) -> None:
    """Add the callbacks."""
    _now(app, services)
    _by_feedback(app, services)
    app.clientside_callback(
        in_browser("modelsAddress"),
        Output("models-address", "data"),
        Input("models-config", "value"),
        Input("models-period", "value"),
        prevent_initial_call=True,
    )


def chosen(kept: KeptModels, config: object) -> str:
    """Return the config that is shown: the one that is asked for, or the first with a model."""
    configs = configs_of(kept)
    return config if isinstance(config, str) and config in configs else next(iter(configs), "")


def _now(app: dash.Dash, services: Services) -> None:
    """Add what is drawn anew as subtasks speak."""

    def show(_: Any, wanted: Any, scheme: Any, choices: Any, pair: Any) -> Any:
        kept, why = _kept(services)
        config = chosen(kept, wanted)
        sides = [side_of(kept, config, role) for role in parts.ROLES]
        words = ". ".join(filter(None, (why, " ".join(troubles_of(kept)))))
        now = parts.choices_of(kept)
        versions = [config, *(_hash(side) for side in sides)]
        return (
            no_update if now == choices else now,
            no_update if config == (wanted or "") else config,
            words,
            not words,
            parts.overview_table(kept),
            no_update if versions == pair else versions,
            *(
                part
                for role, side in zip(parts.ROLES, sides, strict=True)
                for part in _drawn(role, side, scheme)
            ),
        )

    app.callback(
        Output("models-config", "data"),
        Output("models-config", "value"),
        Output("models-trouble", "children"),
        Output("models-trouble", "hidden"),
        Output("models-overview", "children"),
        Output("models-pair", "data"),
        *(
            Output(f"models-{role}-{name}", prop)
            for role in parts.ROLES
            for name, prop in parts.FILLED
        ),
        Input("models-clock", "n_intervals"),
        Input("models-config", "value"),
        # What says the theme, not what it is kept in: that is not known from the start.
        Input("mantine", "forceColorScheme"),
        State("models-config", "data"),
        State("models-pair", "data"),
    )(show)


def _drawn(role: str, side: Side | None, scheme: Any) -> tuple[Any, ...]:
    """Return what `FILLED` names."""
    seen = None if side is None else side.seen
    return (
        parts.facts_of(side, role),
        risks_figure(theme_of(scheme), seen, parts.NO_SIDE if side is None else _NOTHING),
        parts.risks_table(seen),
        parts.moves_of(side),
    )


def _by_feedback(app: dash.Dash, services: Services) -> None:
    """Add what the archive is asked for, when somebody wants to know."""

    def show(pair: Any, period: Any, _: Any, zone: Any) -> tuple[Any, Any]:
        config, *hashes = pair or [""]
        if not config:
            return parts.version_table([]), parts.agreement_part([], "")
        until_ms = now_ms()
        since_ms = until_ms - PERIODS.get(str(period), PERIODS[PERIOD])[1]
        try:
            found = findings_by_version(services.archive, since_ms, until_ms, config)
            model, challenger = hashes
            agreed = (
                agreement(
                    *(services.archive, since_ms, until_ms, config),
                    model=model,
                    challenger=challenger,
                )
                if model and challenger
                else []
            )
        except ArchiveAwayError as error:
            return said_trouble(f"{error}."), parts.agreement_part([], "")
        since = format_time(agreed[0]["since_ms"], zone_of(zone)) if agreed else ""
        return parts.version_table(found), parts.agreement_part(agreed, since)

    app.callback(
        Output("models-versions", "children"),
        Output("models-agreement", "children"),
        Input("models-pair", "data"),
        Input("models-period", "value"),
        Input("models-again", "n_clicks"),
        Input("zone", "data"),
    )(show)


def _hash(side: Side | None) -> str:
    return "" if side is None or side.seen is None else side.seen.hash


def _kept(services: Services) -> tuple[KeptModels, str]:
    try:
        return services.kept.models(), ""
    except StoreAwayError:
        return KeptModels(), _STORE_AWAY


PAGE: Final = Page(name="models", path="/models", title="Models", layout=layout, register=register)
