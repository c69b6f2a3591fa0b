from collections import defaultdict
from itertools import pairwise

import numpy as np
import pytest

from cardwatch_contracts.card import decode_card
from cardwatch_contracts.codec import encode
from cardwatch_contracts.transaction import Transaction
from cardwatch_generator.cardholder import Population, build_population
from cardwatch_generator.places import distances_km
from cardwatch_generator.seed import history
from cardwatch_generator.settings import GeneratorSettings
from cardwatch_generator.stream import TransactionStream

_DAY_MS = 86_400_000
_START_MS = 1_795_262_400_000
_SETTINGS = GeneratorSettings(seed=9, duration_s=5)


@pytest.fixture(scope="module")
def population() -> Population:
    return build_population(_SETTINGS)


@pytest.fixture(scope="module")
def past(population: Population) -> list[Transaction]:
    batches = history(_SETTINGS, population, start_ms=_START_MS)
    return [txn for batch in batches for txn in batch.transactions]


@pytest.fixture(scope="module")
def by_card(past: list[Transaction]) -> dict[str, list[Transaction]]:
    cards = defaultdict(list)
    for txn in past:
        cards[txn.card_id].append(txn)
    return cards


def test_every_card_has_six_to_nine_past_transactions_in_order(
    past: list[Transaction], by_card: dict[str, list[Transaction]]
) -> None:
    assert {len(txns) for txns in by_card.values()} == {6, 7, 8, 9}
    assert len(by_card) == 10_000
    assert all(first.event_time <= second.event_time for first, second in pairwise(past))
    assert {txn.label for txn in past} == {None}


def test_cards_in_use_paid_within_60_days_and_dormant_ones_not_for_95(
    population: Population, by_card: dict[str, list[Transaction]]
) -> None:
    for card, card_id in enumerate(population.card_ids):
        first, last = by_card[card_id][0].event_time, by_card[card_id][-1].event_time
        silence_d = (_START_MS - last) / _DAY_MS
        if population.dormant[card]:
            assert 95 <= silence_d <= 200 + 15
        else:
            assert 0 < silence_d < 16
            assert _START_MS - first < 62 * _DAY_MS


def test_no_history_is_faster_than_an_aeroplane(by_card: dict[str, list[Transaction]]) -> None:
    pairs = [pair for txns in by_card.values() for pair in pairwise(txns)]
    km = distances_km(
        np.array([a.latitude for a, _ in pairs]),
        np.array([a.longitude for a, _ in pairs]),
        np.array([b.latitude for _, b in pairs]),
        np.array([b.longitude for _, b in pairs]),
    )
    hours = np.array([b.event_time - a.event_time for a, b in pairs]) / 3_600_000

    assert hours.min() > 2
    assert (km / hours).max() < 900
    assert (km > 300).sum() > 100


def test_ids_of_history_and_stream_differ(past: list[Transaction]) -> None:
    stream = TransactionStream(_SETTINGS, start_ms=_START_MS)
    live = {txn.transaction_id for batch in stream for txn in batch.transactions}

    assert len({txn.transaction_id for txn in past}) == len(past)
    assert live.isdisjoint(txn.transaction_id for txn in past)


def test_the_record_of_a_card_agrees_with_its_transactions(
    population: Population, by_card: dict[str, list[Transaction]]
) -> None:
    for record in population.records()[::20]:
        assert decode_card(encode(record)) == record
        txn = by_card[record.card_id][0]
        assert (txn.user_id, txn.bank_id, txn.currency) == (
            record.user_id,
            record.bank_id,
            record.currency,
        )
        assert txn.card_limit_minor in {None, record.card_limit_minor}
