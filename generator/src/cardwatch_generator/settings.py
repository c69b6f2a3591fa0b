"""What can be set for the simulated stream."""

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
import yaml

from cardwatch_contracts.detector_config import ON_BY_DEFAULT, Detectors
from cardwatch_contracts.transaction import EARLIEST_EVENT_TIME_MS, LATEST_EVENT_TIME_MS
from cardwatch_generator.banks import BANK_A, BANK_B, MAX_TPS, Bank, cards_by_bank

SCENARIOS: Final = tuple(field.name for field in msgspec.structs.fields(Detectors))
"""Names of the anomaly scenarios: those of the detectors."""

_MAX_CARDS: Final = 2_000_000
_DAY_MS: Final = 86_400_000
_HISTORY_MS: Final = 270 * _DAY_MS
_MAX_SETTINGS_BYTES: Final = 256 * 1024


class InvalidSettingsError(ValueError):
    """Settings that cannot be used: names the field, what is wrong and what is allowed."""


class GeneratorSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that shapes the simulated stream. The same settings give the same bytes.

    Raises:
        ValueError: a field is out of its range; the message names it and what is allowed.
    """

    seed: int = 1
    """Seeds every random draw. 0 to 2**63 - 1."""

    banks: tuple[Bank, ...] = (BANK_A, BANK_B)
    """At least one; ids differ and no two share a user."""

    cards: int = 10_000
    """Cards of all banks together, in proportion to the banks' rates. At most 2,000,000.

    A card rests a minute after a payment. Where the rate leaves too little time for that (fewer
    than about 100 cards for each transaction a second) cards rest less, and detectors of rapid
    series find more than they would in life.
    """

    dormant_share: float = 0.06
    """Share of the cards that are silent since 95 to 200 days at the start. 0 to 0.5.

    Genuine traffic does not use them; the scenario `dormant_card` uses each of them once.
    """

    anomaly_share: float = 0.02
    """Share of the transactions that scenarios inject. 0 to 0.5."""

    scenario_mix: Mapping[str, float] = {}
    """Relative frequency of the scenarios' episodes by name; empty: all alike, but for those whose
    detector is off by default. One that is left out of a non-empty mix does not occur. An episode
    may be a series of transactions.
    """

    holidays: bool = True
    """Whether shopping holidays raise the rate (up to 1.6 times `tps`) and the amounts."""

    start_ms: int | None = None
    """Event time of the start with pace `max`. Milliseconds since 1970-01-01 UTC; None: as long
    before now as the stream is."""

    duration_s: float | None = None
    """Length of the stream in event time, seconds, > 0; None: until it is stopped."""

    pace: Literal["real", "max"] = "real"
    """`real`: event time is the wall clock. `max`: as fast as it goes; needs `duration_s`."""

    sampled_share: float = 0.01
    """Share of the transactions whose `traceparent` has the sampled flag. 0 to 1."""

    def __post_init__(self) -> None:
        self._check_ranges()
        self._check_banks()
        for name, weight in self.scenario_mix.items():
            if name not in SCENARIOS:
                raise ValueError(f"scenario_mix names {name!r}: allowed are {', '.join(SCENARIOS)}")
            if not 0 <= weight <= 1e6:
                raise ValueError(f"scenario_mix.{name} {weight:g}: allowed is 0 to 1,000,000")
        if self.scenario_mix and not any(self.scenario_mix.values()):
            raise ValueError("scenario_mix: at least one weight must be > 0")
        if self.pace == "max" and self.duration_s is None:
            raise ValueError("duration_s is missing: pace `max` needs an end")
        if self.pace == "real" and self.start_ms is not None:
            raise ValueError("start_ms is set, but pace `real` starts now; allowed with pace `max`")

    def _check_ranges(self) -> None:
        for field, value, lowest, highest in (
            ("seed", self.seed, 0, 2**63 - 1),
            ("cards", self.cards, 1, _MAX_CARDS),
            ("dormant_share", self.dormant_share, 0, 0.5),
            ("anomaly_share", self.anomaly_share, 0, 0.5),
            ("sampled_share", self.sampled_share, 0, 1),
        ):
            if not lowest <= value <= highest:
                raise ValueError(f"{field} {value}: allowed is {lowest:,} to {highest:,}")
        if self.duration_s is not None and not 0 < self.duration_s <= 1e9:
            raise ValueError(f"duration_s {self.duration_s:g}: allowed is 0 < duration_s <= 1e9")
        earliest = EARLIEST_EVENT_TIME_MS + _HISTORY_MS
        if self.start_ms is not None and not earliest <= self.start_ms < LATEST_EVENT_TIME_MS:
            raise ValueError(
                f"start_ms {self.start_ms}: allowed is {earliest} to {LATEST_EVENT_TIME_MS - 1}, "
                "milliseconds since 1970-01-01 with 270 days of history before"
            )

    def _check_banks(self) -> None:
        if not self.banks:
            raise ValueError("banks: at least one is needed")
        ordered = sorted(self.banks, key=lambda bank: bank.first_user)
        for first, second in pairwise(ordered):
            if second.first_user <= first.last_user:
                raise ValueError(
                    f"banks {first.id} and {second.id} share the users {second.first_user} to "
                    f"{min(first.last_user, second.last_user)}: ranges must not overlap"
                )
        if len({bank.id for bank in self.banks}) < len(self.banks):
            raise ValueError("banks: two have the same id; ids must differ")
        if self.tps > MAX_TPS:
            raise ValueError(f"banks: tps {self.tps:g} together: at most 100,000 are allowed")
        cards_by_bank(self.banks, self.cards)

    @property
    def tps(self) -> float:
        """Transactions a second of all banks together."""
        return sum(bank.tps for bank in self.banks)

    @property
    def weights(self) -> Mapping[str, float]:
        """Relative frequency of the scenarios' episodes.

        Those whose detector is off by default are here only where the mix asks for them: what is
        drawn hangs on how many there are, and a seed's stream is to stay what it was.
        """
        mix = self.scenario_mix or dict.fromkeys(ON_BY_DEFAULT, 1.0)
        named = {name: mix.get(name, 0.0) for name in SCENARIOS}
        return {name: named[name] for name in SCENARIOS if name in ON_BY_DEFAULT or named[name]}


def parse_settings(values: object) -> GeneratorSettings:
    """Check settings that were read from YAML or JSON.

    Raises:
        InvalidSettingsError: with the field, what was wrong there and what is allowed.
    """
    try:
        return msgspec.convert({} if values is None else values, GeneratorSettings, strict=True)
    except msgspec.ValidationError as error:
        message = str(error)
        if "unknown field" in message:
            struct = Bank if "banks" in message else GeneratorSettings
            message += f"; allowed: {', '.join(struct.__struct_fields__)}"
        raise InvalidSettingsError(message) from None


def load_settings(path: Path) -> GeneratorSettings:
    """Read settings from a YAML file.

    Raises:
        InvalidSettingsError: the file cannot be read, is not YAML, or holds a bad value.
    """
    try:
        if path.stat().st_size > _MAX_SETTINGS_BYTES:
            raise InvalidSettingsError(f"{path}: larger than {_MAX_SETTINGS_BYTES:,} bytes")
        values = yaml.safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise InvalidSettingsError(f"{path}: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InvalidSettingsError(f"{path}: not YAML: {error}") from None
    try:
        return parse_settings(values)
    except InvalidSettingsError as error:
        raise InvalidSettingsError(f"{path}: {error}") from None


def change_settings(
    settings: GeneratorSettings, *, tps: Mapping[str, float], **changes: Any
) -> GeneratorSettings:
    """Return the settings with some fields changed, and some banks' rates.

    Raises:
        ValueError: a bank is not there, or a value is out of its range.
    """
    unknown = tps.keys() - {bank.id for bank in settings.banks}
    if unknown:
        known = ", ".join(bank.id for bank in settings.banks)
        raise ValueError(f"no bank {', '.join(sorted(unknown))}: there are {known}")
    banks = tuple(
        msgspec.structs.replace(bank, tps=tps.get(bank.id, bank.tps)) for bank in settings.banks
    )
    return msgspec.structs.replace(settings, banks=banks, **changes)
