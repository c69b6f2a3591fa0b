"""What Prometheus reads of models: drift, what they have scored, and who refuses them."""

from collections.abc import Iterator, Mapping
from math import nan

from prometheus_client import CollectorRegistry, Gauge

from cardwatch_contracts import telemetry as t
from cardwatch_contracts.prometheus import counter
from cardwatch_visualizer.live.drift import drift_of
from cardwatch_visualizer.live.model_shapes import ConfigModels, KeptModels
from cardwatch_visualizer.live.models import MOST_SERIES, Scored

_Labels = tuple[str, ...]
_Values = dict[_Labels, float]


class ModelMetrics:
    """What the collector knows of models.

    Processes share their values through files, from which no series can be taken out: one that is
    over is NaN, or 0, and raises no alarm.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._psi = _Series(t.VISUALIZER_MODEL_PSI, nan, registry)
        self._shift = _Series(t.VISUALIZER_MODEL_SHIFT, nan, registry)
        self._wanted = _Series(t.VISUALIZER_MODEL_WANTED, 0.0, registry)
        self._refusals = _Series(t.VISUALIZER_MODEL_REFUSALS, 0.0, registry)
        self._scored = counter(t.VISUALIZER_MODEL_SCORED, registry)
        self._told: dict[Scored, int] = {}

    def note(self, models: KeptModels, scored: Mapping[Scored, int]) -> None:
        """Take what is known, and what was scored since the collector began."""
        psi: _Values = {}
        shift: _Values = {}
        for seen in reversed(models.seen):  # the newest version of each comes last, and stays
            labels = (seen.config, seen.role, seen.model)
            drift = drift_of(seen)
            psi[labels] = nan if drift.psi is None else drift.psi
            shift[labels] = nan if drift.largest_shift is None else drift.largest_shift
        self._psi.put(psi)
        self._shift.put(shift)
        self._wanted.put(dict.fromkeys(_wanted(models.configs), 1.0))
        self._refusals.put(
            {(each.config,): sum(map(len, each.refused.values())) for each in models.configs}
        )
        for key, count in scored.items():
            self._scored.labels(*key).inc(max(0, count - self._told.get(key, 0)))
        self._told = dict(scored)


class _Series:
    """A gauge whose values are all told at once; those that are not told any more are over."""

    def __init__(self, metric: t.Metric, over: float, registry: CollectorRegistry) -> None:
        self._gauge = Gauge(
            metric.name,
            metric.description,
            metric.labels,
            registry=registry,
            multiprocess_mode="livemostrecent",
        )
        self._over = over
        self._known: set[_Labels] = set()

    def put(self, values: _Values) -> None:
        for labels in self._known - values.keys():
            self._gauge.labels(*labels).set(self._over)
        for labels, value in values.items():
            if labels in self._known or len(self._known) < MOST_SERIES:
                self._known.add(labels)
                self._gauge.labels(*labels).set(value)


def _wanted(configs: list[ConfigModels]) -> Iterator[_Labels]:
    for each in configs:
        yield each.config, "model", each.model.name
        if each.challenger is not None:
            yield each.config, "challenger", each.challenger.name
