"""What happens now, added up: alerts, rates, latencies, groups. Bounded. Pure."""

from collections import deque
from collections.abc import Iterable
from typing import Final

from cardwatch_contracts.alert import Alert
from cardwatch_visualizer.live.banks import BankRates
from cardwatch_visualizer.live.configs import Configs
from cardwatch_visualizer.live.generations import Generations
from cardwatch_visualizer.live.grouping import Groups
from cardwatch_visualizer.live.health import HealthBoard
from cardwatch_visualizer.live.latency import LatencyWindow
from cardwatch_visualizer.live.model_shapes import KeptModels
from cardwatch_visualizer.live.models import ModelBoard
from cardwatch_visualizer.live.rows import row_of, shown
from cardwatch_visualizer.live.shapes import AlertRow, Second, Source, Tick, Totals
from cardwatch_visualizer.live.subtasks import acks_of, models_of

SECONDS: Final = 600
"""How far back the plots go. Seconds."""
RECENT: Final = 200
"""Alerts that a page begins with."""
MOST_A_TICK: Final = 40
"""Alerts that are pushed one by one; more at once are counted, and are in the archive."""
MOST_PLACES: Final = 60
MOST_ARCS: Final = 20
_LATENCY_S: Final = 30
_GROUPS_EVERY_MS: Final = 1_000
_GROUPS_AGE_MS: Final = 10_000
"""What is too old leaves the groups, though nothing new comes."""

Place = tuple[float, float]
Arc = tuple[float, float, float, float]


