"""Commands to Valkey, those of many requests in one go: alone each costs as much as a request."""

import asyncio
import logging
from time import monotonic
from typing import Any, Final

from valkey.asyncio import Valkey
from valkey.exceptions import ValkeyError

_log = logging.getLogger(__name__)

_TIMEOUT_S: Final = 0.25
"""Longest wait for one answer of Valkey. Seconds."""
_LEAVE_ALONE_S: Final = 2.0
"""How long Valkey is not asked after it did not answer. Seconds."""

Command = tuple[str | bytes | int, ...]


class AwayError(Exception):
    """Valkey does not answer."""


class ValkeyBatches:
    """Sends what has come together while the commands before were on their way.

    Args:
        url: such as `valkey://127.0.0.1:6379`.
    """

    def __init__(self, url: str) -> None:
        self._client = Valkey.from_url(
            url, socket_timeout=_TIMEOUT_S, socket_connect_timeout=_TIMEOUT_S
        )
        self._waiting: list[tuple[Command, asyncio.Future[Any]]] = []
        self._sending: asyncio.Task[None] | None = None
        self._again_s = 0.0

    async def ask(self, *command: str | bytes | int) -> Any:
        """Return the answer to a command.

        Raises:
            AwayError: Valkey does not answer, or did not a moment ago.
        """
        if monotonic() < self._again_s:
            raise AwayError
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append((command, answer))
        if self._sending is None:
            self._sending = asyncio.create_task(self._send_all())
        return await answer

    async def close(self) -> None:
        """Let go of Valkey."""
        if self._sending is not None:
            await self._sending
        await self._client.aclose()

    async def _send_all(self) -> None:
        try:
            while self._waiting:
                sent, self._waiting = self._waiting, []
                await self._send(sent)
        finally:
            self._sending = None

    async def _send(self, sent: list[tuple[Command, asyncio.Future[Any]]]) -> None:
        pipeline = self._client.pipeline(transaction=False)
        for command, _ in sent:
            pipeline.execute_command(*command)
        answers: list[Any]
        try:
            async with asyncio.timeout(2 * _TIMEOUT_S):
                answers = await pipeline.execute(raise_on_error=False)
        except (ValkeyError, OSError, TimeoutError) as error:
            answers = [error] * len(sent)
        failed = next((each for each in answers if isinstance(each, Exception)), None)
        if failed is not None:
            self._again_s = monotonic() + _LEAVE_ALONE_S
            _log.warning(
                "Valkey is away, Idempotency-Keys are not shared: %s", type(failed).__name__
            )
        for (_, future), answer in zip(sent, answers, strict=True):
            if future.done():
                continue  # who asked has gone
            if isinstance(answer, Exception):
                future.set_exception(AwayError())
            else:
                future.set_result(answer)
