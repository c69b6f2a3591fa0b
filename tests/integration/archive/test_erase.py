"""One cardholder erased from PostgreSQL, Valkey and Kafka, and from nowhere else."""

import time
import uuid
from collections.abc import Callable, Iterator
from threading import Thread

import psycopg
import pytest
from confluent_kafka import Producer
from tests.integration.archive.archived import Archived, an_answer
from tests.unit.cli.samples import a_transaction, an_alert
from typer.testing import CliRunner, Result
from valkey import Valkey

from cardwatch_archiver.erasure import Erasures, mark_erased, read_erasures, remove_rows
from cardwatch_archiver.position import Position, PositionChangedError
from cardwatch_archiver.profiles import ProfileStore, read_stats
from cardwatch_contracts.card import PROFILE_KEY_PREFIX, Card, CardProfile, card_key
from cardwatch_contracts.codec import encode
from cardwatch_contracts.topics import CARD_PROFILES, CARDS, USER_HABITS
from cardwatch_local.cli import app
from cardwatch_local.endpoints import Endpoints
from cardwatch_local.erasing.compacted import OWNERS, find_records

PAID_MS = 1_795_261_635_000  # 2026-11-21T11:47:15Z
DEADLINE_S = 30.0
STORES = (
    "PostgreSQL transactions",
    "PostgreSQL alerts",
    "PostgreSQL feedback",
    "Valkey profiles",
    "Kafka cards",
    "Kafka card-profiles",
    "Kafka user-habits",
)


class Known:
    """Users who are known everywhere: two cards, two transactions, an alert, an answer, habits."""

    def __init__(self, archived: Archived, servers: Endpoints) -> None:
        self.archived, self.servers = archived, servers
        self.valkey = Valkey.from_url(servers.valkey_url, socket_timeout=10)
        self.store = ProfileStore(self.valkey)
        self.valkey.flushall()
        self.erased, self.other = (f"{name}-{uuid.uuid4().hex[:8]}" for name in ("erased", "other"))
        for user in (self.erased, self.other):
            self.send(user)
            self.archive(user)

    def send(self, user: str) -> None:
        """Cards and profiles, into Kafka and Valkey; another client chose the partitions."""
        producer = Producer({"bootstrap.servers": self.servers.bootstrap_servers, "log_level": 0})
        profiles: dict[str, bytes | None] = {}
        for number in (1, 2):
            card = Card(
                card_id=f"tok-{user}-{number}", user_id=user, bank_id="A", payment_system="visa",
                currency="EUR",
            )  # fmt: skip
            profile = CardProfile(card_id=card.card_id, user_id=user, version=3, transactions=3)
            profiles[card.card_id] = encode(profile)
            key, partition = card.card_id.encode(), 5 + number
            producer.produce(CARDS.name, key=card_key(card), value=encode(card), partition=number)
            producer.produce(
                CARD_PROFILES.name, key=key, value=encode(profile), partition=partition
            )
            producer.produce(USER_HABITS.name, key=user.encode(), value=b"\x02", partition=number)
        assert producer.flush(DEADLINE_S) == 0
        before = self.store.position("topic")
        after = Position(topic_id="topic", offsets={0: before.offsets.get(0, 0) + 2})
        self.store.write(profiles, before=before, after=after)

    def archive(self, user: str) -> None:
        for number in (1, 2):
            txn = a_transaction(transaction_id=f"{user}-{number}", user_id=user)
            self.archived.add_transaction(txn)
        alert = an_alert(transaction_id=f"{user}-1", user_id=user)
        self.archived.add_alert(alert)
        self.archived.add_feedback(an_answer(alert, 1))

    def counts(self, user: str) -> list[int]:
        """How much there is of a user, in the order of `STORES`."""
        rows = [
            self.archived.rows(f"SELECT count(*) FROM {table} WHERE user_id = %s", user)[0][0]
            for table in ("transactions", "alerts", "feedback")
        ]
        keys = list(self.valkey.scan_iter(match=f"{PROFILE_KEY_PREFIX}tok-{user}-*"))
        kafka = self.servers.bootstrap_servers
        records = [len(find_records(kafka, topic, user)) for topic in OWNERS]
        return [*rows, len(keys), *records]

    def erase(self, *arguments: str, user: str | None = None, typed: str = "") -> Result:
        addresses = [
            *("--database-url", self.archived.url),
            *("--bootstrap-servers", self.servers.bootstrap_servers),
            *("--valkey-url", self.servers.valkey_url),
        ]
        return CliRunner().invoke(
            app, ["erase", user or self.erased, *arguments, *addresses], input=typed
        )