class LiveBoard:
    """All that the live page shows. Not thread-safe."""

    def __init__(self) -> None:
        self.configs = Configs()
        self.banks = BankRates()
        self.generations = Generations()
        self.health = HealthBoard()
        self.models = ModelBoard()
        self._groups = Groups()
        self._latency = LatencyWindow(_LATENCY_S)
        self._seconds: dict[int, Second] = {}
        self._newest_s = 0
        self._touched: set[int] = set()
        self._recent: deque[AlertRow] = deque(maxlen=RECENT)
        self._coming: deque[AlertRow] = deque(maxlen=MOST_A_TICK)
        self._places: deque[Place] = deque(maxlen=MOST_PLACES)
        self._arcs: deque[Arc] = deque(maxlen=MOST_ARCS)
        self._sources: dict[str, Source] = {}
        self._forgotten: list[str] = []
        self._alerts = self._on_trial = self._left_out = self._unreadable = 0
        self._groups_told_ms = 0

    def add_alert(self, alert: Alert, *, written_at: int, timed: bool = True) -> AlertRow:
        """Take an alert.

        Args:
            alert: which.
            written_at: when the job wrote it. Milliseconds since 1970-01-01 UTC.
            timed: whether it is new, so that how long it took says something of now.
        """
        row = row_of(alert, written_at)
        second = self._second(written_at // 1000)
        if alert.mode == "shadow":
            self._on_trial += 1
        else:
            self._alerts += 1
        if second is not None and alert.mode == "shadow":
            second.on_trial += 1
        elif second is not None:
            second.alerts += 1
        if timed:
            self._latency.add(written_at - alert.ingested_at, written_at // 1000)
            if len(self._coming) == MOST_A_TICK:
                self._left_out += 1
            self._coming.append(row)
        self._recent.append(row)
        self._groups.add(row)
        return row

    def forget_user(self, user_id: str) -> None:
        """Forget a user who was erased; counts that name nobody stay."""
        name = shown(user_id)
        for rows in (self._recent, self._coming):
            kept = [row for row in rows if row.user_id != name]
            rows.clear()
            rows.extend(kept)
        self._groups.forget(name)
        self._forgotten.append(name)

    def add_unreadable(self) -> None:
        """Count a record that breaks its contract."""
        self._unreadable += 1

    def add_transactions(self, count: int, lag: int | None, now_ms: int) -> None:
        """Take how many transactions came since the last time, and how many wait for the job."""
        second = self._second(now_ms // 1000)
        if second is None:
            return
        second.transactions = (second.transactions or 0) + count
        second.lag = lag
        p50, p99 = self._latency.percentiles(now_ms // 1000, (0.5, 0.99))
        second.p50_ms, second.p99_ms = p50, p99

    def add_places(self, places: Iterable[Place]) -> None:
        """Take where some transactions were: longitude and latitude, degrees."""
        self._places.extend(places)

    def add_arc(self, arc: Arc) -> None:
        """Take an impossible journey: longitude and latitude of where the card was, and is."""
        self._arcs.append(arc)

    def set_source(self, name: str, why: str | None, now_ms: int) -> None:
        """Take how something is that the figures stand on: None where it is well."""
        before = self._sources.get(name)
        if before is None or before.ok != (why is None) or before.why != (why or ""):
            since = before.since if before is not None and before.ok == (why is None) else now_ms
            self._sources[name] = Source(name=name, ok=why is None, since=since, why=why or "")

    def restore(self, seconds: Iterable[Second]) -> None:
        """Take what was known of transactions before a restart; alerts are read again."""
        for old in seconds:
            second = self._second(old.at_s)
            if second is not None and second.transactions is None:
                second.transactions, second.lag = old.transactions, old.lag
                second.p50_ms, second.p99_ms = old.p50_ms, old.p99_ms

    def tick(self, now_ms: int) -> Tick:
        """Return what has changed since the last one."""
        self._forget(now_ms)
        tick = self._all_of(now_ms)
        tick.seconds = [self._seconds[at] for at in sorted(self._touched) if at in self._seconds]
        tick.alerts = list(self._coming)
        tick.places, tick.arcs = list(self._places), list(self._arcs)
        wait_ms = _GROUPS_EVERY_MS if self._groups.changed else _GROUPS_AGE_MS
        if now_ms - self._groups_told_ms >= wait_ms:
            self._groups_told_ms = now_ms
            tick.groups = self._groups.top(now_ms)
        acks = acks_of(*self.configs.everything())
        tick.health = self.health.due(acks, now_ms)
        tick.acks = acks if self.configs.changed else None
        tick.configs = self.configs.in_force() if self.configs.changed else None
        tick.banks = self.banks.rates() if self.banks.changed else None
        tick.forgotten, self._forgotten = self._forgotten, []
        self._touched.clear()
        self._coming.clear()
        self._places.clear()
        self._arcs.clear()
        return tick

    def snapshot(self, now_ms: int) -> Tick:
        """Return all there is, for a page that begins; a tick at the same time comes first."""
        tick = self._all_of(now_ms)
        tick.seconds = [self._seconds[at] for at in sorted(self._seconds)]
        tick.alerts = list(self._recent)
        tick.groups = self._groups.top(now_ms)
        tick.configs = self.configs.in_force()
        tick.acks = acks_of(*self.configs.everything())
        tick.health = self.health.health(tick.acks, now_ms)
        tick.banks = self.banks.rates()
        return tick

    def kept_models(self, now_ms: int) -> KeptModels:
        """Return what is known of models."""
        asked = models_of(*self.configs.everything())
        return KeptModels(seen=self.models.seen(now_ms), configs=asked)

    def _all_of(self, now_ms: int) -> Tick:
        totals = Totals(
            alerts=self._alerts,
            on_trial=self._on_trial,
            left_out=self._left_out,
            unreadable=self._unreadable,
        )
        return Tick(at=now_ms, totals=totals, sources=list(self._sources.values()))

    def _second(self, at_s: int) -> Second | None:
        """Return a second that changes; None for one too old to be shown."""
        self._newest_s = max(self._newest_s, at_s)
        if at_s <= self._newest_s - SECONDS:
            return None
        self._touched.add(at_s)
        return self._seconds.setdefault(at_s, Second(at_s=at_s))

    def _forget(self, now_ms: int) -> None:
        oldest = now_ms // 1000 - SECONDS
        for at in [at for at in self._seconds if at <= oldest]:
            del self._seconds[at]
