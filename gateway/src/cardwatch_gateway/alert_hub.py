"""Hands each alert to all who follow, without ever waiting for one of them. Pure asyncio."""

import asyncio
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from cardwatch_contracts.alert import Alert
from cardwatch_gateway.alert_filter import AlertFilter
from cardwatch_gateway.cursor import Cursor

LetGo = Literal["slow", "shutdown"]


@dataclass(frozen=True, slots=True, eq=False)
class AlertEvent:
    """An alert, and where it is."""

    alert: Alert
    value: bytes
    """The alert as it is on the topic: JSON in one line."""
    cursor: str
    """Where a client is that has it and all before it."""


class Follower:
    """Somebody who follows alerts: at most so many wait for them."""

    def __init__(self, wanted: AlertFilter, most: int) -> None:
        self._wanted = wanted
        self._most = most
        self._waiting: deque[AlertEvent] = deque()
        self._news = asyncio.Event()
        self.let_go: LetGo | None = None
        """Why nothing more comes; None: more may."""

    def offer(self, event: AlertEvent) -> bool:
        """Take an alert if it is wanted; return False where too many wait already."""
        if self.let_go is not None or not self._wanted.accepts(event.alert):
            return True
        if len(self._waiting) >= self._most:
            self.end("slow")
            return False
        self._waiting.append(event)
        self._news.set()
        return True

    def end(self, why: LetGo) -> None:
        """Let the follower go; what waits for one that is slow is forgotten, and is in Kafka."""
        self.let_go = self.let_go or why
        if why == "slow":
            self._waiting.clear()
        self._news.set()

    async def next(self, timeout_s: float) -> AlertEvent | None:
        """Return the next alert; None where none comes in time, or none comes any more."""
        if not self._waiting and self.let_go is None:
            self._news.clear()
            try:
                async with asyncio.timeout(timeout_s):
                    await self._news.wait()
            except TimeoutError:
                return None
        return self._waiting.popleft() if self._waiting else None


class AlertHub:
    """All who follow, and where in the topic they are.

    Args:
        most_followers: how many there may be.
        queue: how many alerts may wait for each.
    """

    def __init__(self, *, most_followers: int, queue: int) -> None:
        self._most = most_followers
        self._queue = queue
        self._followers: set[Follower] = set()
        self._closed = False
        self.position: Cursor | None = None
        """Behind the last alert that was handed on; None: the topic was not reached yet."""

    def __len__(self) -> int:
        return len(self._followers)

    @property
    def has_room(self) -> bool:
        """Whether one more may follow."""
        return not self._closed and len(self._followers) < self._most

    def join(self, wanted: AlertFilter) -> Follower:
        """Let somebody follow from `position` on; `leave` must come after."""
        follower = Follower(wanted, self._queue)
        if self._closed:
            follower.end("shutdown")
        self._followers.add(follower)
        return follower

    def leave(self, follower: Follower) -> None:
        """Forget a follower."""
        self._followers.discard(follower)

    def publish(self, events: Iterable[AlertEvent], position: Cursor) -> None:
        """Hand on alerts, in their order, which bring everybody to `position`."""
        self.position = position
        for event in events:
            for follower in list(self._followers):
                follower.offer(event)

    def close(self) -> None:
        """Let all go."""
        self._closed = True
        for follower in self._followers:
            follower.end("shutdown")

    def __iter__(self) -> Iterator[Follower]:
        return iter(self._followers)