def shown(result: Result) -> dict[str, int]:
    lines = [line.rpartition(" ") for line in result.stdout.splitlines()]
    return {store.strip(): int(count) for store, _, count in lines if store.strip() in STORES}


@pytest.fixture
def known(archived: Archived, stack_without_job: Endpoints) -> Iterator[Known]:
    known = Known(archived, stack_without_job)
    yield known
    known.valkey.close()  # type: ignore[no-untyped-call]


def test_a_user_goes_from_every_store_and_the_others_stay(known: Known) -> None:
    everything = [2, 1, 1, 2, 2, 2, 2]
    assert known.counts(known.erased) == known.counts(known.other) == everything

    result = known.erase("--yes")
    assert result.exit_code == 0, result.output
    assert shown(result) == dict(zip(STORES, everything, strict=True))
    assert known.counts(known.erased) == [0] * 7
    assert known.counts(known.other) == everything
    stats = read_stats(known.valkey)
    assert (stats.profiles, stats.transactions) == (2, 6)


def test_it_says_what_stays_and_writes_down_what_was_done_without_the_users_id(
    known: Known,
) -> None:
    result = known.erase("--yes")
    for place in ("topic transactions", "topic feedback", "Flink's checkpoints", "backups"):
        assert place in result.stdout
    assert known.erased not in result.output
    line = result.stderr.splitlines()[-1]
    ((digest, by, removed),) = known.archived.rows(
        "SELECT encode(user_digest, 'hex'), erased_by, removed FROM erasure_log"
    )
    assert f"by {by}: user {digest[:16]}: PostgreSQL transactions 2, " in line
    assert removed == dict(zip(STORES, (2, 1, 1, 2, 2, 2, 2), strict=True))
    for table in ("erased_users", "erasure_log"):
        assert known.erased not in str(known.archived.rows(f"SELECT * FROM {table}"))


def test_a_dry_run_counts_and_removes_nothing(known: Known) -> None:
    result = known.erase("--dry-run")
    assert shown(result) == dict(zip(STORES, (2, 1, 1, 2, 2, 2, 2), strict=True))
    assert known.counts(known.erased) == [2, 1, 1, 2, 2, 2, 2]
    assert known.archived.count("erased_users") == 0


def test_who_says_no_keeps_everything(known: Known) -> None:
    result = known.erase(typed="n\n")
    assert result.exit_code == 1
    assert "Erase this for good?" in result.output
    assert known.counts(known.erased) == [2, 1, 1, 2, 2, 2, 2]


def test_it_can_be_done_twice(known: Known) -> None:
    assert known.erase("--yes").exit_code == 0
    again = known.erase("--yes")
    assert again.exit_code == 0
    assert set(shown(again).values()) == {0}
    assert known.archived.count("erased_users") == 1
    assert known.archived.count("erasure_log") == 2


def test_who_is_known_nowhere_is_left_out_all_the_same_if_records_come(known: Known) -> None:
    nobody = f"nobody-{uuid.uuid4().hex}"
    assert set(shown(known.erase("--yes", user=nobody)).values()) == {0}
    with known.archived.connection.cursor() as cursor:
        assert read_erasures(cursor).cover(nobody, PAID_MS)


