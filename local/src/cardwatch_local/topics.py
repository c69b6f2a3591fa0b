"""Makes the contract's topics on a broker."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    ResourceType,
)

from cardwatch_contracts.topics import TOPICS, Topic
from cardwatch_local.errors import StackError

_TIMEOUT_S: Final = 15.0


def create_topics(bootstrap_servers: str, topics: Sequence[Topic] = TOPICS) -> None:
    """Make sure that `topics` exist as the contract says. Safe to repeat.

    Settings of a topic that exists already are brought up to date.

    Raises:
        StackError: A topic has another number of partitions than the contract, or the broker
            refused or did not answer in time.
    """
    admin = AdminClient({"bootstrap.servers": bootstrap_servers, "log_level": 0})
    existing = _ask("the list of topics", lambda: admin.list_topics(timeout=_TIMEOUT_S)).topics
    for topic in topics:
        present = existing.get(topic.name)
        if present is not None and len(present.partitions) != topic.partitions:
            raise StackError(
                f"topic {topic.name} has {len(present.partitions)} partitions, this version "
                f"needs {topic.partitions}: the data is of another version of Cardwatch; "
                "remove it with `cardwatch clean`"
            )
    missing = [topic for topic in topics if topic.name not in existing]
    kept = [topic for topic in topics if topic.name in existing]
    if missing:
        _create(admin, missing)
    if kept:
        _update(admin, kept)


def _create(admin: AdminClient, topics: Sequence[Topic]) -> None:
    new = [
        NewTopic(
            topic.name,
            num_partitions=topic.partitions,
            replication_factor=1,
            config=topic.config,
        )
        for topic in topics
    ]
    futures = admin.create_topics(new, operation_timeout=_TIMEOUT_S, request_timeout=_TIMEOUT_S)
    for name, future in futures.items():
        _await(f"topic {name}", future)


def _update(admin: AdminClient, topics: Sequence[Topic]) -> None:
    resources = [
        ConfigResource(
            ResourceType.TOPIC,
            topic.name,
            incremental_configs=[
                ConfigEntry(key, value, incremental_operation=AlterConfigOpType.SET)
                for key, value in topic.config.items()
            ],
        )
        for topic in topics
    ]
    for resource, future in admin.incremental_alter_configs(
        resources, request_timeout=_TIMEOUT_S
    ).items():
        _await(f"settings of topic {resource.name}", future)


def _await(what: str, future: "Future[Any]") -> None:
    def result() -> Any:
        try:
            return future.result(timeout=_TIMEOUT_S + 1)
        except KafkaException as error:
            if error.args[0].code() == KafkaError.TOPIC_ALREADY_EXISTS:
                return None  # somebody else made it in the meantime
            raise

    _ask(what, result)


def _ask(what: str, question: Callable[[], Any]) -> Any:
    try:
        return question()
    except (KafkaException, TimeoutError) as error:
        raise StackError(f"the broker did not make or show {what}: {error}") from error
