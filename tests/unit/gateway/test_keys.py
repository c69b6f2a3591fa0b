import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from starlette.datastructures import Headers

from cardwatch_gateway import key_file
from cardwatch_gateway.gate import Gate
from cardwatch_gateway.key_file import KeyFile
from cardwatch_gateway.keys import InvalidKeysError, Role, new_key, read_keys
from cardwatch_gateway.problems import ProblemError
from cardwatch_gateway.rates import Bucket, Rates

_NOW = datetime(2027, 1, 1, tzinfo=UTC)


def made(
    bank_id: str = "alpha", *roles: Role, rate_per_s: float = 10, not_after: str | None = None
) -> tuple[str, dict[str, object]]:
    key, entry = new_key(
        bank_id=bank_id,
        roles=frozenset(roles or ("ingest",)),
        rate_per_s=rate_per_s,
        not_after=not_after,
    )
    return key, json.loads(entry)


def file_of(*entries: object) -> bytes:
    return json.dumps({"keys": entries}).encode()


def test_a_key_is_found_and_another_s_secret_is_not() -> None:
    key, entry = made()
    other, _ = made()
    ring = read_keys(file_of(entry))
    found = ring.find(key, _NOW)
    assert found is not None
    assert (found.bank_id, found.only_bank) == ("alpha", "alpha")
    assert found.may("ingest")
    assert not found.may("read")
    for wrong in (other, key[:-1], key + "x", "", "cw_", key.upper()):
        assert ring.find(wrong, _NOW) is None


def test_the_file_holds_no_key() -> None:
    key, entry = made()
    secret = key.rpartition("_")[2]
    assert secret not in json.dumps(entry)


def test_a_key_ends_with_its_last_day() -> None:
    key, entry = made(not_after="2027-01-01")
    ring = read_keys(file_of(entry))
    assert ring.find(key, datetime(2027, 1, 1, 23, 59, tzinfo=UTC)) is not None
    assert ring.find(key, datetime(2027, 1, 2, tzinfo=UTC)) is None


def test_an_analyst_reads_too() -> None:
    key, entry = made("*", "analyst")
    found = read_keys(file_of(entry)).find(key, _NOW)
    assert found is not None
    assert found.may("read")
    assert found.only_bank is None
    assert found.is_of("whatever")


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b'{"keys": [{"id": "a"}]}',
        b'{"keys": [], "more": 1}',
        file_of(made()[1] | {"roles": ["king"]}),
        file_of(made()[1] | {"rate_per_s": 0}),
        file_of(made()[1] | {"bank_id": "4111111111111111"}),
        file_of(*[made()[1] | {"id": "same"}] * 2),
    ],
)
def test_a_file_that_is_not_what_it_should_be_is_refused(text: bytes) -> None:
    with pytest.raises(InvalidKeysError):
        read_keys(text)


def test_a_changed_file_is_read_anew_and_a_broken_one_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_file, "_LOOK_EVERY_S", 0)
    path = tmp_path / "keys.json"
    (first, entry), (second, other) = made(), made()
    path.write_bytes(file_of(entry))
    keys = KeyFile(path)
    assert keys.find(first) is not None
    assert keys.find(second) is None
    _replace(path, file_of(other))
    assert keys.find(first) is None
    assert keys.find(second) is not None
    _replace(path, b"{")
    assert keys.find(second) is not None
    path.unlink()
    assert keys.find(second) is not None
    _replace(path, file_of(entry))
    assert keys.find(first) is not None


def _replace(path: Path, text: bytes) -> None:
    fresh = path.with_name("fresh")
    fresh.write_bytes(text)
    os.replace(fresh, path)


def test_without_a_file_there_is_no_start(tmp_path: Path) -> None:
    with pytest.raises(InvalidKeysError, match="nowhere"):
        KeyFile(tmp_path / "nowhere")


def test_a_bucket_fills_at_its_rate_and_a_large_batch_is_paid_for_later() -> None:
    bucket = Bucket(10, now_s=0)
    for _ in range(10):
        assert bucket.wait_s(0) == 0
        bucket.take(1)
    assert bucket.wait_s(0) == pytest.approx(0.1)
    assert bucket.wait_s(0.1) == 0
    bucket.take(101)
    assert bucket.wait_s(0.1) == pytest.approx(10.1)
    assert bucket.wait_s(10.3) == 0


@pytest.mark.parametrize(
    ("headers", "role", "status"),
    [
        ({}, "ingest", 401),
        ({"authorization": "Bearer x"}, "ingest", 401),
        ({"authorization": "Basic KEY"}, "ingest", 401),
        ({"authorization": "bearer KEY"}, "read", 403),
        ({"x-api-key": "KEY"}, "read", 403),
    ],
)
def test_who_is_not_let_in(
    tmp_path: Path, headers: dict[str, str], role: Role, status: int
) -> None:
    key, entry = made(rate_per_s=1)
    path = tmp_path / "keys.json"
    path.write_bytes(file_of(entry))
    gate = Gate(KeyFile(path), Rates(lambda: 0.0))
    given = Headers({name: value.replace("KEY", key) for name, value in headers.items()})
    with pytest.raises(ProblemError) as refused:
        gate.let_in(given, role)
    assert refused.value.status == status
    own = Headers({"x-api-key": key})
    assert gate.let_in(own, "ingest").bank_id == "alpha"
    with pytest.raises(ProblemError) as refused:
        gate.let_in(own, "ingest")
    assert refused.value.status == 429
    assert refused.value.headers["Retry-After"] == "1"
