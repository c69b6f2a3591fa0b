"""DetectorConfig: which thresholds judge which transactions.

The structs here are the one source for `spec` of the `DetectorConfig` resource. A field's unit is
in its name: `_s` seconds, `_d` days, `_minor` minor units of the transaction's currency, `_kmh`
kilometres an hour, `_km` kilometres. In YAML and JSON names are camelCase.
"""

from collections.abc import Mapping
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from cardwatch_contracts._explain import explain
from cardwatch_contracts.codec import InvalidRecordError, decode
from cardwatch_contracts.transaction import MAX_AMOUNT_MINOR, EventTimeMs, Identifier

API_VERSION: Final = "cardwatch.dev/v1alpha1"
KIND: Final = "DetectorConfig"
MAX_PARALLELISM: Final = 128
"""Flink's maximum parallelism of the job; chosen once, because state is divided by it."""

MAX_SELECTED: Final = 100
"""Longest list of a selector."""

CURRENCY_CODE: Final = r"^[A-Z]{3}\Z"
COUNTRY_CODE: Final = r"^[A-Z]{2}\Z"
DNS_LABEL: Final = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?\Z"
"""What Kubernetes' names look like (RFC 1123). In Python `$` would let a line's end pass."""

MODEL_NAME: Final = r"^[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?\Z"
ARTEFACT_HASH: Final = r"^[0-9a-f]{64}\Z"

Mode = Literal["Active", "Shadow", "Off"]
ModelName = Annotated[str, Meta(pattern=MODEL_NAME, max_length=63)]
ArtefactHash = Annotated[str, Meta(pattern=ARTEFACT_HASH, max_length=64)]
CurrencyCode = Annotated[str, Meta(pattern=CURRENCY_CODE, max_length=3)]
CountryCode = Annotated[str, Meta(pattern=COUNTRY_CODE, max_length=2)]
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
    """Smallest multiple of the card's average that is suspicious. No unit."""
    min_transactions: Count = 5
    """Amounts the average must stand on before it is used."""


class NegativeAmountConfig(DetectorSettings, frozen=True, kw_only=True):
    """An amount below zero."""


class LimitExceededConfig(DetectorSettings, frozen=True, kw_only=True):
    """An amount over the card's limit for one transaction."""


class VeryHighValueConfig(DetectorSettings, frozen=True, kw_only=True):
    """An amount that is high for any card."""

    max_amount_minor: PositiveMinor = 1_000_000
    """Largest amount that is not suspicious. Minor units."""


class ImpossibleTravelConfig(DetectorSettings, frozen=True, kw_only=True):
    """Two transactions of a card too far apart for the time between them."""

    max_speed_kmh: SpeedKmh = 900.0
    """Fastest believable journey. Kilometres an hour."""
    min_distance_km: DistanceKm = 50.0
    """Shorter distances are within a town and its surroundings. Kilometres."""


class RapidTransactionsConfig(DetectorSettings, frozen=True, kw_only=True):
    """Two transactions of a card closer together than a person can pay."""

    min_gap_s: Annotated[float, Meta(gt=0, le=3600)] = 10.0
    """Shortest believable time between two transactions of one card. Seconds."""


class PinAvoidanceConfig(DetectorSettings, frozen=True, kw_only=True):
    """A series of amounts just below the limit under which no PIN is asked."""

    pin_free_limit_minor: PositiveMinor = 10_000
    """Amounts from here on ask for a PIN. Minor units."""
    margin: Annotated[float, Meta(gt=0, lt=1)] = 0.10
    """How far below the limit is `just below`, as a share of it."""
    min_transactions: Count = 3
    """Transactions that make a series."""
    window_s: WindowS = 600.0
    """Time in which they must lie. Seconds."""


class ManyNoPinConfig(DetectorSettings, frozen=True, kw_only=True):
    """Many transactions without PIN in a short time."""

    min_transactions: Count = 5
    """Transactions without PIN that are suspicious."""
    window_s: WindowS = 600.0
    """Time in which they must lie. Seconds."""


class DormantCardConfig(DetectorSettings, frozen=True, kw_only=True):
    """A card that comes back after a long silence."""

    min_silence_d: Annotated[float, Meta(gt=0, le=3650)] = 90.0
    """Shortest silence that is suspicious. Days of 24 hours."""


class MultiCardDistanceConfig(DetectorSettings, frozen=True, kw_only=True):
    """Different cards of one user used too far apart for the time between them."""

    max_speed_kmh: SpeedKmh = 900.0
    """Fastest believable journey from one card's place to the other's. Kilometres an hour."""
    min_distance_km: DistanceKm = 50.0
    """Shorter distances are within a town and its surroundings. Kilometres."""


class UnusualLocationConfig(DetectorSettings, frozen=True, kw_only=True):
    """A transaction far from where the user usually pays. Users' habits are remembered for it."""

    mode: Mode = "Off"
    """`Active` raises alerts, `Shadow` marks its findings as a trial, `Off` does not look."""
    min_distance_km: DistanceKm = 500.0
    """Smallest suspicious distance from the mean place of the user's payments. Kilometres."""
    min_transactions: Count = 10
    """Payments the mean place must stand on before it is used."""


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
    unusual_location: UnusualLocationConfig = UnusualLocationConfig()


