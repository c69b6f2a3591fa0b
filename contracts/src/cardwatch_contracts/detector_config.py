"""DetectorConfig: which thresholds judge which transactions.

The structs here are the one source for `spec` of the `DetectorConfig` resource. A field's unit is
in its name: `_s` seconds, `_d` days, `_minor` minor units of the transaction's currency, `_kmh`
kilometres an hour, `_km` kilometres. In YAML and JSON names are camelCase.
"""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from cardwatch_contracts._explain import explain
from cardwatch_contracts.codec import InvalidRecordError, decode
from cardwatch_contracts.transaction import (
    MAX_AMOUNT_MINOR,
    Country,
    Currency,
    EventTimeMs,
    Identifier,
)

API_VERSION: Final = "cardwatch.dev/v1alpha1"
KIND: Final = "DetectorConfig"
MAX_PARALLELISM: Final = 128
"""Flink's maximum parallelism of the job; chosen once, because state is divided by it."""

Mode = Literal["Active", "Shadow", "Off"]
Count = Annotated[int, Meta(ge=1, le=50)]
WindowS = Annotated[float, Meta(gt=0, le=86_400)]
DistanceKm = Annotated[float, Meta(ge=0, le=20_000)]
SpeedKmh = Annotated[float, Meta(gt=0, le=100_000)]
PositiveMinor = Annotated[int, Meta(gt=0, le=MAX_AMOUNT_MINOR)]


class _Spec(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    rename="camel",
):
    """Settings as they stand in YAML."""


class DetectorSettings(_Spec, frozen=True, kw_only=True):
    """What every detector has."""

    mode: Mode = "Active"
    """`Active` raises alerts, `Shadow` marks its findings as a trial, `Off` does not look."""


class AmountSpikeConfig(DetectorSettings, frozen=True, kw_only=True):
    """An amount far above the card's average."""

    factor: Annotated[float, Meta(gt=1, le=10_000)] = 10.0
    """Smallest multiple of the card's average that is suspicious. No unit, > 1."""
    min_transactions: Count = 5
    """Amounts the average must stand on before it is used. 1 to 50."""


class NegativeAmountConfig(DetectorSettings, frozen=True, kw_only=True):
    """An amount below zero."""


class LimitExceededConfig(DetectorSettings, frozen=True, kw_only=True):
    """An amount over the card's limit for one transaction."""


class VeryHighValueConfig(DetectorSettings, frozen=True, kw_only=True):
    """An amount that is high for any card."""

    max_amount_minor: PositiveMinor = 1_000_000
    """Largest amount that is not suspicious. Minor units, > 0."""


class ImpossibleTravelConfig(DetectorSettings, frozen=True, kw_only=True):
    """Two transactions of a card too far apart for the time between them."""

    max_speed_kmh: SpeedKmh = 900.0
    """Fastest believable journey. Kilometres an hour, > 0."""
    min_distance_km: DistanceKm = 50.0
    """Shorter distances are within a town and its surroundings. Kilometres, >= 0."""


class RapidTransactionsConfig(DetectorSettings, frozen=True, kw_only=True):
    """Two transactions of a card closer together than a person can pay."""

    min_gap_s: Annotated[float, Meta(gt=0, le=3600)] = 10.0
    """Shortest believable time between two transactions of one card. Seconds, > 0."""


class PinAvoidanceConfig(DetectorSettings, frozen=True, kw_only=True):
    """A series of amounts just below the limit under which no PIN is asked."""

    pin_free_limit_minor: PositiveMinor = 10_000
    """Amounts from here on ask for a PIN. Minor units, > 0."""
    margin: Annotated[float, Meta(gt=0, lt=1)] = 0.10
    """How far below the limit is `just below`, as a share of it. 0 to 1."""
    min_transactions: Count = 3
    """Transactions that make a series. 1 to 50."""
    window_s: WindowS = 600.0
    """Time in which they must lie. Seconds, > 0, a day at most."""


class ManyNoPinConfig(DetectorSettings, frozen=True, kw_only=True):
    """Many transactions without PIN in a short time."""

    min_transactions: Count = 5
    """Transactions without PIN that are suspicious. 1 to 50."""
    window_s: WindowS = 600.0
    """Time in which they must lie. Seconds, > 0, a day at most."""


class DormantCardConfig(DetectorSettings, frozen=True, kw_only=True):
    """A card that comes back after a long silence."""

    min_silence_d: Annotated[float, Meta(gt=0, le=3650)] = 90.0
    """Shortest silence that is suspicious. Days of 24 hours, > 0."""


class MultiCardDistanceConfig(DetectorSettings, frozen=True, kw_only=True):
    """Different cards of one user used too far apart for the time between them."""

    max_speed_kmh: SpeedKmh = 900.0
    """Fastest believable journey from one card's place to the other's. Kilometres an hour, > 0."""
    min_distance_km: DistanceKm = 50.0
    """Shorter distances are within a town and its surroundings. Kilometres, >= 0."""


