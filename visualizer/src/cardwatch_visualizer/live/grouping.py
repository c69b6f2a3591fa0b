"""Alerts of the last minutes by user, card and detector. Pure."""

from typing import Final

from cardwatch_visualizer.live.shapes import AlertRow, Group, Grouping
from cardwatch_visualizer.live.windows import Latest, WindowedCounts

MINUTES: Final = 15
_BUCKET_MS: Final = 60_000
_MOST_KEYS: Final = 1_000
"""Users, or cards, that are counted in each minute."""
_TOP: Final = 20


class _By:
    """One way of grouping."""

    def __init__(self) -> None:
        self._counts = WindowedCounts[str](
            buckets=MINUTES, bucket_ms=_BUCKET_MS, most_keys=_MOST_KEYS
        )
        self._latest = Latest[str, AlertRow](_MOST_KEYS)

    def add(self, name: str, row: AlertRow) -> None:
        self._counts.add(name, row.written_at)
        self._latest.put(name, row)

    def forget(self, user_id: str, *, with_counts: bool) -> None:
        for name in self._latest.drop(lambda row: row.user_id == user_id):
            if with_counts:
                self._counts.drop(name)

    def top(self, now_ms: int) -> list[Group]:
        self._counts.forget_before(now_ms)
        groups = []
        for name, count in self._counts.top(_TOP):
            row = self._latest.get(name)
            if row is not None:
                groups.append(_group(name, count, row))
        return groups


class Groups:
    """The users, cards and detectors with the most alerts within the last quarter of an hour."""

    def __init__(self) -> None:
        self._by: dict[Grouping, _By] = {"users": _By(), "cards": _By(), "detectors": _By()}
        self.changed = False
        """Whether an alert has come since `top` was asked."""

    def add(self, row: AlertRow) -> None:
        """Take an alert."""
        self._by["users"].add(row.user_id, row)
        self._by["cards"].add(row.card_id, row)
        for detector in row.detectors:
            self._by["detectors"].add(detector, row)
        self.changed = True

    def forget(self, user_id: str) -> None:
        """Forget a user and their cards; detectors keep their counts, which name nobody."""
        for grouping, by in self._by.items():
            by.forget(user_id, with_counts=grouping != "detectors")
        self.changed = True

    def top(self, now_ms: int) -> dict[Grouping, list[Group]]:
        """Return those with the most alerts, most first."""
        self.changed = False
        return {grouping: by.top(now_ms) for grouping, by in self._by.items()}


def _group(name: str, count: int, row: AlertRow) -> Group:
    return Group(
        name=name,
        alerts=count,
        last_time=row.event_time,
        last_amount=row.amount,
        last_city=row.city,
        detectors=row.detectors,
        bank_id=row.bank_id,
        alert_id=row.alert_id,
    )
