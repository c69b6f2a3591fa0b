"""The users' memories in Python, a copy of what Flink's state holds."""

from collections.abc import Mapping
from typing import Final

from cardwatch_job.detectors.history import FORGET_EVERY_MS, UserState, decode_user, encode_user
from cardwatch_job.model.memory import users_of_bucket as habits_of_bucket
from cardwatch_job.waiting import WaitingRoom

try:
    from cardwatch_job.flat_users import FlatUsers
except ImportError:  # not compiled
    FlatUsers = None  # type: ignore[assignment, misc]

MAX_UNPACKED: Final = 1024
"""Memories of one bucket that are kept unpacked, about. One takes some five times the room of its
packed form; packing and unpacking cost as much as judging."""


class UsersOfBucket:
    """The memories of one bucket's users: all of them packed, those in use unpacked as well."""

    def __init__(self, packed: Mapping[str, bytes], *, waits: bool = False) -> None:
        """Begin with `packed`; `waits`: some may hold transactions that wait."""
        self._packed = dict(packed)
        self._users: dict[str, UserState] = {}
        self._changed: dict[str, UserState] = {}
        self._forgotten_ms: int | None = None
        self.room = WaitingRoom((user_id, self.load(user_id)) for user_id in packed if waits)
        self.habits = habits_of_bucket()
        self._users.clear()

    def __len__(self) -> int:
        return len(self._packed)

    def load(self, user_id: str) -> UserState:
        """Return a user's memory, an empty one where the user is new."""
        user = self._users.get(user_id)
        if user is None:
            user = self._users[user_id] = decode_user(self._packed.get(user_id))
        return user

    def store(self, user_id: str, user: UserState) -> None:
        """Note that a user's memory has changed; it was changed in place."""
        self._changed[user_id] = user

    @property
    def changed(self) -> int:
        """How many memories changed since `take_changed`."""
        return len(self._changed)

    def take_changed(self) -> dict[str, bytes | None]:
        """Pack the memories that changed since the last call; None for what is forgotten."""
        changed: dict[str, bytes | None] = {}
        for user_id, user in self._changed.items():
            if user.cards or user.held:
                changed[user_id] = self._packed[user_id] = encode_user(user)
            else:
                changed[user_id] = None
                self._packed.pop(user_id, None)
                self._users.pop(user_id, None)
        self._changed.clear()
        if len(self._users) > MAX_UNPACKED:
            self._users.clear()
        return changed

    def forget_before(self, time_ms: int) -> bool:
        """Forget the cards whose latest transaction is older; looks once a day of event time.

        Returns:
            Whether it looked.
        """
        if self._forgotten_ms is None:
            self._forgotten_ms = time_ms
        if time_ms - self._forgotten_ms < FORGET_EVERY_MS:
            return False
        self._forgotten_ms = time_ms
        for user_id in list(self._packed):
            user = self.load(user_id)
            if user.forget_before(time_ms):
                self.store(user_id, user)
        return True


def users_of_bucket(
    packed: Mapping[str, bytes], *, habits: Mapping[str, bytes] | None = None, waits: bool = False
) -> UsersOfBucket:
    """Begin with the packed memories of a bucket; in machine code where the job is compiled.

    `habits`: what models remember of the same users. `waits`: some may hold transactions that wait.
    """
    kind = UsersOfBucket if FlatUsers is None else FlatUsers
    users = kind(packed, waits=waits)
    users.habits = habits_of_bucket(habits)
    return users
