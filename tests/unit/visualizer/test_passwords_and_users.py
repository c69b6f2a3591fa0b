from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardwatch_visualizer.auth.passwords import NOBODYS, hash_password, is_kept, matches
from cardwatch_visualizer.auth.users import (
    InvalidUsersError,
    UsersFile,
    new_user,
    read_users,
)

_PASSWORD = "correct horse battery"


def entry(name: str = "ana", **changes: str) -> dict[str, str]:
    kept: dict[str, str] = msgspec.json.decode(new_user("ana", "analyst", _PASSWORD))
    return kept | {"name": name} | changes


def file_of(*entries: dict[str, str]) -> bytes:
    return msgspec.json.encode({"users": entries})


@given(st.text(min_size=12, max_size=40), st.text(min_size=12, max_size=40))
@settings(max_examples=5)
def test_a_password_matches_itself_and_no_other(one: str, other: str) -> None:
    kept = hash_password(one)
    assert matches(one, kept)
    assert matches(other, kept) == (one == other)


def test_the_same_password_is_kept_differently_each_time_and_nobodys_matches_none() -> None:
    assert hash_password(_PASSWORD) != hash_password(_PASSWORD)
    assert is_kept(NOBODYS)
    assert not matches(_PASSWORD, NOBODYS)


@pytest.mark.parametrize("password", ["short", "x" * 257])
def test_a_password_has_a_length_that_is_allowed(password: str) -> None:
    with pytest.raises(ValueError, match="12 to 256"):
        hash_password(password)


def test_what_is_printed_for_a_new_user_can_be_read() -> None:
    user = read_users(file_of(entry()))["ana"]
    assert user.role == "analyst"
    assert matches(_PASSWORD, user.password)
    assert _PASSWORD not in user.password


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "users"),
        (file_of(entry(), entry()), "the same as another's"),
        (file_of(entry(role="root")), "role"),
        (file_of(entry(password="plain text")), "password: allowed: what `new-user` prints"),
        (file_of(entry(name="4111111111111111")), "no card number"),
    ],
)
def test_a_file_that_is_not_what_it_should_be_is_refused(content: bytes, said: str) -> None:
    with pytest.raises(InvalidUsersError, match=said) as refused:
        read_users(content)
    assert "scrypt$" not in str(refused.value)


def test_who_logs_in_is_who_the_file_says(tmp_path: Path) -> None:
    path = tmp_path / "users.json"
    path.write_bytes(file_of(entry()))
    users = UsersFile(path)

    user = users.log_in("ana", _PASSWORD)

    assert user is not None
    assert user.name == "ana"
    assert users.log_in("ana", "another password") is None
    assert users.log_in("bob", _PASSWORD) is None


def test_a_missing_file_is_said_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(InvalidUsersError, match="No such file"):
        UsersFile(tmp_path / "users.json")
