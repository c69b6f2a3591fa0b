"""A generated stream with known scenarios, as payments that models learn from."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from msgspec.structs import replace

from cardwatch_contracts.transaction import Transaction
from cardwatch_generator.cardholder import build_population
from cardwatch_generator.seed import history
from cardwatch_generator.settings import GeneratorSettings
from cardwatch_generator.stream import TransactionStream
from cardwatch_local.training.payments import FRAUDULENT, GENUINE, Payments

CARDS: Final = 1_000
TPS: Final = 10.0
"""A hundredth of the cards: with fewer cards for each transaction a second they rest less."""
SPAN_S: Final = 2 * 3600.0
LABEL_DELAY_MS: Final = 10 * 60_000
"""A label's delay, as short as the stream is."""
TRAINED: Final = 0.6
"""Share of the stream's time that is learned from."""
_BEGINS_MS: Final = 1_780_272_000_000  # 2026-06-01


def begins_ms() -> int:
    """Return when the stream begins; what is before is the cards' history."""
    return _BEGINS_MS


def edge_ms(span_s: float = SPAN_S) -> int:
    """Return where training ends and, a label's delay later, measuring begins."""
    return _BEGINS_MS + round(TRAINED * span_s * 1000)


def generated(seed: int, *, span_s: float = SPAN_S, cards: int = CARDS) -> Payments:
    """Return the cards' history and a stream in which scenarios inject frauds."""
    plain = GeneratorSettings()
    share = TPS * cards / CARDS / plain.tps
    settings = GeneratorSettings(
        seed=seed,
        banks=tuple(replace(bank, tps=bank.tps * share) for bank in plain.banks),
        cards=cards,
        pace="max",
        start_ms=_BEGINS_MS,
        duration_s=span_s,
    )
    population = build_population(settings)
    transactions: list[Transaction] = []
    for batch in history(settings, population, start_ms=_BEGINS_MS):
        transactions.extend(batch.transactions)
    stream = TransactionStream(settings, start_ms=_BEGINS_MS, population=population)
    for batch in stream:
        transactions.extend(batch.transactions)
    return _columns(transactions)


def _columns(transactions: Sequence[Transaction]) -> Payments:
    times = np.array([txn.event_time for txn in transactions], np.int64)

    def texts(name: str) -> "np.ndarray[tuple[int], np.dtype[np.object_]]":
        return np.array([getattr(txn, name) for txn in transactions], object)

    labels = [GENUINE if txn.label is None else FRAUDULENT for txn in transactions]
    return Payments(
        transaction_id=texts("transaction_id"),
        event_time=times,
        user_id=texts("user_id"),
        merchant_id=texts("merchant_id"),
        merchant_category=texts("merchant_category"),
        amount_minor=np.array([txn.amount_minor for txn in transactions], np.int64),
        latitude=np.array([txn.latitude for txn in transactions], np.float64),
        longitude=np.array([txn.longitude for txn in transactions], np.float64),
        label=np.array(labels, np.int64),
        known_at=times + LABEL_DELAY_MS,
        card_id=texts("card_id"),
        currency=texts("currency"),
        pin_used=np.array([txn.pin_used for txn in transactions], np.bool_),
        card_limit_minor=np.array([txn.card_limit_minor or 0 for txn in transactions], np.int64),
    ).in_order()
