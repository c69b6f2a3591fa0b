from cardwatch_contracts.card import Card, CardProfile, card_key
from cardwatch_contracts.codec import encode
from cardwatch_contracts.topics import CARD_PROFILES, CARDS, TOPICS, USER_HABITS
from cardwatch_local.erasing.compacted import OWNERS, Place, UsersPlaces
from cardwatch_local.erasing.remaining import KEPT, remains


def card(card_id: str, user_id: str) -> Card:
    return Card(
        card_id=card_id, user_id=user_id, bank_id="A", payment_system="visa", currency="EUR"
    )


def profile(card_id: str, user_id: str) -> bytes:
    return encode(CardProfile(card_id=card_id, user_id=user_id, version=1, transactions=1))


def place(key: bytes, partition: int = 0) -> Place:
    return Place("card-profiles", partition, key)


def test_a_users_cards_are_told_by_what_the_record_says_not_by_its_key() -> None:
    places = UsersPlaces("a", OWNERS[CARDS])
    for one in (card("c-1", "a"), card("c-2", "a/b"), card("c-3", "b")):
        places.take(Place("cards", 0, card_key(one)), encode(one))
    assert places.standing == [Place("cards", 0, b"a/c-1")]


def test_habits_are_told_by_their_key_whatever_is_in_them() -> None:
    places = UsersPlaces("a", OWNERS[USER_HABITS])
    standing = Place("user-habits", 4, b"a")
    for key in (b"a", b"a/b", b"b", b"\xff"):
        places.take(Place("user-habits", 4, key), b"\x00 packed")
    assert places.standing == [standing]
    places.take(standing, None)
    assert places.standing == []


def test_what_a_tombstone_follows_stands_no_longer() -> None:
    places = UsersPlaces("a", OWNERS[CARD_PROFILES])
    places.take(place(b"c-1"), profile("c-1", "a"))
    places.take(place(b"c-2"), profile("c-2", "a"))
    places.take(place(b"c-1"), None)
    assert places.standing == [place(b"c-2")]


def test_a_card_that_went_to_another_user_is_not_the_first_ones_any_more() -> None:
    places = UsersPlaces("a", OWNERS[CARD_PROFILES])
    places.take(place(b"c-1"), profile("c-1", "a"))
    places.take(place(b"c-1"), profile("c-1", "b"))
    assert places.standing == []


def test_the_same_key_in_two_partitions_stands_twice() -> None:
    places = UsersPlaces("a", OWNERS[CARD_PROFILES])
    for partition in (3, 1):
        places.take(place(b"c-1", partition), profile("c-1", "a"))
    assert places.standing == [place(b"c-1", 1), place(b"c-1", 3)]


def test_what_cannot_be_read_is_nobodys() -> None:
    places = UsersPlaces("a", OWNERS[CARD_PROFILES])
    places.take(place(b"c-1"), b"{")
    assert places.standing == []


def test_every_topic_that_names_users_is_erased_from_or_said_to_stay() -> None:
    without_users = {
        "detector-configs", "detector-config-history", "config-acks", "transaction-stats",
        "models", "model-stats",
    }  # fmt: skip
    known = {topic.name for topic in (*OWNERS, *KEPT)}
    assert known | without_users == {topic.name for topic in TOPICS}


def test_what_stays_says_how_long() -> None:
    said = dict(remains())
    assert said["topic transactions"] == "until 7 days after it was sent"
    assert said["topic verdicts"] == "until 1 hour after it was sent"
    assert "topics cards, card-profiles, user-habits" in said
    assert "until they are removed" in said["Flink's checkpoints and savepoints"]
