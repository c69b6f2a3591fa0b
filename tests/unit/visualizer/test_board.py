from tests.unit.transactions import NOON_MS
from tests.unit.visualizer.samples import an_alert

from cardwatch_visualizer.live.board import MOST_A_TICK, RECENT, SECONDS, LiveBoard
from cardwatch_visualizer.live.shapes import Second, decode_tick, encode_tick

NOW_MS = NOON_MS + 1_000


def seconds_of(board: LiveBoard, now_ms: int = NOW_MS) -> dict[int, Second]:
    return {second.at_s: second for second in board.snapshot(now_ms).seconds}


def test_an_alert_is_in_the_next_tick_and_in_no_other() -> None:
    board = LiveBoard()
    row = board.add_alert(an_alert(), written_at=NOW_MS)

    assert board.tick(NOW_MS).alerts == [row]
    assert board.tick(NOW_MS + 500).alerts == []
    assert board.snapshot(NOW_MS).alerts == [row]


def test_alerts_are_counted_in_the_second_they_were_written_in() -> None:
    board = LiveBoard()
    board.add_alert(an_alert(1), written_at=NOW_MS)
    board.add_alert(an_alert(2, mode="shadow"), written_at=NOW_MS + 10)
    board.add_alert(an_alert(3), written_at=NOW_MS - 5_000)

    seconds = seconds_of(board)

    assert (seconds[NOW_MS // 1000].alerts, seconds[NOW_MS // 1000].on_trial) == (1, 1)
    assert seconds[NOW_MS // 1000 - 5].alerts == 1
    totals = board.tick(NOW_MS).totals
    assert (totals.alerts, totals.on_trial) == (2, 1)


def test_a_tick_has_the_seconds_that_changed_with_all_that_is_known_of_them() -> None:
    board = LiveBoard()
    board.add_transactions(10, 3, NOW_MS)
    board.tick(NOW_MS)
    board.add_alert(an_alert(), written_at=NOW_MS)

    (second,) = board.tick(NOW_MS + 500).seconds

    assert (second.transactions, second.alerts, second.lag) == (10, 1, 3)


def test_latency_is_that_from_kafka_to_the_job() -> None:
    board = LiveBoard()
    alert = an_alert()
    board.add_alert(alert, written_at=alert.ingested_at + 100)
    board.add_transactions(1, 0, alert.ingested_at + 200)

    second = seconds_of(board)[(alert.ingested_at + 200) // 1000]

    assert second.p50_ms is not None
    assert 100 <= second.p50_ms <= 110


def test_more_alerts_than_are_pushed_are_counted() -> None:
    board = LiveBoard()
    for number in range(MOST_A_TICK + 25):
        board.add_alert(an_alert(number), written_at=NOW_MS)

    tick = board.tick(NOW_MS)

    assert len(tick.alerts) == MOST_A_TICK
    assert tick.alerts[-1].alert_id == an_alert(MOST_A_TICK + 24).alert_id, "the newest are pushed"
    assert tick.totals.left_out == 25
    assert tick.totals.alerts == MOST_A_TICK + 25


def test_past_alerts_fill_the_page_but_are_not_pushed_and_say_nothing_of_latency() -> None:
    board = LiveBoard()
    board.add_alert(an_alert(), written_at=NOW_MS, timed=False)
    board.add_transactions(1, 0, NOW_MS)

    assert board.tick(NOW_MS).alerts == []
    assert len(board.snapshot(NOW_MS).alerts) == 1
    assert seconds_of(board)[NOW_MS // 1000].p50_ms is None


def test_nothing_grows_without_bound() -> None:
    board = LiveBoard()
    for number in range(3 * SECONDS):
        at = NOW_MS + 1_000 * number
        board.add_alert(an_alert(number), written_at=at)
        board.add_transactions(1, 0, at)
        board.add_places([(1.0, 2.0)] * 10)
        board.add_arc((1.0, 2.0, 3.0, 4.0))
        board.tick(at)

    snapshot = board.snapshot(at)

    assert len(snapshot.seconds) <= SECONDS
    assert len(snapshot.alerts) == RECENT
    assert snapshot.groups is not None
    assert all(len(groups) <= 20 for groups in snapshot.groups.values())


def test_users_with_the_most_alerts_come_first_with_their_latest() -> None:
    board = LiveBoard()
    for number, user in enumerate(("ann", "bob", "bob")):
        board.add_alert(
            an_alert(number, user_id=user, card_id=f"tok_{user}", amount_minor=100 * number),
            written_at=NOW_MS,
        )

    groups = board.tick(NOW_MS).groups

    assert groups is not None
    assert [(group.name, group.alerts) for group in groups["users"]] == [("bob", 2), ("ann", 1)]
    assert groups["users"][0].last_amount == "2.00 EUR"
    assert groups["detectors"][0].name == "amount_spike"


def test_groups_are_told_once_a_second_and_leave_when_they_are_old() -> None:
    board = LiveBoard()
    board.add_alert(an_alert(1), written_at=NOW_MS)
    assert board.tick(NOW_MS).groups is not None
    board.add_alert(an_alert(2), written_at=NOW_MS)
    assert board.tick(NOW_MS + 500).groups is None
    assert board.tick(NOW_MS + 1_000).groups is not None

    later = board.tick(NOW_MS + 16 * 60_000).groups

    assert later == {"users": [], "cards": [], "detectors": []}


def test_a_source_that_fails_says_since_when() -> None:
    board = LiveBoard()
    board.set_source("Kafka", None, NOW_MS)
    board.set_source("Kafka", "does not answer", NOW_MS + 1_000)
    board.set_source("Kafka", "does not answer", NOW_MS + 2_000)

    (source,) = board.tick(NOW_MS + 3_000).sources

    assert (source.ok, source.why, source.since) == (False, "does not answer", NOW_MS + 1_000)


def test_after_a_restart_the_rates_of_before_are_still_there() -> None:
    before = LiveBoard()
    before.add_transactions(7, 2, NOW_MS)
    after = LiveBoard()
    after.add_alert(an_alert(), written_at=NOW_MS)
    after.restore(before.snapshot(NOW_MS).seconds)

    second = seconds_of(after)[NOW_MS // 1000]

    assert (second.transactions, second.alerts) == (7, 1)


def test_a_tick_survives_its_journey() -> None:
    board = LiveBoard()
    board.add_alert(an_alert(city="Łódź\n<b>"), written_at=NOW_MS)
    tick = board.tick(NOW_MS)

    written = encode_tick(tick)

    assert b"\n" not in written, "an event is one line"
    assert decode_tick(written) == tick


def test_hostile_and_secret_texts_are_harmless_in_a_row() -> None:
    card_number = "4111 1111 1111 1111"
    hostile = an_alert(
        merchant_id="<script>alert(1)</script>", city=f"\u202e{card_number}\x00", user_id="u" * 128
    )

    row = LiveBoard().add_alert(hostile, written_at=NOW_MS)

    assert row.merchant_id == "<script>alert(1)</script>", "text, which no page takes for HTML"
    assert card_number not in row.city
    assert row.city.isprintable()
    assert len(row.user_id) <= 96


def test_who_is_erased_is_gone_and_pages_are_told() -> None:
    board = LiveBoard()
    board.add_alert(an_alert(1, user_id="ann", card_id="tok_ann"), written_at=NOW_MS)
    board.tick(NOW_MS)
    board.add_alert(an_alert(2, user_id="ann", card_id="tok_ann"), written_at=NOW_MS)
    board.add_alert(an_alert(3, user_id="bob", card_id="tok_bob"), written_at=NOW_MS)
    board.forget_user("ann")

    tick, snapshot = board.tick(NOW_MS + 1_000), board.snapshot(NOW_MS + 1_000)

    assert tick.forgotten == ["ann"]
    assert b"ann" not in encode_tick(snapshot)
    assert [row.user_id for row in tick.alerts] == ["bob"]
    assert tick.totals.alerts == 3, "counts name nobody"
    assert board.tick(NOW_MS + 1_500).forgotten == []
