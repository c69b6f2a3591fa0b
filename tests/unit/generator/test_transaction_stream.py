import hashlib
from collections import Counter
from itertools import islice, pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cardwatch_contracts.codec import encode
from cardwatch_contracts.detector_config import ON_BY_DEFAULT
from cardwatch_contracts.privacy import is_card_number, redact_card_numbers
from cardwatch_contracts.trace_context import trace_id_of
from cardwatch_contracts.transaction import Transaction, decode_transaction
from cardwatch_generator.banks import Bank
from cardwatch_generator.settings import GeneratorSettings, change_settings
from cardwatch_generator.stream import TransactionStream

_START_MS = 1_795_262_400_000  # 2026-11-21T12:00:00Z, no holiday
_BLACK_FRIDAY_MS = 1_795_780_800_000


def _transactions(generator: GeneratorSettings, start_ms: int = _START_MS) -> list[Transaction]:
    return [
        txn
        for batch in TransactionStream(generator, start_ms=start_ms)
        for txn in batch.transactions
    ]


def _digest(generator: GeneratorSettings, start_ms: int = _START_MS) -> str:
    lines = hashlib.sha256()
    for batch in TransactionStream(generator, start_ms=start_ms):
        lines.update(b"".join(map(encode, batch.transactions)))
        lines.update("".join(batch.traceparents).encode())
    return lines.hexdigest()


@pytest.fixture(scope="module")
def ten_minutes() -> list[Transaction]:
    return _transactions(GeneratorSettings(seed=11, duration_s=600))


def test_the_same_seed_settings_and_start_give_the_same_bytes() -> None:
    generator = GeneratorSettings(seed=4, duration_s=20)

    assert _digest(generator) == _digest(generator)


def test_another_seed_or_start_gives_other_ids_and_bytes() -> None:
    runs = [
        _transactions(GeneratorSettings(seed=4, duration_s=5)),
        _transactions(GeneratorSettings(seed=5, duration_s=5)),
        _transactions(GeneratorSettings(seed=4, duration_s=5), _START_MS + 1),
    ]

    ids = [txn.transaction_id for run in runs for txn in run]
    assert len(set(ids)) == len(ids)


def test_each_bank_keeps_its_rate(ten_minutes: list[Transaction]) -> None:
    by_bank = Counter(txn.bank_id for txn in ten_minutes)

    # Poisson with a mean of 30,000 and 18,000: four standard deviations and the series' spread.
    assert by_bank["A"] == pytest.approx(30_000, abs=900)
    assert by_bank["B"] == pytest.approx(18_000, abs=700)


def test_the_anomalous_share_is_as_set_and_holds_every_scenario(
    ten_minutes: list[Transaction],
) -> None:
    labels = Counter(txn.label for txn in ten_minutes if txn.label)

    assert set(labels) == set(ON_BY_DEFAULT)
    assert sum(labels.values()) / len(ten_minutes) == pytest.approx(0.02, abs=0.004)


def test_without_anomalies_nothing_is_labelled() -> None:
    stream = _transactions(GeneratorSettings(seed=1, duration_s=60, anomaly_share=0.0))

    assert len(stream) == pytest.approx(4800, abs=300)
    assert {txn.label for txn in stream} == {None}


def test_what_is_off_by_default_changes_no_draw_of_a_seed() -> None:
    settings = GeneratorSettings(seed=1, duration_s=60, cards=3000)
    named = dict.fromkeys(ON_BY_DEFAULT, 1.0) | {"unusual_location": 0.0}

    stream = _transactions(settings)
    assert stream == _transactions(change_settings(settings, tps={}, scenario_mix=named))
    # As they were before there was any such scenario.
    assert [txn.label for txn in stream if txn.label][:8] == [
        "many_no_pin",
        "pin_avoidance",
        "impossible_travel",
        "very_high_value",
        "amount_spike",
        "limit_exceeded",
        "rapid_transactions",
        "multi_card_distance",
    ]


def test_what_is_off_by_default_occurs_where_the_mix_names_it() -> None:
    small = Bank(id="A", first_user=1, last_user=200, tps=1.0)
    mix = {"unusual_location": 1.0}
    stream = _transactions(
        GeneratorSettings(
            seed=1, banks=(small,), cards=300, duration_s=7200, anomaly_share=0.05, scenario_mix=mix
        )
    )

    assert {txn.label for txn in stream} == {None, "unusual_location"}


