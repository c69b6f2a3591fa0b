"""What the page of detectors stands on: a real PostgreSQL, a real Kafka, a real Valkey."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from tests.integration.gateway.alerts import archive_alert, new_alert
from tests.integration.gateway.running import eventually
from tests.integration.visualizer.configs import new_name, now_ms, publish
from tests.integration.visualizer.running import RunningVisualizer

from cardwatch_contracts.alert import Alert
from cardwatch_contracts.database_settings import Database
from cardwatch_contracts.detector_config import (
    AmountSpikeConfig,
    ConfigRecord,
    DetectorConfigSpec,
    Detectors,
)
from cardwatch_local.endpoints import Endpoints
from cardwatch_visualizer.archive.connection import Archive
from cardwatch_visualizer.archive.detector_questions import (
    NewestAlerts,
    findings_by_detector,
    newest_alerts,
)
from cardwatch_visualizer.live.generations import KeptConfig
from cardwatch_visualizer.live.kept import KeptReader
from cardwatch_visualizer.live.store import StoreAwayError, valkey_client

# Far from what other tests of this archive have.
YEAR_2001_MS = 978_307_200_000
DAY_MS = 86_400_000


@pytest.fixture
def archive(archive_url: str) -> Iterator[Archive]:
    archive = Archive(Database(url=archive_url))
    archive.open()
    yield archive
    archive.close()


def answer(archive_url: str, alert: Alert, label: str, *, after_s: int = 0) -> None:
    txn = alert.transaction
    with psycopg.connect(archive_url) as connection:
        connection.execute(
            "INSERT INTO feedback VALUES (gen_random_uuid()::text, %s, %s, %s, %s, %s, %s, %s, "
            "'ana', now() + %s * interval '1 s', '')",
            (
                *(alert.alert_id, txn.transaction_id, txn.user_id, txn.card_id, txn.bank_id),
                *(txn.merchant_id, label, after_s),
            ),
        )


def counted(archive: Archive, **of: Any) -> dict[tuple[str, str], tuple[int, int, int, int]]:
    rows = findings_by_detector(archive, YEAR_2001_MS, YEAR_2001_MS + DAY_MS, **of)
    return {
        (row["detector"], row["mode"]): (
            *(row["findings"], row["fraudulent"]),
            *(row["genuine"], row["unsure"]),
        )
        for row in rows
    }


def test_findings_are_counted_with_the_latest_answer_to_each(
    archive: Archive, archive_url: str
) -> None:
    alerts = [new_alert("amount_spike", event_time=YEAR_2001_MS + n) for n in (5, 6, 7, 8)]
    trial = new_alert("dormant_card", "shadow", event_time=YEAR_2001_MS + 9)
    outside = new_alert("amount_spike", event_time=YEAR_2001_MS + DAY_MS)
    for alert in (*alerts, trial, outside):
        archive_alert(archive_url, alert)
    answer(archive_url, alerts[0], "genuine")
    answer(archive_url, alerts[0], "fraudulent", after_s=1)
    answer(archive_url, alerts[1], "genuine")
    answer(archive_url, alerts[2], "unsure")

    assert counted(archive) == {
        ("amount_spike", "active"): (4, 1, 1, 1),
        ("dormant_card", "shadow"): (1, 0, 0, 0),
    }
    assert counted(archive, config="built-in") == counted(archive)
    assert counted(archive, config="another") == {}
    day = (YEAR_2001_MS, YEAR_2001_MS + DAY_MS)
    all_of_it = NewestAlerts(first_ms=YEAR_2001_MS + 5, are_all=True)
    two = NewestAlerts(first_ms=YEAR_2001_MS + 8, are_all=False)
    assert newest_alerts(archive, *day) == all_of_it
    assert newest_alerts(archive, *day, most=2) == two
    assert newest_alerts(archive, 0, 1) == NewestAlerts(first_ms=None, are_all=True)


def test_generations_reach_every_worker_by_valkey(
    visualizer: RunningVisualizer, stack_without_job: Endpoints
) -> None:
    name = new_name()
    reader = KeptReader(valkey_client(stack_without_job.valkey_url))
    loud = DetectorConfigSpec(detectors=Detectors(amount_spike=AmountSpikeConfig(factor=2.0)))
    publish(
        stack_without_job.bootstrap_servers,
        ConfigRecord(name=name, generation=1, created_at=1),
        ConfigRecord(name=name, generation=2, created_at=1, spec=loud, changed_by="ana"),
    )

    def found() -> KeptConfig | None:
        config = reader.configs().find(name)
        return config if config is not None and len(config.generations) == 2 else None

    eventually(found, "both generations are kept")
    config = found()
    assert config is not None
    assert config.is_current
    newest, before = config.generations
    assert (newest.record.generation, newest.record.spec) == (2, loud)
    assert before.record.generation == 1
    assert abs(newest.published_at - now_ms()) < 60_000


def test_without_valkey_it_is_said() -> None:
    with pytest.raises(StoreAwayError):
        KeptReader(valkey_client("valkey://127.0.0.1:1")).configs()
