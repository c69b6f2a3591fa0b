"""What Kafka's topics said is in PostgreSQL, row for record."""

from datetime import UTC, datetime, timedelta
from random import Random

import msgspec
import psycopg
from confluent_kafka import Producer
from msgspec.structs import asdict, replace
from tests.integration.archiver.archive_stand import (
    DEADLINE_S,
    ArchiveStand,
    alert_on,
    eventually,
    feedback_on,
    now_ms,
    payment,
    unique,
)
from tests.unit.card_numbers import in_groups, with_check_digit

from cardwatch_archiver.erasure import mark_erased
from cardwatch_archiver.tables import TABLES
from cardwatch_contracts.alert import decode_alert
from cardwatch_contracts.codec import encode
from cardwatch_contracts.detector_config import Detectors
from cardwatch_contracts.stats import TransactionStats

_DAY_MS = 86_400_000


def time_of(ms: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)


def test_a_row_of_transactions_says_what_the_record_said(stand: ArchiveStand) -> None:
    at_ms = now_ms()
    sent = [
        payment(1, amount_minor=-(10**15), card_limit_minor=7, label="amount_spike"),
        payment(2, latitude=-0.1, longitude=1e-300, city="Łódź \t\\N\r\n\"'", pin_used=False),
    ]
    stand.send("transactions", map(encode, sent), at_ms=at_ms)
    stand.start()
    stand.wait_for("transactions", 2)
    columns = next(table for table in TABLES if table.name == "transactions").columns
    rows = stand.ask(f"SELECT {', '.join(columns)} FROM transactions ORDER BY transaction_id")
    for txn, row in zip(sent, rows, strict=True):
        said = asdict(txn) | {"ingested_at": time_of(at_ms), "event_time": time_of(txn.event_time)}
        assert dict(zip(columns, row, strict=True)) == {name: said[name] for name in columns}


def test_an_alert_raised_again_replaces_itself_and_is_kept_whole(stand: ArchiveStand) -> None:
    day_before = now_ms() - _DAY_MS
    first = [alert_on(payment(number), ingested_at=day_before) for number in range(500)]
    again = [alert_on(payment(number)) for number in range(100)]
    stand.send("alerts", map(encode, first))
    stand.start()
    stand.wait_for("alerts", 500)
    stand.send("alerts", map(encode, [*again, *again]))
    eventually(
        lambda: (
            stand.ask("SELECT count(*) FROM alerts WHERE ingested_at > now() - interval '1h'")
            == [(100,)]
        ),
        "the later ones are there",
    )
    assert stand.count("alerts") == 500
    stored = {
        str(alert_id): decode_alert(msgspec.json.encode(alert))
        for alert_id, alert in stand.ask("SELECT alert_id, alert FROM alerts")
    }
    assert stored == {alert.alert_id: alert for alert in [*first, *again]}
    assert stand.ask("SELECT DISTINCT detectors, mode, generation FROM alerts") == [
        (["negative_amount", "rapid_transactions"], "active", 3)
    ]


def test_an_alert_as_wide_as_a_record_allows_is_kept(stand: ArchiveStand) -> None:
    draw = Random(1)

    def wide(length: int) -> str:
        """Characters of four bytes each, which nothing can compress."""
        return "".join(chr(draw.randrange(0x20000, 0x2A000)) for _ in range(length))

    names = ("user_id", "card_id", "bank_id", "payment_system", "merchant_id", "merchant_category")
    txn = payment(1, **{name: wide(128) for name in names}, city=wide(256))
    alert = alert_on(txn)
    every = [replace(alert.findings[0], detector=name) for name in Detectors.__struct_fields__]
    stand.send("alerts", [encode(replace(alert, findings=tuple(every)))])
    stand.start()
    stand.wait_for("alerts", 1)
    assert stand.ask("SELECT user_id, city FROM alerts") == [(txn.user_id, txn.city)]


