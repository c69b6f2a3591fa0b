"""Word of what became of a record that was given to Kafka's client."""

import asyncio
from collections.abc import Callable, Sequence


class Delivery:
    """What became of a record. Changed in the event loop alone."""

    __slots__ = ("_waiting", "done", "done_ms", "done_ns", "error", "offset", "partition")

    def __init__(self) -> None:
        self.done = False
        self.error: str | None = None
        """Why Kafka has it not; None: it has, or there is no word yet."""
        self.partition = -1
        self.offset = -1
        self.done_ms = 0
        """When word came. Milliseconds since 1970-01-01 UTC."""
        self.done_ns = 0
        self._waiting: list[Callable[[Delivery], None]] = []

    @property
    def accepted(self) -> bool:
        """Whether every in-sync replica has it."""
        return self.done and self.error is None

    def when_done(self, call: Callable[["Delivery"], None]) -> None:
        """Call when there is word; at once where there is."""
        if self.done:
            call(self)
        else:
            self._waiting.append(call)

    def settle(self, error: str | None, partition: int, offset: int, at_ns: int) -> None:
        """Take note of the word."""
        self.done, self.error, self.partition, self.offset = True, error, partition, offset
        self.done_ns, self.done_ms = at_ns, at_ns // 1_000_000
        waiting, self._waiting = self._waiting, []
        for call in waiting:
            call(self)


async def all_done(deliveries: Sequence[Delivery], timeout_s: float) -> bool:
    """Wait until there is word of all; return False where there is not in time."""
    left = [delivery for delivery in deliveries if not delivery.done]
    if not left:
        return True
    loop = asyncio.get_running_loop()
    last: asyncio.Future[bool] = loop.create_future()
    count = len(left)

    def one_less(_: Delivery) -> None:
        nonlocal count
        count -= 1
        if count == 0 and not last.done():
            last.set_result(True)

    def give_up() -> None:
        if not last.done():
            last.set_result(False)

    for delivery in left:
        delivery.when_done(one_less)
    late = loop.call_later(timeout_s, give_up)
    try:
        return await last
    finally:
        late.cancel()
