"""What the topics of DetectorConfigs hold."""

from contextlib import suppress
from dataclasses import replace

from confluent_kafka import Message

from cardwatch_contracts.codec import InvalidRecordError
from cardwatch_contracts.detector_config import ConfigRecord, decode_config_record
from cardwatch_contracts.topics import DETECTOR_CONFIGS
from cardwatch_operator.known import NOTHING_KNOWN, KnownConfig
from cardwatch_operator.reader import key_of, value_of


class ConfigTopics:
    """What the two topics held when they were read."""

    def __init__(self) -> None:
        self.known: dict[str, KnownConfig] = {}
        """By name."""
        self._history: dict[tuple[str, int], tuple[ConfigRecord, int]] = {}

    def take(self, message: Message) -> None:
        """Take a message of either topic, in their order."""
        _, time_ms = message.timestamp()
        is_current = message.topic() == DETECTOR_CONFIGS.name
        value = value_of(message)
        if value is not None:
            with suppress(InvalidRecordError):  # the job passes it over too
                self.note(decode_config_record(value), time_ms, current=is_current)
        elif is_current:
            name = (key_of(message) or b"").decode(errors="replace")
            self.known[name] = replace(self.known.get(name, NOTHING_KNOWN), current=None)

    def note(self, record: ConfigRecord, time_ms: int, *, current: bool = True) -> None:
        """Take a record that was published at a time, milliseconds since 1970-01-01 UTC."""
        key = (record.name, record.generation)
        if key in self._history:
            time_ms = min(time_ms, self._history[key][1])  # it was published again
        self._history[key] = (record, time_ms)
        before = self.known.get(record.name, NOTHING_KNOWN)
        newest = before.current
        if current and (newest is None or newest.generation <= record.generation):
            newest = record
        is_this = newest is not None and newest.generation == record.generation
        self.known[record.name] = KnownConfig(
            current=newest,
            generation=max(before.generation, record.generation),
            published_at=time_ms if is_this else before.published_at,
        )

    def history(self, name: str) -> list[tuple[ConfigRecord, int]]:
        """Return every generation of a name, oldest first, and when it was published.

        Times are milliseconds since 1970-01-01 UTC.
        """
        return [entry for (of, _), entry in sorted(self._history.items()) if of == name]
