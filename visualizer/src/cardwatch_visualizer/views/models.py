"""What models see and say, in words and lines of tables. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cardwatch_contracts.model_stats import RISK_BINS
from cardwatch_visualizer.live.drift import (
    MIN_SCORED,
    Drift,
    FeatureMove,
    drift_of,
    share_from,
)
from cardwatch_visualizer.live.model_shapes import ConfigModels, KeptModels, ModelSeen
from cardwatch_visualizer.live.rows import shown
from cardwatch_visualizer.live.subtasks import SHORT_HASH, in_words
from cardwatch_visualizer.views.shares import precision_words

Row = Mapping[str, Any]
Line = tuple[str, ...]

MOST_MOVES: Final = 5
_VERDICTS: Final = {"stable": "stable", "moderate": "has moved", "drifted": "drifted"}
_ROLES: Final = {"model": "model", "challenger": "challenger"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """A config's model, or its challenger."""

    role: str
    seen: ModelSeen | None
    """The newest version that has spoken; None: none has."""
    drift: Drift | None
    asked: str
    """Name and version that the config asks for; empty: it asks for none."""
    mode: str
    """`in force` or `on trial`."""


def configs_of(kept: KeptModels) -> list[str]:
    """Return the configs with models, those that ask for one now and those whose model spoke."""
    return sorted({each.config for each in kept.configs} | {each.config for each in kept.seen})


def side_of(kept: KeptModels, config: str, role: str) -> Side | None:
    """Return a config's model or challenger; None where it has none."""
    asked = next((each for each in kept.configs if each.config == config), None)
    wanted = None if asked is None else asked.model if role == "model" else asked.challenger
    seen = [each for each in kept.seen if (each.config, each.role) == (config, role)]
    if wanted is None and not seen:
        return None
    on_trial = role == "challenger" or (asked is not None and asked.mode == "Shadow")
    # While one version takes another's place both speak; what is asked for comes first.
    named = [each for each in seen if wanted is not None and _is_asked(each, asked, role)]
    newest = next(iter(named or seen), None)
    return Side(
        role=role,
        seen=newest,
        drift=None if newest is None else drift_of(newest),
        asked="" if wanted is None else version(wanted.name, wanted.hash or ""),
        mode="on trial" if on_trial else "in force",
    )


def version(name: str, hash_: str) -> str:
    """Name a version of a model, such as `july 3f2a9c1`."""
    return f"{shown(name)} {shown(hash_[:SHORT_HASH])}".strip()


def overview(kept: KeptModels) -> list[Line]:
    """Return a line for each version of each model: what it is, and how it is doing."""
    lines: list[Line] = []
    for each in kept.seen:
        drift = drift_of(each)
        moved = drift.moves[0] if drift.moves and drift.moves[0].has_moved else None
        lines.append(
            (
                each.config,
                _ROLES[each.role],
                version(each.model, each.hash),
                f"{each.scored_per_min:,.0f}",
                f"{each.findings_per_min:,.1f}",
                share_words(each.findings, each.scored),
                drift_words(each, drift),
                move_words(moved) if moved else "none" if drift.moves else "–",
            )
        )
    return lines


def troubles_of(kept: KeptModels) -> list[str]:
    """Return what is not as configs ask for, a sentence each."""
    said = []
    for config in kept.configs:
        for why, subtasks in config.refused.items():
            which = in_words(subtasks).capitalize()
            said.append(f"{which}: the models that {config.config} asks for are refused: {why}.")
        for role in ("model", "challenger"):
            side = side_of(kept, config.config, role)
            if side is not None and side.seen is None and not config.refused:
                said.append(f"{config.config}: nothing was heard of {side.asked} for half an hour.")
    return said


def drift_words(seen: ModelSeen, drift: Drift) -> str:
    """Say how far risks are from training."""
    if drift.psi is not None:
        return f"{_VERDICTS[drift.verdict]} ({drift.psi:.2f})"
    if seen.scored < MIN_SCORED:
        return f"not known yet: {seen.scored:,} of {MIN_SCORED:,} transactions"
    return "not known: nothing is said of training"


