"""The last generations of every config, for who compares them. Bounded. Pure."""

from typing import Final

import msgspec

from cardwatch_contracts.detector_config import ConfigRecord

MOST_CONFIGS: Final = 100
MOST_GENERATIONS: Final = 10


class Generation(msgspec.Struct, frozen=True, kw_only=True):
    """One generation of a config."""

    record: ConfigRecord
    published_at: int
    """When it was written to Kafka. Milliseconds since 1970-01-01 UTC."""


class KeptConfig(msgspec.Struct, frozen=True, kw_only=True):
    """A config, and what it was before."""

    name: str
    is_current: bool
    """Whether it judges: it was published, and not withdrawn since."""
    generations: list[Generation]
    """Newest first."""


class KeptConfigs(msgspec.Struct, frozen=True, kw_only=True):
    """All configs that are kept, by name."""

    configs: list[KeptConfig] = []
    left_out: int = 0
    """Configs of which nothing is kept: there were too many."""

    def find(self, name: str) -> KeptConfig | None:
        """Return a config by its name; None where none is kept."""
        return next((each for each in self.configs if each.name == name), None)


class Generations:
    """Takes generations in any order, from the history and from what is in force."""

    def __init__(self) -> None:
        self._kept: dict[str, dict[int, Generation]] = {}
        self._current: dict[str, int] = {}
        self._left_out: set[str] = set()
        self.changed = False
        """Whether something has come since `kept` was asked."""

    def put(self, record: ConfigRecord, published_at: int) -> None:
        """Take a generation that was published, ms since 1970-01-01 UTC."""
        if record.name not in self._kept and not self._make_room(record.name):
            return
        generations = self._kept.setdefault(record.name, {})
        before = generations.get(record.generation)
        if before is None or published_at < before.published_at:
            # What is published again, for those who did not hear it, was first published before.
            generations[record.generation] = Generation(record=record, published_at=published_at)
            self.changed = True
        if len(generations) > MOST_GENERATIONS:
            del generations[min(generations)]

    def put_current(self, record: ConfigRecord, published_at: int) -> None:
        """Take a generation that is to be in force."""
        self.put(record, published_at)
        if record.name in self._kept and record.generation >= self._current.get(record.name, 0):
            self._current[record.name] = record.generation
            self.changed = True

    def forget(self, name: str) -> None:
        """Take a config out of force; what it was stays, for who looks back."""
        if self._current.pop(name, None) is not None:
            self.changed = True

    def kept(self) -> KeptConfigs:
        """Return every config, by name."""
        self.changed = False
        configs = []
        for name, generations in sorted(self._kept.items()):
            newest_first = [generations[number] for number in sorted(generations, reverse=True)]
            is_current = name in self._current and not newest_first[0].record.withdrawn
            configs.append(KeptConfig(name=name, is_current=is_current, generations=newest_first))
        return KeptConfigs(configs=configs, left_out=len(self._left_out))

    def _make_room(self, name: str) -> bool:
        """Return whether there is room for another config: the oldest out of force gives way."""
        if len(self._kept) < MOST_CONFIGS:
            return True
        gone = [each for each in self._kept if each not in self._current]
        if not gone:
            if len(self._left_out) < MOST_CONFIGS:
                self._left_out.add(name)
            return False
        oldest = min(gone, key=lambda each: max(g.published_at for g in self._kept[each].values()))
        del self._kept[oldest]
        return True
