from cardwatch_job.detectors.history import CardState, UserState, decode_user, encode_user
from cardwatch_job.users import MAX_UNPACKED, UsersOfBucket

_DAY_MS = 86_400_000
_START_MS = 1_800_000_000_000


def _used(at_ms: int, limit_minor: int | None = None) -> UserState:
    card = CardState(transactions=1, last_event_time=at_ms, limit_minor=limit_minor)
    return UserState(cards={"card-1": card})


def test_changed_memories_are_packed_once() -> None:
    users = UsersOfBucket({"u1": encode_user(_used(1))})
    user = users.load("u1")
    user.cards["card-1"].transactions = 2
    users.store("u1", user)
    (packed,) = users.take_changed().values()
    assert packed is not None
    assert decode_user(packed).cards["card-1"].transactions == 2
    assert users.take_changed() == {}


def test_memories_that_were_packed_away_come_back_as_they_were() -> None:
    users = UsersOfBucket({})
    for number in range(MAX_UNPACKED + 1):
        user = users.load(f"u{number}")
        user.card("card-1").transactions = number
        users.store(f"u{number}", user)
        users.take_changed()
    assert len(users) == MAX_UNPACKED + 1
    assert all(
        users.load(f"u{number}").cards["card-1"].transactions == number
        for number in range(MAX_UNPACKED + 1)
    )


def test_who_was_silent_for_too_long_is_forgotten() -> None:
    users = UsersOfBucket(
        {"idle": encode_user(_used(_START_MS)), "busy": encode_user(_used(_START_MS + _DAY_MS))}
    )
    users.forget_before(_START_MS - _DAY_MS)
    users.forget_before(_START_MS + 1)
    assert users.take_changed() == {"idle": None}
    assert len(users) == 1
    assert users.load("idle") == UserState()


def test_the_limit_of_a_forgotten_card_stays() -> None:
    users = UsersOfBucket({"idle": encode_user(_used(_START_MS, limit_minor=500))})
    users.forget_before(_START_MS - _DAY_MS)
    users.forget_before(_START_MS + 1)
    users.take_changed()
    assert users.load("idle").cards == {"card-1": CardState(limit_minor=500)}


def test_a_transaction_is_known_again_for_ten_minutes_of_event_time() -> None:
    user = UserState()
    user.remember_id("t-1", _START_MS)
    user.remember_id("t-2", _START_MS + 600_000)
    assert user.has_seen("t-1")
    user.remember_id("t-3", _START_MS + 600_001)
    assert not user.has_seen("t-1")
    assert user.recent_ids == ["t-2", "t-3"]


def test_the_ids_remembered_are_bounded() -> None:
    user = UserState()
    for number in range(1000):
        user.remember_id(f"t-{number}", _START_MS)
    assert user.recent_ids == [f"t-{number}" for number in range(936, 1000)]
