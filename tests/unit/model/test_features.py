import math
from copy import deepcopy

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.model.paying import BEGINS_MS, DELAY_MS, lesson, paid, payments_of, stream
from tests.unit.transactions import make_transaction

from cardwatch_job.model.features import FEATURES, WITH_LABELS
from cardwatch_job.model.habits import MAX_HELD, MAX_KNOWN
from cardwatch_job.model.lessons import Heard
from cardwatch_job.model.memory import Memory
from cardwatch_job.model.merchant import MAX_FRAUDS, MAX_HEARD_OF_MERCHANT, QUIET_D, MerchantMemory
from cardwatch_job.model.names import hash_of
from cardwatch_job.model.packed_merchant import pack_merchant
from cardwatch_job.model.packed_user import pack_user
from cardwatch_job.model.user import MAX_HEARD, UserMemory
from cardwatch_local.training.payments import DAY_MS, FRAUDULENT, GENUINE, Paid
from cardwatch_local.training.replay import replay

_MAX = 10**15
_LATER_MS = BEGINS_MS + 2 * DELAY_MS


def _seen(memory: Memory, payment: Paid) -> dict[str, float]:
    return dict(zip(FEATURES, memory.look(payment), strict=True))


def _taught(*payments: Paid) -> Memory:
    memory = Memory()
    for payment in payments:
        memory.learn(payment, alerted=False)
    return memory


def _user(memory: Memory) -> UserMemory:
    user = memory.users.find("u")
    assert user is not None
    return user


def _merchant(memory: Memory) -> MerchantMemory:
    merchant = memory.merchants.find("m")
    assert merchant is not None
    return merchant


def _as_bytes(memory: Memory) -> tuple[bytes | None, bytes | None]:
    user, merchant = memory.users.find("u"), memory.merchants.find("m")
    return (
        None if user is None else pack_user(user),
        None if merchant is None else pack_merchant(merchant),
    )


def test_a_user_without_history_gets_neutral_finite_numbers() -> None:
    seen = _seen(Memory(), paid())

    assert seen["payments_known"] == 0
    assert seen["amount_deviations"] == 0
    assert seen["amount_times_usual"] == 1
    assert seen["distance_km"] == 0
    assert all(map(math.isfinite, seen.values()))


def test_an_amount_is_held_against_the_users_mean_and_deviation() -> None:
    memory = _taught(*(paid(n, amount_minor=a) for n, a in enumerate((1_000, 2_000, 3_000))))

    seen = _seen(memory, paid(3, amount_minor=6_000))

    # Mean 20.00; variance ((10 - 20)^2 + 0 + (30 - 20)^2) / 3 = 66.67, deviation 8.165.
    assert seen["amount_times_usual"] == pytest.approx(3.0)
    assert seen["amount_deviations"] == pytest.approx(40 / 8.16497, rel=1e-5)


def test_one_huge_payment_makes_no_habit() -> None:
    usual = [paid(number, amount_minor=2_000 + 100 * (number % 3)) for number in range(20)]
    memory = _taught(*usual, paid(20, amount_minor=10_000_000))

    assert _user(memory).habits.amounts.mean < 25


def test_hours_places_and_merchants_are_held_against_the_users_own() -> None:
    memory = _taught(*(paid(24 * day + 12) for day in range(10)))

    noon, night = _seen(memory, paid(24 * 10 + 12)), _seen(memory, paid(24 * 11, latitude=49.0))

    assert noon["hour_share"] == pytest.approx(11 / 18)
    assert (noon["night"], night["night"]) == (0, 1)
    assert night["hour_share"] == pytest.approx(1 / 18)
    assert night["distance_km"] == pytest.approx(111.2, abs=0.1)
    assert noon["merchant_visits"] == 10
    assert _seen(memory, paid(250, merchant_id="new"))["merchant_visits"] == 0
    assert _seen(memory, paid(250, merchant_category="toys"))["category_share"] == pytest.approx(
        1 / 11
    )


