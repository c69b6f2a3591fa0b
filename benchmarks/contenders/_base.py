"""What a contender is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.settings import Method
from benchmarks.stand import Stand
from cardwatch_local.service import Service

LIMIT_COMMIT_INTERVAL_MS: Final = 1_000
"""For contenders that only mark a limit: they keep nothing in a failure, so a commit is no more
than a mark of how far they are, and they go through the topic fast."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """One program that judges the topic `transactions`, and how it is run."""

    name: str
    guarantee: str
    """What a failure may do to its alerts, in words."""
    setup: str
    """How it is run, in words, for the report."""
    servers: Callable[[Stand, str, Method, str], Sequence[Service]]
    """Makes its processes, to be started in order, from the stand, the run's name, the method,
    and the consumer group to commit its progress to."""
    group: str | None = None
    """The consumer group, where it cannot be chosen."""
    writes_alerts: bool = True
    """Whether its alerts can be held against the reference's."""
    only_when_named: bool = False
    """Whether the short comparison leaves it out."""
