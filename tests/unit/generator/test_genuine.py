from collections import defaultdict

import numpy as np
import pytest

from cardwatch_contracts.transaction import Transaction
from cardwatch_generator.places import distances_km
from cardwatch_generator.settings import GeneratorSettings
from cardwatch_generator.stream import TransactionStream

_START_MS = 1_795_262_400_000
_SETTINGS = GeneratorSettings(seed=21, duration_s=800, anomaly_share=0.0)


@pytest.fixture(scope="module")
def stream() -> TransactionStream:
    return TransactionStream(_SETTINGS, start_ms=_START_MS)


@pytest.fixture(scope="module")
def transactions(stream: TransactionStream) -> list[Transaction]:
    return [txn for batch in stream for txn in batch.transactions]


@pytest.fixture(scope="module")
def gaps_s(transactions: list[Transaction]) -> list[float]:
    last: dict[str, int] = {}
    gaps = []
    for txn in transactions:
        if txn.card_id in last:
            gaps.append((txn.event_time - last[txn.card_id]) / 1000)
        last[txn.card_id] = txn.event_time
    return gaps


def test_a_card_rests_a_minute_but_for_a_few_quick_second_payments(gaps_s: list[float]) -> None:
    quick = np.mean(np.array(gaps_s) < 60)

    assert 0.001 < quick < 0.008
    assert 0 < np.mean(np.array(gaps_s) < 10) < 0.002


def test_second_payments_are_made_at_the_same_till(transactions: list[Transaction]) -> None:
    last: dict[str, Transaction] = {}
    quick, same = 0, 0
    for txn in transactions:
        before = last.get(txn.card_id)
        if before and txn.event_time - before.event_time < 15_000:
            quick += 1
            same += txn.merchant_id == before.merchant_id
        last[txn.card_id] = txn
    assert quick > 15
    assert same == quick


def test_some_cardholders_pay_far_from_home_and_most_at_home(
    stream: TransactionStream, transactions: list[Transaction]
) -> None:
    population = stream.population
    card_of = {card_id: card for card, card_id in enumerate(population.card_ids)}
    cards = np.array([card_of[txn.card_id] for txn in transactions])
    km = distances_km(
        population.home_latitude[cards],
        population.home_longitude[cards],
        np.array([txn.latitude for txn in transactions]),
        np.array([txn.longitude for txn in transactions]),
    )

    assert 0.005 < np.mean(km > 250) < 0.05
    assert np.mean(km < 25) > 0.95


def test_genuine_payments_hold_large_purchases_refunds_and_few_tenfold_amounts(
    transactions: list[Transaction],
) -> None:
    amounts: dict[str, list[int]] = defaultdict(list)
    for txn in transactions:
        amounts[txn.card_id].append(txn.amount_minor)
    enough = [np.array(paid) for paid in amounts.values() if len(paid) >= 8]
    large = sum(int((paid > 5 * np.median(paid)).sum()) for paid in enough)
    tenfold = sum(int((paid > 15 * np.median(paid)).sum()) for paid in enough)

    assert large > 20
    assert 0 < tenfold < 0.002 * len(transactions)
    assert 0 < sum(txn.amount_minor < 0 for txn in transactions) < 0.0005 * len(transactions)


def test_a_pin_is_asked_from_the_limit_on_and_for_cash(transactions: list[Transaction]) -> None:
    assert all(txn.pin_used for txn in transactions if txn.amount_minor >= 10_000)
    assert all(txn.pin_used for txn in transactions if txn.channel == "atm")
    assert 0.03 < np.mean([not txn.pin_used for txn in transactions]) < 0.2


def test_some_genuine_runs_without_pin_look_like_fraud(transactions: list[Transaction]) -> None:
    times: dict[str, list[int]] = defaultdict(list)
    runs = 0
    for txn in transactions:
        if not txn.pin_used:
            recent = [time for time in times[txn.card_id] if time > txn.event_time - 600_000]
            times[txn.card_id] = [*recent, txn.event_time]
            runs += len(recent) >= 4

    assert 0 < runs < 0.002 * len(transactions)


def test_dormant_cards_stay_silent_but_for_a_few_that_come_back(
    stream: TransactionStream, transactions: list[Transaction]
) -> None:
    population = stream.population
    dormant = {population.card_ids[card] for card in np.flatnonzero(population.dormant)}
    returned = {txn.card_id for txn in transactions if txn.card_id in dormant}

    assert len(dormant) == 600
    assert 0 < len(returned) < 30


def test_at_night_people_go_out_and_by_day_they_go_shopping(
    transactions: list[Transaction],
) -> None:
    night = [
        txn.merchant_category
        for batch in TransactionStream(
            GeneratorSettings(seed=21, duration_s=300, anomaly_share=0.0),
            start_ms=_START_MS - 10 * 3_600_000,
        )
        for txn in batch.transactions
        if txn.country in {"DE", "FR", "IT", "ES"}
    ]
    day = [txn.merchant_category for txn in transactions if txn.country in {"DE", "FR", "IT", "ES"}]

    def share(categories: list[str], name: str) -> float:
        return categories.count(name) / len(categories)

    assert share(night, "entertainment") > 2 * share(day, "entertainment")
    assert share(day, "grocery") > 2 * share(night, "grocery")
