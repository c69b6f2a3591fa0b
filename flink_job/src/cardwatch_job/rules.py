"""Which config judges which transaction."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from cardwatch_contracts.detector_config import DEFAULT_CONFIG, ConfigRecord, Selector
from cardwatch_contracts.transaction import Transaction
from cardwatch_job.detectors import Detector, build_detectors


@dataclass(frozen=True, slots=True)
class RuleSet:
    """A config made ready to judge: its detectors, built."""

    record: ConfigRecord
    detectors: tuple[Detector[Any], ...]

    @classmethod
    def of(cls, record: ConfigRecord) -> "RuleSet":
        """Build the detectors of a config."""
        return cls(record, build_detectors(record.spec.detectors))

    def selects(self, txn: Transaction) -> bool:
        """Whether the config's selector matches; an empty list matches all."""
        selector: Selector = self.record.spec.selector
        return (
            (not selector.bank_ids or txn.bank_id in selector.bank_ids)
            and (not selector.currencies or txn.currency in selector.currencies)
            and (not selector.countries or txn.country in selector.countries)
            and (not selector.payment_systems or txn.payment_system in selector.payment_systems)
        )


class Rules:
    """Every config in force. The built-in defaults judge what no other selects."""

    def __init__(self, records: Iterable[ConfigRecord] = ()) -> None:
        self._by_name: dict[str, RuleSet] = {}
        self._ordered: tuple[RuleSet, ...] = ()
        self._default = RuleSet.of(DEFAULT_CONFIG)
        for record in records:
            self.apply(record)

    def __iter__(self) -> Iterator[RuleSet]:
        return iter(self._ordered)

    def apply(self, record: ConfigRecord) -> bool:
        """Take a config; False where a higher generation of it is in force already."""
        known = self._by_name.get(record.name)
        if known is not None and known.record.generation > record.generation:
            return False
        self._by_name[record.name] = RuleSet.of(record)
        self._order()
        return True

    def withdraw(self, name: str) -> None:
        """Forget a config; what it judged falls to the next that selects it."""
        self._by_name.pop(name, None)
        self._order()

    def select(self, txn: Transaction) -> RuleSet:
        """Return the config for a transaction: the most specific, among equals the oldest."""
        for rule_set in self._ordered:
            if rule_set.selects(txn):
                return rule_set
        return self._default

    def _order(self) -> None:
        self._ordered = tuple(sorted(self._by_name.values(), key=_precedence))


def _precedence(rule_set: RuleSet) -> tuple[int, int, str]:
    record = rule_set.record
    return (-record.spec.selector.specificity, record.created_at, record.name)
