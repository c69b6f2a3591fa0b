"""What two specs of a DetectorConfig say differently. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from cardwatch_contracts.detector_config import ConfigRecord, DetectorConfigSpec


def differences(before: DetectorConfigSpec, after: DetectorConfigSpec) -> list[str]:
    """Return each setting that changed, such as `amountSpike.factor 10.0 → 5.0`."""
    old, new = (dict(_settings(msgspec.to_builtins(spec))) for spec in (before, after))
    return [
        f"{name} {_text(old.get(name))} → {_text(new.get(name))}"
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


def _text(value: object) -> str:
    if value is None:
        return "none"
    return "+".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
