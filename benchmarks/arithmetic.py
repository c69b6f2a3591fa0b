"""From samples to figures. Pure."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from random import Random
from statistics import median, pstdev
from typing import Final, NamedTuple

from benchmarks.errors import BenchError

_RESAMPLED: Final = 1_000


class Sample(NamedTuple):
    """One look at a contender."""

    at_s: float
    """Monotonic clock. Seconds."""
    offsets: Mapping[int, int]
    """What it had committed by then, by partition."""
    cpu_s: float
    """CPU time of its processes so far. Seconds."""
    broker_cpu_s: float
    """CPU time of the broker so far. Seconds."""
    rss_mb: float
    """Resident memory of its processes. Megabytes."""
    stolen_s: float
    """How long a virtual machine's host has given its cores to others, mean of all. Seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What was measured in a window."""

    tx_per_s: float
    cpu_us_per_tx: float
    """CPU of the contender's processes for a transaction. Microseconds."""
    broker_cpu_us_per_tx: float
    """CPU of the broker for a transaction. Microseconds."""
    peak_rss_mb: float
    """Highest memory since the contender started. Megabytes."""
    stolen_share: float
    """Of the cores' time, what the host of a virtual machine has given to others, 0 to 1."""


def figures(samples: Sequence[Sample], start_s: float, end_s: float) -> Figures:
    """Work out the figures of the window from `start_s` to `end_s`.

    Raises:
        BenchError: nothing was committed between the two.
    """
    curves = progress_curves(samples)
    processed = processed_by(curves, end_s) - processed_by(curves, start_s)
    if processed <= 0:
        raise BenchError(
            f"nothing was committed in the window of {end_s - start_s:.0f} s: give a longer one"
        )
    cpu = [(sample.at_s, sample.cpu_s) for sample in samples]
    broker = [(sample.at_s, sample.broker_cpu_s) for sample in samples]
    stolen = [(sample.at_s, sample.stolen_s) for sample in samples]
    return Figures(
        tx_per_s=processed / (end_s - start_s),
        cpu_us_per_tx=(at(cpu, end_s) - at(cpu, start_s)) * 1e6 / processed,
        broker_cpu_us_per_tx=(at(broker, end_s) - at(broker, start_s)) * 1e6 / processed,
        peak_rss_mb=max(sample.rss_mb for sample in samples),
        stolen_share=(at(stolen, end_s) - at(stolen, start_s)) / (end_s - start_s),
    )


def slowest_slice(samples: Sequence[Sample], start_s: float, end_s: float, slice_s: float) -> float:
    """Return the lowest rate in any of the window's whole slices of `slice_s`. Transactions/s."""
    curves = progress_curves(samples)
    count = max(1, int((end_s - start_s) / slice_s))
    edges = [start_s + number * slice_s for number in range(count)] + [end_s]
    return min(
        (processed_by(curves, right) - processed_by(curves, left)) / (right - left)
        for left, right in pairwise(edges)
    )


Curve = Sequence[tuple[float, float]]
"""Points of time and value; both grow."""


def progress_curves(samples: Sequence[Sample]) -> list[Curve]:
    """Return each partition's commits as a curve: a point for each time its offset changed.

    Commits come every few seconds, each partition's in its own rhythm. Between two of them
    the work went on evenly, as far as anybody can know.
    """
    curves: dict[int, list[tuple[float, float]]] = {}
    for sample in samples:
        for partition, offset in sample.offsets.items():
            curve = curves.setdefault(partition, [])
            if not curve or offset > curve[-1][1]:
                curve.append((sample.at_s, offset))
    return list(curves.values())


def processed_by(curves: Sequence[Curve], at_s: float) -> float:
    """Return how many transactions of all partitions were done at a time."""
    return sum(at(curve, at_s) for curve in curves)


def at(curve: Curve, at_s: float) -> float:
    """Return a curve's value at a time, on the line between its points; level outside them."""
    right = bisect_right(curve, at_s, key=lambda point: point[0])
    if right == 0:
        return curve[0][1]
    if right == len(curve):
        return curve[-1][1]
    (left_s, left), (right_s, value) = curve[right - 1], curve[right]
    return left + (value - left) * (at_s - left_s) / (right_s - left_s)


def quantile(ordered: Sequence[float], share: float) -> float:
    """Return the smallest value that at least `share` (0 to 1) of the values do not exceed.

    `ordered`, not empty, is in ascending order (nearest rank, no interpolation).
    """
    rank = max(1, -int(-share * len(ordered) // 1))
    return ordered[min(rank, len(ordered)) - 1]


def median_with_error(values: Sequence[float]) -> tuple[float, float]:
    """Return the median of values and its standard error, by drawing from them again and again."""
    random = Random(1)
    medians = [median(random.choices(values, k=len(values))) for _ in range(_RESAMPLED)]
    return median(values), pstdev(medians)
