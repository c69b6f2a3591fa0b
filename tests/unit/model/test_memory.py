import struct

import pytest
from tests.unit.model.paying import BEGINS_MS, lesson, paid

from cardwatch_contracts.feedback import Feedback, Label
from cardwatch_job.model.habits import MAX_HELD, MAX_KNOWN
from cardwatch_job.model.lessons import Heard, Lesson, lesson_of
from cardwatch_job.model.merchants import Merchants
from cardwatch_job.model.names import hash_of
from cardwatch_job.model.packed import BrokenMemoryError
from cardwatch_job.model.packed_merchant import pack_merchant, unpack_merchant
from cardwatch_job.model.packed_user import pack_user, unpack_user
from cardwatch_job.model.users import ModelUsers
from cardwatch_local.training.payments import DAY_MS


def _users(payments: int = 5, user_id: str = "u") -> ModelUsers:
    users = ModelUsers()
    for number in range(payments):
        users.learn(paid(number, user_id=user_id), alerted=number % 4 == 3)
    return users


def _packed(payments: int = 5) -> bytes:
    packed = _users(payments).take_changed()["u"]
    assert packed is not None
    return packed


def _feedback(label: Label, event_time: int | None, deviations: float | None) -> Feedback:
    return Feedback(
        feedback_id="f",
        alert_id="a",
        transaction_id="t",
        user_id="u",
        card_id="c",
        bank_id="b",
        merchant_id="m",
        label=label,
        given_by="ann",
        given_at=BEGINS_MS + DAY_MS,
        event_time=event_time,
        amount_deviations=deviations,
    )


@pytest.mark.parametrize(("said", "deviations"), [(None, 0.0), (2.5, 2.5), (-1.0, -1.0)])
def test_a_feedback_is_a_lesson(said: float | None, deviations: float) -> None:
    feedback = _feedback("fraudulent", BEGINS_MS, said)
    expected = Lesson("u", "t", "m", BEGINS_MS, True, deviations, BEGINS_MS + DAY_MS)

    assert lesson_of(feedback) == expected


@pytest.mark.parametrize(("label", "event_time"), [("unsure", BEGINS_MS), ("genuine", None)])
def test_who_is_unsure_or_says_no_time_teaches_nothing(
    label: Label, event_time: int | None
) -> None:
    assert lesson_of(_feedback(label, event_time, 1.0)) is None


@pytest.mark.parametrize(
    ("name", "value"),
    # From the authors' own vectors.
    [("", 0xCBF29CE484222325), ("a", 0xAF63DC4C8601EC8C), ("foobar", 0x85944171F73967E8)],
)
def test_names_are_hashed_as_others_do(name: str, value: int) -> None:
    assert hash_of(name) == value


def test_a_user_comes_back_as_it_was() -> None:
    users = _users()
    users.hear(lesson(paid(2)))
    user = users.find("u")
    assert user is not None
    assert user.habits.held
    assert user.heard

    assert unpack_user(pack_user(user)) == user


def test_a_typical_user_takes_little_room() -> None:
    users = ModelUsers()
    for number in range(300):
        payment = paid(number, merchant_id=f"m{number % 20}", merchant_category=f"c{number % 5}")
        users.learn(payment, alerted=False)
    packed = users.take_changed()["u"]

    assert packed is not None
    assert len(packed) < 500


def test_a_merchant_comes_back_as_it_was() -> None:
    merchants = Merchants()
    merchants.hear(lesson(paid(0)))
    merchants.hear(lesson(paid(1), fraudulent=False))
    merchants.hear(lesson(paid(2), amount_deviations=3.0))
    merchant = merchants.find("m")
    assert merchant is not None

    assert unpack_merchant(pack_merchant(merchant)) == merchant


def test_no_name_is_in_the_state() -> None:
    users = ModelUsers()
    users.learn(paid(0, merchant_id="kiosk", merchant_category="trade"), alerted=True)
    users.learn(paid(1, merchant_id="kiosk", merchant_category="trade"), alerted=False)
    users.hear(lesson(paid(0)))
    packed = users.take_changed()["u"]

    assert packed is not None
    for name in (b"kiosk", b"trade", b"t0", b"t1"):
        assert name not in packed


def _with(packed: bytes, at: int, form: str, value: float) -> bytes:
    changed = bytearray(packed)
    struct.pack_into(form, changed, at, value)
    return bytes(changed)


@pytest.mark.parametrize(
    ("packed", "said"),
    [
        (b"", "168 bytes at least"),
        (_packed()[:100], "168 bytes at least"),
        (_packed()[:-1], "that should have"),
        (_packed() + b"0", "that should have"),
        (_with(_packed(), 0, "<B", 2), "of version 2; this Cardwatch reads version 1"),
        (_with(_packed(), 8, "<q", 0), "cannot hold"),  # payments seen
        (_with(_packed(), 16, "<q", 9), "cannot hold"),  # learned, more than seen
        (_with(_packed(), 24, "<q", -1), "cannot hold"),  # the latest's time
        (_with(_packed(), 32, "<d", 0.0), "cannot hold"),  # recent payments
        (_with(_packed(), 56, "<d", float("nan")), "cannot hold"),  # their amounts
        (_with(_packed(), 96, "<d", -0.5), "cannot hold"),  # odds that the card is stolen
        (_with(_packed(), 104, "<d", float("inf")), "cannot hold"),  # the mean
        (_with(_packed(), 104, "<d", 1e300), "cannot hold"),
        (_with(_packed(), 136, "<d", 90.1), "cannot hold"),  # latitude
    ],
)
def test_what_no_memory_holds_is_refused_and_says_why(packed: bytes, said: str) -> None:
    users = _users(2)
    before = users.find("u")

    with pytest.raises(BrokenMemoryError, match=said):
        users.adopt("u", packed)

    assert users.find("u") == before


