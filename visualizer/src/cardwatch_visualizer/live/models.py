"""What models have seen and said in the last half hour, over all subtasks. Bounded. Pure."""

from collections import Counter
from dataclasses import dataclass, field
from math import isfinite
from re import compile as pattern
from typing import Final

from msgspec.structs import replace

from cardwatch_contracts.codec import InvalidRecordError
from cardwatch_contracts.detector_config import ARTEFACT_HASH
from cardwatch_contracts.model_stats import RISK_BINS, ModelStats, Role, SeenFeature
from cardwatch_visualizer.live.model_shapes import ModelSeen
from cardwatch_visualizer.live.moments import Moments
from cardwatch_visualizer.live.rows import shown

KEEP_MS: Final = 30 * 60_000
"""How far back windows count. Milliseconds."""
LATELY_MS: Final = 2 * 60_000
"""Over which rates are averaged, and within which a subtask has spoken. Milliseconds."""
MOST_VERSIONS: Final = 100
"""Versions of models, each of one config and role, that are kept: those that spoke last."""
MOST_FEATURES: Final = 100
MOST_SERIES: Final = 500
"""Configs and their models by name, of which Prometheus reads."""
_MOST_AHEAD_MS: Final = 60_000
_MINUTE_MS: Final = 60_000
_HASH: Final = pattern(ARTEFACT_HASH).match
"""Of a version: its digits are no card number, whatever they look like."""

Version = tuple[str, Role, str]
"""A config, a role and a model's hash."""
Scored = tuple[str, Role, str]
"""A config, a role and a model's name."""


@dataclass(slots=True)
class _Piece:
    """The windows that ended within one minute."""

    begins_at: int
    scored: int = 0
    findings: int = 0
    risks: list[int] = field(default_factory=lambda: [0] * RISK_BINS)
    features: dict[str, Moments] = field(default_factory=dict)

    def add(self, stats: ModelStats) -> None:
        self.begins_at = min(self.begins_at, stats.begins_at)
        self.scored += stats.scored
        self.findings += stats.findings
        self.risks = [one + other for one, other in zip(self.risks, stats.risks, strict=True)]
        for name, seen in list(stats.features.items())[:MOST_FEATURES]:
            moments = self.features.setdefault(name, Moments())
            moments.add(stats.scored, seen.mean, seen.deviation)


@dataclass(slots=True)
class _Kept:
    newest: ModelStats
    ended_ms: int
    """When the newest window ended, as far as its clock is believed."""
    pieces: dict[int, _Piece] = field(default_factory=dict)
    """By the minute in which their windows ended."""
    subtasks: dict[int, tuple[int, int]] = field(default_factory=dict)
    """When each subtask of the newest parallelism has begun and ended its last window."""
    trained: dict[str, SeenFeature] = field(default_factory=dict)
    """What was said of each feature last; a window without transactions may leave it out."""
    trained_risks: tuple[float, ...] = ()


