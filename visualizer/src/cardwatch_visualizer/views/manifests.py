"""DetectorConfigs as YAML to apply. Pure.

Nothing here reaches Kubernetes: who looks at a page copies what it shows, and applies it.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
import yaml

from cardwatch_contracts.card_numbers import holds_card_number
from cardwatch_contracts.codec import InvalidRecordError
from cardwatch_contracts.detector_config import (
    API_VERSION,
    KIND,
    ConfigRecord,
    DetectorConfig,
    DetectorConfigSpec,
    parse_detector_config,
)
from cardwatch_visualizer.views.thresholds import all_settings

Values = Mapping[tuple[str, str], object]
"""What a form holds, by a detector and the name of a setting, `mode` among them; None or an empty
text: the default."""
_DEFAULTS: Final = DetectorConfigSpec()
_WIDTH: Final = 100


def values_of(spec: DetectorConfigSpec) -> dict[tuple[str, str], Any]:
    """Return what a form begins with."""
    values: dict[tuple[str, str], Any] = {}
    for each in all_settings():
        settings = getattr(spec.detectors, each.detector)
        for name in ("mode", *(threshold.name for threshold in each.thresholds)):
            values[each.detector, name] = getattr(settings, name)
    return values


def wanted_config(
    base: DetectorConfigSpec, name: str, selector: Mapping[str, Sequence[str]], values: Values
) -> DetectorConfig:
    """Return the config that a form asks for.

    Args:
        base: what the form does not show is taken from there.
        name: of the config.
        selector: its lists, by their names in YAML; one that is left out or empty selects all.
        values: settings of detectors.

    Raises:
        InvalidRecordError: with the field and what is allowed there.
    """
    texts = [name, *(text for texts in selector.values() for text in texts)]
    if any(map(holds_card_number, texts)):
        raise InvalidRecordError("Card number where none is allowed: no config selects by one")
    kept = msgspec.to_builtins(base)
    spec = {
        **{key: kept[key] for key in ("effectiveFrom", "model", "parallelism", "jobRef")},
        "selector": {key: list(texts) for key, texts in selector.items() if texts},
        "detectors": {
            each.key: {
                "mode": _given(values.get((each.detector, "mode"))),
                **{
                    threshold.path.partition(".")[2]: _number(
                        values.get((each.detector, threshold.name)), threshold.is_whole
                    )
                    for threshold in each.thresholds
                },
            }
            for each in all_settings()
        },
    }
    return parse_detector_config(
        {"apiVersion": API_VERSION, "kind": KIND, "metadata": {"name": name}, "spec": spec}
    )


def manifest_of(
    config: DetectorConfig, base: DetectorConfigSpec = _DEFAULTS, *, namespace: str = ""
) -> dict[str, Any]:
    """Return the manifest, without what is a default and was one before.

    What goes back to its default is written out: a manifest that left it out would change nothing
    for a field that somebody had edited in place.

    Args:
        config: what is to be in force.
        base: what is.
        namespace: of the resource; empty: that of whoever applies it.
    """
    wanted, before, default = (msgspec.to_builtins(each) for each in (config.spec, base, _DEFAULTS))
    spec: dict[str, Any] = {}
    if selector := {key: list(each) for key, each in wanted["selector"].items() if each}:
        spec["selector"] = selector
    if wanted["effectiveFrom"] is not None:
        spec["effectiveFrom"] = wanted["effectiveFrom"]
    detectors = {}
    for key, settings in wanted["detectors"].items():
        told = {
            name: value
            for name, value in settings.items()
            if not value == default["detectors"][key][name] == before["detectors"][key][name]
        }
        if told:
            detectors[key] = told
    if detectors:
        spec["detectors"] = detectors
    if wanted["model"] is not None:
        spec["model"] = wanted["model"]
    for key in ("parallelism", "jobRef"):
        if wanted[key] != default[key]:
            spec[key] = wanted[key]
    metadata = {"name": config.metadata.name, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata, "spec": spec}


def in_yaml(manifest: Mapping[str, Any]) -> str:
    """Write a manifest as YAML, which reads back as the same."""
    return yaml.safe_dump(dict(manifest), sort_keys=False, allow_unicode=True, width=_WIDTH)


def how_to_apply(base: ConfigRecord, name: str) -> str:
    """Return the command that puts a file of a config in force.

    Args:
        base: what the config was made from: where it stands, a change goes.
        name: of the config.
    """
    on_kubernetes, without = f"kubectl apply -f {name}.yaml", f"cardwatch apply -f {name}.yaml"
    if base.origin is not None:
        return on_kubernetes
    return without if base.generation else f"{on_kubernetes} or, without Kubernetes, {without}"


def _given(value: object) -> object:
    return None if value == "" else value


def _number(value: object, is_whole: bool) -> object:
    """Return a form's number: what a browser gives for a whole one may be a float."""
    if isinstance(value, str):
        try:
            value = float(value) if value.strip() else None
        except ValueError:
            return value  # which the contract refuses, by its name
    return int(value) if is_whole and isinstance(value, float) and value.is_integer() else value
