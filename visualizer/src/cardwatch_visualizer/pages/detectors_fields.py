"""The fields of the form of thresholds, each with its unit, its range and what it means."""

from typing import Any, Final, get_args

import dash_mantine_components as dmc
import msgspec
from dash import html
from dash.development.base_component import Component

from cardwatch_contracts.detector_config import (
    MAX_SELECTED,
    DetectorConfigSpec,
    Mode,
    Selector,
)
from cardwatch_visualizer.views.thresholds import SettingsOf, Threshold, all_settings

LISTS: Final = msgspec.structs.fields(Selector)
"""The selector's lists."""
VALUES: Final[tuple[tuple[str, str], ...]] = tuple(
    (each.detector, name)
    for each in all_settings()
    for name in ("mode", *(threshold.name for threshold in each.thresholds))
)
"""Detectors and the names of their settings, in the form's order."""
_LABELS: Final = {
    "bank_ids": "Banks",
    "currencies": "Currencies",
    "countries": "Countries",
    "payment_systems": "Payment systems",
}
_MODES: Final = {"Active": "active", "Shadow": "on trial", "Off": "off"}


def selector(given: Selector) -> list[Component]:
    """Return the fields of what a config selects."""
    return [
        dmc.TagsInput(
            id=f"form-{field.name}",
            label=_LABELS.get(field.name, field.name),
            value=list(getattr(given, field.name)),
            placeholder="all",
            maxTags=MAX_SELECTED,
        )
        for field in LISTS
    ]


def fields(spec: DetectorConfigSpec) -> list[Component]:
    """Return a group of fields for each detector."""
    return [_group(each, getattr(spec.detectors, each.detector)) for each in all_settings()]


def _group(of: SettingsOf, settings: Any) -> Component:
    return html.Fieldset(
        [
            html.Legend(of.detector),
            html.P(of.meaning, className="cw-label"),
            dmc.Select(
                id=f"form-{of.detector}-mode",
                label="mode",
                data=[{"value": mode, "label": _MODES[mode]} for mode in get_args(Mode)],
                value=settings.mode,
                allowDeselect=False,
            ),
            *(_number(each, getattr(settings, each.name)) for each in of.thresholds),
        ],
        className="cw-fieldset",
    )


def _number(threshold: Threshold, value: float) -> Component:
    unit = f" ({threshold.unit})" if threshold.unit else ""
    described = (
        f"{threshold.meaning} Allowed: {threshold.allowed}. "
        f"Default: {threshold.words(threshold.default)}."
    )
    return dmc.NumberInput(
        id=f"form-{threshold.detector}-{threshold.name}",
        label=f"{threshold.label}{unit}",
        description=described,
        value=value,
        min=threshold.lowest,
        max=threshold.highest,
        # Beyond its range the server says what is allowed, instead of a value that nobody typed.
        clampBehavior="none",
        allowDecimal=not threshold.is_whole,
        debounce=400,
    )