def test_a_broken_merchant_is_refused() -> None:
    merchants = Merchants()
    merchants.hear(lesson(paid(0)))
    (key, packed), *_ = merchants.take_changed().items()
    assert packed is not None

    for broken in (packed[:-1], packed[:20], _with(packed, 40, "<d", float("nan"))):
        with pytest.raises(BrokenMemoryError):
            Merchants({key: broken})
    with pytest.raises(BrokenMemoryError, match="version 9"):
        Merchants({key: b"\x09"})


def test_a_memory_is_adopted_where_it_knows_more() -> None:
    users = _users(5)
    users.take_changed()

    assert not users.adopt("u", _packed(5))
    assert users.changed == 0
    assert users.adopt("u", _packed(6))
    assert users.adopt("v", _packed(1))
    assert users.take_changed() == {"u": _packed(6), "v": _packed(1)}


def test_changes_are_given_once() -> None:
    users = _users()
    users.learn(paid(0, user_id="v"), alerted=False)
    assert users.changed == len(users) == 2

    packed = {user_id: each for user_id, each in users.take_changed().items() if each is not None}
    assert (users.changed, users.take_changed()) == (0, {})

    again = ModelUsers(packed)
    assert len(again) == 2
    assert again.look(paid(9), Merchants()) == users.look(paid(9), Merchants())
    users.learn(paid(9), alerted=False)
    again.learn(paid(9), alerted=False)
    assert again.take_changed() == users.take_changed()


def test_a_forgotten_user_is_said_to_be() -> None:
    users = _users()
    users.take_changed()
    users.forget("u")
    users.forget("nobody")

    assert (len(users), users.knows("u"), users.changed) == (0, False, 1)
    assert users.take_changed() == {"u": None}
    users.forget("u")
    assert users.take_changed() == {}


def test_users_who_have_not_paid_for_long_are_forgotten_once_a_day() -> None:
    users = _users()
    users.learn(paid(48, user_id="late"), alerted=False)
    users.take_changed()
    users.learn(paid(60, user_id="new"), alerted=False)

    before_ms = BEGINS_MS + DAY_MS
    assert not users.forget_before(before_ms - DAY_MS)
    assert not users.forget_before(before_ms - 1)
    assert len(users) == 3
    assert users.forget_before(before_ms)
    assert (users.knows("u"), users.knows("late"), users.knows("new")) == (False, True, True)


def test_what_waits_is_bounded_and_the_oldest_is_given_up() -> None:
    users = ModelUsers()
    for number in range(MAX_HELD + 1):
        users.learn(paid(number), alerted=True)
    user = users.find("u")
    assert user is not None
    assert len(user.habits.held) == MAX_HELD

    users.hear(lesson(paid(0), fraudulent=False))
    assert user.habits.payments == 0
    users.hear(lesson(paid(1), fraudulent=False))
    assert user.habits.payments == 1


def test_the_merchant_unseen_longest_goes_first() -> None:
    users = ModelUsers()
    for number in range(MAX_KNOWN):
        users.learn(paid(number, merchant_id=f"m{number}"), alerted=False)
    users.learn(paid(50, merchant_id="m0"), alerted=False)
    users.learn(paid(51, merchant_id="new"), alerted=False)
    user = users.find("u")
    assert user is not None

    known = user.habits.merchants
    assert (known[hash_of("m0")], known[hash_of("new")]) == (2, 1)
    assert hash_of("m1") not in known
    assert hash_of("m2") in known


def test_of_many_merchants_the_one_unheard_of_longest_goes_first() -> None:
    merchants = Merchants(most=2)
    for number, name in enumerate(("first", "second", "first", "third")):
        merchants.hear(lesson(paid(number, merchant_id=name)))

    assert len(merchants) == 2
    assert merchants.find("second") is None
    packed = merchants.take_changed()
    assert packed[f"{hash_of('second'):016x}"] is None
    assert merchants.take_changed() == {}

    kept = {key: each for key, each in packed.items() if each is not None}
    # However a state is listed, what was heard last is known to be the latest.
    again = Merchants(dict(sorted(kept.items())), most=2)
    again.hear(lesson(paid(9, merchant_id="fourth")))
    assert again.find("first") is None
    assert again.find("third") is not None


def test_feedback_heard_twice_or_late_changes_nothing() -> None:
    users, merchants = _users(), Merchants()
    word = lesson(paid(4), given_at=BEGINS_MS + 10)
    users.hear(word)
    merchants.hear(word)
    vector = users.look(paid(9), merchants)

    for given_at, fraudulent in ((BEGINS_MS + 10, True), (BEGINS_MS + 9, False)):
        again = word._replace(given_at=given_at, fraudulent=fraudulent)
        assert users.hear(again) is Heard.REPEATED
        assert merchants.hear(again) is Heard.REPEATED

    assert users.look(paid(9), merchants) == vector
