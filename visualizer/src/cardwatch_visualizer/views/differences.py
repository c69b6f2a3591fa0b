"""What has changed between two generations of a config. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import tzinfo

import msgspec

from cardwatch_contracts.detector_config import Challenger, ConfigRecord, Model
from cardwatch_visualizer.live.rows import shown
from cardwatch_visualizer.views.thresholds import all_settings
from cardwatch_visualizer.views.times import format_time

_MAX_LIST = 280


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One field that is not the same."""

    path: str
    """As in YAML, such as `detectors.amountSpike.factor`."""
    before: str
    after: str


def differences(before: ConfigRecord, after: ConfigRecord, zone: tzinfo) -> list[Difference]:
    """Return what differs, in the contract's order; times in the viewer's zone."""
    was, will = dict(_told(before, zone)), dict(_told(after, zone))
    return [
        Difference(path=path, before=was[path], after=will[path])
        for path in was
        if was[path] != will[path]
    ]


def _told(record: ConfigRecord, zone: tzinfo) -> Iterator[tuple[str, str]]:
    """Yield every field of a record in words."""
    spec = record.spec
    yield "withdrawn", "yes: it judges nothing" if record.withdrawn else "no"
    for field in msgspec.structs.fields(spec.selector):
        names = getattr(spec.selector, field.name)
        yield f"selector.{field.encode_name}", shown(", ".join(names), _MAX_LIST) or "all"
    begins = spec.effective_from
    yield "effectiveFrom", "at once" if begins is None else format_time(begins, zone)
    for each in all_settings():
        settings = getattr(spec.detectors, each.detector)
        yield f"detectors.{each.key}.mode", settings.mode
        for threshold in each.thresholds:
            value = getattr(settings, threshold.name)
            yield f"detectors.{threshold.path}", threshold.words(value)
    challenger = None if spec.model is None else spec.model.challenger
    yield from _model("model", spec.model, Model)
    yield from _model("model.challenger", challenger, Challenger)
    yield "parallelism", str(spec.parallelism)
    yield "jobRef", spec.job_ref


def _model(
    path: str, model: Challenger | None, kind: type[Challenger]
) -> Iterator[tuple[str, str]]:
    """Yield every field of a model in words, but for its challenger."""
    for field in msgspec.structs.fields(kind):
        value = None if model is None else getattr(model, field.name)
        if field.name != "challenger":
            absent = "the newest" if model is not None and field.name == "hash" else "none"
            yield f"{path}.{field.encode_name}", absent if value is None else str(value)
