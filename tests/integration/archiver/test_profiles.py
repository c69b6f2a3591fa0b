import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from valkey import Valkey

from cardwatch_archiver.archive import TopicArchiver
from cardwatch_archiver.kafka import KafkaFailedError, TopicReader
from cardwatch_archiver.metrics import ArchiverMetrics
from cardwatch_archiver.profile_sink import ProfileSink
from cardwatch_archiver.profiles import (
    OFFSETS_KEY,
    ProfileStats,
    ProfileStore,
    count_profiles,
    read_stats,
)
from cardwatch_archiver.settings import Pace
from cardwatch_contracts.card import PROFILE_KEY_PREFIX, CardProfile
from cardwatch_contracts.codec import encode
from cardwatch_contracts.topics import Topic
from cardwatch_local.endpoints import Endpoints
from cardwatch_local.settings import StackSettings
from cardwatch_local.topics import create_topics
from cardwatch_local.valkey import ValkeyServer

DEADLINE_S = 30.0
PARTITIONS = 3


def eventually(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, f"not within {DEADLINE_S} s: {what}"
        time.sleep(0.02)


def profile(card: int, version: int) -> bytes:
    return encode(
        CardProfile(card_id=f"card-{card}", user_id="u", version=version, transactions=version)
    )


class Archive:
    """A topic and a Valkey of the test's own, with an archiver between them."""

    def __init__(self, bootstrap_servers: str, server: ValkeyServer, log: Path) -> None:
        self.bootstrap_servers = bootstrap_servers
        self.server = server
        self.log = log
        self.topic = f"profiles-{uuid.uuid4().hex[:12]}"
        self.client = Valkey.from_url(server.url, socket_timeout=5)
        self.process: subprocess.Popen[bytes] | None = None
        self.expected: dict[bytes, bytes] = {}
        self._producer = Producer({"bootstrap.servers": bootstrap_servers, "log_level": 0})
        self.create_topic()

    def create_topic(self) -> None:
        topic = Topic(name=self.topic, key="card", partitions=PARTITIONS, cleanup="compact")
        create_topics(self.bootstrap_servers, [topic])

    def start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "cardwatch_archiver", "--topic", self.topic]
        command += ["--bootstrap-servers", self.bootstrap_servers, "--valkey-url", self.server.url]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, stderr=log)
        return self.process

    def send(self, key: str, value: bytes | None) -> None:
        self._producer.produce(self.topic, key=key.encode(), value=value)
        name = (PROFILE_KEY_PREFIX + key).encode()
        if value is None:
            self.expected.pop(name, None)
        else:
            self.expected[name] = value

    def send_profiles(self, cards: range, version: int) -> None:
        for card in cards:
            self.send(f"card-{card}", profile(card, version))
        self.flush()

    def flush(self) -> None:
        assert self._producer.flush(DEADLINE_S) == 0

    def stored(self) -> dict[bytes, bytes]:
        keys = list(self.client.scan_iter(match=f"{PROFILE_KEY_PREFIX}*", count=1000))
        values = self.client.mget(keys) if keys else []
        return dict(zip(keys, values, strict=True))  # type: ignore[arg-type]

    def wait_until_written(self) -> None:
        eventually(lambda: self.stored() == self.expected, f"all profiles; {self.log.read_text()}")

    def wait_for_transactions(self, count: int) -> None:
        eventually(lambda: read_stats(self.client).transactions >= count, f"{count} transactions")

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.client.close()  # type: ignore[no-untyped-call]


@pytest.fixture
def archive(tmp_path: Path, stack_without_job: Endpoints) -> Iterator[Archive]:
    server = ValkeyServer(StackSettings(home=tmp_path / "home", name="archiver"))
    server.start()
    try:
        server.wait_ready()
        archive = Archive(stack_without_job.bootstrap_servers, server, tmp_path / "archiver.log")
        try:
            yield archive
        finally:
            archive.stop()
    finally:
        server.stop()


def test_the_newest_profile_of_each_card_arrives_as_it_was_sent(archive: Archive) -> None:
    archive.start()
    archive.send_profiles(range(2_500), version=3)
    archive.send_profiles(range(0, 2_500, 5), version=4)
    archive.wait_until_written()
    assert read_stats(archive.client) == ProfileStats(profiles=2_500, transactions=2_500 * 3 + 500)
    assert count_profiles(archive.client) == 2_500


def test_a_tombstone_forgets_a_card(archive: Archive) -> None:
    archive.start()
    archive.send_profiles(range(10), version=2)
    archive.wait_until_written()
    archive.send("card-3", None)
    archive.send("card-never-seen", None)
    archive.flush()
    archive.wait_until_written()
    assert read_stats(archive.client) == ProfileStats(profiles=9, transactions=18)


def test_what_is_no_profile_is_left_out_and_named_without_its_content(archive: Archive) -> None:
    archive.start()
    secret = "4111111111111111"
    for key, value in ((secret, profile(1, 1)), ("card-x", b'{"card_id": 4111111111111111}')):
        archive.send(key, value)
        del archive.expected[(PROFILE_KEY_PREFIX + key).encode()]
    archive.send_profiles(range(5), version=1)
    archive.wait_until_written()
    said = archive.log.read_text
    eventually(lambda: said().count(f"left out {archive.topic}/") == 2, "both named")
    assert secret not in said()


def test_a_valkey_that_is_flushed_is_rebuilt_by_itself(archive: Archive) -> None:
    archive.start()
    archive.send_profiles(range(3_000), version=1)
    archive.wait_until_written()
    archive.client.flushall()
    archive.wait_until_written()  # while no profile comes
    archive.client.flushall()
    archive.send_profiles(range(1_000), version=2)  # while some come
    archive.wait_until_written()
    assert read_stats(archive.client) == ProfileStats(profiles=3_000, transactions=4_000)