def test_looking_changes_nothing() -> None:
    memory = _taught(*(paid(number) for number in range(5)))
    before = _as_bytes(memory)

    memory.look(paid(6, user_id="stranger", merchant_id="other"))
    memory.look(paid(6))

    assert _as_bytes(memory) == before
    assert len(memory.users) == 1
    assert len(memory.merchants) == 0


def test_a_payment_that_alerted_changes_no_habit_until_it_is_called_genuine() -> None:
    memory = _taught(*(paid(number) for number in range(5)))
    habits = deepcopy(_user(memory).habits)
    odd = paid(5, amount_minor=9_000, merchant_id="odd", latitude=10.0)

    memory.learn(odd, alerted=True)
    held = deepcopy(_user(memory).habits)
    assert (held.payments, held.amounts, held.hours) == (5, habits.amounts, habits.hours)
    assert (held.merchants, held.latitude) == (habits.merchants, habits.latitude)

    assert memory.users.hear(lesson(odd, fraudulent=False)) is Heard.LEARNED
    assert _user(memory).habits.payments == 6
    assert hash_of("odd") in _user(memory).habits.merchants


def test_a_payment_that_alerted_and_was_a_fraud_is_never_a_habit() -> None:
    memory = _taught(*(paid(number) for number in range(5)))
    memory.learn(paid(5, amount_minor=9_000), alerted=True)

    memory.hear(lesson(paid(5), fraudulent=True))

    assert _user(memory).habits.payments == 5
    assert _user(memory).habits.held == {}


def test_feedback_on_an_unknown_user_teaches_the_merchant_alone() -> None:
    memory = _taught(paid())

    assert memory.users.hear(lesson(paid(), user_id="nobody")) is Heard.UNKNOWN
    assert not memory.users.knows("nobody")
    assert memory.hear(lesson(paid(), user_id="nobody")) is Heard.LEARNED

    seen = _seen(memory, paid(24))
    assert (seen["merchant_frauds"], seen["user_frauds_30d"]) == (1, 0)


def test_of_contradictory_feedback_the_latest_given_counts() -> None:
    memory = _taught(paid())
    later = paid(24)

    def hear(given_at: int, *, fraudulent: bool) -> tuple[Heard, Heard]:
        word = lesson(paid(), fraudulent=fraudulent, given_at=given_at)
        return memory.users.hear(word), memory.merchants.hear(word)

    assert hear(1, fraudulent=True) == (Heard.LEARNED, Heard.LEARNED)
    assert _seen(memory, later)["merchant_frauds"] == 1
    assert _seen(memory, later)["user_frauds_30d"] == pytest.approx(2 ** (-1 / 30))
    assert hear(3, fraudulent=True) == (Heard.REPEATED, Heard.REPEATED)
    assert hear(2, fraudulent=False) == (Heard.REPEATED, Heard.REPEATED)
    assert hear(4, fraudulent=False) == (Heard.CHANGED, Heard.CHANGED)

    seen = _seen(memory, later)
    for name in ("merchant_frauds", "merchant_fraud_share_7d", "user_frauds_30d"):
        assert seen[name] == pytest.approx(0, abs=1e-9), name
    assert _merchant(memory).short_known == pytest.approx(1)


def test_a_fraud_that_the_users_habits_explain_does_not_blame_the_merchant() -> None:
    memory = _taught(*(paid(number) for number in range(10)))
    large = paid(10, amount_minor=50_000)

    # The mean is 20.00; no spread less than a tenth of it is believed.
    deviations = memory.learn(large, alerted=False)
    assert deviations == pytest.approx((500 - 20) / 2)
    memory.hear(lesson(large, amount_deviations=deviations))
    explained = _seen(memory, paid(24))
    memory.hear(lesson(paid(9)))
    blamed = _seen(memory, paid(24))

    assert explained["merchant_frauds"] == 0
    assert explained["merchant_explained_30d"] > 0.9
    assert blamed["merchant_frauds"] == 1
    assert blamed["merchant_first_fraud_d"] == pytest.approx(15 / 24)


