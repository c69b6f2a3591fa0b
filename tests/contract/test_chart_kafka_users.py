"""The rights that the chart gives, against what the components call their topics and groups."""

import importlib
from collections.abc import Iterable

import pytest
from tests.unit.charts.rendering import FIRST_BUILD_S, SECURED, only, render

from cardwatch_archiver.tables import TABLES
from cardwatch_contracts.topics import (
    ALERTS,
    CARD_PROFILES,
    CARDS,
    CONFIG_ACKS,
    CONFIG_HISTORY,
    DEAD_LETTERS,
    DETECTOR_CONFIGS,
    FEEDBACK,
    JOB_GROUP,
    MODEL_STATS,
    MODELS,
    REKEYED,
    STATS,
    TOPICS,
    TRANSACTIONS,
    USER_HABITS,
    VERDICTS,
    Topic,
)
from cardwatch_job.settings import JobSettings
from cardwatch_operator.config_log import _WRITER

pytestmark = pytest.mark.timeout(FIRST_BUILD_S)


def _rights(user: str, *values: str) -> set[tuple[str, str, str, str]]:
    """Return a user's rights: operation, kind, name, and how the name counts."""
    rules = only(render(*SECURED, *values), "KafkaUser", f"cardwatch-{user}")["spec"]
    return {
        (operation, rule["resource"]["type"], *_named(rule["resource"]))
        for rule in rules["authorization"]["acls"]
        for operation in rule["operations"]
    }


def _named(resource: dict[str, str]) -> tuple[str, str]:
    return resource.get("name", ""), resource.get("patternType", "")


def _topics(operation: str, topics: Iterable[Topic]) -> set[tuple[str, str, str, str]]:
    return {(operation, "topic", topic.name, "literal") for topic in topics}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # PyFlink's own, while it is imported
def test_the_job_may_read_its_input_and_write_its_output() -> None:
    sinks = importlib.import_module("cardwatch_job.sinks")
    settings = JobSettings(bootstrap_servers="x", transactional_id_prefix="other")
    assert _rights("job", "job.transactionalIdPrefix=other") == {
        *_topics("Read", (TRANSACTIONS, REKEYED, CARDS, USER_HABITS)),
        *_topics("Read", (DETECTOR_CONFIGS, MODELS, FEEDBACK)),
        # A sink that writes exactly once also reads: it asks who has transactions there.
        *_topics("Read", sinks.FACTS),
        *_topics("Write", (*sinks.FACTS, *sinks.VALUES, STATS)),
        ("Read", "group", JOB_GROUP, "literal"),
        ("Read", "group", "cardwatch-claim-other", "literal"),
        ("Write", "transactionalId", settings.sink_prefix, "prefix"),
        ("DescribeConfigs", "cluster", "", ""),
    }


def test_the_operator_may_write_configs_and_read_what_became_of_them() -> None:
    configs = (DETECTOR_CONFIGS, CONFIG_HISTORY)
    assert _rights("operator") == {
        *_topics("Write", configs),
        *_topics("Read", (*configs, CONFIG_ACKS, ALERTS)),
        ("Describe", "group", "cardwatch-reader", "literal"),
        ("Write", "transactionalId", _WRITER, "literal"),
    }


def test_the_archiver_may_read_what_it_keeps() -> None:
    kept = {table.topic for table in TABLES}
    assert _rights("archiver") == {
        *_topics("Read", (CARD_PROFILES,)),
        *{("Read", "topic", name, "literal") for name in kept},
        ("Describe", "group", "cardwatch-archiver", "literal"),
    }


def test_the_visualizer_may_read_what_it_shows_and_see_how_far_everybody_is() -> None:
    shown = (ALERTS, CARDS, CONFIG_ACKS, CONFIG_HISTORY, DEAD_LETTERS, DETECTOR_CONFIGS, STATS)
    read = {*shown, MODELS, MODEL_STATS, TRANSACTIONS}
    rights = _rights("visualizer")
    assert rights == {
        *_topics("Read", read),
        *_topics("Write", (FEEDBACK,)),
        *_topics("Describe", {*TOPICS} - read - {FEEDBACK}),
        ("Describe", "group", "*", "literal"),
    }
    # Who may read or write a topic may describe it: of ours, its page Health needs all.
    assert {name for _, kind, name, _ in rights if kind == "topic"} == {t.name for t in TOPICS}


def test_the_others_may_do_little() -> None:
    assert _rights("archiver", "postgres.create=false") == {
        *_topics("Read", (CARD_PROFILES,)),
        ("Describe", "group", "cardwatch-archiver", "literal"),
    }
    assert _rights("gateway") == {
        *_topics("Write", (TRANSACTIONS, FEEDBACK)),
        *_topics("Read", (ALERTS, VERDICTS)),
        ("Describe", "group", "cardwatch-gateway", "literal"),
    }
    assert _rights("generator") == _topics("Write", (TRANSACTIONS, CARDS))
    assert _rights("test") == {
        *_topics("Write", (TRANSACTIONS,)),
        *_topics("Read", (ALERTS,)),
        ("Read", "group", "cardwatch-smoke", "literal"),
    }