def test_of_a_window_and_of_a_feedback_the_latest_word_counts(stand: ArchiveStand) -> None:
    window = TransactionStats(
        window_start=now_ms() // 10_000 * 10_000,
        window_end=now_ms() // 10_000 * 10_000 + 10_000,
        dimension="bank",
        name="A",
        currency="EUR",
        count=1,
        sum_minor=10**18,
        min_minor=-5,
        max_minor=10**15,
        average_minor=2.5,
    )
    grown = msgspec.structs.replace(window, count=2, sum_minor=3 * 10**18)
    stand.send("transaction-stats", map(encode, [window, grown]))
    said = feedback_on(payment(1))
    corrected = msgspec.structs.replace(
        said,
        label="fraudulent",
        reason="she called",
        event_time=1_760_000_400_123,
        amount_deviations=2.5,
    )
    stand.send("feedback", map(encode, [said]))
    stand.start()
    stand.wait_for("feedback", 1)
    stand.send("feedback", map(encode, [corrected]))
    eventually(
        lambda: stand.ask("SELECT label, reason FROM feedback") == [("fraudulent", "she called")],
        "it is corrected",
    )
    assert stand.ask(
        "SELECT (extract(epoch FROM event_time) * 1000)::bigint, amount_deviations FROM feedback"
    ) == [(1_760_000_400_123, 2.5)]
    eventually(
        lambda: (
            stand.ask("SELECT count, sum_minor::text FROM transaction_stats")
            == [(2, "3000000000000000000")]
        ),
        "the window is as it has grown",
    )


def test_alerts_of_a_transaction_that_was_aborted_are_not_there(stand: ArchiveStand) -> None:
    producer = Producer(
        {"bootstrap.servers": stand.bootstrap_servers, "transactional.id": unique("archive")}
    )
    producer.init_transactions(DEADLINE_S)
    for number, commits in ((1, False), (2, True)):
        producer.begin_transaction()
        producer.produce("alerts", encode(alert_on(payment(number))), b"user")
        producer.flush(DEADLINE_S)
        (producer.commit_transaction if commits else producer.abort_transaction)(DEADLINE_S)
    stand.start()
    stand.wait_for("alerts", 1)
    assert stand.ask("SELECT transaction_id FROM alerts") == [("txn-2",)]


def test_hostile_records_stop_nothing_and_are_named_by_their_place(stand: ArchiveStand) -> None:
    nul, others = "a\0b", "\u202e'; DROP TABLE transactions; --"
    stand.send(
        "transactions",
        [
            encode(payment(1, city=nul, merchant_id=others)),
            b"not JSON",
            None,
            b"\xff\xfe",
            encode(payment(2)).replace(b'"Berlin"', b'"\\ud800"'),
            encode(payment(3)).replace(b'"amount_minor":2500', b'"amount_minor":1e400'),
        ],
    )
    stand.send("transactions", [encode(payment(4))], at_ms=1)  # a day that is not kept
    stand.send("alerts", [encode(alert_on(payment(1, city=nul), reason=nul))])
    stand.send("alerts", [encode(alert_on(payment(2))).replace(b'"alert_id":"', b'"alert_id":"x')])
    huge = b'{"window_start":0,"window_end":1,"dimension":"total","name":"","currency":"EUR",'
    huge += b'"count":9223372036854775808,"sum_minor":1,"min_minor":1,"max_minor":1,'
    huge += b'"average_minor":1}'
    stand.send(
        "transaction-stats", [huge, huge.replace(b'"name":""', b'"name":"%s"' % (b"x" * 9999))]
    )
    stand.start()
    stand.wait_for("transactions", 1)
    stand.wait_for("alerts", 1)
    eventually(lambda: stand.said.count("left out") == 9, f"all are named: {stand.said}")
    assert stand.ask("SELECT city, merchant_id FROM transactions") == [("a\ufffdb", others)]
    (stored,) = stand.ask("SELECT city, alert->'findings'->0->>'reason' FROM alerts")
    assert stored == ("a\ufffdb", "a\ufffdb")