def test_a_merchant_that_was_quiet_for_long_enough_begins_anew() -> None:
    memory = _taught(paid())
    memory.hear(lesson(paid()))
    quiet_ms = round(QUIET_D * DAY_MS)

    at_the_edge = _seen(memory, paid(event_time=BEGINS_MS + quiet_ms))
    after = _seen(memory, paid(event_time=BEGINS_MS + quiet_ms + 1))

    assert at_the_edge["merchant_frauds"] == 1
    assert (after["merchant_frauds"], after["merchant_last_fraud_d"]) == (0, 99)


def test_the_share_of_frauds_fades_towards_what_is_usual() -> None:
    memory = _taught(paid(0), paid(0, transaction_id="other"))
    memory.hear(lesson(paid()))
    memory.hear(lesson(paid(0, transaction_id="other"), fraudulent=False))

    seen = _seen(memory, paid(event_time=BEGINS_MS + 7 * DAY_MS))

    # After a half-life half a fraud of one known payment, and one genuine one made up.
    assert seen["merchant_fraud_share_7d"] == pytest.approx(0.5 / (1.0 + 1.0))
    left = 2 ** (-7 / 30)
    assert seen["merchant_fraud_share_30d"] == pytest.approx(left / (2 * left + 1.0))
    assert _seen(Memory(), paid())["merchant_fraud_share_7d"] == 0


def test_genuine_payments_after_the_latest_fraud_are_counted() -> None:
    memory = Memory()
    memory.hear(lesson(paid(1)))
    for number in (0, 2, 3):
        memory.hear(lesson(paid(number), fraudulent=False))

    assert _seen(memory, paid(5))["merchant_genuine_since"] == 2
    memory.hear(lesson(paid(2), fraudulent=True, given_at=_LATER_MS))
    assert _seen(memory, paid(5))["merchant_genuine_since"] == 1
    memory.hear(lesson(paid(2), fraudulent=False, given_at=_LATER_MS))
    assert _seen(memory, paid(5))["merchant_genuine_since"] == 2


def test_recent_payments_are_counted_as_they_fade() -> None:
    memory = _taught(paid(0, amount_minor=1_000), paid(24, amount_minor=4_000))

    seen = _seen(memory, paid(48))

    # After a half-life of a day a half is left, after two a quarter.
    assert seen["payments_1d"] == pytest.approx(0.25 + 0.5)
    assert seen["mean_amount_1d"] == pytest.approx((10 * 0.5 + 40) / 1.5)
    assert seen["payments_7d"] == pytest.approx(2 ** (-2 / 7) + 2 ** (-1 / 7))
    assert seen["gap_h"] == 24


def test_a_late_payment_counts_as_what_is_left_of_it() -> None:
    first, second = paid(0, amount_minor=1_000), paid(24, amount_minor=4_000)

    in_order, late = _taught(first, second), _taught(second, first)

    for name, expected in _seen(in_order, paid(48)).items():
        if name.endswith("stolen_odds"):
            continue  # a late payment counts as if it came now
        assert _seen(late, paid(48))[name] == pytest.approx(expected), name


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(-_MAX, _MAX),
            st.integers(0, 4_102_444_799_999),
            st.sampled_from("uvw"),
            st.booleans(),
        ),
        max_size=30,
    )
)
def test_every_number_is_finite_whatever_is_paid_and_in_whatever_order(
    payments: list[tuple[int, int, str, bool]],
) -> None:
    memory = Memory()
    for number, (amount, at_ms, user, alerted) in enumerate(payments):
        payment = paid(number, amount_minor=amount, event_time=at_ms, user_id=user)
        assert all(map(math.isfinite, memory.look(payment)))
        memory.learn(payment, alerted=alerted)
        memory.hear(lesson(payment, fraudulent=alerted, given_at=at_ms))


