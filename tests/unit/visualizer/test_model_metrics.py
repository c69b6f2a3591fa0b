"""What Prometheus reads of models."""

import subprocess
import sys
from math import isnan
from pathlib import Path

from prometheus_client import CollectorRegistry
from prometheus_client.multiprocess import MultiProcessCollector
from tests.unit.visualizer.model_samples import OTHER, bins, seen
from tests.unit.visualizer.test_model_views import asking

from cardwatch_contracts import telemetry as t
from cardwatch_contracts.detector_config import Challenger
from cardwatch_visualizer.live.model_shapes import KeptModels
from cardwatch_visualizer.live.models import Scored
from cardwatch_visualizer.metrics import FOLDER_VARIABLE, forget_values
from cardwatch_visualizer.model_metrics import ModelMetrics

_MODEL = {"config": "strict", "role": "model", "model": "july"}
_KEY: Scored = ("strict", "model", "july")


def read(registry: CollectorRegistry, metric: t.Metric, **labels: str) -> float | None:
    return registry.get_sample_value(metric.name, labels or _MODEL)


def test_drift_is_of_the_newest_version() -> None:
    registry = CollectorRegistry()
    old = seen(hash=OTHER, risks=bins(1_000, 1_000))
    ModelMetrics(registry).note(KeptModels(seen=[seen(), old]), {})
    assert read(registry, t.VISUALIZER_MODEL_PSI) == 0
    assert read(registry, t.VISUALIZER_MODEL_SHIFT) == 0.5


def test_what_is_not_known_or_over_raises_no_alarm() -> None:
    registry = CollectorRegistry()
    metrics = ModelMetrics(registry)
    metrics.note(KeptModels(seen=[seen(scored=5)], configs=[asking()]), {})
    assert isnan(read(registry, t.VISUALIZER_MODEL_PSI) or 0)
    assert read(registry, t.VISUALIZER_MODEL_WANTED) == 1
    metrics.note(KeptModels(seen=[seen()]), {})
    assert read(registry, t.VISUALIZER_MODEL_PSI) == 0
    metrics.note(KeptModels(), {})
    assert isnan(read(registry, t.VISUALIZER_MODEL_PSI) or 0)
    assert isnan(read(registry, t.VISUALIZER_MODEL_SHIFT) or 0)
    assert read(registry, t.VISUALIZER_MODEL_WANTED) == 0


def test_refusals_are_counted_in_subtasks() -> None:
    registry = CollectorRegistry()
    metrics = ModelMetrics(registry)
    challenger = Challenger(name="june")
    refused = asking(challenger=challenger, refused={"one": [0, 1], "another": [2]})
    metrics.note(KeptModels(configs=[refused]), {})
    assert read(registry, t.VISUALIZER_MODEL_REFUSALS, config="strict") == 3
    june = {"config": "strict", "role": "challenger", "model": "june"}
    assert read(registry, t.VISUALIZER_MODEL_WANTED, **june) == 1
    metrics.note(KeptModels(configs=[asking()]), {})
    assert read(registry, t.VISUALIZER_MODEL_REFUSALS, config="strict") == 0


def test_what_was_scored_grows_though_the_collector_begins_anew() -> None:
    registry = CollectorRegistry()
    metrics = ModelMetrics(registry)
    for count in (100, 150, 150):
        metrics.note(KeptModels(), {_KEY: count})
    metrics.note(KeptModels(), {})  # it has stopped
    metrics.note(KeptModels(), {_KEY: 30})
    assert read(registry, t.VISUALIZER_MODEL_SCORED) == 180


def test_the_values_of_a_collector_that_ended_are_forgotten(tmp_path: Path) -> None:
    """A model that was drifting when it was killed would else drift for ever."""
    script = """
import os, sys
from prometheus_client import CollectorRegistry
from tests.unit.visualizer.model_samples import bins, seen
from cardwatch_visualizer.live.model_shapes import KeptModels
from cardwatch_visualizer.model_metrics import ModelMetrics
drifted = seen(risks=bins(1000, 1000))
ModelMetrics(CollectorRegistry()).note(KeptModels(seen=[drifted]), {("strict", "model", "july"): 7})
print(os.getpid(), flush=True)
"""
    environment = {FOLDER_VARIABLE: str(tmp_path), "PYTHONPATH": ":".join(filter(None, sys.path))}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, env=environment, capture_output=True, check=True)
    registry = CollectorRegistry()
    MultiProcessCollector(registry, str(tmp_path))  # type: ignore[no-untyped-call] # untyped there
    assert (read(registry, t.VISUALIZER_MODEL_PSI) or 0) > 1.5
    forget_values(int(done.stdout), environment)
    assert read(registry, t.VISUALIZER_MODEL_PSI) is None
    assert read(registry, t.VISUALIZER_MODEL_SCORED) == 7, "what was counted stays"
    forget_values(1, {})
