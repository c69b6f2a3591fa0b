"""Topics and groups made anew between two contenders."""

import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from benchmarks.errors import BenchError
from benchmarks.progress import GroupProgress
from cardwatch_contracts.topics import Topic
from cardwatch_local.topics import create_topics

_TIMEOUT_S: Final = 30.0
_OWN_PREFIXES: Final = ("changelog__", "repartition__")
"""Topics that Quix Streams makes for itself."""


def remake_topics(bootstrap_servers: str, topics: Sequence[Topic]) -> None:
    """Delete `topics`, and what frameworks left, and create them empty.

    Raises:
        BenchError: The broker did not within half a minute.
    """
    admin = AdminClient({"bootstrap.servers": bootstrap_servers, "log_level": 0})
    names = {topic.name for topic in topics}
    present = admin.list_topics(timeout=_TIMEOUT_S).topics
    doomed = [name for name in present if name in names or name.startswith(_OWN_PREFIXES)]
    if doomed:
        for future in admin.delete_topics(doomed, operation_timeout=_TIMEOUT_S).values():
            with suppress(KafkaException, TimeoutError):  # asked again below
                future.result(_TIMEOUT_S)
    deadline = time.monotonic() + _TIMEOUT_S
    while set(admin.list_topics(timeout=_TIMEOUT_S).topics) & set(doomed):
        if time.monotonic() > deadline:
            raise BenchError(f"Kafka did not delete the topics {', '.join(sorted(doomed))}")
        time.sleep(0.1)
    create_topics(bootstrap_servers, topics)


def forget_group(bootstrap_servers: str, group: str) -> None:
    """Delete what a consumer group has committed; nothing where it has not.

    Raises:
        BenchError: The broker did not within half a minute.
    """
    deadline = time.monotonic() + _TIMEOUT_S
    progress = GroupProgress(bootstrap_servers, group)
    admin = AdminClient({"bootstrap.servers": bootstrap_servers, "log_level": 0})
    try:
        while (committed := progress.read()) is None or any(committed.values()):
            if time.monotonic() > deadline:
                raise BenchError(f"Kafka did not forget the consumer group {group}")
            if committed is not None:
                for future in admin.delete_consumer_groups([group]).values():
                    with suppress(KafkaException, TimeoutError):  # asked again above
                        future.result(_TIMEOUT_S)
            time.sleep(0.1)
    finally:
        progress.close()
