"""Card numbers become tokens before anything leaves the process.

A token is a keyed hash (HMAC-SHA-256, RFC 2104): the same number gives the same token under the
same key, and without the key nobody can try all numbers to find out which one a token stands for.
"""

import base64
import hmac
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Final

MIN_KEY_BYTES: Final = 16
"""Shortest key that is taken: 128 bits, as many as a token shows of its hash."""

_PREFIX: Final = "tok_"
_TOKEN_CHARS: Final = 26  # base32 characters, 130 bits: no two cards meet
_SEPARATORS: Final = str.maketrans("", "", " \t.-+_")
_NEW_KEY_BYTES: Final = 32


class TokenKeyError(ValueError):
    """A key that cannot be used. The message never holds the key."""


class Tokeniser:
    """Turns card numbers into tokens under one key."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        if len(key) < MIN_KEY_BYTES:
            raise TokenKeyError(
                f"token key of {len(key)} bytes: at least {MIN_KEY_BYTES} are needed"
            )
        self._key = key

    def __repr__(self) -> str:
        return "Tokeniser(key=hidden)"

    def __reduce__(self) -> str:
        raise TypeError("a Tokeniser is never pickled: its key stays in this process")

    def __call__(self, number: str) -> str:
        """Return the token of a card number; separators between its digits make no difference."""
        digest = hmac.digest(self._key, number.translate(_SEPARATORS).encode(), "sha256")
        return _PREFIX + base64.b32encode(digest)[:_TOKEN_CHARS].decode().lower()


def token_key_file(
    path: Path, *, random_bytes: Callable[[int], bytes] = secrets.token_bytes
) -> bytes:
    """Return the key kept in `path`; the first call makes one that only its owner can read.

    Raises:
        TokenKeyError: others can read the file, or it holds no key.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        _create_key(path, random_bytes(_NEW_KEY_BYTES).hex().encode())
    if path.stat().st_mode & 0o077:
        raise TokenKeyError(f"{path}: others can read this key; allowed: mode 0600 (`chmod 600`)")
    key = path.read_bytes().strip()
    if len(key) < MIN_KEY_BYTES:
        raise TokenKeyError(
            f"{path}: a key of {len(key)} bytes; at least {MIN_KEY_BYTES} are needed. "
            "Remove the file to get a new one: the same cards then get other tokens"
        )
    return key


def _create_key(path: Path, key: bytes) -> None:
    """Write the key so that a second process sees either no file or all of it."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(key)
        os.link(draft, path)
    except FileExistsError:
        pass  # another process was first: its key counts
    finally:
        draft.unlink()
