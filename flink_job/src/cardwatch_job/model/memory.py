"""All that models remember, and the order in which it is asked and taught: look, then learn."""

from array import array
from dataclasses import dataclass, field
from enum import Enum

from cardwatch_job.model.features import deviations_of, features_of
from cardwatch_job.model.habits import Payment, habit_of
from cardwatch_job.model.merchants import LONG_D, MerchantMemory
from cardwatch_job.model.users import HIGH_DEVIATIONS, Recent, UserMemory


class Heard(Enum):
    """What became of a feedback."""

    LEARNED = "learned"
    CHANGED = "changed"
    """It contradicts an earlier one, which was taken back."""
    REPEATED = "repeated"
    """It says what is known, or is older than what is known: nothing changed."""
    UNKNOWN = "unknown"
    """It names a payment that is not, or no longer, remembered: nothing changed."""


@dataclass(slots=True)
class Memory:
    """What is remembered of users and merchants."""

    users: dict[str, UserMemory] = field(default_factory=dict)
    merchants: dict[str, MerchantMemory] = field(default_factory=dict)

    def look(self, payment: Payment) -> "array[float]":
        """Return a payment's features; nothing is changed."""
        user = self.users.get(payment.user_id) or UserMemory()
        merchant = self.merchants.get(payment.merchant_id) or MerchantMemory()
        return features_of(payment, user, merchant)

    def learn(self, payment: Payment, *, alerted: bool) -> None:
        """Take in a payment after it was scored; one that alerted changes no habit for now."""
        user = self._user(payment.user_id)
        merchant = self._merchant(payment.merchant_id)
        habit = habit_of(payment)
        deviations = deviations_of(payment, user)
        user.act(habit.at_ms, habit.amount, deviations)
        merchant.pay(habit.at_ms, habit.amount)
        user.remember(
            payment.transaction_id,
            Recent(habit.at_ms, habit.merchant, deviations > HIGH_DEVIATIONS, None, 0),
        )
        if alerted:
            user.habits.hold(payment.transaction_id, habit)
        else:
            user.habits.learn(habit)

    def hear(self, user_id: str, transaction_id: str, *, fraudulent: bool, given_at: int) -> Heard:
        """Take in an analyst's word on a payment; the latest given counts."""
        user = self.users.get(user_id)
        recent = user.recent.get(transaction_id) if user is not None else None
        if user is None or recent is None:
            return Heard.UNKNOWN
        before = recent.fraudulent
        if before is fraudulent or given_at < recent.given_at:
            return Heard.REPEATED
        if before is not None:
            self._tell(user, recent, fraudulent=before, times=-1)
        self._tell(user, recent, fraudulent=fraudulent, times=1)
        user.recent[transaction_id] = Recent(
            recent.at_ms, recent.merchant, recent.explained, fraudulent, given_at
        )
        user.habits.settle(transaction_id, genuine=not fraudulent)
        return Heard.LEARNED if before is None else Heard.CHANGED

    def _user(self, user_id: str) -> UserMemory:
        # Not setdefault: it would make a whole memory for each payment, and throw it away.
        user = self.users.get(user_id)
        if user is None:
            user = self.users[user_id] = UserMemory()
        return user

    def _merchant(self, merchant_id: str) -> MerchantMemory:
        merchant = self.merchants.get(merchant_id)
        if merchant is None:
            merchant = self.merchants[merchant_id] = MerchantMemory()
        return merchant

    def _tell(self, user: UserMemory, recent: Recent, *, fraudulent: bool, times: int) -> None:
        merchant = self._merchant(recent.merchant)
        merchant.learn(recent.at_ms, fraudulent=fraudulent, explained=recent.explained, times=times)
        if fraudulent:
            user.frauds.add(recent.at_ms, LONG_D, times=times)