class Detectors(_Spec, frozen=True, kw_only=True):
    """Settings of every detector; one left out has its defaults."""

    amount_spike: AmountSpikeConfig = AmountSpikeConfig()
    negative_amount: NegativeAmountConfig = NegativeAmountConfig()
    limit_exceeded: LimitExceededConfig = LimitExceededConfig()
    very_high_value: VeryHighValueConfig = VeryHighValueConfig()
    impossible_travel: ImpossibleTravelConfig = ImpossibleTravelConfig()
    rapid_transactions: RapidTransactionsConfig = RapidTransactionsConfig()
    pin_avoidance: PinAvoidanceConfig = PinAvoidanceConfig()
    many_no_pin: ManyNoPinConfig = ManyNoPinConfig()
    dormant_card: DormantCardConfig = DormantCardConfig()
    multi_card_distance: MultiCardDistanceConfig = MultiCardDistanceConfig()


class Selector(_Spec, frozen=True, kw_only=True, omit_defaults=True):
    """Which transactions a config judges. An empty list matches all."""

    bank_ids: tuple[Identifier, ...] = ()
    currencies: tuple[Currency, ...] = ()
    countries: tuple[Country, ...] = ()
    payment_systems: tuple[Identifier, ...] = ()

    @property
    def specificity(self) -> int:
        """How many of the four lists are given; the config with the most wins."""
        return sum(
            bool(names)
            for names in (self.bank_ids, self.currencies, self.countries, self.payment_systems)
        )


class DetectorConfigSpec(_Spec, frozen=True, kw_only=True):
    """`spec` of a DetectorConfig."""

    selector: Selector = Selector()
    effective_from: EventTimeMs | None = None
    """Event time from which transactions are judged by this generation; earlier ones stay with
    the generation before it. Milliseconds since 1970-01-01 UTC. Absent: all, from now on."""
    detectors: Detectors = Detectors()
    parallelism: Annotated[int, Meta(ge=1, le=MAX_PARALLELISM)] = 1
    """Subtasks the job runs with. 1 to 128."""
    job_ref: Annotated[str, Meta(min_length=1, max_length=63)] = "cardwatch"
    """Name of the FlinkDeployment that the config is for."""


class Metadata(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The part of a Kubernetes object's metadata that Cardwatch reads."""

    name: Annotated[str, Meta(pattern=r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$")]
    """Lower-case letters, digits and `-`; 63 at most (RFC 1123)."""


class DetectorConfig(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    rename="camel",
    tag_field="kind",
    tag=KIND,
):
    """A DetectorConfig as a user writes it in YAML."""

    api_version: Literal["cardwatch.dev/v1alpha1"]
    metadata: Metadata
    spec: DetectorConfigSpec = DetectorConfigSpec()


class ConfigRecord(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A config in force, on the compacted topic `detector-configs`; a tombstone withdraws it."""

    name: str
    generation: Annotated[int, Meta(ge=0)]
    """Grows with every change; the highest is in force whatever the order of arrival."""
    created_at: EventTimeMs
    """When the config was first made. The oldest wins among equally specific ones."""
    spec: DetectorConfigSpec


class ConfigAck(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One subtask's word that it judges by a generation, on the topic `config-acks`."""

    name: str
    generation: int
    subtask: int
    """Index of the subtask, from 0."""
    parallelism: int
    """How many subtasks the job runs with."""
    applied_at: int
    """Wall clock of the subtask. Milliseconds since 1970-01-01 UTC."""


DEFAULT_CONFIG: Final = ConfigRecord(
    name="built-in", generation=0, created_at=0, spec=DetectorConfigSpec()
)
"""What judges a transaction that no other config selects."""

_record_decoder: Final = msgspec.json.Decoder(ConfigRecord)
_ack_decoder: Final = msgspec.json.Decoder(ConfigAck)


def decode_config_record(value: bytes | None) -> ConfigRecord:
    """Decode one record of `detector-configs`.

    Raises:
        InvalidRecordError: with the field and what is allowed.
    """
    return decode(_record_decoder, value)


def decode_config_ack(value: bytes | None) -> ConfigAck:
    """Decode one record of `config-acks`.

    Raises:
        InvalidRecordError: with the field and what is allowed.
    """
    return decode(_ack_decoder, value)


def parse_detector_config(manifest: object) -> DetectorConfig:
    """Check a DetectorConfig that was read from YAML or JSON.

    Raises:
        InvalidRecordError: with the field, what was wrong there and what is allowed.
    """
    try:
        return msgspec.convert(manifest, DetectorConfig, strict=True)
    except msgspec.ValidationError as error:
        raise InvalidRecordError(explain(str(error), DetectorConfig)) from None
