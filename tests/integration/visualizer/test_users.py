"""A user's page, on a real PostgreSQL and a real Valkey."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC
from typing import Any, Final

import pytest
from tests.integration.gateway.alerts import archive_alert, new_alert
from tests.integration.visualizer.rows import add_transactions, now_ms
from tests.unit.transactions import make_transaction
from valkey import Valkey

from cardwatch_contracts.card import PROFILE_KEY_PREFIX, CardProfile
from cardwatch_contracts.codec import encode
from cardwatch_contracts.database_settings import Database
from cardwatch_local.endpoints import Endpoints
from cardwatch_visualizer.archive import cardholders
from cardwatch_visualizer.live.profiles import ProfileReader
from cardwatch_visualizer.live.store import StoreAwayError, valkey_client
from cardwatch_visualizer.pages.users_find import Who, find, resolve
from cardwatch_visualizer.pages.users_read import read
from cardwatch_visualizer.services import Services, open_services
from cardwatch_visualizer.settings import VisualizerSettings

_USER: Final = "holder-1"
_CARD: Final = "tok_holder_1"
_OTHER: Final = "tok_holder_2"
_DAY_MS: Final = 86_400_000


@pytest.fixture(scope="module")
def services(stack_without_job: Endpoints, archive_url: str) -> Iterator[Services]:
    settings = VisualizerSettings(
        bootstrap_servers=stack_without_job.bootstrap_servers,
        valkey_url=stack_without_job.valkey_url,
        database=Database(url=archive_url),
        login="none",
    )
    services = open_services(settings)
    yield services
    services.archive.close()


@pytest.fixture(scope="module")
def at_ms(stack_without_job: Endpoints, archive_url: str) -> int:
    """Return when a user paid last; two cards, of one of which there is a profile."""
    at_ms = now_ms() - 60_000
    mine: dict[str, Any] = {"user_id": _USER, "card_id": _CARD}
    add_transactions(
        archive_url,
        *(
            make_transaction(
                transaction_id=f"h-{n}", amount_minor=amount, event_time=at_ms - (2 - n) * _DAY_MS,
                **mine,
            )
            for n, amount in enumerate((1_000, 2_000, 41_200))
        ),
        # Sent twice: judged once, shown once.
        make_transaction(
            transaction_id="h-1", amount_minor=2_000, event_time=at_ms - _DAY_MS, **mine
        ),
        make_transaction(
            transaction_id="h-p", user_id=_USER, card_id=_OTHER, city="Paris", country="FR",
            event_time=at_ms - 5 * _DAY_MS, channel="online", merchant_category="travel",
        ),
    )  # fmt: skip
    archive_alert(archive_url, new_alert(transaction_id="h-2", event_time=at_ms, **mine))
    profile = CardProfile(
        card_id=_CARD, user_id=_USER, version=3, transactions=3, average_amount_minor=14_733.33,
        amounts=3, last_event_time=at_ms, home_latitude=52.5, home_longitude=13.4,
        card_limit_minor=50_000,
    )  # fmt: skip
    client = Valkey.from_url(stack_without_job.valkey_url)
    client.set(PROFILE_KEY_PREFIX + _CARD, encode(profile))
    client.set(PROFILE_KEY_PREFIX + "tok_foreign", b"no profile")
    client.connection_pool.disconnect()
    return at_ms


def test_a_user_is_shown_with_cards_places_habits_and_alerts(
    services: Services, at_ms: int
) -> None:
    found = read(services, Who(user_id=_USER), UTC)

    assert [card.card_id for card in found.cards] == [_CARD, _OTHER], "the one used last first"
    assert found.card is found.cards[0]
    first, second = found.cards
    assert (first.transactions, first.mean, first.limit) == ("3", "147.33 EUR", "500.00 EUR")
    assert (first.alerts, second.alerts) == (1, 0)
    assert second.profile is None
    assert {row["city"]: row["transactions"] for row in found.places} == {"Berlin": 3, "Paris": 1}
    assert {row["name"] for row in found.habits} == {"grocery", "travel", "chip", "online"}
    assert [row["transaction_id"] for row in found.alerts] == ["h-2"]
    assert not found.trouble


def test_how_the_profile_learned_follows_from_what_it_is(services: Services, at_ms: int) -> None:
    learning = read(services, Who(user_id=_USER, card_id=_CARD), UTC).learning

    assert [each.transaction_id for each in learning] == ["h-0", "h-1", "h-2"]
    assert [each.amounts for each in learning] == [1, 2, 3]
    means = [each.mean_minor for each in learning]
    assert means == pytest.approx([1_000, 1_500, 14_733.33], abs=0.1)
    assert [each.alert_id is not None for each in learning] == [False, False, True]


def test_the_card_that_is_asked_for_is_shown(services: Services, at_ms: int) -> None:
    found = read(services, Who(user_id=_USER, card_id=_OTHER), UTC)
    assert found.card is not None
    assert found.card.card_id == _OTHER
    assert [each.mean_minor for each in found.learning] == [None]


@pytest.mark.parametrize(
    ("text", "who"),
    [
        (_USER, Who(user_id=_USER)),
        (f" {_CARD} ", Who(user_id=_USER, card_id=_CARD)),
        (_OTHER, Who(user_id=_USER, card_id=_OTHER)),
        ("nobody", None),
        ("tok_foreign", None),
        ("h%", None),
    ],
)
def test_who_is_looked_for_is_found_by_user_or_card(
    services: Services, at_ms: int, text: str, who: Who | None
) -> None:
    assert find(services, text) == who


def test_a_link_with_a_card_alone_leads_to_its_user(services: Services, at_ms: int) -> None:
    assert resolve(services, "", _CARD) == Who(user_id=_USER, card_id=_CARD)
    assert resolve(services, "", "tok_nobody") is None
    assert resolve(services, "", "") == Who(user_id="")


def test_users_with_the_most_alerts_are_first(services: Services, at_ms: int) -> None:
    rows = cardholders.most_alerts(services.archive, at_ms - _DAY_MS)
    counts = [row["alerts"] for row in rows]
    assert counts == sorted(counts, reverse=True)
    assert len(rows) <= 20


def test_somebody_elses_profile_is_not_shown(
    services: Services, at_ms: int, stack_without_job: Endpoints
) -> None:
    client = Valkey.from_url(stack_without_job.valkey_url)
    profile = CardProfile(card_id=_OTHER, user_id="somebody", version=1, transactions=1)
    client.set(PROFILE_KEY_PREFIX + _OTHER, encode(profile))
    try:
        found = read(services, Who(user_id=_USER), UTC)
    finally:
        client.delete(PROFILE_KEY_PREFIX + _OTHER)
        client.connection_pool.disconnect()
    assert found.cards[1].profile is None


def test_without_valkey_that_is_said_and_the_archive_is_shown(
    services: Services, at_ms: int
) -> None:
    away = ProfileReader(valkey_client("valkey://127.0.0.1:1"))
    with pytest.raises(StoreAwayError):
        away.of([_CARD])
    without = replace(services, profiles=away)
    found = read(without, Who(user_id=_USER), UTC)
    assert "Valkey does not answer" in found.trouble
    assert found.cards[0].mean == "147.33 EUR", "by the archive's transactions"
    assert find(without, _CARD) == Who(user_id=_USER, card_id=_CARD)
