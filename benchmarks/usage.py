"""CPU time and memory of a contender's processes and all they started."""

from collections.abc import Iterable
from typing import NamedTuple

import psutil


class Usage(NamedTuple):
    """What processes have used."""

    cpu_s: float
    """User and system time of every process ever seen. Seconds."""
    rss_bytes: int
    """Resident memory of those alive, pages they share counted in each. Bytes."""


def stolen_s() -> float:
    """Return how long the host has given this machine's cores to others: mean of all, seconds."""
    return float(getattr(psutil.cpu_times(), "steal", 0.0)) / (psutil.cpu_count() or 1)


class TreeUsage:
    """Watches process trees. What a process used before it ended stays counted."""

    def __init__(self, roots: Iterable[int]) -> None:
        """Watch the processes `roots` and their descendants."""
        self._roots = tuple(roots)
        self._cpu_s: dict[int, float] = {}

    def read(self) -> Usage:
        """Return the use up to now. Takes about a millisecond for each process of the machine."""
        rss_bytes = 0
        for process in self._alive():
            try:
                times = process.cpu_times()
                rss_bytes += process.memory_info().rss
            except psutil.NoSuchProcess:
                continue
            self._cpu_s[process.pid] = times.user + times.system
        return Usage(sum(self._cpu_s.values()), rss_bytes)

    def _alive(self) -> list[psutil.Process]:
        alive: dict[int, psutil.Process] = {}
        for root in self._roots:
            try:
                process = psutil.Process(root)
                for member in (process, *process.children(recursive=True)):
                    alive[member.pid] = member
            except psutil.NoSuchProcess:
                continue
        return list(alive.values())
