from datetime import UTC
from typing import Any

import pytest
from tests.unit.transactions import NOON_MS

from cardwatch_contracts.card import CardProfile
from cardwatch_visualizer.views.cardholder import (
    address,
    baseline,
    habit_lines,
    place_lines,
    shown_cards,
)
from cardwatch_visualizer.views.learning import learned

_BERLIN = {
    "country": "DE",
    "city": "Berlin",
    "transactions": 9,
    "latitude": 52.52,
    "longitude": 13.4,
    "first_ms": NOON_MS - 86_400_000,
    "last_ms": NOON_MS,
}
_TOKYO = _BERLIN | {"country": "JP", "city": "Tokyo", "latitude": 35.68, "longitude": 139.69}


def a_profile(**of: Any) -> CardProfile:
    given: dict[str, Any] = {
        "card_id": "tok_1",
        "user_id": "501",
        "version": 9,
        "transactions": 9,
        "average_amount_minor": 2_000.0,
        "amounts": 8,
        "last_event_time": NOON_MS,
        "home_latitude": 52.5,
        "home_longitude": 13.4,
    }
    return CardProfile(**(given | of))


def a_card_row(**of: Any) -> dict[str, Any]:
    given = {
        "card_id": "tok_1",
        "bank_id": "A",
        "payment_system": "visa",
        "currency": "EUR",
        "transactions": 4,
        "first_ms": NOON_MS,
        "last_ms": NOON_MS,
        "average_minor": 1_500.0,
        "median_minor": 1_200,
        "largest_minor": 9_000,
        "limit_minor": 50_000,
        "with_pin": 3,
    }
    return given | of


def paid(amount_minor: int, after_s: int = 0, **of: Any) -> dict[str, Any]:
    given = {
        "transaction_id": f"t-{amount_minor}",
        "event_time": NOON_MS + after_s * 1000,
        "amount_minor": amount_minor,
        "currency": "EUR",
        "merchant_id": "m",
        "city": "Berlin",
        "alert_id": None,
        "baseline": None,
    }
    return given | of


def means(rows: list[dict[str, Any]], profile: CardProfile | None) -> list[Any]:
    return [(each.mean_minor, each.amounts) for each in learned(rows, profile, UTC)]


def test_what_a_profile_was_follows_from_what_it_is() -> None:
    # Amounts of 10, 20 and 60: means of 10, 15 and 30, worked out by hand.
    rows = [paid(1_000, -20), paid(2_000, -10), paid(6_000)]
    profile = a_profile(average_amount_minor=3_000.0, amounts=3)
    assert means(rows, profile) == [(1_000.0, 1), (1_500.0, 2), (3_000.0, 3)]


def test_what_came_before_the_archive_is_in_the_mean() -> None:
    rows = [paid(1_000, -10), paid(4_000)]
    profile = a_profile(average_amount_minor=2_000.0, amounts=4)
    assert means(rows, profile) == [(pytest.approx(4_000 / 3), 3), (2_000.0, 4)]


def test_refunds_are_no_part_of_the_mean() -> None:
    rows = [paid(1_000, -20), paid(-500, -10), paid(3_000)]
    profile = a_profile(average_amount_minor=2_000.0, amounts=2)
    assert means(rows, profile) == [(1_000.0, 1), (1_000.0, 1), (2_000.0, 2)]


def test_what_the_profile_has_not_seen_yet_and_what_it_forgot_is_not_known() -> None:
    rows = [paid(700, -90), paid(800, -80), paid(2_000), paid(9_000, 60)]
    profile = a_profile(average_amount_minor=2_000.0, amounts=1)
    assert means(rows, profile) == [(None, None), (None, None), (2_000.0, 1), (None, None)]


@pytest.mark.parametrize("profile", [None, a_profile(average_amount_minor=None, amounts=0)])
def test_without_a_mean_none_is_known(profile: CardProfile | None) -> None:
    assert means([paid(1_000)], profile) == [(None, None)]


def test_a_mean_that_was_rounded_is_never_below_zero() -> None:
    rows = [paid(1_000, -20), paid(1_000, -10), paid(1_001)]
    profile = a_profile(average_amount_minor=1_000.33, amounts=3)
    found = means(rows, profile)
    assert found[0] == (pytest.approx(1_000, abs=0.05), 1)
    assert all(mean >= 0 for mean, _ in found)


def test_hostile_places_are_printable() -> None:
    (point,) = learned([paid(1, merchant_id="4111111111111111", city="\u202ex")], None, UTC)
    assert "4111" not in point.where
    assert point.where.isprintable()


def test_a_card_is_told_by_its_profile() -> None:
    rows = [a_card_row(), a_card_row(card_id="tok_2", limit_minor=None)]
    alerts = [{"card_id": "tok_1"}, {"card_id": "tok_1"}]
    first, second = shown_cards(rows, {"tok_1": a_profile()}, alerts, UTC)
    assert (first.transactions, first.mean, first.median) == ("9", "20.00 EUR", "12.00 EUR")
    assert (first.limit, first.pin, first.alerts) == ("500.00 EUR", "75 %", 2)
    assert (second.transactions, second.mean, second.limit) == ("4", "15.00 EUR", "–")
    assert second.profile is None


def test_a_limit_on_record_counts_before_what_transactions_bring() -> None:
    profile = a_profile(card_limit_minor=30_000)
    (card,) = shown_cards([a_card_row()], {"tok_1": profile}, [], UTC)
    assert card.limit_minor == 30_000


def test_a_baseline_says_what_was_learned_and_where() -> None:
    (card,) = shown_cards([a_card_row()], {"tok_1": a_profile()}, [], UTC)
    facts = dict(baseline(card, [_TOKYO, _BERLIN], UTC))
    assert facts["mean"] == "20.00 EUR, of 8 amounts"
    assert facts["usual place"] == "52.500, 13.400 (2 km from Berlin, DE)"
    assert facts["last place"] == "–"
    assert facts["last transaction"] == "2025-10-09 09:00:00 UTC"
    assert dict(baseline(card, [], UTC))["usual place"] == "52.500, 13.400"


def test_without_a_profile_there_is_no_baseline() -> None:
    (card,) = shown_cards([a_card_row()], {}, [], UTC)
    assert baseline(card, [_BERLIN], UTC) == ()


def test_places_and_habits_are_lines_of_a_table() -> None:
    (line,) = place_lines([_BERLIN], UTC)
    assert line == ("Berlin, DE", "9", "2025-10-08 09:00:00 UTC", "2025-10-09 09:00:00 UTC")
    rows = [
        {"kind": "category", "name": "grocery", "transactions": 3},
        {"kind": "category", "name": "travel", "transactions": 1},
        {"kind": "channel", "name": "chip", "transactions": 4},
    ]
    assert list(habit_lines(rows, "category")) == [
        ("grocery", "3", "75 %"),
        ("travel", "1", "25 %"),
    ]
    assert list(habit_lines([], "channel")) == []


def test_a_link_names_a_user_a_card_or_both() -> None:
    assert address("501") == "/users?user=501"
    assert address("a&b", "tok/1") == "/users?user=a%26b&card=tok%2F1"
    assert address("", "tok_1") == "/users?card=tok_1"
    assert address("") == "/users"
