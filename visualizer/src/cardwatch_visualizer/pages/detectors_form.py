"""Thresholds to edit, and the YAML to apply that comes of it. Nothing here changes anything."""

from typing import Any, Final

import dash
import dash_mantine_components as dmc
from dash import Input, Output, State, html
from dash.development.base_component import Component

from cardwatch_contracts.codec import InvalidRecordError
from cardwatch_contracts.detector_config import DEFAULT_CONFIG, ConfigRecord
from cardwatch_visualizer.live.generations import KeptConfigs
from cardwatch_visualizer.live.rows import shown
from cardwatch_visualizer.live.store import StoreAwayError
from cardwatch_visualizer.pages.detectors_fields import LISTS, VALUES, fields, selector
from cardwatch_visualizer.pages.panels import section
from cardwatch_visualizer.pages.shell import in_browser
from cardwatch_visualizer.services import Services
from cardwatch_visualizer.views.manifests import (
    how_to_apply,
    in_yaml,
    manifest_of,
    values_of,
    wanted_config,
)

_BUILT_IN: Final = DEFAULT_CONFIG.name
_NEW: Final = "my-thresholds"
"""What a config is called that begins with the built-in thresholds."""
_WORDS: Final = (
    "This page changes nothing: it writes the DetectorConfig that is to be applied. A config "
    "judges whole; what it leaves out has its default."
)


def panel(kept: KeptConfigs, wanted: str) -> Component:
    """Return the panel.

    Args:
        kept: the configs to begin with.
        wanted: the one that is chosen; another than these: the first of them.
    """
    names = [each.name for each in kept.configs if each.is_current]
    base = wanted if wanted in (*names, _BUILT_IN) else (names[0] if names else _BUILT_IN)
    record = base_of(kept, base)
    bases = [{"value": name, "label": shown(name)} for name in [*names, _BUILT_IN]]
    return section(
        "Change thresholds",
        html.P(_WORDS, className="cw-label"),
        html.Div(
            [
                dmc.Select(
                    id="form-base",
                    label="Begin with",
                    data=bases,
                    value=base,
                    allowDeselect=False,
                ),
                dmc.TextInput(id="form-name", label="Name", value=_name(record), debounce=400),
                *selector(record.spec.selector),
            ],
            className="cw-bar",
        ),
        html.Div(fields(record.spec), className="cw-fields"),
        _result(),
        name="cw-below",
    )


def _result() -> Component:
    return html.Div(
        [
            html.Div(id="form-error", className="cw-error", role="alert"),
            html.Div(
                [
                    html.Button("Copy", id="form-copy", className="cw-button", n_clicks=0),
                    html.Code(id="form-command"),
                    html.Span(id="form-copied", className="cw-label", role="status"),
                ],
                className="cw-bar",
            ),
            # It can be scrolled, so it can be reached by the keyboard.
            html.Pre(
                id="form-yaml",
                className="cw-code",
                tabIndex="0",
                role="region",
                **{"aria-label": "The DetectorConfig as YAML"},
            ),
        ]
    )


def register(app: dash.Dash, services: Services) -> None:
    """Add the callbacks."""

    def begin(name: Any) -> tuple[Any, ...]:
        record = base_of(_kept(services), name)
        lists = [list(getattr(record.spec.selector, each.name)) for each in LISTS]
        values = values_of(record.spec)
        return _name(record), *lists, *(values[key] for key in VALUES)

    everything = [
        "form-name",
        *(f"form-{each.name}" for each in LISTS),
        *(f"form-{detector}-{name}" for detector, name in VALUES),
    ]
    app.callback(
        *(Output(each, "value") for each in everything),
        Input("form-base", "value"),
        prevent_initial_call=True,
    )(begin)

    def write(*given: Any) -> tuple[str, str, str, bool]:
        name, *rest, base = given
        record = base_of(_kept(services), base)
        try:
            text = yaml_of(record, name, rest)
        except InvalidRecordError as error:
            return "", str(error), "", True
        return text, "", how_to_apply(record, str(name)), False

    app.callback(
        Output("form-yaml", "children"),
        Output("form-error", "children"),
        Output("form-command", "children"),
        Output("form-copy", "disabled"),
        *(Input(each, "value") for each in everything),
        State("form-base", "value"),
    )(write)
    app.clientside_callback(
        in_browser("copyYaml"),
        Output("form-copied", "children"),
        Input("form-copy", "n_clicks"),
        Input("form-yaml", "children"),
        prevent_initial_call=True,
    )


def yaml_of(record: ConfigRecord, name: object, given: list[Any]) -> str:
    """Return the YAML that a form asks for.

    Args:
        record: what it began with.
        name: of the config.
        given: the selector's lists, then the values, in the order of `LISTS` and `VALUES`.

    Raises:
        InvalidRecordError: with the field and what is allowed there.
    """
    lists, values = given[: len(LISTS)], given[len(LISTS) :]
    config = wanted_config(
        record.spec,
        name if isinstance(name, str) else "",
        {
            field.encode_name: [str(text) for text in texts or ()]
            for field, texts in zip(LISTS, lists, strict=True)
        },
        dict(zip(VALUES, values, strict=True)),
    )
    # Another name is another resource, of which nothing is in force yet.
    same = record.generation > 0 and config.metadata.name == record.name
    namespace = record.origin.namespace if record.origin is not None and same else ""
    before = record.spec if same else DEFAULT_CONFIG.spec
    return in_yaml(manifest_of(config, before, namespace=namespace))


def base_of(kept: KeptConfigs, name: object) -> ConfigRecord:
    """Return the newest generation of a config; the built-in one where it is not known."""
    found = kept.find(name) if isinstance(name, str) else None
    return DEFAULT_CONFIG if found is None else found.generations[0].record


def _name(record: ConfigRecord) -> str:
    return record.name if record.generation else _NEW


def _kept(services: Services) -> KeptConfigs:
    try:
        return services.kept.configs()
    except StoreAwayError:
        return KeptConfigs()
