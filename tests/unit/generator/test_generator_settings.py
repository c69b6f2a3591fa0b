from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardwatch_generator.banks import BANK_A, BANK_B, Bank, cards_by_bank
from cardwatch_generator.settings import (
    GeneratorSettings,
    InvalidSettingsError,
    change_settings,
    load_settings,
    parse_settings,
)


def test_the_defaults_are_the_two_banks_with_their_users_and_rates() -> None:
    settings = GeneratorSettings()

    assert [(bank.id, bank.first_user, bank.last_user, bank.tps) for bank in settings.banks] == [
        ("A", 1000, 4999, 50.0),
        ("B", 5000, 9999, 30.0),
    ]
    assert (settings.cards, settings.tps, settings.anomaly_share) == (10_000, 80.0, 0.02)


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"anomaly_share": 0.51}, "anomaly_share 0.51: allowed is 0 to 0.5"),
        ({"anomaly_share": float("nan")}, "anomaly_share nan"),
        ({"seed": -1}, "seed -1"),
        ({"cards": 0}, "cards 0"),
        ({"cards": 30_000}, "cards 30,000: bank A's part by its rate is 18,750"),
        ({"dormant_share": 1.0}, "dormant_share 1.0"),
        ({"sampled_share": -0.1}, "sampled_share -0.1"),
        ({"duration_s": 0}, "duration_s 0"),
        ({"pace": "max"}, "duration_s is missing"),
        ({"pace": "fast"}, "$.pace"),
        ({"start_ms": 5, "pace": "max", "duration_s": 1}, "start_ms 5"),
        ({"start_ms": 1_790_000_000_000}, "start_ms is set, but pace `real`"),
        ({"scenario_mix": {"amount_spikes": 1}}, "scenario_mix names 'amount_spikes'"),
        ({"scenario_mix": {"amount_spike": -1}}, "scenario_mix.amount_spike -1"),
        ({"scenario_mix": {"amount_spike": 0}}, "at least one weight must be > 0"),
        ({"banks": []}, "banks: at least one"),
        ({"tps": 5}, "allowed: seed, banks, cards"),
    ],
)
def test_refused_settings_name_the_field(values: dict[str, object], named: str) -> None:
    with pytest.raises(InvalidSettingsError) as refusal:
        parse_settings(values)

    assert named in str(refusal.value)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"tps": 0.0}, "tps 0: allowed is 0 < tps <= 100,000"),
        ({"tps": 100_001.0}, "tps 100001"),
        ({"id": "4111"}, "bank id '4111'"),
        ({"id": "A4111111111111111"}, "bank id 'A[card number redacted]'"),
        ({"first_user": 9, "last_user": 8}, "first_user 9 to last_user 8"),
        ({"last_user": 10**12}, "last_user 1000000000000"),
        ({"countries": {"XX": 1.0}}, "countries names 'XX': allowed are AE, AR"),
        ({"countries": {}}, "countries {}: at least one"),
        ({"payment_systems": {"visa": 0.0}}, "payment_systems {'visa': 0.0}"),
        ({"payment_systems": {"4111 1111": 1.0}}, "payment_systems names '4111 1111'"),
    ],
)
def test_refused_banks_name_the_field(changes: dict[str, object], named: str) -> None:
    with pytest.raises(ValueError, match=r"^bank") as refusal:
        msgspec.structs.replace(BANK_A, **changes)

    assert named in str(refusal.value)


def test_banks_that_share_users_or_ids_or_are_too_fast_together_are_refused() -> None:
    overlapping = Bank(id="C", first_user=4000, last_user=4100, tps=1.0)
    with pytest.raises(ValueError, match="banks A and C share the users 4000 to 4100"):
        GeneratorSettings(banks=(BANK_A, overlapping))
    with pytest.raises(ValueError, match="two have the same id"):
        GeneratorSettings(banks=(BANK_A, msgspec.structs.replace(BANK_B, id="A")))
    with pytest.raises(ValueError, match="at most 100,000"):
        change_settings(GeneratorSettings(), tps={"A": 60_000.0, "B": 60_000.0})


def test_a_rate_for_an_unknown_bank_is_refused() -> None:
    with pytest.raises(ValueError, match="no bank C: there are A, B"):
        change_settings(GeneratorSettings(), tps={"C": 1.0})


def test_settings_are_read_from_yaml(tmp_path: Path) -> None:
    path = tmp_path / "generator.yaml"
    path.write_text("seed: 7\nbanks:\n- {id: N, first_user: 1, last_user: 50, tps: 2}\ncards: 60\n")

    settings = load_settings(path)

    assert (settings.seed, settings.banks[0].id, settings.tps) == (7, "N", 2.0)


def test_a_settings_file_that_is_missing_or_broken_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text("seed: [")

    for path in (broken, tmp_path / "missing.yaml", tmp_path):
        with pytest.raises(InvalidSettingsError, match=str(path)):
            load_settings(path)


@given(st.lists(st.floats(0.1, 1000.0), min_size=1, max_size=6), st.integers(0, 3000))
def test_the_cards_of_the_banks_add_up_and_follow_their_rates(
    rates: list[float], extra: int
) -> None:
    banks = tuple(
        Bank(id=f"N{i}", first_user=1 + i * 10_000, last_user=9_000 + i * 10_000, tps=tps)
        for i, tps in enumerate(rates)
    )
    cards = 1000 * len(banks) + extra

    try:
        quotas = cards_by_bank(banks, cards)
    except ValueError as refusal:
        assert str(refusal).startswith("cards ")
        return

    assert sum(quotas) == cards
    for bank, quota in zip(banks, quotas, strict=True):
        assert abs(quota - cards * bank.tps / sum(rates)) < 1
