"""Request bodies, read within bounds of size and time."""

import asyncio
from collections.abc import Mapping
from typing import Final

from starlette.types import Receive

from cardwatch_gateway.problems import ProblemError

_DRAIN_BYTES: Final = 16 * 1024 * 1024
_DRAIN_S: Final = 2.0
_CLOSE: Final = {"Connection": "close"}


class GoneError(Exception):
    """Who asked has gone: nobody waits for an answer."""


async def read_body(
    receive: Receive, headers: Mapping[str, str], *, max_bytes: int, timeout_s: float
) -> bytes:
    """Return a request's body; `headers` by their names in small letters.

    Raises:
        ProblemError: 408 when it takes too long, 413 when it is too long; the connection ends then.
        GoneError: the connection ended.
    """
    length = headers.get("content-length")
    rest_comes = True
    if length is None or int(length) <= max_bytes:
        try:
            async with asyncio.timeout(timeout_s):
                body, rest_comes = await _read(receive, max_bytes)
        except TimeoutError:
            raise ProblemError(
                408, "slow-body", f"the body took longer than {timeout_s:g} s", headers=_CLOSE
            ) from None
        if len(body) <= max_bytes:
            return body
    # One that waits to be told to go on (`Expect: 100-continue`) is not told.
    if rest_comes and "expect" not in headers:
        await _drain(receive)
    raise ProblemError(413, "too-long", f"at most {max_bytes:,} bytes are allowed", headers=_CLOSE)


async def _read(receive: Receive, max_bytes: int) -> tuple[bytes, bool]:
    """Return what comes until it is too much, and whether there is more."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise GoneError
        part: bytes = message.get("body", b"")
        more: bool = message.get("more_body", False)
        parts.append(part)
        size += len(part)
        if not more or size > max_bytes:
            return parts[0] if len(parts) == 1 else b"".join(parts), more


async def _drain(receive: Receive) -> None:
    """Read on for a while, keeping nothing: many a client reads an answer after sending all."""
    left = _DRAIN_BYTES
    try:
        async with asyncio.timeout(_DRAIN_S):
            while left > 0:
                message = await receive()
                if message["type"] != "http.request" or not message.get("more_body"):
                    return
                left -= len(message.get("body", b""))
    except TimeoutError:
        return