def move_words(move: FeatureMove) -> str:
    """Say how far a feature is from training."""
    seen = move.seen
    said = f"{move.name}: {_number(seen.mean)} on average, {_number(seen.trained_mean)} in training"
    if move.shift is None or move.spread is None:
        return f"{said}, where it was always the same" if move.has_moved else said
    side = "higher" if move.shift >= 0 else "lower"
    return f"{said}: {abs(move.shift):.1f} deviations {side}, {_spread(move.spread)}"


def moved(drift: Drift | None) -> list[str]:
    """Return the features that moved most, in words; none where none did."""
    moves = () if drift is None else drift.moves
    return [move_words(each) for each in moves if each.has_moved][:MOST_MOVES]


def risk_lines(seen: ModelSeen) -> Iterator[Line]:
    """Yield the risks as a table: from which risk on, how many, now and in training."""
    total, trained = sum(seen.risks), sum(seen.trained_risks)
    for number, count in enumerate(seen.risks):
        share = seen.trained_risks[number] / trained if trained else None
        yield (
            f"{number / RISK_BINS:.2f} to {(number + 1) / RISK_BINS:.2f}",
            f"{count:,}",
            f"{count / total:.2%}".replace("%", " %") if total else "–",
            "–" if share is None else f"{share:.2%}".replace("%", " %"),
        )


def high_risks(seen: ModelSeen) -> str:
    """Say which share of the risks is one half or more, now and in training."""
    trained = sum(seen.trained_risks)
    before = f", {share_from(seen.trained_risks, 0.5):.2%} in training" if trained else ""
    return f"{share_from(seen.risks, 0.5):.2%}{before}".replace("%", " %")


def share_words(part: int, of: int) -> str:
    """Write a share, such as `0.21 %`; a dash of nothing."""
    return f"{part / of:.2%}".replace("%", " %") if of else "–"


def version_lines(rows: Sequence[Row]) -> list[Line]:
    """Return a line for each detector, models by version: findings, and what analysts say."""
    return [
        (
            shown(row["detector"]),
            shown((row["model"] or "")[:SHORT_HASH]) or "–",
            {"shadow": "on trial"}.get(row["mode"], "active"),
            f"{row['findings']:,}",
            f"{row['fraudulent']:,}",
            f"{row['genuine']:,}",
            precision_words(row["fraudulent"], row["genuine"]),
        )
        for row in rows
    ]


def agreement_lines(rows: Sequence[Row]) -> list[Line]:
    """Return on which alerts a model and its challenger agree, and on which not."""
    by_both = {(row["of_model"], row["of_challenger"]): row for row in rows}
    parts = (("both", True, True), ("the model alone", True, False))
    lines: list[Line] = []
    for name, *key in (*parts, ("the challenger alone", False, True)):
        row = by_both.get((key[0], key[1]))
        alerts, fraudulent, genuine = (
            (row["alerts"], row["fraudulent"], row["genuine"]) if row else (0, 0, 0)
        )
        precise = precision_words(fraudulent, genuine)
        lines.append((name, f"{alerts:,}", f"{fraudulent:,}", f"{genuine:,}", precise))
    return lines


def agreement_words(rows: Sequence[Row], since: str) -> str:
    """Say how many alerts each would raise, and on how many they agree.

    Args:
        rows: as the archive answers.
        since: from when on both judge, in words.
    """
    alerts = {(row["of_model"], row["of_challenger"]): row["alerts"] for row in rows}
    both = alerts.get((True, True), 0)
    model, challenger = both + alerts.get((True, False), 0), both + alerts.get((False, True), 0)
    either = model + challenger - both
    return (
        f"Since {since} the model objects to {model:,} transactions and the challenger to "
        f"{challenger:,}; they agree on {both:,} of {either:,} ({share_words(both, either)})."
    )


def _is_asked(seen: ModelSeen, asked: ConfigModels | None, role: str) -> bool:
    wanted = None if asked is None else asked.model if role == "model" else asked.challenger
    if wanted is None:
        return False
    return seen.model == shown(wanted.name) and wanted.hash in (None, seen.hash)


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:,.3g}"


def _spread(spread: float) -> str:
    if spread == 0:
        return "and now always the same"
    return f"spread {spread:.1f} times" if spread >= 0.1 else f"spread {spread:.2g} times"
