"""What the page of models stands on: a real Kafka, a real Valkey, a real PostgreSQL."""

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer
from msgspec.structs import replace
from tests.integration.gateway.alerts import archive_alert, new_alert
from tests.integration.metrics.scraping import scrape, value
from tests.integration.visualizer.configs import acknowledge, new_name, now_ms, publish
from tests.integration.visualizer.running import RunningVisualizer, eventually, running_visualizer
from tests.integration.visualizer.test_detectors import answer
from tests.unit.visualizer.model_samples import HASH, OTHER, bins, said

from cardwatch_contracts import telemetry as t
from cardwatch_contracts.alert import Alert, Finding, FindingMode
from cardwatch_contracts.codec import encode
from cardwatch_contracts.database_settings import Database
from cardwatch_contracts.detector_config import (
    Challenger,
    ConfigAck,
    ConfigRecord,
    DetectorConfigSpec,
    Model,
    Selector,
)
from cardwatch_contracts.model_stats import ModelStats
from cardwatch_contracts.topics import MODEL_STATS
from cardwatch_local.endpoints import Endpoints
from cardwatch_local.ports import free_ports
from cardwatch_visualizer.archive.connection import Archive
from cardwatch_visualizer.archive.filters import ReviewFilter
from cardwatch_visualizer.archive.model_questions import agreement, findings_by_version
from cardwatch_visualizer.archive.questions import alerts, findings
from cardwatch_visualizer.live.kept import KeptReader
from cardwatch_visualizer.live.model_shapes import ModelSeen
from cardwatch_visualizer.live.models import KEEP_MS
from cardwatch_visualizer.live.store import StoreAwayError, valkey_client

# Far from what other tests of this archive have.
YEAR_2003_MS = 1_041_379_200_000
DAY_MS = 86_400_000


def tell(bootstrap_servers: str, *windows: ModelStats) -> None:
    """Say what models have seen, as subtasks do."""
    producer = Producer({"bootstrap.servers": bootstrap_servers})
    for each in windows:
        key = f"{each.config}/{each.role}/{each.subtask}"
        producer.produce(MODEL_STATS.name, encode(each), key, timestamp=each.ends_at)
    assert producer.flush(30) == 0


def window(config: str, *, age_s: int = 0, **of: Any) -> ModelStats:
    ends_at = now_ms() - 1_000 * age_s
    return said(config=config, begins_at=ends_at - 10_000, ends_at=ends_at, **of)


def seen_of(endpoints: Endpoints, config: str, role: str = "model") -> ModelSeen | None:
    models = KeptReader(valkey_client(endpoints.valkey_url)).models()
    found = [each for each in models.seen if (each.config, each.role) == (config, role)]
    return found[0] if found else None


def asking(name: str) -> ConfigRecord:
    model = Model(name="july", challenger=Challenger(name="june"))
    spec = DetectorConfigSpec(selector=Selector(bank_ids=("nobody",)), model=model)
    return ConfigRecord(name=name, generation=1, created_at=now_ms(), spec=spec)


def test_windows_of_all_subtasks_reach_every_worker(
    visualizer: RunningVisualizer, stack_without_job: Endpoints
) -> None:
    name, kafka = new_name(), stack_without_job.bootstrap_servers
    tell(kafka, window(name), window(name, subtask=1, risks=bins(50, 50)))
    tell(kafka, window(name, role="challenger", hash=OTHER, model="june"))

    def is_known() -> bool:
        found = seen_of(stack_without_job, name)
        return found is not None and found.scored == 200

    eventually(is_known, "both windows are added up")
    found = seen_of(stack_without_job, name)
    assert found is not None
    assert found.risks == bins(140, 60)
    assert (found.subtasks, found.parallelism, found.hash) == (2, 2, HASH)
    eventually(lambda: seen_of(stack_without_job, name, "challenger"), "the challenger is told")


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


def test_what_is_no_window_is_counted_and_the_rest_is_read(
    visualizer: RunningVisualizer, stack_without_job: Endpoints
) -> None:
    name, kafka = new_name(), stack_without_job.bootstrap_servers
    producer = Producer({"bootstrap.servers": kafka})
    producer.produce(MODEL_STATS.name, b'{"config": 7}', b"k")
    assert producer.flush(30) == 0
    tell(kafka, window(name, risks=(1, 2)), window(name, scored=77))
    eventually(lambda: seen_of(stack_without_job, name), "what can be read is")
    found = seen_of(stack_without_job, name)
    assert found is not None
    assert found.scored == 77


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