def test_lost_offsets_do_not_make_the_totals_wrong(archive: Archive) -> None:
    archive.start()
    archive.send_profiles(range(500), version=7)
    archive.wait_until_written()
    archive.client.delete(OFFSETS_KEY)
    eventually(lambda: archive.client.exists(OFFSETS_KEY) == 1, "offsets are back")
    archive.send_profiles(range(1), version=8)
    archive.wait_until_written()
    assert read_stats(archive.client) == ProfileStats(profiles=500, transactions=3_501)


def test_nothing_is_missing_after_a_kill_in_the_middle(archive: Archive) -> None:
    for version in range(1, 6):
        before = read_stats(archive.client).transactions
        process = archive.start()
        archive.send_profiles(range(4_000), version)
        archive.wait_for_transactions(before + 1)
        process.kill()
        process.wait()
    archive.start()
    archive.wait_until_written()
    assert read_stats(archive.client) == ProfileStats(profiles=4_000, transactions=20_000)


def test_an_archiver_outlives_a_valkey_that_comes_back_empty(archive: Archive) -> None:
    process = archive.start()
    archive.send_profiles(range(1_000), version=1)
    archive.wait_until_written()
    archive.server.stop()
    archive.send_profiles(range(500), version=2)
    eventually(lambda: "Valkey does not answer" in archive.log.read_text(), "the outage is named")
    archive.server.start()
    archive.server.wait_ready()
    archive.wait_until_written()
    assert process.poll() is None
    assert archive.log.read_text().count("Valkey does not answer") == 1
    assert read_stats(archive.client) == ProfileStats(profiles=1_000, transactions=1_500)


def test_an_archiver_outlives_a_valkey_that_hangs(archive: Archive) -> None:
    archive.start()
    archive.send_profiles(range(1_000), version=1)
    archive.wait_until_written()
    pid = archive.server.pid
    assert pid is not None
    subprocess.run(["kill", "-STOP", str(pid)], check=True)
    try:
        archive.send_profiles(range(1_000), version=2)
        eventually(lambda: "does not answer" in archive.log.read_text(), "the outage is named")
    finally:
        subprocess.run(["kill", "-CONT", str(pid)], check=True)
    archive.wait_until_written()
    assert read_stats(archive.client) == ProfileStats(profiles=1_000, transactions=2_000)


@pytest.mark.parametrize("hung", [False, True], ids=["at work", "while Valkey hangs"])
def test_sigterm_stops_within_two_seconds(archive: Archive, hung: bool) -> None:
    process = archive.start()
    archive.send_profiles(range(100), version=1)
    archive.wait_until_written()
    pid = archive.server.pid
    try:
        if hung:
            subprocess.run(["kill", "-STOP", str(pid)], check=True)
            eventually(lambda: "does not answer" in archive.log.read_text(), "the outage is named")
        process.send_signal(signal.SIGTERM)
        assert process.wait(2.0) == 0
    finally:
        subprocess.run(["kill", "-CONT", str(pid)], check=True)


def test_profiles_of_a_topic_that_was_made_anew_replace_the_old_ones(archive: Archive) -> None:
    process = archive.start()
    archive.send_profiles(range(1_500), version=9)
    archive.wait_until_written()
    process.terminate()
    assert process.wait(DEADLINE_S) == 0
    admin = AdminClient({"bootstrap.servers": archive.bootstrap_servers})
    admin.delete_topics([archive.topic])[archive.topic].result(DEADLINE_S)
    eventually(lambda: archive.topic not in admin.list_topics(timeout=5).topics, "it is gone")
    archive.create_topic()
    archive.expected.clear()
    archive.send_profiles(range(2_000, 2_010), version=1)
    archive.start()
    archive.wait_until_written()
    assert read_stats(archive.client) == ProfileStats(profiles=10, transactions=10)


def test_a_topic_that_is_removed_ends_the_archiver_with_a_message(archive: Archive) -> None:
    process = archive.start()
    archive.send_profiles(range(10), version=1)
    archive.wait_until_written()
    admin = AdminClient({"bootstrap.servers": archive.bootstrap_servers})
    admin.delete_topics([archive.topic])[archive.topic].result(DEADLINE_S)
    assert process.wait(DEADLINE_S) == 1
    assert f"the topic `{archive.topic}` was removed" in archive.log.read_text()


def test_a_kafka_that_is_not_there_ends_with_a_message() -> None:
    with pytest.raises(
        KafkaFailedError, match=r"no topic `card-profiles` at 127\.0\.0\.1:9 within"
    ):
        TopicReader("127.0.0.1:9", "card-profiles", stop=Event(), start_timeout_s=1.0)


def test_each_batch_is_bounded(archive: Archive) -> None:
    archive.send_profiles(range(950), version=1)
    stop = Event()
    topic = TopicReader(archive.bootstrap_servers, archive.topic, stop=stop)
    sizes: list[int] = []

    class Counted(ProfileStore):
        def write(self, profiles, *, before, after):  # type: ignore[no-untyped-def]
            super().write(profiles, before=before, after=after)
            sizes.append(len(profiles))
            if sum(sizes) == 950:
                stop.set()

    sink = ProfileSink(Counted(archive.client))
    metrics = ArchiverMetrics().profiles
    try:
        TopicArchiver(topic, sink, Pace(batch_size=100), stop=stop, metrics=metrics).run()
    finally:
        topic.close()
    assert max(sizes) <= 100
    assert archive.stored() == archive.expected
