"""Detectors as lines of a table: how often each objects, and is right, and by what. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from cardwatch_contracts.detector_config import ConfigRecord
from cardwatch_visualizer.live.rows import shown
from cardwatch_visualizer.views.thresholds import all_settings, says

Row = Mapping[str, Any]
_HOUR_MS: Final = 3_600_000
MOST_CONFIGS: Final = 8
"""Configs that have a column of their own."""


def hours_of(first_ms: int | None, since_ms: int, until_ms: int) -> float:
    """Return the hours over which findings are averaged: from the first alert on, one at least.

    Args:
        first_ms: event time of the period's first alert; None: there is none.
        since_ms: the period's beginning. Milliseconds since 1970-01-01 UTC.
        until_ms: its end.
    """
    begins = since_ms if first_ms is None else max(since_ms, first_ms)
    return max(1.0, (until_ms - begins) / _HOUR_MS)


def precision(row: Row | None) -> float | None:
    """Return the share of a detector's findings that analysts call fraudulent.

    Of those of which they are sure; None before the first.
    """
    if row is None:
        return None
    sure: int = row["fraudulent"] + row["genuine"]
    return row["fraudulent"] / sure if sure else None


def detector_rows(
    found: Iterable[Row] | None, configs: Sequence[ConfigRecord], hours: float
) -> list[dict[str, Any]]:
    """Return a line for each detector that there is, and for such as the archive knows besides.

    Args:
        found: by detector and mode, as the archive answers; None: it does not.
        configs: their thresholds are told in the columns `config-0` and on.
        hours: over which findings are averaged.
    """
    by_name = None if found is None else {(row["detector"], row["mode"]): row for row in found}
    known = [each.detector for each in all_settings()]
    others = sorted({name for name, _ in by_name or ()} - set(known))
    thresholds = {each.detector: _thresholds(each.detector, configs) for each in all_settings()}
    return [
        {
            "detector": shown(name),
            **({} if by_name is None else _both(name, by_name, hours)),
            **thresholds.get(name, {}),
        }
        for name in [*known, *others]
    ]


def column_names(configs: Sequence[ConfigRecord]) -> list[str]:
    """Return what the configs' columns are called."""
    return [
        f"{shown(record.name)}, gen. {record.generation}" if record.generation else "built-in"
        for record in configs
    ]


def _both(name: str, by_name: Mapping[tuple[str, str], Row], hours: float) -> dict[str, Any]:
    return {
        **_counts("active", by_name.get((name, "active")), hours),
        **_counts("shadow", by_name.get((name, "shadow")), hours),
    }


def _counts(mode: str, row: Row | None, hours: float) -> dict[str, Any]:
    """Return a mode's columns; what is not known is None, which tables leave empty."""
    findings = 0 if row is None else row["findings"]
    return {
        f"{mode}_per_h": round(findings / hours, 2),
        f"{mode}_findings": findings,
        f"{mode}_answered": 0 if row is None else row["fraudulent"] + row["genuine"],
        f"{mode}_precision": precision(row),
    }


def _thresholds(detector: str, configs: Sequence[ConfigRecord]) -> dict[str, str]:
    of = next(each for each in all_settings() if each.detector == detector)
    return {
        f"config-{number}": says(getattr(record.spec.detectors, detector), of)
        for number, record in enumerate(configs[:MOST_CONFIGS])
    }
