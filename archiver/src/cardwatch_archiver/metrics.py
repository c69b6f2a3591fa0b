"""What Prometheus reads."""

from prometheus_client import CollectorRegistry

from cardwatch_contracts import telemetry as t
from cardwatch_contracts.prometheus import counter, gauge, histogram, new_registry


class ArchiverMetrics:
    """How much is written, how long that takes, and what is still to be written."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        """Keep them in `registry`, or in one of their own."""
        self.registry = new_registry() if registry is None else registry
        self.written = counter(t.PROFILES_WRITTEN, self.registry)
        self.left_out = counter(t.LEFT_OUT, self.registry)
        self.retries = counter(t.ARCHIVER_RETRIES, self.registry)
        self.write_seconds = histogram(t.WRITE_SECONDS, self.registry)
        self.lag = gauge(t.ARCHIVER_LAG, self.registry)
        for reason in ("away", "moved"):
            self.retries.labels(reason)  # so that they are there before the first
