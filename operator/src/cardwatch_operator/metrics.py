"""What Prometheus reads."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

PASSES: Final = Counter("cardwatch_operator_reconciles", "Passes over all DetectorConfigs.")
FAILURES: Final = Counter(
    "cardwatch_operator_failures", "Passes that failed, by what failed them.", ["what"]
)
PUBLISHED: Final = Counter("cardwatch_operator_published", "Generations that were published.")
APPLY_SECONDS: Final = Histogram(
    "cardwatch_operator_apply_seconds",
    "From publishing a generation to its last acknowledgement.",
    buckets=(0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 2, 5, 10, 30, 60),
)
CONFIGS: Final = Gauge(
    "cardwatch_operator_detectorconfigs", "DetectorConfigs by whether they are ready.", ["ready"]
)
LEADS: Final = Gauge("cardwatch_operator_leads", "1 where this operator is the one that acts.")
