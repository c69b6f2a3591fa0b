"""The models' memories of one bucket's users, a copy of what Flink's state holds."""

from array import array
from collections.abc import Mapping
from typing import Final

from cardwatch_job.detectors.history import FORGET_EVERY_MS
from cardwatch_job.model.features import features_of
from cardwatch_job.model.habits import Payment, habit_of
from cardwatch_job.model.lessons import Heard, Lesson
from cardwatch_job.model.merchants import Merchants
from cardwatch_job.model.packed_user import last_ms_of, pack_user, seen_of, unpack_user
from cardwatch_job.model.user import UserMemory

MAX_UNPACKED: Final = 1024
"""Memories of one bucket that are kept unpacked, about."""
_32_BITS: Final = "f"


class ModelUsers:
    """What models remember of users: all of it packed, that of users in use unpacked as well."""

    def __init__(self, packed: Mapping[str, bytes] | None = None) -> None:
        """Begin with packed memories by user id.

        Raises:
            BrokenMemoryError: one is none of this version; at once, or when the user is asked for.
        """
        self._packed = dict(packed or {})
        self._users: dict[str, UserMemory] = {}
        self._changed: dict[str, UserMemory] = {}
        self._forgotten: set[str] = set()
        self._looked_ms: int | None = None

    def __len__(self) -> int:
        return len(self._packed) + sum(user_id not in self._packed for user_id in self._changed)

    def knows(self, user_id: str) -> bool:
        """Whether anything is remembered of a user."""
        return user_id in self._users or user_id in self._packed

    def find(self, user_id: str) -> UserMemory | None:
        """Return what is remembered of a user; None where there is nothing."""
        user = self._users.get(user_id)
        if user is None and user_id in self._packed:
            user = self._users[user_id] = unpack_user(self._packed[user_id])
        return user

    def look(self, payment: Payment, merchants: Merchants) -> "array[float]":
        """Return a payment's features in the order of `FEATURES`; nothing is changed."""
        return features_of(payment, self.find(payment.user_id), merchants.find(payment.merchant_id))

    def learn(self, payment: Payment, *, alerted: bool) -> float:
        """Take in a payment after it was scored; one that alerted changes no habit for now.

        Returns:
            By how many standard deviations its amount was over the user's mean before, as `look`
            has it: rounded to 32 bits.
        """
        user = self.find(payment.user_id)
        if user is None:
            user = self._users[payment.user_id] = UserMemory()
        self._changed[payment.user_id] = user
        deviations = user.learn(payment.transaction_id, habit_of(payment), alerted=alerted)
        return array(_32_BITS, (deviations,))[0]

    def hear(self, lesson: Lesson) -> Heard:
        """Take in what an analyst says of a user's payment; the latest given counts.

        Returns:
            `UNKNOWN` where nothing is remembered of the user; nothing changes then.
        """
        user = self.find(lesson.user_id)
        if user is None:
            return Heard.UNKNOWN
        self._changed[lesson.user_id] = user
        return user.hear(lesson)

    def adopt(self, user_id: str, packed: bytes) -> bool:
        """Take up a memory from elsewhere, where the own one knows fewer payments.

        Returns:
            Whether it was taken up.

        Raises:
            BrokenMemoryError: it is none of this version; nothing changes.
        """
        user = unpack_user(packed)
        known = self.find(user_id)
        if known is not None and known.seen >= seen_of(packed):
            return False
        self._users[user_id] = self._changed[user_id] = user
        return True

    def forget(self, user_id: str) -> None:
        """Forget a user."""
        if self.knows(user_id):
            self._packed.pop(user_id, None)
            self._users.pop(user_id, None)
            self._changed.pop(user_id, None)
            self._forgotten.add(user_id)

    def forget_before(self, time_ms: int) -> bool:
        """Forget the users whose latest payment is older; looks once a day of event time.

        Returns:
            Whether it looked.
        """
        if self._looked_ms is None:
            self._looked_ms = time_ms
        if time_ms - self._looked_ms < FORGET_EVERY_MS:
            return False
        self._looked_ms = time_ms
        latest = {user_id: last_ms_of(packed) for user_id, packed in self._packed.items()}
        latest |= {user_id: user.last_ms for user_id, user in self._changed.items()}
        for user_id, last_ms in latest.items():
            if last_ms < time_ms:
                self.forget(user_id)
        return True

    @property
    def changed(self) -> int:
        """How many memories changed since `take_changed`; those forgotten are among them."""
        return len(self._changed) + len(self._forgotten)

    def take_changed(self) -> dict[str, bytes | None]:
        """Pack the memories that changed since the last call; None for what is forgotten."""
        packed = {user_id: pack_user(user) for user_id, user in self._changed.items()}
        changed = dict.fromkeys(self._forgotten) | packed
        self._packed |= packed
        self._changed.clear()
        self._forgotten.clear()
        if len(self._users) > MAX_UNPACKED:
            self._users.clear()
        return changed
