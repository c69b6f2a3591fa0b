"""What the topics say of a config. Pure."""

from dataclasses import dataclass

from cardwatch_contracts.detector_config import ConfigRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownConfig:
    """What the topics `detector-configs` and `detector-config-history` say of a name."""

    current: ConfigRecord | None = None
    """The newest record, which may be a withdrawal; None where Kafka was let forget it."""
    generation: int = 0
    """The highest ever given to the name."""
    published_at: int = 0
    """When the newest record was first published. Milliseconds since 1970-01-01 UTC."""

    @property
    def in_force(self) -> ConfigRecord | None:
        """The record that judges, if one does."""
        return None if self.current is None or self.current.withdrawn else self.current


NOTHING_KNOWN = KnownConfig()