class ModelBoard:
    """Adds up what subtasks say. Not thread-safe."""

    def __init__(self) -> None:
        self._kept: dict[Version, _Kept] = {}
        self.scored: Counter[Scored] = Counter()
        """Transactions in windows that came as they ended, since the collector began."""
        self.changed = False
        """Whether something has come since `seen` was asked."""

    def put(self, stats: ModelStats, now_ms: int, *, is_new: bool = True) -> None:
        """Take a window.

        Windows of a parallelism that is over count as well: transactions are divided otherwise
        since, and none is in both. Who speaks is told of the newest parallelism alone.

        Args:
            stats: the window.
            now_ms: milliseconds since 1970-01-01 UTC.
            is_new: whether it was written since the collector began.

        Raises:
            InvalidRecordError: it cannot be what a model has seen.
        """
        _check(stats)
        # A clock that is ahead must not hold up the forgetting.
        ended_ms = min(stats.ends_at, now_ms + _MOST_AHEAD_MS)
        if ended_ms <= now_ms - KEEP_MS:
            return
        kept = self._of(stats, ended_ms)
        if kept.newest.parallelism != stats.parallelism and ended_ms >= kept.ended_ms:
            kept.subtasks.clear()
        window = (stats.begins_at, stats.ends_at)
        if kept.subtasks.get(stats.subtask) == window:
            return  # it was sent twice
        if ended_ms >= kept.ended_ms:
            kept.newest, kept.ended_ms = stats, ended_ms
        if stats.parallelism == kept.newest.parallelism:
            kept.subtasks[stats.subtask] = window
        kept.trained = dict(list((kept.trained | stats.features).items())[:MOST_FEATURES])
        kept.trained_risks = stats.trained_risks or kept.trained_risks
        minute = ended_ms // _MINUTE_MS
        kept.pieces.setdefault(minute, _Piece(stats.begins_at)).add(stats)
        key: Scored = (shown(stats.config), stats.role, shown(stats.model))
        if is_new and (key in self.scored or len(self.scored) < MOST_SERIES):
            self.scored[key] += stats.scored
        self.changed = True

    def seen(self, now_ms: int) -> list[ModelSeen]:
        """Return what there is: by config, models before challengers, newest versions first."""
        self.changed = False
        self._forget(now_ms)
        ordered = sorted(self._kept.items(), key=_place)
        return [_seen(kept, now_ms) for _, kept in ordered]

    def _of(self, stats: ModelStats, ended_ms: int) -> _Kept:
        version: Version = (stats.config, stats.role, stats.hash)
        kept = self._kept.pop(version, None) or _Kept(newest=stats, ended_ms=ended_ms)
        self._kept[version] = kept  # last, so that the first is the one that spoke longest ago
        if len(self._kept) > MOST_VERSIONS:
            del self._kept[next(iter(self._kept))]
        return kept

    def _forget(self, now_ms: int) -> None:
        oldest = (now_ms - KEEP_MS) // _MINUTE_MS
        for version, kept in list(self._kept.items()):
            kept.pieces = {at: piece for at, piece in kept.pieces.items() if at > oldest}
            if not kept.pieces:
                del self._kept[version]


def _place(item: tuple[Version, _Kept]) -> tuple[str, bool, int]:
    (config, role, _), kept = item
    return config, role != "model", -kept.ended_ms


def _check(stats: ModelStats) -> None:
    """Refuse what cannot be added up.

    Raises:
        InvalidRecordError: says what is allowed.
    """
    if len(stats.risks) != RISK_BINS or len(stats.trained_risks) not in (0, RISK_BINS):
        raise InvalidRecordError(f"Expected {RISK_BINS} bins - at `$.risks`")
    if min(stats.scored, stats.findings, *stats.risks, *stats.trained_risks) < 0:
        raise InvalidRecordError("Expected counts of 0 or more - at `$.risks`")
    if stats.begins_at > stats.ends_at:
        raise InvalidRecordError("Expected an end behind its beginning - at `$.endsAt`")
    if not 0 <= stats.subtask < stats.parallelism:
        raise InvalidRecordError("Expected an index below `parallelism` - at `$.subtask`")


def _seen(kept: _Kept, now_ms: int) -> ModelSeen:
    newest, pieces = kept.newest, kept.pieces
    lately = [p for at, p in pieces.items() if at * _MINUTE_MS > now_ms - LATELY_MS - _MINUTE_MS]
    begins_at = min((piece.begins_at for piece in lately), default=now_ms)
    minutes = max(_MINUTE_MS / 6, now_ms - begins_at) / _MINUTE_MS
    return ModelSeen(
        config=shown(newest.config),
        role=newest.role,
        model=shown(newest.model),
        hash=newest.hash if _HASH(newest.hash) else shown(newest.hash),
        begins_at=min(piece.begins_at for piece in pieces.values()),
        ends_at=kept.ended_ms,
        scored=sum(piece.scored for piece in pieces.values()),
        findings=sum(piece.findings for piece in pieces.values()),
        scored_per_min=round(sum(piece.scored for piece in lately) / minutes, 2),
        findings_per_min=round(sum(piece.findings for piece in lately) / minutes, 2),
        risks=tuple(map(sum, zip(*(piece.risks for piece in pieces.values()), strict=True))),
        trained_risks=kept.trained_risks,
        features=_features(kept),
        subtasks=sum(ended > now_ms - LATELY_MS for _, ended in kept.subtasks.values()),
        parallelism=newest.parallelism,
    )


def _features(kept: _Kept) -> dict[str, SeenFeature]:
    found = {}
    for name, trained in kept.trained.items():
        moments = Moments()
        for piece in kept.pieces.values():
            of = piece.features.get(name)
            if of is not None:
                moments.add(of.count, of.mean, of.deviation)
        if moments.count and isfinite(moments.mean) and isfinite(moments.deviation):
            found[shown(name)] = replace(trained, mean=moments.mean, deviation=moments.deviation)
    return found
