"""Passwords as they are kept: scrypt with a salt of their own (RFC 7914). Pure."""

import base64
import hmac
import os
import re
from hashlib import scrypt
from typing import Final

MIN_LENGTH: Final = 12
MAX_LENGTH: Final = 256
"""Longer ones would let anybody keep this machine busy."""
_COST, _BLOCK, _LANES = 2**14, 8, 1  # 16 MiB and some 50 ms: OWASP's least for scrypt
_KEPT: Final = re.compile(r"scrypt\$([A-Za-z0-9+/=]{24})\$([A-Za-z0-9+/=]{44})")


def hash_password(password: str, salt: bytes | None = None) -> str:
    """Return what is kept of a password.

    Raises:
        ValueError: it is too short or too long.
    """
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise ValueError(f"password: {MIN_LENGTH} to {MAX_LENGTH} characters are allowed")
    salt = os.urandom(16) if salt is None else salt
    return f"scrypt${_base64(salt)}${_base64(_derive(password, salt))}"


def matches(password: str, kept: str) -> bool:
    """Return whether a password is the one that was kept; takes the same time if it is not."""
    found = _KEPT.fullmatch(kept)
    if found is None or len(password) > MAX_LENGTH:
        return False
    salt, derived = (base64.b64decode(part) for part in found.groups())
    return hmac.compare_digest(_derive(password, salt), derived)


def is_kept(text: str) -> bool:
    """Return whether a text is what is kept of a password."""
    return _KEPT.fullmatch(text) is not None


NOBODYS: Final = f"scrypt${'A' * 22}==${'A' * 43}="
"""No password matches it: looked at where there is no such user, for the time that takes."""


def _derive(password: str, salt: bytes) -> bytes:
    return scrypt(password.encode(), salt=salt, n=_COST, r=_BLOCK, p=_LANES, dklen=32)


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()