def test_memory_is_bounded() -> None:
    memory = Memory()
    for number in range(300):
        payment = paid(number, merchant_id=f"m{number}", merchant_category=f"c{number}")
        memory.learn(payment, alerted=number % 2 == 0)
        memory.hear(lesson(paid(number, transaction_id=f"of m {number}")))
    user, merchant = _user(memory), _merchant(memory)

    assert len(user.heard) == MAX_HEARD
    assert len(user.habits.held) == MAX_HELD
    assert len(user.habits.merchants) == len(user.habits.categories) == MAX_KNOWN
    assert len(merchant.frauds) == MAX_FRAUDS
    assert len(merchant.heard) == MAX_HEARD_OF_MERCHANT


def test_a_transaction_of_the_contract_is_read_as_it_is() -> None:
    txn = make_transaction(amount_minor=4_200)
    memory = Memory()

    vector = memory.look(txn)
    memory.learn(txn, alerted=False)

    assert vector[FEATURES.index("amount")] == 42
    assert memory.users.knows(txn.user_id)


def test_a_shuffled_future_changes_no_past_feature() -> None:
    payments = stream(payments=2_000)
    middle = len(payments) // 2
    order = np.arange(len(payments))
    np.random.default_rng(3).shuffle(order[middle:])
    future = payments.where(order)
    times = payments.event_time
    # The same moments, but others pay then, and other labels come.
    shuffled = payments_of(
        [
            row._replace(event_time=int(at), transaction_id=name)
            for row, at, name in zip(
                future.rows(), times, payments.transaction_id.tolist(), strict=True
            )
        ],
        future.label.tolist(),
    )
    past = np.arange(len(payments)) < middle

    expected, found = replay(payments, past), replay(shuffled, past)

    assert expected.features.tobytes() == found.features.tobytes()
    everything = np.ones(len(payments), bool)
    assert (
        replay(payments, everything).features.tobytes()
        != replay(shuffled, everything).features.tobytes()
    )


def test_a_label_is_heard_when_it_becomes_known_and_not_before() -> None:
    first = paid(0)
    ones = [
        first,
        paid(1, event_time=first.event_time + DELAY_MS - 1),
        paid(2, event_time=first.event_time + DELAY_MS),
    ]
    payments = payments_of(ones, [FRAUDULENT, GENUINE, GENUINE])

    features = replay(payments, np.ones(3, bool)).features

    frauds = features[:, FEATURES.index("merchant_frauds")]
    assert frauds.tolist() == [0, 0, 1]


def test_a_replay_gives_the_bits_of_a_live_stream() -> None:
    payments = stream(payments=600)
    replayed = replay(payments, np.ones(len(payments), bool))

    # As the job has it: one payment after another, feedback between them.
    memory, live = Memory(), b""
    waiting: list[tuple[Paid, int]] = []
    deviations: dict[str, float] = {}
    for payment, label in zip(payments.rows(), payments.label.tolist(), strict=True):
        while waiting and waiting[0][0].event_time + DELAY_MS <= payment.event_time:
            known, what = waiting.pop(0)
            word = lesson(known, fraudulent=what == FRAUDULENT)
            far_over = deviations[known.transaction_id]
            memory.hear(word._replace(amount_deviations=far_over))
        vector = memory.look(payment)
        live += vector.tobytes()
        # As the alert has it, and its feedback.
        deviations[payment.transaction_id] = vector[FEATURES.index("amount_deviations")]
        memory.learn(payment, alerted=False)
        waiting.append((payment, label))

    assert replayed.features.tobytes() == live
    assert replayed.heard[Heard.LEARNED] > 0


def test_features_without_labels_do_not_depend_on_feedback() -> None:
    payments = stream(payments=800)
    everything = np.ones(len(payments), bool)
    silent = payments_of(list(payments.rows()), [-1] * len(payments))

    told, untold = replay(payments, everything).features, replay(silent, everything).features

    own = len(FEATURES) - len(WITH_LABELS)
    assert told[:, :own].tobytes() == untold[:, :own].tobytes()
    assert told[:, own:].tobytes() != untold[:, own:].tobytes()
