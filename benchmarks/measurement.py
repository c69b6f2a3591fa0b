"""What one run of a contender gave. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.arithmetic import Figures, Sample
from benchmarks.reference import Check


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """What one run of a contender gave."""

    contender: str
    figures: Figures
    check: Check | None
    samples: Sequence[Sample]
    start_s: float
    """When the window began, by the samples' clock. Seconds."""
    end_s: float

    def __str__(self) -> str:
        return (
            f"{self.contender}: {self.figures.tx_per_s:,.0f} tx/s, "
            f"{self.figures.cpu_us_per_tx:.1f} µs CPU a transaction, "
            f"{self.figures.peak_rss_mb:,.0f} MB, "
            f"{self.figures.stolen_share:.0%} of the cores stolen"
        )
