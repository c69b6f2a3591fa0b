"""What the live view shows, at one moment."""

from collections.abc import Mapping
from dataclasses import dataclass

from cardwatch_contracts.alert import Alert
from cardwatch_local.demo.latency import Percentiles


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """A count and how fast it grows."""

    total: int = 0
    per_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The live phase at one moment; counts are of this phase alone."""

    elapsed_s: float
    duration_s: float | None
    """None: until it is stopped."""
    sent: Flow
    """Transactions that Kafka has."""
    judged: Flow
    """Transactions up to the job's committed offsets."""
    alerts: Flow
    by_detector: Mapping[str, int]
    recent: tuple[Alert, ...]
    """Newest first."""
    seen: Percentiles
    """Latency to a consumer that reads uncommitted. Milliseconds."""
    committed: Percentiles
    """Latency to a consumer that reads committed. Milliseconds."""
    parts: Mapping[str, bool]
    """Services by name; False: it is down."""
    trouble: str = ""
    """What is wrong at the moment, in a sentence."""
    visualizer_url: str = ""
    """Where the same is seen in a browser; empty: nowhere."""
