import functools
import hashlib
import http.server
import socketserver
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from cardwatch_local.errors import StackError
from cardwatch_local.jar_lock import ROOTS, LockedJar, read_lock, write_lock
from cardwatch_local.jars import JarStore, sha256_of


@dataclass
class Repository:
    folder: Path
    url: str = ""
    jar_requests: list[str] = field(default_factory=list)

    def publish(self, name: str, content: bytes) -> LockedJar:
        jar = LockedJar(
            server="kafka",
            coordinate=f"org.example:{name}:1.0",
            size=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
        )
        path = self.folder / jar.path
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
        return jar


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[Repository]:
    repository = Repository(tmp_path / "repository")
    repository.folder.mkdir()

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            if self.path.endswith(".jar"):
                repository.jar_requests.append(self.path)

    handler = functools.partial(Handler, directory=str(repository.folder))
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        repository.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield repository
        server.shutdown()
        thread.join()


@pytest.fixture
def store(repository: Repository, tmp_path: Path) -> JarStore:
    return JarStore(tmp_path / "jars", repository=repository.url)


def test_missing_jars_are_fetched_and_come_back_in_the_order_asked_for(
    repository: Repository, store: JarStore
) -> None:
    jars = [repository.publish(name, name.encode() * 1000) for name in ("c", "a", "b")]
    paths = store.fetch(jars)
    assert [path.read_bytes()[:1] for path in paths] == [b"c", b"a", b"b"]


def test_progress_counts_what_is_there_and_what_arrives(
    repository: Repository, store: JarStore
) -> None:
    first, second = repository.publish("first", b"1"), repository.publish("second", b"2")
    store.fetch([first])
    calls: list[tuple[int, int, str]] = []
    store.fetch([first, second], lambda *call: calls.append(call))
    assert calls == [(1, 2, ""), (2, 2, "second-1.0.jar")]


def test_jars_that_are_there_are_not_fetched_again(repository: Repository, store: JarStore) -> None:
    jar = repository.publish("one", b"content")
    store.fetch([jar])
    store.fetch([jar])
    assert len(repository.jar_requests) == 1


def test_a_jar_damaged_on_disk_is_fetched_again(repository: Repository, store: JarStore) -> None:
    jar = repository.publish("one", b"content")
    path = store.fetch([jar])[0]
    path.write_bytes(b"CONTENT")
    assert store.fetch([jar])[0].read_bytes() == b"content"


def test_a_jar_that_was_relocked_is_fetched_again(repository: Repository, store: JarStore) -> None:
    store.fetch([repository.publish("one", b"old")])
    path = repository.folder / "org/example/one/1.0/one-1.0.jar"
    path.unlink()
    path.parent.rmdir()
    jar = repository.publish("one", b"new")
    assert store.fetch([jar])[0].read_bytes() == b"new"


def test_a_wrong_checksum_is_tried_twice_and_named(
    repository: Repository, store: JarStore, tmp_path: Path
) -> None:
    jar = repository.publish("one", b"content")
    served = repository.folder / jar.path
    served.write_bytes(b"tampered")
    with pytest.raises(StackError) as caught:
        store.fetch([jar])
    assert "one-1.0.jar" in str(caught.value)
    assert jar.sha256 in str(caught.value)
    assert sha256_of(served) in str(caught.value)
    assert len(repository.jar_requests) == 2
    assert list((tmp_path / "jars").rglob("*.jar")) == []


def test_a_download_broken_off_once_succeeds_at_the_second_try(
    repository: Repository, store: JarStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    jar = repository.publish("one", b"content")
    served = repository.folder / jar.path
    served.write_bytes(b"cont")
    hashed = sha256_of

    def repair_after_first(path: Path) -> str:
        digest = hashed(path)
        served.write_bytes(b"content")
        return digest

    monkeypatch.setattr("cardwatch_local.jars.sha256_of", repair_after_first)
    assert store.fetch([jar])[0].read_bytes() == b"content"


def test_a_repository_that_is_gone_is_a_sentence_that_says_what_to_do(
    tmp_path: Path, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cardwatch_local.jars._PAUSE_S", 0.0)
    jar = repository.publish("one", b"content")
    store = JarStore(tmp_path / "jars", repository="http://127.0.0.1:1")
    with pytest.raises(StackError, match=r"cannot download org.example:one:1.0.*Check the network"):
        store.fetch([jar])


def test_nothing_is_written_beside_the_store(
    repository: Repository, store: JarStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    store.fetch([repository.publish("one", b"content")])
    assert list(home.iterdir()) == []
    assert sorted(path.name for path in (tmp_path / "jars").iterdir()) == ["org", "verified.json"]


def test_the_lock_holds_every_root_and_pins_every_jar() -> None:
    lock = read_lock(tuple(ROOTS))
    coordinates = {jar.coordinate for jar in lock}
    assert {root for roots in ROOTS.values() for root in roots} <= coordinates
    assert {jar.server for jar in lock} == set(ROOTS)
    assert all(len(jar.sha256) == 64 and jar.size > 0 for jar in lock)
    names = [jar.coordinate.rpartition(":")[0] for jar in lock if jar.server == "kafka"]
    assert len(names) == len(set(names)), "two versions of one jar on a classpath"


def test_the_broker_and_its_client_library_are_of_one_version() -> None:
    versions = {
        jar.coordinate.rpartition(":")[2]
        for jar in read_lock()
        if jar.coordinate.startswith("org.apache.kafka:")
    }
    assert len(versions) == 1


def test_the_lock_file_reads_back_as_written(tmp_path: Path) -> None:
    write_lock(tmp_path / "lock.json", read_lock(tuple(ROOTS)))
    packaged = Path(str(__import__("cardwatch_local").__path__[0])) / "jars.lock.json"
    assert (tmp_path / "lock.json").read_bytes() == packaged.read_bytes()
