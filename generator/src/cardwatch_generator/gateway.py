"""Transactions through the gateway's HTTP interface instead of Kafka."""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Coroutine
from typing import Any, Final

import uvloop

from cardwatch_generator.batches import TransactionBatch
from cardwatch_generator.gateway_connection import GatewayConnection
from cardwatch_generator.gateway_requests import RequestWriter, Sent
from cardwatch_generator.gateway_settings import GatewaySettings
from cardwatch_generator.publish import PublishError

_ACCEPTED: Final = 202
_ASK_AGAIN: Final = frozenset((408, 429, 500, 502, 503, 504))
"""Answers after which the same request may succeed."""
_FIRST_PAUSE_S: Final = 0.2
_LONGEST_PAUSE_S: Final = 5.0
_LOOK_S: Final = 0.05
_WAITING_PER_CONNECTION: Final = 4


class GatewaySink:
    """Posts transactions over several connections, from a thread of its own.

    A request that is not answered, or that the gateway asks to send again, goes again with the
    same idempotency key: it is accepted once. Those of one user may overtake each other.
    """

    def __init__(self, settings: GatewaySettings) -> None:
        """Start the thread; the first answer tells whether there is a gateway."""
        self._settings = settings
        self._writer = RequestWriter(settings)
        self._most_waiting = _WAITING_PER_CONNECTION * settings.connections
        self._waiting: deque[Sent] = deque()
        self._room = threading.Event()
        self._idle: deque[asyncio.Future[None]] = deque()
        self._ended = False
        self._sent = self._acknowledged = self._failed = 0
        self._first_error: str | None = None
        self._loop = uvloop.new_event_loop()
        self._given_up = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="gateway", daemon=True)
        self._thread.start()

    @property
    def sent(self) -> int:
        """Transactions that were taken for sending."""
        return self._sent

    @property
    def acknowledged(self) -> int:
        """Transactions that the gateway has accepted: Kafka has them."""
        return self._acknowledged

    @property
    def failed(self) -> int:
        """Transactions that were given up."""
        return self._failed

    def send(self, batch: TransactionBatch) -> None:
        """Post a batch; waits while all connections are busy.

        Raises:
            PublishError: the gateway did not take an earlier transaction.
        """
        for sent in self._writer.split(batch):
            while len(self._waiting) >= self._most_waiting:
                self._wake()
                self._await_room()
            self._sent += len(sent)
            self._waiting.append(sent)
        self._wake()
        self.check()

    def check(self) -> None:
        """Raise what has gone wrong since.

        Raises:
            PublishError: the gateway did not take a transaction.
        """
        if self._first_error is not None:
            raise PublishError(
                f"the gateway at {self._settings.url} {self._first_error}; "
                f"{self._failed:,} of {self._sent:,} transactions failed"
            )

    def flush(self) -> None:
        """Wait until everything is accepted.

        Raises:
            PublishError: something was not accepted in time.
        """
        while self._acknowledged + self._failed < self._sent:
            self.check()
            time.sleep(_LOOK_S)
        self.check()

    def close(self) -> None:
        """Give up what is still waiting, and let go of the connections."""
        if self._ended:
            return
        self._ended = True
        self._waiting.clear()
        self._loop.call_soon_threadsafe(self._given_up.set)
        self._wake()
        self._thread.join(self._settings.timeout_s + 1)

    def _await_room(self) -> None:
        self._room.clear()
        if len(self._waiting) >= self._most_waiting:
            self._room.wait(_LOOK_S)
        self.check()

    def _wake(self) -> None:
        """Let those go on who have nothing to do."""
        self._loop.call_soon_threadsafe(self._wake_idle)

    def _wake_idle(self) -> None:
        count = len(self._idle) if self._ended else min(len(self._idle), len(self._waiting))
        for _ in range(count):
            self._idle.popleft().set_result(None)

    def _run(self) -> None:
        posting = [self._post_all() for _ in range(self._settings.connections)]
        try:
            self._loop.run_until_complete(_all(posting))
        finally:
            self._loop.close()

    async def _post_all(self) -> None:
        """Post what is waiting, one request after another over one connection."""
        connection = GatewayConnection(self._settings)
        while not self._ended:
            if not self._waiting:
                more = self._loop.create_future()
                self._idle.append(more)
                await more
                continue
            sent = self._waiting.popleft()
            if 2 * len(self._waiting) <= self._most_waiting and not self._room.is_set():
                self._room.set()
            error = await self._post(connection, sent)
            if error is None:
                self._acknowledged += len(sent)
            else:
                self._failed += len(sent)
                self._first_error = self._first_error or error
        connection.close()

    async def _post(self, connection: GatewayConnection, sent: Sent) -> str | None:
        """Post until it is accepted; return what was wrong where it is not."""
        deadline_s = time.monotonic() + self._settings.delivery_timeout_s
        request = self._writer.written(sent)
        pause_s = _FIRST_PAUSE_S
        while True:
            retry_after_s = None
            try:
                status, retry_after_s, body = await connection.post(request)
                said = f"answered {status}: {body}"
            except OSError as error:
                status, said = 0, f"does not answer: {error}"
            if status == _ACCEPTED:
                return None
            if status and status not in _ASK_AGAIN:
                return said
            wait_s = pause_s if retry_after_s is None else min(retry_after_s, _LONGEST_PAUSE_S)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
            if time.monotonic() + wait_s > deadline_s or await self._gives_up_within(wait_s):
                return f"{said}, for {self._settings.delivery_timeout_s:g} s"

    async def _gives_up_within(self, wait_s: float) -> bool:
        try:
            async with asyncio.timeout(wait_s):
                return await self._given_up.wait()
        except TimeoutError:
            return False


async def _all(posting: list[Coroutine[Any, Any, None]]) -> None:
    await asyncio.gather(*posting)