def test_no_card_number_gets_into_the_database(stand: ArchiveStand) -> None:
    numbers = [with_check_digit(f"4987650{number:08}") for number in range(1_000)]
    texts = [*numbers, *(in_groups(number, " ") for number in numbers)]
    fields = ("card_id", "user_id", "merchant_id", "city", "label", "bank_id")
    stand.send(
        "transactions",
        (encode(payment(at, **{fields[at % len(fields)]: text})) for at, text in enumerate(texts)),
    )
    alerts = [encode(alert_on(payment(at), reason=f"saw {text}")) for at, text in enumerate(texts)]
    unknown = (alert[:-1] + b',"note":"%s"}' % numbers[0].encode() for alert in alerts)
    stand.send("alerts", unknown)
    stand.send(
        "feedback", (encode(feedback_on(payment(at), reason=t)) for at, t in enumerate(texts))
    )
    stand.send("transactions", [encode(payment(0))])
    stand.start()
    stand.wait_for("transactions", 1)
    stand.wait_for("alerts", len(texts))
    stand.wait_for("feedback", len(texts))
    for table in TABLES:
        for (row,) in stand.ask(f"SELECT row_to_json(t)::text FROM {table.name} AS t"):
            assert not any(found in row for found in ("498765", "4987 65")), row
    assert "498765" not in stand.said


def test_rows_of_days_that_are_gone_come_into_partitions_of_their_own(stand: ArchiveStand) -> None:
    now = now_ms()
    for days in range(5):
        stand.send("transactions", [encode(payment(days))], at_ms=now - 20 * days * _DAY_MS)
    stand.start("--retention-days", "50")
    stand.wait_for("transactions", 3)
    eventually(lambda: stand.said.count("left out") == 2, "60 and 80 days are too long ago")
    assert stand.numbers_of_transactions() == [0, 1, 2]
    today = time_of(now).date()
    names = {name for (name,) in stand.ask("SELECT tableoid::regclass::text FROM transactions")}
    wanted = {today - timedelta(days=20 * days) for days in range(3)}
    assert names == {f"transactions_{day:%Y%m%d}" for day in wanted}


def test_old_days_are_dropped_and_no_others(stand: ArchiveStand) -> None:
    now = now_ms()
    process = stand.start("--retention-days", "50")
    for days in (0, 40, 49):
        stand.send("transactions", [encode(payment(days))], at_ms=now - days * _DAY_MS)
        alert = alert_on(payment(days), ingested_at=now - days * _DAY_MS)
        stand.send("alerts", [encode(alert)])
    stand.wait_for("transactions", 3)
    stand.wait_for("alerts", 3)
    process.terminate()
    assert process.wait(10) == 0
    stand.start("--retention-days", "45")
    for table in ("transactions", "alerts"):
        eventually(lambda table=table: stand.count(table) == 2, f"the oldest of {table} is gone")  # type: ignore[misc]
        name = f"{table}_{time_of(now - 49 * _DAY_MS).date():%Y%m%d}"
        eventually(
            lambda name=name: stand.ask("SELECT to_regclass(%s)", (name,)) == [(None,)],  # type: ignore[misc]
            f"{name} is dropped",
        )
        ahead = f"{table}_{time_of(now + 2 * _DAY_MS).date():%Y%m%d}"
        assert stand.ask("SELECT to_regclass(%s)::text", (ahead,)) == [(ahead,)]


def test_what_kafka_still_has_of_an_erased_user_is_not_archived(stand: ArchiveStand) -> None:
    stand.start()
    stand.send("transactions", [encode(payment(1, user_id="first"))])
    stand.wait_for("transactions", 1)
    before_ms = now_ms() - 1_000
    password = stand.server.database.password()
    with psycopg.connect(stand.server.url, password=password) as connection:
        mark_erased(connection.cursor(), "erased")
    erased, other = payment(2, user_id="erased"), payment(3, user_id="other")
    stand.send("transactions", map(encode, (erased, other)), at_ms=before_ms)
    raised = [alert_on(txn, ingested_at=before_ms) for txn in (erased, other)]
    stand.send("alerts", map(encode, raised))
    told = [encode(feedback_on(txn, given_at=before_ms)) for txn in (erased, other)]
    stand.send("feedback", told)
    later = payment(4, user_id="erased")  # who comes again is a new cardholder
    stand.send("transactions", [encode(later)], at_ms=now_ms() + 5_000)
    stand.wait_for("transactions", 3)
    stand.wait_for("alerts", 1)
    stand.wait_for("feedback", 1)
    archived = stand.ask("SELECT transaction_id FROM transactions ORDER BY 1")
    assert [name for (name,) in archived] == ["txn-1", "txn-3", "txn-4"]
    assert stand.ask("SELECT user_id FROM alerts") == [("other",)]
    assert stand.ask("SELECT user_id FROM feedback") == [("other",)]