def test_without_valkey_it_is_said() -> None:
    with pytest.raises(StoreAwayError):
        KeptReader(valkey_client("valkey://127.0.0.1:1")).models()


@pytest.fixture
def archive(archive_url: str) -> Iterator[Archive]:
    archive = Archive(Database(url=archive_url))
    archive.open()
    yield archive
    archive.close()


def a_finding(detector: str, model: str | None, mode: FindingMode = "active") -> Finding:
    return Finding(
        detector=detector,
        observed=0.93,
        threshold=0.6,
        unit="risk",
        reason="at night",
        counterfactual="no finding below 0.6",
        mode=mode,
        model=model,
    )


def judged(config: str, at_ms: int, *findings: Finding, risk: float | None = None) -> Alert:
    alert = new_alert(event_time=at_ms)
    return replace(alert, findings=findings, config=config, ingested_at=at_ms, risk=risk)


def test_a_model_and_its_challenger_are_compared_from_when_both_judge(
    archive: Archive, archive_url: str
) -> None:
    config, day = new_name(), (YEAR_2003_MS, YEAR_2003_MS + DAY_MS)
    model, june = a_finding("model", HASH), a_finding("challenger", OTHER, "shadow")
    before = a_finding("challenger", "0" * 64, "shadow")
    rule = a_finding("amount_spike", None)
    made = [
        judged(config, YEAR_2003_MS + n, *found)
        for n, found in enumerate(
            [
                *((model,), (model, before)),  # before the challenger judged
                *((model, june), (model, june, rule), (model, rule), (june,), (rule,)),
            ]
        )
    ]
    for alert in (*made, judged(new_name(), YEAR_2003_MS + 3, model, june)):
        archive_alert(archive_url, alert)
    answer(archive_url, made[0], "fraudulent")
    answer(archive_url, made[2], "genuine")
    answer(archive_url, made[2], "fraudulent", after_s=1)
    answer(archive_url, made[3], "genuine")

    rows = agreement(archive, *day, config, model=HASH, challenger=OTHER)

    assert {row["since_ms"] for row in rows} == {YEAR_2003_MS + 2}
    assert {
        (row["of_model"], row["of_challenger"]): (row["alerts"], row["fraudulent"], row["genuine"])
        for row in rows
    } == {(True, True): (2, 1, 1), (True, False): (1, 0, 0), (False, True): (1, 0, 0)}
    assert agreement(archive, *day, config, model=HASH, challenger="1" * 64) == []
    assert agreement(archive, 0, 1, config, model=HASH, challenger=OTHER) == []

    versions = findings_by_version(archive, *day, config)
    assert [
        (row["detector"], row["mode"], row["model"], row["findings"], row["fraudulent"])
        for row in versions
    ] == [
        ("model", "active", HASH, 5, 2),
        ("challenger", "shadow", OTHER, 3, 1),
        ("challenger", "shadow", "0" * 64, 1, 0),
        ("amount_spike", "active", None, 3, 0),
    ]


def test_the_review_is_sorted_by_risk_and_those_without_are_last(
    archive: Archive, archive_url: str
) -> None:
    config, at = new_name(), YEAR_2003_MS + 10 * DAY_MS
    made = [
        judged(config, at + n, a_finding("model", HASH), risk=risk)
        for n, risk in enumerate((0.5, None, 0.9))
    ]
    for alert in made:
        archive_alert(archive_url, alert)
    wanted = ReviewFilter(since_ms=at, until_ms=at + DAY_MS)
    for direction, risks in (("desc", [0.9, 0.5, None]), ("asc", [0.5, 0.9, None])):
        rows = alerts(archive, wanted, sort=[{"colId": "risk", "sort": direction}])
        assert [row["risk"] for row in rows] == risks
    (found,) = findings(archive, uuid.UUID(made[0].alert_id))
    assert (found["detector"], found["model"], found["observed"]) == ("model", HASH, 0.93)
