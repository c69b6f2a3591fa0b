"""The chart's list of topics against the contract's."""

import yaml
from tests.unit.project.machine import REPOSITORY

from cardwatch_contracts.topics import TOPICS


def test_the_chart_makes_exactly_the_contracts_topics() -> None:
    file = REPOSITORY / "charts/cardwatch/files/topics.yaml"
    kept = yaml.safe_load(file.read_text("utf-8"))["topics"]
    wanted = [
        {"name": topic.name, "partitions": topic.partitions, "config": topic.config}
        for topic in TOPICS
    ]
    assert kept == wanted
