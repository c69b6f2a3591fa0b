"""The results as a table and as JSON. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

from rich.table import Table

from benchmarks.arithmetic import Figures
from benchmarks.measurement import Measurement
from benchmarks.reference import Check

BASE = "cardwatch"
_HEADINGS = ("tx/s", "cardwatch is", "CPU µs/tx", "broker µs/tx", "peak MB", "stolen", "alerts")
"""`stolen`: of the cores' time, by the host of a virtual machine; it is not there for anybody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One line: the median of a contender's rounds."""

    name: str
    guarantee: str
    setup: str
    rounds: Sequence[Figures]
    checks: Sequence[Check]

    @classmethod
    def of(
        cls, name: str, guarantee: str, setup: str, measurements: Sequence[Measurement]
    ) -> "Result":
        """Put measurements of the same thing into one line."""
        return cls(
            name=name,
            guarantee=guarantee,
            setup=setup,
            rounds=[measurement.figures for measurement in measurements],
            checks=[m.check for m in measurements if m.check is not None],
        )

    @property
    def tx_per_s(self) -> float:
        """Median rate of the rounds."""
        return median(figures.tx_per_s for figures in self.rounds)

    def as_json(self) -> dict[str, Any]:
        """Return the line for other programs."""
        return {
            "name": self.name,
            "tx_per_s": round(self.tx_per_s),
            "cpu_us_per_tx": round(median(f.cpu_us_per_tx for f in self.rounds), 2),
            "broker_cpu_us_per_tx": round(median(f.broker_cpu_us_per_tx for f in self.rounds), 2),
            "peak_rss_mb": round(max(f.peak_rss_mb for f in self.rounds)),
            "stolen_share": round(median(f.stolen_share for f in self.rounds), 3),
            "guarantee": self.guarantee,
            "setup": self.setup,
            "rounds_tx_per_s": [round(figures.tx_per_s) for figures in self.rounds],
            "alerts_expected": sum(check.expected for check in self.checks),
            "alerts_lost": sum(check.lost for check in self.checks),
            "alerts_wrong": sum(check.wrong for check in self.checks),
            "alerts_duplicate": sum(check.duplicate for check in self.checks),
        }


def with_best_as(name: str, candidates: Sequence[str], results: Sequence[Result]) -> list[Result]:
    """Give the fastest of `candidates` the name `name`; its setup says which it was."""
    running = [result for result in results if result.name in candidates]
    best = max(running, key=lambda result: result.tx_per_s, default=None)
    return [replace(result, name=name) if result is best else result for result in results]


def ratios(results: Sequence[Result]) -> Mapping[str, float]:
    """Return how many times faster Cardwatch is than each; empty where Cardwatch did not run."""
    base = next((result.tx_per_s for result in results if result.name == BASE), None)
    if base is None:
        return {}
    return {result.name: base / result.tx_per_s for result in results}


def table_of(results: Sequence[Result], *, title: str) -> Table:
    """Return the results as a table for a terminal."""
    table = Table(title=title, title_justify="left")
    table.add_column("contender", no_wrap=True)
    table.add_column("guarantee", no_wrap=True)
    for heading in _HEADINGS:
        table.add_column(heading, justify="right", no_wrap=True)
    factors = ratios(results)
    for result in results:
        line = result.as_json()
        factor = factors.get(result.name)
        table.add_row(
            result.name,
            result.guarantee,
            f"{result.tx_per_s:,.0f}",
            "" if factor is None or result.name == BASE else f"{factor:.2f} ×",
            f"{line['cpu_us_per_tx']:.1f}",
            f"{line['broker_cpu_us_per_tx']:.1f}",
            f"{line['peak_rss_mb']:,}",
            f"{line['stolen_share']:.0%}",
            _verdict(result.checks),
        )
    return table


def _verdict(checks: Sequence[Check]) -> str:
    if not checks:
        return "–"
    expected = sum(check.expected for check in checks)
    if all(check.equal for check in checks):
        return f"{expected:,} equal"
    lost, wrong, double = (
        sum(getattr(check, name) for check in checks) for name in ("lost", "wrong", "duplicate")
    )
    return f"{expected:,}: {lost:,} lost, {wrong:,} wrong, {double:,} double"
