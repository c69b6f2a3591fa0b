"""The visualizer by TLS and password, with no more rights than the chart gives it."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, TopicPartition
from tests.integration.gateway.alerts import new_alert, send_alerts
from tests.integration.gateway.running import eventually
from tests.integration.security.conftest import Secured
from tests.integration.visualizer.configs import new_letter, set_aside
from tests.integration.visualizer.running import RunningVisualizer, events, running_visualizer

from cardwatch_contracts.topics import ALERTS, TOPICS
from cardwatch_local.endpoints import Endpoints
from cardwatch_local.settings import StackSettings
from cardwatch_local.valkey import ValkeyServer
from cardwatch_visualizer.live.letters import LastLetters

_USER = "cardwatch-visualizer"


@pytest.fixture(scope="module")
def visualizer(
    secured: Secured, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningVisualizer]:
    folder: Path = tmp_path_factory.mktemp("visualizer")
    valkey = ValkeyServer(StackSettings(home=folder / "home", name="visualizer"))
    valkey.start()
    try:
        valkey.wait_ready()
        there = Endpoints(bootstrap_servers=secured.servers, valkey_url=valkey.url)
        environment = secured.users.environment(_USER)
        with running_visualizer(there, folder, environment=environment) as running:
            yield running
    finally:
        valkey.stop()


def health(visualizer: RunningVisualizer) -> dict[str, Any]:
    """Return what the newest snapshot says of how the platform is."""
    with closing(events(visualizer.client)) as stream:
        snapshot = next(event for event in stream if event.kind == "snapshot")
    found: dict[str, Any] = snapshot.body["health"]
    return found


def test_an_alert_is_shown(visualizer: RunningVisualizer, secured: Secured) -> None:
    stream = events(visualizer.client)
    next(event for event in stream if event.kind == "snapshot")
    alert = new_alert()
    send_alerts(secured.broker.bootstrap_servers, alert)
    assert any(alert.alert_id in str(event.body.get("alerts")) for event in stream)


def test_it_knows_how_far_every_topic_reaches(visualizer: RunningVisualizer) -> None:
    def all_known() -> bool:
        return {each["name"] for each in health(visualizer)["topics"]} == {t.name for t in TOPICS}

    eventually(all_known, "all topics are described")


def test_it_knows_how_far_a_group_of_somebody_else_is(
    visualizer: RunningVisualizer, secured: Secured
) -> None:
    shop = Consumer({"bootstrap.servers": secured.broker.bootstrap_servers, "group.id": "shop"})
    shop.commit(offsets=[TopicPartition(ALERTS.name, 0, 0)], asynchronous=False)
    shop.close()
    eventually(
        lambda: "shop" in {reader["reader"] for reader in health(visualizer)["readers"]},
        "the group is seen",
    )


def test_it_reads_the_last_dead_letters(secured: Secured) -> None:
    letter = new_letter()
    set_aside(secured.broker.bootstrap_servers, letter)
    letters = LastLetters(secured.users.kafka(_USER))
    eventually(lambda: letter in letters.read(), "the letter is read")


def test_nothing_is_refused(visualizer: RunningVisualizer) -> None:
    assert "authorization" not in visualizer.log.read_text().lower()
