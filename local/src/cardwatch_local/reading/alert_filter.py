"""Which alerts are wanted. Pure."""

from dataclasses import dataclass

from cardwatch_contracts.alert import Alert, FindingMode
from cardwatch_contracts.money import exponent_of


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertFilter:
    """Every condition that is given must hold; None asks for nothing."""

    detector: str | None = None
    bank: str | None = None
    user: str | None = None
    mode: FindingMode | None = None
    min_amount: float | None = None
    """Smallest amount, in units of the transaction's currency, such as 99.50."""

    def accepts(self, alert: Alert) -> bool:
        """Whether the alert is wanted."""
        txn = alert.transaction
        return (
            (self.detector is None or any(f.detector == self.detector for f in alert.findings))
            and (self.bank is None or txn.bank_id == self.bank)
            and (self.user is None or txn.user_id == self.user)
            and (self.mode is None or alert.mode == self.mode)
            and (
                self.min_amount is None
                or txn.amount_minor >= self.min_amount * 10 ** exponent_of(txn.currency)
            )
        )
