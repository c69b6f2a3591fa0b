"""What two specs of a DetectorConfig say differently. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from cardwatch_contracts.detector_config import ConfigRecord, DetectorConfigSpec
from cardwatch_operator.models import DIGITS

_MODELS: Final = ("model", "model.challenger")
_UNSAID: Final = {"hash": "newest", "threshold": "as trained", "mode": "Active"}
"""What a model does by default, in words; nothing is said of it in the spec."""


def differences(before: DetectorConfigSpec, after: DetectorConfigSpec) -> list[str]:
    """Return each setting that changed, such as `amountSpike.factor 10.0 → 5.0`."""
    old, new = (dict(_settings(msgspec.to_builtins(spec))) for spec in (before, after))
    return [
        f"{name} {_said(old, name)} → {_said(new, name)}"
        for name in dict.fromkeys([*new, *old])
        if old.get(name) != new.get(name)
    ]


def history_rows(entries: list[tuple[ConfigRecord, int]]) -> list[tuple[ConfigRecord, int, str]]:
    """Return each generation, when it was published, and what changed with it."""
    rows = []
    before = DetectorConfigSpec()
    for record, published_at in entries:
        if record.withdrawn:
            rows.append((record, published_at, "withdrawn"))
            continue
        changes = ", ".join(differences(before, record.spec)) or "nothing"
        rows.append((record, published_at, changes))
        before = record.spec
    return rows


def _settings(tree: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield from _settings(value, "" if name == "detectors" else f"{path}{name}.")
        else:
            yield f"{path}{name}", value


def _said(settings: Mapping[str, Any], name: str) -> str:
    """Return a setting in words, also where it is left out."""
    parent, _, field = name.rpartition(".")
    value = settings.get(name)
    if parent in _MODELS and f"{parent}.name" in settings:
        if value is None and field in _UNSAID:
            return _UNSAID[field]
        if field == "hash":
            return str(value)[:DIGITS]
    return _text(value)


def _text(value: object) -> str:
    if value is None:
        return "none"
    return "+".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