ON_BY_DEFAULT: Final = tuple(
    field.name for field in msgspec.structs.fields(Detectors) if field.default.mode != "Off"
)
"""Names of the detectors that look where no config says otherwise."""


class Challenger(_Spec, frozen=True, kw_only=True, omit_defaults=True):
    """A model on trial beside the one in force: its findings are in the shadow."""

    name: ModelName
    """Under which name it was published: lower-case letters, digits, `-` and `.`; 63 at most."""
    hash: ArtefactHash | None = None
    """Which version: its hash, 64 hexadecimal digits. Absent: the newest that is published."""
    threshold: Annotated[float, Meta(ge=0, le=1)] | None = None
    """Lowest risk that is suspicious. Absent: the one that the model was trained with."""
    alerts_per_thousand_cards: Annotated[float, Meta(gt=0, le=1000)] | None = None
    """Alerts a day that the threshold is to keep to, by what the model raised in its rehearsal; in
    place of `threshold`."""

    def __post_init__(self) -> None:
        if self.threshold is not None and self.alerts_per_thousand_cards is not None:
            raise ValueError("Expected `threshold` or `alertsPerThousandCards`, not both")


class Model(Challenger, frozen=True, kw_only=True, omit_defaults=True):
    """A trained model that judges beside the rules."""

    mode: Mode = "Active"
    """`Active` raises alerts, `Shadow` marks its findings as a trial, `Off` does not look."""
    challenger: Challenger | None = None
    """A second model, on trial."""


class Selector(_Spec, frozen=True, kw_only=True, omit_defaults=True):
    """Which transactions a config judges: those that every list that is given has."""

    bank_ids: Annotated[tuple[Identifier, ...], Meta(max_length=MAX_SELECTED)] = ()
    """Banks. Up to 100, each once, 128 characters at most; none: all."""
    currencies: Annotated[tuple[CurrencyCode, ...], Meta(max_length=MAX_SELECTED)] = ()
    """Currencies, three capital letters (ISO 4217). Up to 100, each once; none: all."""
    countries: Annotated[tuple[CountryCode, ...], Meta(max_length=MAX_SELECTED)] = ()
    """Merchants' countries, two capital letters (ISO 3166-1). Up to 100, each once; none: all."""
    payment_systems: Annotated[tuple[Identifier, ...], Meta(max_length=MAX_SELECTED)] = ()
    """Schemes, such as `visa`. Up to 100, each once, 128 characters at most; none: all."""

    def __post_init__(self) -> None:
        for field in msgspec.structs.fields(self):
            values = getattr(self, field.name)
            if len(set(values)) < len(values):
                raise ValueError(f"Expected each of `{field.encode_name}` once")

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
    model: Model | None = None
    """A trained model that judges beside the rules. Absent: rules alone judge."""
    parallelism: Annotated[int, Meta(ge=1, le=MAX_PARALLELISM)] = 1
    """Subtasks the job runs with."""
    job_ref: Annotated[str, Meta(pattern=DNS_LABEL, min_length=1, max_length=63)] = "cardwatch"
    """Name of the FlinkDeployment whose `parallelism` this is. All jobs on one Kafka judge by
    every config."""


class Metadata(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The part of a Kubernetes object's metadata that Cardwatch reads."""

    name: Annotated[str, Meta(pattern=DNS_LABEL, max_length=63)]
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


class Origin(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The Kubernetes resource that a config stands in."""

    namespace: str
    uid: str
    """The resource's, which another one of the same name does not have."""
    revision: int
    """`metadata.generation` of the resource."""


class ConfigRecord(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A config in force, on the compacted topic `detector-configs`.

    A withdrawal is a generation like others, which subtasks acknowledge; a tombstone behind it
    lets Kafka forget the name.
    """

    name: str
    generation: Annotated[int, Meta(ge=0)]
    """Grows with every change; the highest is in force whatever the order of arrival."""
    created_at: EventTimeMs
    """When the config was first made. The oldest wins among equally specific ones.
    Milliseconds since 1970-01-01 UTC."""
    spec: DetectorConfigSpec = DetectorConfigSpec()
    withdrawn: bool = False
    """Whether this generation judges nothing: what it judged falls to the next that selects it."""
    origin: Origin | None = None
    """None: it was applied on the command line."""
    changed_by: str = ""
    """Who or what wrote it, as far as that is known."""


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
    run: str = ""
    """Which run of the job the subtask belongs to; all subtasks start anew together."""
    started_at: int = 0
    """When the subtask started. Wall clock, milliseconds since 1970-01-01 UTC."""
    model: str = ""
    """Hash of the model that the subtask judges with by this config; empty: by rules alone."""
    challenger: str = ""
    """Hash of the model on trial."""
    refused: str = ""
    """Why it does not judge with the models that are asked for; the last good ones stay."""


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
        return msgspec.convert(_without_nulls(manifest), DetectorConfig, strict=True)
    except msgspec.ValidationError as error:
        raise InvalidRecordError(explain(str(error), DetectorConfig)) from None


def _without_nulls(manifest: object) -> object:
    """Drop fields that are null, as Kubernetes does: they have their defaults."""
    if isinstance(manifest, Mapping):
        return {
            name: _without_nulls(value) for name, value in manifest.items() if value is not None
        }
    if isinstance(manifest, list):
        return [_without_nulls(value) for value in manifest]
    return manifest
