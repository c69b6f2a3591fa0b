from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from cardwatch_contracts.card import CardProfile
from cardwatch_contracts.transaction import Transaction
from cardwatch_generator.settings import GeneratorSettings
from cardwatch_generator.stream import TransactionStream

_START_MS = 1_795_262_400_000


class LearnedElsewhere:
    """Baselines that know every card and differ from the simulation's own."""

    def __init__(self, *, average_minor: float, silence_ms: int) -> None:
        self._average_minor = average_minor
        self._silence_ms = silence_ms
        self.asked: list[str] = []

    def lookup(self, card_ids: Sequence[str]) -> Mapping[str, CardProfile]:
        self.asked.extend(card_ids)
        return {
            card_id: CardProfile(
                card_id=card_id,
                user_id="1",
                version=9,
                transactions=9,
                average_amount_minor=self._average_minor,
                amounts=9,
                card_limit_minor=777_000,
                last_event_time=_START_MS - self._silence_ms,
            )
            for card_id in card_ids
        }


def _labelled(
    baselines: LearnedElsewhere | None, **mix: float
) -> tuple[TransactionStream, list[Transaction]]:
    settings = GeneratorSettings(
        seed=6, duration_s=120, anomaly_share=0.05, scenario_mix=mix, pace="max"
    )
    stream = TransactionStream(settings, start_ms=_START_MS, baselines=baselines)
    return stream, [txn for batch in stream for txn in batch.transactions if txn.label]


def test_amounts_come_from_the_learned_average_and_limit() -> None:
    baselines = LearnedElsewhere(average_minor=40_000.0, silence_ms=0)
    _, spikes = _labelled(baselines, amount_spike=1.0)
    _, excesses = _labelled(baselines, limit_exceeded=1.0)

    assert baselines.asked
    spike = float(np.median([txn.amount_minor for txn in spikes])) / 40_000
    excess = float(np.median([txn.amount_minor for txn in excesses])) / 777_000
    assert spike == pytest.approx(15, rel=0.1)
    assert excess == pytest.approx(1.4, rel=0.1)


def test_dormant_cards_are_used_once_and_only_if_the_job_knows_them_as_silent() -> None:
    silent = LearnedElsewhere(average_minor=1000.0, silence_ms=100 * 86_400_000)
    awake = LearnedElsewhere(average_minor=1000.0, silence_ms=86_400_000)

    stream, frauds = _labelled(silent, dormant_card=1.0)
    used = [txn.card_id for txn in frauds]
    reserve = {stream.population.card_ids[c] for c in np.flatnonzero(stream.population.dormant)}
    assert used
    assert set(used) <= reserve
    assert max(map(used.count, used)) <= 2  # an episode has one payment or two
    assert _labelled(awake, dormant_card=1.0)[1] == []


def test_travel_starts_where_the_card_was_and_the_second_card_belongs_to_the_user() -> None:
    settings = GeneratorSettings(
        seed=6, duration_s=120, anomaly_share=0.05, scenario_mix={"multi_card_distance": 1.0}
    )
    last_card: dict[str, str] = {}
    frauds, others = 0, 0
    for batch in TransactionStream(settings, start_ms=_START_MS):
        for txn in batch.transactions:
            if txn.label:
                frauds += 1
                others += txn.user_id in last_card
            last_card[txn.user_id] = txn.card_id

    assert frauds > 50
    assert others == frauds


def test_after_a_far_fraud_most_users_are_blocked_and_some_go_on_paying() -> None:
    settings = GeneratorSettings(
        seed=6, duration_s=300, anomaly_share=0.015, scenario_mix={"impossible_travel": 1.0}
    )
    hit: set[str] = set()
    went_on: set[str] = set()
    for batch in TransactionStream(settings, start_ms=_START_MS):
        for txn in batch.transactions:
            if txn.label:
                hit.add(txn.card_id)
            elif txn.card_id in hit:
                went_on.add(txn.card_id)

    assert len(hit) > 100
    assert 0 < len(went_on) < 0.3 * len(hit)
