"""Which config judges which transaction."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from cardwatch_contracts.detector_config import DEFAULT_CONFIG, ConfigRecord, Selector
from cardwatch_contracts.transaction import Transaction
from cardwatch_job.detectors import Detector, build_detectors

MAX_GENERATIONS: Final = 8
"""Generations kept of one config whose `effectiveFrom` lie ahead of one another."""
MIN_MEMORY_D: Final = 360.0
"""How long a card is remembered at least after its latest transaction; its average is worth
something for as long. Days."""
_DAY_MS: Final = 86_400_000
_MAX_KINDS: Final = 10_000
_ALWAYS: Final = -(2**62)
_NEVER: Final = 2**62

Kind = tuple[str, str, str, str]
"""What selectors look at: bank, currency, country, payment system."""


@dataclass(frozen=True, slots=True)
class RuleSet:
    """A generation of a config made ready to judge: its detectors, built."""

    record: ConfigRecord
    detectors: tuple[Detector[Any], ...]
    from_ms: int = _ALWAYS
    """Event time from which it judges. Milliseconds, inclusive."""
    until_ms: int = _NEVER
    """Event time from which the next generation judges. Milliseconds, exclusive."""
    learners: tuple[Detector[Any], ...] = field(init=False)
    """Those of the detectors that remember something of their own."""
    wants_habits: bool = field(init=False)
    """Whether any of them looks at users' habits."""

    def __post_init__(self) -> None:
        learners = tuple(detector for detector in self.detectors if detector.learns)
        object.__setattr__(self, "learners", learners)
        wanted = any(detector.wants_habits for detector in self.detectors)
        object.__setattr__(self, "wants_habits", wanted)

    def selects(self, kind: Kind) -> bool:
        """Whether the config's selector matches; an empty list matches all."""
        bank_id, currency, country, payment_system = kind
        selector: Selector = self.record.spec.selector
        return (
            (not selector.bank_ids or bank_id in selector.bank_ids)
            and (not selector.currencies or currency in selector.currencies)
            and (not selector.countries or country in selector.countries)
            and (not selector.payment_systems or payment_system in selector.payment_systems)
        )


class Rules:
    """Every config in force. The built-in defaults judge what no other selects."""

    def __init__(self, records: Iterable[ConfigRecord] = ()) -> None:
        self.version = 0
        """Grows whenever another config may judge than before."""
        self._generations: dict[str, tuple[ConfigRecord, ...]] = {}
        self._ordered: tuple[RuleSet, ...] = ()
        self._by_kind: dict[Kind, tuple[RuleSet, ...]] = {}
        self._default = RuleSet(DEFAULT_CONFIG, build_detectors(DEFAULT_CONFIG.spec.detectors))
        self._order()
        for record in sorted(records, key=lambda record: record.generation):
            self.apply(record)

    def __iter__(self) -> Iterator[ConfigRecord]:
        """Every generation that may still judge a transaction, oldest first within a name."""
        for records in self._generations.values():
            yield from records

    def apply(self, record: ConfigRecord) -> bool:
        """Take a config; False where a higher generation of it is in force already."""
        known = self._generations.get(record.name, ())
        if known and known[-1].generation > record.generation:
            return False
        older = tuple(
            other
            for other in known
            if other.generation < record.generation and _begins(other) < _begins(record)
        )
        self._generations[record.name] = (*older, record)[-MAX_GENERATIONS:]
        self._order()
        return True

    @property
    def memory_ms(self) -> int:
        """How long a card is remembered after its latest transaction. Milliseconds, event time."""
        return self._memory_ms

    @property
    def wants_habits(self) -> bool:
        """Whether any config has a detector that looks at users' habits."""
        return any(rule_set.wants_habits for rule_set in self._ordered)

    def changed(self) -> None:
        """Tell that something beside the configs decides differently than before."""
        self.version += 1

    def forget(self, name: str) -> None:
        """Forget a config, its generation too; what it judged falls to the next that selects it."""
        self._generations.pop(name, None)
        self._order()

    def select(self, txn: Transaction) -> RuleSet:
        """Return the config for a transaction: the most specific, among equals the oldest."""
        kind = (txn.bank_id, txn.currency, txn.country, txn.payment_system)
        return self.select_at(kind, txn.event_time)

    def select_at(self, kind: Kind, event_time: int) -> RuleSet:
        """Return the config for what a transaction's selectors see, at a time."""
        for rule_set in self._candidates(kind):
            if rule_set.from_ms <= event_time < rule_set.until_ms:
                return rule_set
        return self._default

    def selected_within(self, kind: Kind, event_time: int) -> tuple[int, int]:
        """Return from when until when `select_at` is sure to return the same as now."""
        times = {time for each in self._candidates(kind) for time in (each.from_ms, each.until_ms)}
        return (
            max((time for time in times if time <= event_time), default=_ALWAYS),
            min((time for time in times if time > event_time), default=_NEVER),
        )

    def _candidates(self, kind: Kind) -> tuple[RuleSet, ...]:
        """Look through all configs, once for each kind of transaction."""
        known = self._by_kind.get(kind)
        if known is not None:
            return known
        if len(self._by_kind) >= _MAX_KINDS:
            self._by_kind.clear()
        found = tuple(rule_set for rule_set in self._ordered if rule_set.selects(kind))
        self._by_kind[kind] = found
        return found

    def _order(self) -> None:
        self.version += 1
        self._by_kind.clear()
        built = [rule_set for records in self._generations.values() for rule_set in _built(records)]
        self._ordered = tuple(sorted(built, key=_precedence))
        longest_d = max(
            (
                detector.memory_d
                for rule_set in (self._default, *built)
                for detector in rule_set.detectors
            ),
            default=0.0,
        )
        self._memory_ms = int(max(longest_d, MIN_MEMORY_D) * _DAY_MS)


def _built(records: tuple[ConfigRecord, ...]) -> Iterator[RuleSet]:
    """Build the generations of one config, each judging until the next begins."""
    ends = [_begins(record) for record in records[1:]]
    for record, until_ms in zip(records, [*ends, _NEVER], strict=True):
        if record.withdrawn:
            continue
        detectors = build_detectors(record.spec.detectors)
        yield RuleSet(record, detectors, _begins(record), until_ms)


def _begins(record: ConfigRecord) -> int:
    effective_from = record.spec.effective_from
    return _ALWAYS if effective_from is None else effective_from


def _precedence(rule_set: RuleSet) -> tuple[int, int, str]:
    record = rule_set.record
    return (-record.spec.selector.specificity, record.created_at, record.name)
