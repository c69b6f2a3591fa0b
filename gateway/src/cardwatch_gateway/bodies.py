"""Request bodies, read within bounds of size and time."""

import asyncio
from typing import Final

from starlette.requests import ClientDisconnect, Request

from cardwatch_gateway.problems import ProblemError

_DRAIN_BYTES: Final = 16 * 1024 * 1024
_DRAIN_S: Final = 2.0
_CLOSE: Final = {"Connection": "close"}


class GoneError(Exception):
    """Who asked has gone: nobody waits for an answer."""


async def read_body(request: Request, *, max_bytes: int, timeout_s: float) -> bytes:
    """Return a request's body.

    Raises:
        ProblemError: 408 when it takes too long, 413 when it is too long; the connection ends then.
        GoneError: the connection ended.
    """
    length = request.headers.get("content-length")
    if length is not None and int(length) > max_bytes:
        await _drain(request)
        raise _too_long(max_bytes)
    try:
        async with asyncio.timeout(timeout_s):
            return await _read(request, max_bytes)
    except TimeoutError:
        raise ProblemError(
            408, "slow-body", f"the body took longer than {timeout_s:g} s", headers=_CLOSE
        ) from None
    except ClientDisconnect:
        raise GoneError from None


async def _read(request: Request, max_bytes: int) -> bytes:
    first = b""
    rest: bytearray | None = None
    async for chunk in request.stream():
        if rest is not None:
            rest += chunk
        elif not first:
            first = chunk
        elif chunk:
            rest = bytearray(first + chunk)
        if len(first if rest is None else rest) > max_bytes:
            await _drain(request)
            raise _too_long(max_bytes)
    return first if rest is None else bytes(rest)


async def _drain(request: Request) -> None:
    """Read on for a while, keeping nothing: many a client reads no answer before it has sent all.

    One that waits to be told to go on (`Expect: 100-continue`) is not told.
    """
    if "expect" in request.headers:
        return
    left = _DRAIN_BYTES
    try:
        async with asyncio.timeout(_DRAIN_S):
            while left > 0:
                message = await request.receive()
                if message["type"] != "http.request" or not message.get("more_body"):
                    return
                left -= len(message.get("body", b""))
    except TimeoutError:
        return


def _too_long(max_bytes: int) -> ProblemError:
    return ProblemError(413, "too-long", f"at most {max_bytes:,} bytes are allowed", headers=_CLOSE)
