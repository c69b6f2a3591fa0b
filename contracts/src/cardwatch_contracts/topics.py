"""Kafka topics: one for each fact. Charts and the embedded stack are made from this list."""

from dataclasses import dataclass
from typing import Final, Literal

_HOUR_MS: Final = 3_600_000
_DAY_MS: Final = 24 * _HOUR_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """A topic's name, key, size and how long it keeps its records."""

    name: str
    key: str
    """What the record's key is, in words."""
    partitions: int
    cleanup: Literal["delete", "compact"] = "delete"
    retention_ms: int = 7 * _DAY_MS
    """How long records are kept, milliseconds; ignored where `cleanup` is `compact`."""
    max_message_bytes: int = 1_048_576
    """Largest record batch the broker takes, bytes."""

    @property
    def config(self) -> dict[str, str]:
        """The topic's settings by Kafka's names."""
        common = {
            "cleanup.policy": self.cleanup,
            "max.message.bytes": str(self.max_message_bytes),
        }
        if self.cleanup == "delete":
            return common | {"retention.ms": str(self.retention_ms)}
        return common | {"min.cleanable.dirty.ratio": "0.1"}


TRANSACTIONS: Final = Topic(name="transactions", key="user_id", partitions=12)
REKEYED: Final = Topic(name="transactions-rekeyed", key="user_id", partitions=12)
"""Transactions that came under another user's key, sent again under their own by the job."""
CARDS: Final = Topic(name="cards", key="user_id/card_id", partitions=12, cleanup="compact")
"""A tombstone withdraws a card; one whose key is a user_id alone has the job forget the user."""
DETECTOR_CONFIGS: Final = Topic(
    name="detector-configs", key="config name", partitions=1, cleanup="compact"
)
ALERTS: Final = Topic(name="alerts", key="user_id", partitions=12, retention_ms=30 * _DAY_MS)
DEAD_LETTERS: Final = Topic(
    name="transactions-dlq", key="topic/partition/offset", partitions=1, retention_ms=30 * _DAY_MS
)
STATS: Final = Topic(name="transaction-stats", key="window and dimension", partitions=1)
CARD_PROFILES: Final = Topic(name="card-profiles", key="card_id", partitions=12, cleanup="compact")
CONFIG_HISTORY: Final = Topic(
    name="detector-config-history",
    key="config name/generation",
    partitions=1,
    cleanup="compact",
)
"""Every generation that ever was in force: nothing withdraws a record from here."""
CONFIG_ACKS: Final = Topic(
    name="config-acks", key="config name/subtask", partitions=1, cleanup="compact"
)
FEEDBACK: Final = Topic(
    name="feedback", key="transaction_id", partitions=6, retention_ms=365 * _DAY_MS
)
MODELS: Final = Topic(
    name="models",
    key="model name/hash",
    partitions=1,
    cleanup="compact",
    max_message_bytes=9 * 1_048_576,
)
"""Trained models, every version of each; a tombstone withdraws one."""
MODEL_STATS: Final = Topic(name="model-stats", key="config name/role/subtask", partitions=1)
"""What each subtask's models have seen and said lately."""
USER_HABITS: Final = Topic(name="user-habits", key="user_id", partitions=12, cleanup="compact")
"""What is usual for users, worked out from the archive; the job takes it up for those it does not
know."""
VERDICTS: Final = Topic(name="verdicts", key="reply_to", partitions=1, retention_ms=_HOUR_MS)
"""What the job decided about transactions whose sender waits."""

TOPICS: Final = (
    TRANSACTIONS,
    REKEYED,
    CARDS,
    DETECTOR_CONFIGS,
    CONFIG_HISTORY,
    ALERTS,
    DEAD_LETTERS,
    STATS,
    CARD_PROFILES,
    CONFIG_ACKS,
    FEEDBACK,
    MODELS,
    MODEL_STATS,
    USER_HABITS,
    VERDICTS,
)

JOB_GROUP: Final = "cardwatch-job"
"""Consumer group of the job. Offsets are committed under this name for people and tools to see; the
job's own are in its checkpoints."""
