"""What is pushed to browsers. Every value is absolute: one that comes twice changes nothing."""

from typing import Literal

import msgspec

from cardwatch_visualizer.live.health_shapes import ConfigAcks, Health

Mode = Literal["active", "shadow"]
Grouping = Literal["users", "cards", "detectors"]


class AlertRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An alert as a line of the stream."""

    alert_id: str
    event_time: int
    """When the cardholder paid. Milliseconds since 1970-01-01 UTC."""
    written_at: int
    """When the job wrote the alert. Milliseconds since 1970-01-01 UTC."""
    user_id: str
    card_id: str
    bank_id: str
    amount: str
    """In words, such as `1,234.50 EUR`."""
    merchant_id: str
    category: str
    country: str
    city: str
    latitude: float
    longitude: float
    detectors: tuple[str, ...]
    reason: str
    mode: Mode
    config: str
    generation: int


class Second(msgspec.Struct, kw_only=True, array_like=True, gc=False):
    """One second of the stream."""

    at_s: int
    """Seconds since 1970-01-01 UTC."""
    transactions: int | None = None
    """That Kafka took; None: nobody looked."""
    alerts: int = 0
    """To be acted on, by when the job wrote them."""
    on_trial: int = 0
    """Alerts of which every finding is in shadow mode."""
    p50_ms: float | None = None
    """Half of the alerts were written within this time of Kafka taking their transaction."""
    p99_ms: float | None = None
    lag: int | None = None
    """Transactions that the job has not judged yet, by its last checkpoint."""


class Group(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Alerts of one user, card or detector within the last minutes."""

    name: str
    alerts: int
    last_time: int
    """Event time of the latest. Milliseconds since 1970-01-01 UTC."""
    last_amount: str
    last_city: str
    detectors: tuple[str, ...]
    """Of the latest alert."""
    bank_id: str
    alert_id: str
    """The latest alert."""


class ConfigInForce(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A DetectorConfig, and who of the subtasks judges by it."""

    name: str
    generation: int
    acknowledged: int
    """So many subtasks have acknowledged this generation."""
    subtasks: int
    """So many the job has; 0: it has not spoken."""
    in_force_at: int
    """When the last of them did. Milliseconds since 1970-01-01 UTC; 0: not yet."""
    withdrawn: bool = False


class Bank(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A bank's transactions in the newest closed window of ten seconds."""

    name: str
    per_s: float


class Source(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Something the figures stand on."""

    name: str
    ok: bool
    since: int
    """Since when it is so. Milliseconds since 1970-01-01 UTC."""
    why: str = ""
    """What is wrong; empty where nothing is."""


class Totals(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Counts since the collector started."""

    alerts: int = 0
    on_trial: int = 0
    left_out: int = 0
    """Alerts that were counted and not pushed one by one: there were too many at once."""
    unreadable: int = 0
    """Records of any topic that break their contract."""


class Tick(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What has changed since the tick before; of a snapshot: all there is."""

    at: int
    """When it was made. Milliseconds since 1970-01-01 UTC."""
    totals: Totals = Totals()
    seconds: list[Second] = []
    alerts: list[AlertRow] = []
    """Oldest first."""
    groups: dict[Grouping, list[Group]] | None = None
    """None: as before."""
    places: list[tuple[float, float]] = []
    """Longitude and latitude of some transactions. Degrees, WGS 84."""
    arcs: list[tuple[float, float, float, float]] = []
    """Of impossible journeys: longitude and latitude of where the card was, and is."""
    configs: list[ConfigInForce] | None = None
    """None: as before."""
    banks: list[Bank] | None = None
    """None: as before."""
    sources: list[Source] = []
    health: Health | None = None
    """None: as before."""
    acks: list[ConfigAcks] | None = None
    """None: as before."""
    forgotten: list[str] = []
    """Users who were erased: whoever shows anything of them removes it."""


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Tick)


def encode_tick(tick: Tick) -> bytes:
    """Encode a tick as JSON in one line."""
    return _encoder.encode(tick)


def decode_tick(value: bytes) -> Tick:
    """Decode a tick.

    Raises:
        msgspec.DecodeError: it is of another version.
    """
    return _decoder.decode(value)
