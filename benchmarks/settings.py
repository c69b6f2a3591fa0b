"""What can be set for a benchmark."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

REPOSITORY: Final = Path(__file__).resolve().parents[1]
PEERS_PYTHON: Final = REPOSITORY / ".venv-bench" / "bin" / "python"
"""Quix Streams refuses the Kafka client that Cardwatch has: peers have an environment apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """The transactions that every contender judges."""

    transactions: int = 3_000_000
    cards: int = 100_000
    seed: int = 1
    sampled_share: float = 0.01
    """Transactions whose sender has chosen to have them recorded as spans, 0 to 1."""

    def __post_init__(self) -> None:
        for name, lowest, highest in (
            ("transactions", 10_000, 1_000_000_000),
            ("cards", 1_000, 2_000_000),
            ("seed", 0, 2**31),
            ("sampled_share", 0, 1),
        ):
            _require(name, getattr(self, name), lowest, highest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """How contenders run and are measured."""

    parallelism: int = 2
    """Slots or processes of a contender."""
    commit_interval_s: float = 5.0
    """Between two checkpoints, or commits, of every contender that has them. Seconds."""
    warm_up_s: float = 10.0
    """From the first progress to the window. Seconds."""
    window_s: float = 20.0
    """Measured time. Seconds."""
    heap_mb: int = 512
    """Heap of each Flink TaskManager, MiB; the default of `cardwatch up`."""
    records_spans: bool = False
    """Whether Cardwatch's job records spans, into files."""
    metrics_ports: str = ""
    """Ports `FIRST-LAST` at which Flink's processes serve metrics; empty: none are served."""

    def __post_init__(self) -> None:
        _require("parallelism", self.parallelism, 1, 12)
        _require("commit_interval_s", self.commit_interval_s, 0.1, 600)
        _require("warm_up_s", self.warm_up_s, 0, 3_600)
        _require("window_s", self.window_s, 1, 86_400)
        _require("heap_mb", self.heap_mb, 256, 65_536)

    @property
    def commit_interval_ms(self) -> int:
        """The same in milliseconds."""
        return round(self.commit_interval_s * 1000)


def _require(name: str, value: float, lowest: float, highest: float) -> None:
    if not lowest <= value <= highest:
        raise ValueError(f"{name} is {value:g}: allowed is {lowest:,} to {highest:,}")
