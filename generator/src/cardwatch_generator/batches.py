"""Payments become transactions: names for indices, ids, trace contexts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, cast

from cardwatch_contracts.transaction import Channel, Transaction
from cardwatch_generator.cardholder import Population
from cardwatch_generator.habits import CHANNELS
from cardwatch_generator.identifiers import TraceParents, run_tag
from cardwatch_generator.payments import MERCHANTS, Payments
from cardwatch_generator.settings import SCENARIOS, GeneratorSettings

_CHANNELS: Final = cast(tuple[Channel, ...], CHANNELS)
_LABELS: Final = (*SCENARIOS, None)  # the last one is that of -1: genuine


@dataclass(frozen=True, slots=True)
class TransactionBatch:
    """Transactions in the order of event time, each with its trace context."""

    transactions: Sequence[Transaction]
    traceparents: Sequence[str]
    """W3C `traceparent` of each transaction, for the Kafka header."""

    def __len__(self) -> int:
        return len(self.transactions)

    def part(self, first: int, last: int) -> "TransactionBatch":
        """Return the transactions from index `first` to before `last`."""
        return TransactionBatch(self.transactions[first:last], self.traceparents[first:last])


class BatchBuilder:
    """Turns payments into transactions, numbered through the run.

    `series`, small letters, keeps the ids of history and stream apart.
    """

    def __init__(
        self, settings: GeneratorSettings, population: Population, *, start_ms: int, series: str
    ) -> None:
        tag = run_tag(settings.seed, start_ms)
        banks = [population.banks[bank] for bank in population.bank]
        self._cards = tuple(
            (
                record.user_id,
                record.card_id,
                record.bank_id,
                record.payment_system,
                record.currency,
                record.card_limit_minor if bank.sends_limit else None,
                f"{record.bank_id}-{tag}-{series}",
            )
            for record, bank in zip(population.records(), banks, strict=True)
        )
        self._traces = TraceParents(
            seed=settings.seed,
            start_ms=start_ms,
            sampled_share=settings.sampled_share,
            series=series,
        )
        self._next = 1

    def build(self, payments: Payments) -> TransactionBatch:
        """Return the payments as transactions, in the same order, about 3 µs each."""
        first = self._next
        self._next += len(payments)
        cards = self._cards
        transactions = []
        columns = (payments[name].tolist() for name in payments.dtype.names or ())
        for number, (
            time_ms, card, amount, merchant, latitude, longitude, pin, channel, scenario
        ) in enumerate(zip(*columns, strict=True), first):  # fmt: skip
            user_id, card_id, bank_id, system, currency, limit, prefix = cards[card]
            merchant_id, category, country, city = MERCHANTS[merchant]
            transactions.append(
                Transaction(
                    transaction_id=f"{prefix}{number}",
                    event_time=time_ms,
                    user_id=user_id,
                    card_id=card_id,
                    bank_id=bank_id,
                    payment_system=system,
                    amount_minor=amount,
                    currency=currency,
                    merchant_id=merchant_id,
                    merchant_category=category,
                    country=country,
                    city=city,
                    latitude=latitude,
                    longitude=longitude,
                    pin_used=pin,
                    channel=_CHANNELS[channel],
                    card_limit_minor=limit,
                    label=_LABELS[scenario],
                )
            )
        return TransactionBatch(transactions, self._traces.of(first, len(payments)))
