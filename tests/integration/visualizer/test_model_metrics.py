"""A collector alone: what it knows when it begins anew, and what Prometheus reads of it."""

import uuid
from pathlib import Path

from msgspec.structs import replace
from tests.integration.metrics.scraping import scrape, value
from tests.integration.visualizer.configs import acknowledge, new_name, now_ms, publish
from tests.integration.visualizer.models import asking, seen_of, tell, window
from tests.integration.visualizer.running import eventually, running_visualizer
from tests.unit.visualizer.model_samples import HASH, bins

from cardwatch_contracts import telemetry as t
from cardwatch_contracts.detector_config import ConfigAck
from cardwatch_local.endpoints import Endpoints
from cardwatch_local.ports import free_ports
from cardwatch_visualizer.live.models import KEEP_MS


def test_a_collector_that_begins_anew_knows_the_last_half_hour(
    stack_without_job: Endpoints, tmp_path: Path
) -> None:
    name = new_name()
    half_ago = KEEP_MS // 2_000
    old = (window(name, age_s=age) for age in (4 * half_ago, half_ago, 60))
    tell(stack_without_job.bootstrap_servers, *old)
    with running_visualizer(stack_without_job, tmp_path):
        eventually(lambda: seen_of(stack_without_job, name), "it is known")
        found = seen_of(stack_without_job, name)
        assert found is not None
        assert found.scored == 200, "the window of an hour ago is not among them"


def test_drift_and_refusals_are_served_to_prometheus(
    stack_without_job: Endpoints, tmp_path: Path
) -> None:
    name, kafka = new_name(), stack_without_job.bootstrap_servers
    publish(kafka, asking(name))
    run, at = uuid.uuid4().hex, now_ms()
    ack = ConfigAck(
        name=name, generation=1, subtask=0, parallelism=1, applied_at=at, run=run, started_at=at,
        refused="no model july is published",
    )  # fmt: skip
    acknowledge(kafka, ack)
    (port,) = free_ports(1)
    arguments = ["--no-login", "--metrics-port", str(port)]
    with running_visualizer(stack_without_job, tmp_path, arguments):
        tell(kafka, window(name, scored=2_000, risks=bins(1_000, 1_000)))
        labels = {"config": name, "role": "model", "model": "july"}

        def told(metric: t.Metric, **of: str) -> float:
            return value(scrape(port), metric.name, **(of or labels))

        eventually(lambda: told(t.VISUALIZER_MODEL_PSI) > 1.5, "drift is served")
        assert told(t.VISUALIZER_MODEL_SHIFT) == 0.5
        assert told(t.VISUALIZER_MODEL_SCORED) == 2_000
        assert told(t.VISUALIZER_MODEL_WANTED) == 1
        assert told(t.VISUALIZER_MODEL_REFUSALS, config=name) == 1
        acknowledge(kafka, replace(ack, refused="", model=HASH, applied_at=now_ms()))
        eventually(lambda: told(t.VISUALIZER_MODEL_REFUSALS, config=name) == 0, "it is over")
