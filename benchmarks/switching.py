"""A job that runs with and without spans in turn, compared with itself."""

import math
import time
from collections.abc import Sequence
from statistics import mean
from typing import Final, NamedTuple
from urllib.request import urlopen

from benchmarks.collector import SwitchedCollector, Way
from benchmarks.errors import BenchError
from benchmarks.measure import Running
from cardwatch_contracts.telemetry import JUDGED
from cardwatch_local.ports import LOOPBACK

_MEASURED_S: Final = 3.0
"""A whole number of checkpoints, each of which takes its time: `COMMIT_INTERVAL_S` is a divisor."""
COMMIT_INTERVAL_S: Final = 1.0
_SETTLING_S: Final = {Way.TAKES: 2.2, Way.REFUSES: 1.4, Way.GONE: 1.4}
"""Until the job does as its collector does: spans are sent once a second, and whoever was
refused comes again up to a second later than asked. Seconds."""
_TIMEOUT_S: Final = 5.0


class Phase(NamedTuple):
    """What a job did in a time in which its collector did the same."""

    way: Way
    tx_per_s: float
    stolen_share: float
    """Of the cores' time, what the host of a virtual machine has given to others, 0 to 1."""
    cpu_us_per_tx: float

    @property
    def tx_per_s_of_cores(self) -> float:
        """The rate had nothing been stolen, which changes it more than anything measured here."""
        return self.tx_per_s / (1 - self.stolen_share)


class JudgedSoFar:
    """Asks a job's TaskManagers how many transactions they have judged."""

    def __init__(self, ports: range) -> None:
        """Ask whoever serves metrics at one of these ports."""
        self._ports = ports

    def read(self) -> float:
        """Return the count of all subtasks together, as it is now.

        Raises:
            BenchError: nobody serves it.
        """
        counts = [count for port in self._ports for count in _counts_at(port)]
        if not counts:
            raise BenchError(f"nobody at ports {self._ports[0]} to {self._ports[-1]} says {_NAME}")
        return sum(counts)


_NAME: Final = JUDGED.name


def _counts_at(port: int) -> list[float]:
    try:
        with urlopen(f"http://{LOOPBACK}:{port}/metrics", timeout=_TIMEOUT_S) as answer:
            lines = answer.read().decode().splitlines()
    except OSError:
        return []  # nobody has this port
    return [float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(_NAME + "{")]


def in_turns(
    job: Running, judged: JudgedSoFar, collector: SwitchedCollector, way: Way, times: int
) -> list[Phase]:
    """Have the collector refuse spans and do `way` in turn, `times` times; refusing comes last.

    Raises:
        BenchError: the job has judged the whole topic, or has ended.
    """
    ways = [Way.REFUSES, way] * times + [Way.REFUSES]
    return [_phase(job, judged, collector, each) for each in ways]


def _phase(job: Running, judged: JudgedSoFar, collector: SwitchedCollector, way: Way) -> Phase:
    collector.switch(way, _SETTLING_S[way] + _MEASURED_S)
    time.sleep(_SETTLING_S[way])
    began, count_before = job.sample(), judged.read()
    time.sleep(_MEASURED_S)
    ended, count_after = job.sample(), judged.read()
    count = count_after - count_before
    if count <= 0:
        raise BenchError("the job has judged the whole topic: give more with --transactions")
    seconds = ended.at_s - began.at_s
    return Phase(
        way=way,
        tx_per_s=count / seconds,
        stolen_share=(ended.stolen_s - began.stolen_s) / seconds,
        cpu_us_per_tx=(ended.cpu_s - began.cpu_s) * 1e6 / count,
    )


def compared_with_neighbours(values: Sequence[tuple[Way, float]]) -> list[float]:
    """Divide each value with spans by the geometric mean of those without, before and after it.

    The machine's speed drifts: what is compared must be near in time.
    """
    return [
        value / math.exp(mean((math.log(before), math.log(after))))
        for (_, before), (way, value), (_, after) in zip(
            values, values[1:], values[2:], strict=False
        )
        if way is not Way.REFUSES
    ]