def test_a_mix_holds_only_the_scenarios_it_names_in_their_proportion() -> None:
    mix = {"amount_spike": 3.0, "negative_amount": 1.0}
    stream = _transactions(
        GeneratorSettings(seed=1, duration_s=300, anomaly_share=0.1, scenario_mix=mix)
    )

    labels = Counter(txn.label for txn in stream if txn.label)
    assert set(labels) == set(mix)
    assert labels["amount_spike"] / labels["negative_amount"] == pytest.approx(3.0, abs=0.2)


def test_event_times_never_go_back_and_stay_inside_the_run(
    ten_minutes: list[Transaction],
) -> None:
    times = [txn.event_time for txn in ten_minutes]

    assert all(first <= second for first, second in pairwise(times))
    assert _START_MS <= times[0]
    assert times[-1] < _START_MS + 600_000


def test_every_transaction_follows_the_contract(ten_minutes: list[Transaction]) -> None:
    for txn in ten_minutes[::7]:
        assert decode_transaction(encode(txn)) == txn


def test_no_field_looks_like_a_card_number(ten_minutes: list[Transaction]) -> None:
    for txn in ten_minutes[::7]:
        for text in (txn.transaction_id, txn.card_id, txn.user_id, txn.merchant_id):
            assert not is_card_number(text)
            assert redact_card_numbers(text) == text


@given(st.from_regex(r"[A-Za-z][A-Za-z0-9_-]{0,31}", fullmatch=True), st.integers(0, 2**63 - 1))
@settings(max_examples=25, deadline=None)
def test_ids_of_any_bank_and_seed_hold_no_card_number(bank_id: str, seed: int) -> None:
    assume(redact_card_numbers(bank_id) == bank_id)
    bank = Bank(id=bank_id, first_user=999_999_000, last_user=999_999_999, tps=20.0)
    generator = GeneratorSettings(seed=seed, banks=(bank,), cards=40, duration_s=2)

    for txn in _transactions(generator):
        for text in (txn.transaction_id, txn.card_id, txn.user_id):
            assert redact_card_numbers(text) == text


def test_only_banks_that_send_limits_send_them(ten_minutes: list[Transaction]) -> None:
    with_limit = {txn.bank_id for txn in ten_minutes if txn.card_limit_minor is not None}
    without = {txn.bank_id for txn in ten_minutes if txn.card_limit_minor is None}

    assert (with_limit, without) == ({"A"}, {"B"})


def test_a_card_keeps_its_user_currency_and_scheme(ten_minutes: list[Transaction]) -> None:
    facts: dict[str, set[tuple[str, ...]]] = {}
    for txn in ten_minutes:
        facts.setdefault(txn.card_id, set()).add((txn.user_id, txn.currency, txn.payment_system))

    assert {len(kinds) for kinds in facts.values()} == {1}


def test_trace_contexts_are_valid_unique_and_sampled_by_share() -> None:
    generator = GeneratorSettings(seed=2, duration_s=60, sampled_share=0.25)
    traces = [
        trace for b in TransactionStream(generator, start_ms=_START_MS) for trace in b.traceparents
    ]

    assert None not in {trace_id_of(trace) for trace in traces}
    assert len({trace_id_of(trace) for trace in traces}) == len(traces)
    assert sum(trace.endswith("-01") for trace in traces) / len(traces) == pytest.approx(
        0.25, abs=0.03
    )


def test_a_shopping_holiday_brings_more_transactions_unless_switched_off() -> None:
    generator = GeneratorSettings(seed=2, duration_s=60, anomaly_share=0.0)
    ordinary = GeneratorSettings(seed=2, duration_s=60, anomaly_share=0.0, holidays=False)

    busy = len(_transactions(generator, _BLACK_FRIDAY_MS))
    assert busy == pytest.approx(1.6 * 4800, abs=400)
    assert len(_transactions(ordinary, _BLACK_FRIDAY_MS)) == pytest.approx(4800, abs=300)


@pytest.mark.parametrize("rate", [0.5, 2_000.0, 50_000.0])
def test_any_rate_is_met(rate: float) -> None:
    generator = change_settings(
        GeneratorSettings(seed=3, cards=10_000), tps={"A": rate, "B": rate}, anomaly_share=0.0
    )
    stream = TransactionStream(generator, start_ms=_START_MS)
    batches = list(islice(stream, 25))

    expected = 2 * rate * stream.batch_ms / 1000 * 25
    assert sum(map(len, batches)) == pytest.approx(expected, abs=5 * expected**0.5 + 1)
