"""What has changed between two generations of a config."""

from collections.abc import Mapping
from datetime import UTC, tzinfo
from typing import Any

import dash
import dash_mantine_components as dmc
from dash import Input, Output, State, ctx, html
from dash.development.base_component import Component

from cardwatch_visualizer.live.generations import Generation, KeptConfig, KeptConfigs
from cardwatch_visualizer.live.rows import shown
from cardwatch_visualizer.live.store import StoreAwayError
from cardwatch_visualizer.pages.base import text_of
from cardwatch_visualizer.pages.panels import scrolled, section, table
from cardwatch_visualizer.services import Services
from cardwatch_visualizer.views.differences import differences
from cardwatch_visualizer.views.times import format_time, zone_of

_NONE = "No DetectorConfig has been seen: the built-in thresholds judge everything."


def panel(kept: KeptConfigs, query: Mapping[str, Any]) -> Component:
    """Return the panel, with the comparison that the address's query asks for."""
    names = [each.name for each in kept.configs]
    wanted = text_of(query, "compare")
    name = wanted if wanted in names else (names[0] if names else None)
    choices, newest, before = _choices(kept.find(name) if name else None, UTC)
    numbers = [choice["value"] for choice in choices]

    def chosen(field: str, otherwise: str | None) -> str | None:
        value = text_of(query, field)
        return value if value in numbers else otherwise

    configs = [{"value": each, "label": shown(each)} for each in names]
    return section(
        "What has changed",
        html.Div(
            [
                dmc.Select(
                    id="diff-config",
                    label="Config",
                    data=configs,
                    value=name,
                    allowDeselect=False,
                ),
                _generation("diff-from", "From", choices, chosen("from", before)),
                _generation("diff-to", "To", choices, chosen("to", newest)),
            ],
            className="cw-bar",
        ),
        html.Div(id="diff-table", **{"aria-live": "polite"}),
        name="cw-below",
    )


def register(app: dash.Dash, services: Services) -> None:
    """Add the callbacks."""

    def choose(name: Any, zone: Any, first: Any, second: Any) -> tuple[Any, ...]:
        choices, newest, before = _choices(_find(services, name), zone_of(zone))
        if ctx.triggered_id != "diff-config":  # their times alone are told anew, by zone
            return choices, choices, first, second  # as they are: what follows is asked at all
        return choices, choices, before, newest

    app.callback(
        Output("diff-from", "data"),
        Output("diff-to", "data"),
        Output("diff-from", "value"),
        Output("diff-to", "value"),
        Input("diff-config", "value"),
        Input("zone", "data"),
        State("diff-from", "value"),
        State("diff-to", "value"),
    )(choose)

    def compare(first: Any, second: Any, name: Any, zone: Any) -> Component:
        found = _find(services, name)
        if found is None:
            return html.P(_NONE, className="cw-empty")
        before, after = _generation_of(found, first), _generation_of(found, second)
        if before is None or after is None:
            words = "There is no generation before it to compare with."
            return html.P(words, className="cw-empty")
        return changes(before, after, zone_of(zone))

    app.callback(
        Output("diff-table", "children"),
        Input("diff-from", "value"),
        Input("diff-to", "value"),
        State("diff-config", "value"),
        State("zone", "data"),
    )(compare)


def changes(before: Generation, after: Generation, zone: tzinfo) -> Component:
    """Return the fields that differ, times in the viewer's zone."""
    lines = (
        (html.Code(each.path), each.before, each.after)
        for each in differences(before.record, after.record, zone)
    )
    columns = ("field", _head(before, zone), _head(after, zone))
    return scrolled(table(columns, lines, "Nothing: both say the same."), "cw-words")


def _head(generation: Generation, zone: tzinfo) -> Component:
    record = generation.record
    by = f" by {shown(record.changed_by)}" if record.changed_by else ""
    when = f"{format_time(generation.published_at, zone)}{by}"
    words = f"generation {record.generation}"
    return html.Div([words, html.Div(when, className="cw-label")])


def _generation(
    name: str, label: str, choices: list[dict[str, str]], value: str | None
) -> Component:
    return dmc.Select(id=name, label=label, data=choices, value=value, allowDeselect=False, w=280)


def _choices(
    config: KeptConfig | None, zone: tzinfo
) -> tuple[list[dict[str, str]], str | None, str | None]:
    """Return a config's generations to choose from, the newest and the one before it."""
    if config is None:
        return [], None, None
    choices = [
        {
            "value": str(each.record.generation),
            "label": f"{each.record.generation}, {format_time(each.published_at, zone)}",
        }
        for each in config.generations
    ]
    newest = choices[0]["value"]
    return choices, newest, choices[1]["value"] if len(choices) > 1 else newest


def _find(services: Services, name: object) -> KeptConfig | None:
    try:
        return services.kept.configs().find(name) if isinstance(name, str) else None
    except StoreAwayError:
        return None


def _generation_of(config: KeptConfig, number: object) -> Generation | None:
    wanted = str(number)
    return next((g for g in config.generations if str(g.record.generation) == wanted), None)
