"""KafkaTopics on a broker: what Strimzi's topic operator does to the topics themselves."""

from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ConfigSource,
    NewPartitions,
    NewTopic,
    ResourceType,
)
from tests.cluster.standins.kafka_cluster import Refused
from tests.cluster.standins.kubernetes import Document

_TIMEOUT_S: Final = 5.0
_BROKERS_DEFAULT: Final = -1


class Topics:
    """The topics of one Kafka cluster."""

    def __init__(self, bootstrap_servers: str) -> None:
        self.bootstrap_servers = bootstrap_servers
        self._admin = AdminClient({"bootstrap.servers": bootstrap_servers, "log_level": 0})

    def reconcile(self, resource: Document) -> tuple[str, str]:
        """Make the topic as a KafkaTopic says; return its id, and what was done: perhaps nothing.

        Raises:
            Refused: Kafka refuses it, or it cannot be changed so.
        """
        name = topic_name(resource)
        spec = resource.get("spec") or {}
        config = {key: _text(value) for key, value in (spec.get("config") or {}).items()}
        found = self._describe(name)
        if found is None:
            topic = NewTopic(
                name,
                num_partitions=spec.get("partitions", _BROKERS_DEFAULT),
                replication_factor=spec.get("replicas", _BROKERS_DEFAULT),
                config=config,
            )
            _result(self._admin.create_topics([topic], request_timeout=_TIMEOUT_S)[name])
            found = self._describe(name)
            return (str(found.topic_id) if found else ""), "created"
        done = self._add_partitions(name, found, spec)
        self._check_replicas(found, spec)
        done += self._change_config(name, config)
        return str(found.topic_id), done

    def delete(self, resource: Document) -> None:
        """Delete the topic of a KafkaTopic, if there is one.

        Raises:
            Refused: Kafka refuses.
        """
        name = topic_name(resource)
        if self._describe(name) is not None:
            _result(self._admin.delete_topics([name], request_timeout=_TIMEOUT_S)[name])

    def _describe(self, name: str) -> Any | None:
        futures = self._admin.describe_topics(TopicCollection([name]), request_timeout=_TIMEOUT_S)
        try:
            return futures[name].result(timeout=_TIMEOUT_S + 1)
        except KafkaException as error:
            if error.args[0].code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
                return None
            raise

    def _add_partitions(self, name: str, found: Any, spec: Mapping[str, Any]) -> str:
        there, wanted = len(found.partitions), spec.get("partitions")
        if wanted is None or wanted == there:
            return ""
        if wanted < there:
            raise Refused("NotSupported", "Decreasing partitions not supported")
        futures = self._admin.create_partitions(
            [NewPartitions(name, wanted)], request_timeout=_TIMEOUT_S
        )
        _result(futures[name])
        return f"{there} partitions became {wanted} "

    def _check_replicas(self, found: Any, spec: Mapping[str, Any]) -> None:
        wanted = spec.get("replicas")
        wrong = [each.id for each in found.partitions if len(each.replicas) != wanted]
        if wanted is not None and wrong:
            message = "Replication factor change not supported, but required for partitions"
            raise Refused("NotSupported", f"{message} {wrong}")

    def _change_config(self, name: str, wanted: Mapping[str, str]) -> str:
        resource = ConfigResource(ResourceType.TOPIC, name)
        futures = self._admin.describe_configs([resource], request_timeout=_TIMEOUT_S)
        entries = _result(futures[resource])
        there = {
            key: entry.value
            for key, entry in entries.items()
            if ConfigSource(entry.source) is ConfigSource.DYNAMIC_TOPIC_CONFIG
        }
        changes = [
            ConfigEntry(key, value, incremental_operation=AlterConfigOpType.SET)
            for key, value in wanted.items()
            if there.get(key) != value
        ] + [
            ConfigEntry(key, None, incremental_operation=AlterConfigOpType.DELETE)
            for key in there
            if key not in wanted
        ]
        if not changes:
            return ""
        changed = ConfigResource(ResourceType.TOPIC, name, incremental_configs=changes)
        asked = self._admin.incremental_alter_configs([changed], request_timeout=_TIMEOUT_S)
        _result(asked[changed])
        return f"changed {', '.join(entry.name for entry in changes)}"


def topic_name(resource: Document) -> str:
    """Return the topic's name in Kafka."""
    own = (resource.get("spec") or {}).get("topicName")
    return str(own or resource["metadata"]["name"])


def _result(future: "Future[Any]") -> Any:
    try:
        return future.result(timeout=_TIMEOUT_S + 1)
    except KafkaException as error:
        # What the broker refuses stays so until the resource changes; all else may pass.
        if error.args[0].code() in _REFUSALS:
            raise Refused("KafkaError", f"{error.args[0].name()}: {error.args[0].str()}") from None
        raise


_REFUSALS: Final = (
    KafkaError.INVALID_CONFIG,
    KafkaError.INVALID_PARTITIONS,
    KafkaError.INVALID_REPLICATION_FACTOR,
    KafkaError.INVALID_REQUEST,
    KafkaError.POLICY_VIOLATION,
    KafkaError.TOPIC_EXCEPTION,
)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
