"""What can be set for each detector: unit, range, default and meaning, from the contract. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

import msgspec
from msgspec.inspect import FloatType, IntType, type_info

from cardwatch_contracts.detector_config import Detectors, DetectorSettings
from cardwatch_contracts.field_docs import docs_of

Number = int | float
_UNITS: Final[Mapping[str, str]] = {
    "_kmh": "km/h",
    "_km": "km",
    "_minor": "minor units",
    "_s": "s",
    "_d": "days",
}
"""By how a field's name ends, as the contract has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """One number that can be set for a detector."""

    detector: str
    name: str
    """The field's, as in Python."""
    path: str
    """Where it stands in `spec.detectors`, such as `amountSpike.factor`."""
    label: str
    unit: str
    """Empty where it has none."""
    meaning: str
    is_whole: bool
    lowest: Number
    above: bool
    """Whether it must be above `lowest`, and not just that."""
    highest: Number
    below: bool
    default: Number

    @property
    def allowed(self) -> str:
        """The range in words, such as `above 0 to 3,600 s`."""
        low = f"{'above ' if self.above else ''}{_number(self.lowest)}"
        high = f"{'below ' if self.below else ''}{_number(self.highest)}"
        return f"{low} to {high} {self.unit}".rstrip()

    def words(self, value: Number) -> str:
        """Write a value, such as `900 km/h`."""
        return f"{_number(value)} {self.unit}".rstrip()


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsOf:
    """All that can be set for a detector, apart from its mode."""

    detector: str
    key: str
    """Its name in YAML, such as `amountSpike`."""
    meaning: str
    thresholds: tuple[Threshold, ...]


@cache
def all_settings() -> tuple[SettingsOf, ...]:
    """Return every detector's settings, in the contract's order."""
    return tuple(
        SettingsOf(
            detector=field.name,
            key=field.encode_name,
            meaning=(field.type.__doc__ or "").strip(),
            thresholds=tuple(_thresholds(field.name, field.encode_name, field.type)),
        )
        for field in msgspec.structs.fields(Detectors)
    )


def says(settings: DetectorSettings, of: SettingsOf) -> str:
    """Return what a config says of a detector, such as `factor 10, min transactions 5`."""
    if settings.mode == "Off":
        return "off"
    values = [f"{each.label} {each.words(getattr(settings, each.name))}" for each in of.thresholds]
    trial = ["on trial"] if settings.mode == "Shadow" else []
    return ", ".join([*trial, *values]) or "on"


def _number(value: Number) -> str:
    return f"{value:,.0f}" if value == int(value) else f"{value:,.10g}"


def _thresholds(detector: str, key: str, struct: type) -> Iterator[Threshold]:
    documented = docs_of(struct)
    info = type_info(struct)
    for field in getattr(info, "fields", ()):
        number = field.type
        if not isinstance(number, IntType | FloatType):
            continue  # its mode
        above, below = number.gt is not None, number.lt is not None
        lowest, highest = number.gt if above else number.ge, number.lt if below else number.le
        if lowest is None or highest is None:
            raise ValueError(f"{detector}.{field.name}: the contract gives no range")
        unit = next((each for each in _UNITS if field.name.endswith(each)), "")
        yield Threshold(
            detector=detector,
            name=field.name,
            path=f"{key}.{field.encode_name}",
            label=field.name.removesuffix(unit).replace("_", " "),
            unit=_UNITS.get(unit, ""),
            meaning=documented.get(field.name, ""),
            is_whole=isinstance(number, IntType),
            lowest=lowest,
            above=above,
            highest=highest,
            below=below,
            default=field.default,
        )
