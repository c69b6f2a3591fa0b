"""What Prometheus reads."""

from collections.abc import Mapping
from typing import Final

from prometheus_client import Gauge

from cardwatch_contracts import telemetry as t
from cardwatch_contracts.prometheus import AlertMetrics, counter, gauge, histogram

PASSES: Final = counter(t.RECONCILES)
FAILURES: Final = counter(t.FAILURES)
PUBLISHED: Final = counter(t.PUBLISHED)
REPUBLISHED: Final = counter(t.REPUBLISHED)
APPLY_SECONDS: Final = histogram(t.APPLY_SECONDS)
CONFIGS: Final = gauge(t.CONFIGS)
LEADS: Final = gauge(t.LEADS)
ALERTS: Final = AlertMetrics()
for _what in ("kafka", "kubernetes", "unexpected"):
    FAILURES.labels(_what)  # so that they are there before the first


class _ByConfig:
    """A number for each config; those of configs that are gone go, too."""

    def __init__(self, gauge: Gauge) -> None:
        self._gauge = gauge
        self._shown: set[str] = set()

    def show(self, numbers: Mapping[str, int]) -> None:
        """Show these, and no others."""
        for gone in self._shown - set(numbers):
            self._gauge.remove(gone)
        for config, number in numbers.items():
            self._gauge.labels(config).set(number)
        self._shown = set(numbers)


PUBLISHED_GENERATION: Final = _ByConfig(gauge(t.PUBLISHED_GENERATION))
APPLIED_GENERATION: Final = _ByConfig(gauge(t.APPLIED_GENERATION))


def lead(leads: bool) -> None:
    """Say whether this operator is the one that acts; one that does not knows of no config."""
    LEADS.set(leads)
    if not leads:
        PUBLISHED_GENERATION.show({})
        APPLIED_GENERATION.show({})
        for ready in ("true", "false"):
            CONFIGS.labels(ready).set(0)