def test_a_store_that_is_away_is_named_and_the_next_run_goes_on(known: Known) -> None:
    away = CliRunner().invoke(
        app,
        [
            *("erase", known.erased, "--yes", "--database-url", known.archived.url),
            *("--bootstrap-servers", known.servers.bootstrap_servers),
            *("--valkey-url", "valkey://127.0.0.1:9"),
        ],
    )
    assert "Valkey does not answer" in str(away.exception)
    assert known.erase("--yes").exit_code == 0
    assert known.counts(known.erased) == [0] * 7


def test_a_profile_is_never_taken_off_twice(known: Known) -> None:
    """An archiver that has read what it replaces notices that it was forgotten meanwhile."""
    before = known.store.position("topic")
    after = Position(topic_id="topic", offsets={0: before.offsets[0] + 1})

    class Slow(ProfileStore):
        def _queue(self, pipe, keys, old):  # type: ignore[no-untyped-def]
            assert known.erase("--yes").exit_code == 0
            super()._queue(pipe, keys, old)

    with pytest.raises(PositionChangedError):
        tombstone = {f"tok-{known.erased}-1": None}
        Slow(known.valkey).write(tombstone, before=before, after=after)
    known.store.write(tombstone, before=before, after=after)
    stats = read_stats(known.valkey)
    assert (stats.profiles, stats.transactions) == (2, 6)


def erasures_in(archived: Archived, known: Erasures | None = None) -> Erasures:
    with archived.connection.cursor() as cursor:
        return read_erasures(cursor, known)


def test_only_what_is_older_than_the_erasure_is_left_out_and_removed(archived: Archived) -> None:
    now_ms = time.time_ns() // 1_000_000
    with archived.connection.transaction(), archived.connection.cursor() as cursor:
        _, erased_at = mark_erased(cursor, "1042")
        later_ms = int(erased_at.timestamp() * 1000) + 1
        for number, at_ms in enumerate((PAID_MS, now_ms, later_ms)):
            archived.add_transaction(a_transaction(number, user_id="1042"), ingested_ms=at_ms)
        assert remove_rows(cursor, "1042", erased_at)["transactions"] == 2
    erasures = erasures_in(archived)
    assert [erasures.cover("1042", ms) for ms in (now_ms, later_ms)] == [True, False]
    assert archived.rows("SELECT transaction_id FROM transactions") == [("A-run-2",)]


def test_what_is_known_is_read_again_only_after_an_erasure(archived: Archived) -> None:
    nothing = erasures_in(archived)
    assert erasures_in(archived, nothing) is nothing
    with archived.connection.transaction(), archived.connection.cursor() as cursor:
        mark_erased(cursor, "1042")
    after = erasures_in(archived, nothing)
    assert after is not nothing
    assert after.cover("1042", PAID_MS) and not nothing.cover("1042", PAID_MS)
    assert erasures_in(archived, after) is after


def test_no_row_slips_through_between_reading_and_writing(archived: Archived) -> None:
    """A batch that began before the erasure is committed before it, and removed by it."""
    removed: list[int] = []

    def erase() -> None:
        with psycopg.connect(archived.url) as connection, connection.cursor() as cursor:
            _, erased_at = mark_erased(cursor, "1042")
            connection.commit()
            removed.append(remove_rows(cursor, "1042", erased_at)["transactions"])

    eraser = Thread(target=erase)
    with archived.connection.transaction():
        assert not erasures_in(archived).cover("1042", PAID_MS)
        eraser.start()
        eventually(lambda: waits(archived), "the erasure waits for the batch")
        archived.add_transaction(a_transaction(user_id="1042"))
    eraser.join(DEADLINE_S)
    assert removed == [1]
    assert erasures_in(archived).cover("1042", PAID_MS)


def waits(archived: Archived) -> bool:
    return bool(
        archived.rows("SELECT FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'")
    )


def eventually(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, f"not within {DEADLINE_S} s: {what}"
        time.sleep(0.02)
