"""What the page of models stands on: a real Kafka, a real Valkey, a real PostgreSQL."""

import uuid
from collections.abc import Iterator

import pytest
from confluent_kafka import Producer
from msgspec.structs import replace
from tests.integration.gateway.alerts import archive_alert, new_alert
from tests.integration.visualizer.configs import new_name
from tests.integration.visualizer.models import a_finding, seen_of, tell, window
from tests.integration.visualizer.running import RunningVisualizer, eventually
from tests.integration.visualizer.test_detectors import answer
from tests.unit.visualizer.model_samples import HASH, OTHER, bins

from cardwatch_contracts.alert import Alert, Finding
from cardwatch_contracts.database_settings import Database
from cardwatch_contracts.topics import MODEL_STATS
from cardwatch_local.endpoints import Endpoints
from cardwatch_visualizer.archive.connection import Archive
from cardwatch_visualizer.archive.filters import ReviewFilter
from cardwatch_visualizer.archive.model_questions import agreement, findings_by_version
from cardwatch_visualizer.archive.questions import alerts, findings
from cardwatch_visualizer.live.kept import KeptReader
from cardwatch_visualizer.live.store import StoreAwayError, valkey_client

# Far from what other tests of this archive have.
YEAR_2003_MS = 1_041_379_200_000
DAY_MS = 86_400_000


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


def test_without_valkey_it_is_said() -> None:
    with pytest.raises(StoreAwayError):
        KeptReader(valkey_client("valkey://127.0.0.1:1")).models()


@pytest.fixture
def archive(archive_url: str) -> Iterator[Archive]:
    archive = Archive(Database(url=archive_url))
    archive.open()
    yield archive
    archive.close()


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
