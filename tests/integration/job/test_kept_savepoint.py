"""Savepoints of this and of earlier versions restore into the job as it is now."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Message
from tests.integration.job.feed import drain, wait_judged, wait_until
from tests.integration.job.kept_savepoints import (
    FOLDER,
    KeptStory,
    Verdict,
    kept,
    read_story,
    send,
    unpack,
)
from tests.integration.job.stack import JobStack, running_job

from cardwatch_contracts.alert import Alert, decode_alert
from cardwatch_contracts.codec import encode
from cardwatch_contracts.detector_config import decode_config_ack
from cardwatch_contracts.stats import decode_stats
from cardwatch_contracts.topics import ALERTS, CARD_PROFILES, CONFIG_ACKS, STATS, Topic
from cardwatch_job.detectors.stored import SCHEMA_VERSION
from cardwatch_local.reading.topic import read_topic, value_of
from cardwatch_local.settings import StackSettings


def test_a_savepoint_is_kept_of_every_schema_version() -> None:
    versions = range(1, SCHEMA_VERSION + 1)
    assert sorted(FOLDER.iterdir()) == [kept(version) for version in versions]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("archive", sorted(FOLDER.iterdir()), ids=lambda path: path.name)
def test_the_job_goes_on_from_a_kept_savepoint_as_if_it_had_never_stopped(
    archive: Path, tmp_path: Path, fetched_jars: Path
) -> None:
    story = read_story(archive)

    def prepare(settings: StackSettings, bootstrap_servers: str) -> None:
        """Bring back what the job had read and remembered; and let more come while it is away."""
        for step in (*story.before, story.after[0]):
            send(bootstrap_servers, step)
        unpack(archive, settings.data_dir / "checkpoints" / "kept" / "chk-1")

    with running_job(
        tmp_path, fetched_jars, taskmanagers=1, arguments=story.arguments, prepare=prepare
    ) as stack:
        wait_until(lambda: _acknowledged(stack) == story.configs, "the configs' acknowledgements")
        wanted = story.after[0].judged
        wait_judged(stack, wanted)
        wait_until(lambda: _window_count(stack, story) == story.window_count, "the window's count")
        for step in story.after[1:]:
            wanted += step.judged
            send(stack.bootstrap_servers, step)
            wait_judged(stack, wanted)
        drain(stack)
        alerts = [decode_alert(value_of(m)) for m in _read(stack, ALERTS)]
        profile = _last_profile(stack, story)

    assert sorted(alert.transaction.transaction_id for alert in alerts) == sorted(story.alerts)
    found = {alert.transaction.transaction_id: _verdict(alert, story) for alert in alerts}
    assert found == story.alerts
    # Means are published to the hundredth, which earlier versions did not do.
    said = {name: profile[name] for name in story.profile}
    assert said == pytest.approx(story.profile, abs=0.005)


@pytest.mark.timeout(600)
def test_what_waited_before_a_restart_is_judged_though_nothing_else_comes(
    tmp_path: Path, fetched_jars: Path
) -> None:
    archive = kept(SCHEMA_VERSION)
    story = read_story(archive)

    def prepare(settings: StackSettings, bootstrap_servers: str) -> None:
        for step in story.before:
            send(bootstrap_servers, step)
        unpack(archive, settings.data_dir / "checkpoints" / "kept" / "chk-1")

    with running_job(
        tmp_path, fetched_jars, taskmanagers=1, arguments=story.arguments, prepare=prepare
    ) as stack:
        wait_judged(stack, 1)
        drain(stack)
        (message,) = _read(stack, ALERTS)
    assert encode(decode_alert(value_of(message)).transaction).decode() == story.waiting


def _acknowledged(stack: JobStack) -> dict[str, tuple[int, ...]]:
    generations: dict[str, set[int]] = {}
    for message in _read(stack, CONFIG_ACKS):
        ack = decode_config_ack(value_of(message))
        generations.setdefault(ack.name, set()).add(ack.generation)
    return {name: tuple(sorted(known)) for name, known in generations.items()}


def _window_count(stack: JobStack, story: KeptStory) -> int | None:
    """Return the latest count of the one window in the story's currency, None before the first."""
    records = (decode_stats(value_of(m)) for m in _read(stack, STATS))
    counts = [
        stats.count
        for stats in records
        if stats.currency == story.window_currency and stats.dimension == "total"
    ]
    return counts[-1] if counts else None


def _last_profile(stack: JobStack, story: KeptStory) -> dict[str, object]:
    """Return the last profile of the story's card; it may say more than was known then."""
    profiles = (json.loads(value_of(m) or b"") for m in _read(stack, CARD_PROFILES))
    of_card = [profile for profile in profiles if profile["card_id"] == story.profile["card_id"]]
    return dict(of_card[-1])


def _read(stack: JobStack, topic: Topic) -> Iterator[Message]:
    return read_topic(stack.bootstrap_servers, topic)


def _verdict(alert: Alert, story: KeptStory) -> Verdict:
    """Return what the alert says; detectors that came later than the savepoint are left out."""
    found = {finding.detector for finding in alert.findings} & set(story.detectors)
    return Verdict(alert.config, alert.generation, tuple(sorted(found)))
