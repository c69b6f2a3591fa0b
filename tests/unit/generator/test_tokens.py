import os
import pickle
import re
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardwatch_contracts.privacy import is_card_number
from cardwatch_generator.tokens import MIN_KEY_BYTES, Tokeniser, TokenKeyError, token_key_file

KEY = b"a key for tests only"
NUMBER = "4111111111111111"


def test_a_token_is_the_keyed_hash_and_stays_the_same_from_release_to_release() -> None:
    # HMAC-SHA-256 of the digits, base32, computed with `openssl dgst -sha256 -hmac` and `base32`.
    assert Tokeniser(KEY)(NUMBER) == "tok_7lm4w7omoxx6fwxavxxwjp3h7a"


@given(st.text("0123456789", min_size=11, max_size=19))
def test_a_token_is_short_plain_and_no_card_number(number: str) -> None:
    token = Tokeniser(KEY)(number)
    assert re.fullmatch(r"tok_[a-z2-7]{26}", token)
    assert not is_card_number(token)


def test_separators_between_the_digits_make_no_difference() -> None:
    tokenise = Tokeniser(KEY)
    assert tokenise("4111 1111-1111.1111") == tokenise(NUMBER)


def test_another_number_or_another_key_gives_another_token() -> None:
    tokens = {
        Tokeniser(KEY)(NUMBER),
        Tokeniser(KEY)("4111111111111112"),
        Tokeniser(KEY * 2)(NUMBER),
    }
    assert len(tokens) == 3


def test_the_key_is_neither_shown_nor_pickled() -> None:
    tokeniser = Tokeniser(KEY)
    assert "key for tests" not in repr(tokeniser)
    with pytest.raises(TypeError, match="never pickled"):
        pickle.dumps(tokeniser)


def test_a_short_key_is_refused_without_showing_it() -> None:
    with pytest.raises(TokenKeyError, match="token key of 5 bytes: at least 16") as error:
        Tokeniser(b"short")
    assert "short" not in str(error.value)


def test_a_key_file_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "home" / "token.key"
    previous = os.umask(0)
    try:
        key = token_key_file(path)
    finally:
        os.umask(previous)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(key) >= MIN_KEY_BYTES
    assert token_key_file(path) == key
    assert os.listdir(path.parent) == ["token.key"]


def test_two_processes_that_make_the_key_at_once_end_with_the_same(tmp_path: Path) -> None:
    path = tmp_path / "token.key"

    def random_bytes(count: int) -> bytes:
        if not path.exists():  # the other process is faster
            token_key_file(path, random_bytes=lambda n: b"\x01" * n)
        return b"\x02" * count

    assert token_key_file(path, random_bytes=random_bytes) == b"01" * 32


def test_a_key_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "token.key"
    token_key_file(path)
    path.chmod(0o644)
    with pytest.raises(TokenKeyError, match=r"chmod 600"):
        token_key_file(path)


def test_an_empty_key_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "token.key"
    path.touch(0o600)
    with pytest.raises(TokenKeyError, match="a key of 0 bytes"):
        token_key_file(path)
