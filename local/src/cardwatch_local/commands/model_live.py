"""How `cardwatch model stats` shows what a model has seen and said in the job."""

from collections.abc import Sequence
from datetime import UTC, datetime

from cardwatch_contracts.model_stats import RISK_BINS
from cardwatch_local.commands import output
from cardwatch_local.models.live import DRIFTED, Live


def show_live(live: Live) -> None:
    """Show one config's findings, risks and features beside those of training."""
    output.say("")
    share = live.findings / live.scored if live.scored else 0.0
    output.facts(
        (
            ("judges as", f"{live.role} of detectorconfig/{live.config}"),
            ("live", f"{_moment(live.begins_at)} to {_moment(live.ends_at)}"),
            (
                "scored",
                f"{live.scored:,}, {live.findings:,} at the threshold or above ({share:.3%})",
            ),
        )
    )
    if live.scored:
        output.table(("risk", "live:right", "in training:right"), _risk_rows(live))
    if live.features:
        output.table(
            ("feature", "live mean:right", "trained mean:right", "moved by:right"),
            (
                (
                    name,
                    f"{seen.mean:,.4g}",
                    f"{seen.trained_mean:,.4g}",
                    _shift(live.shifts.get(name)),
                )
                for name, seen in live.features.items()
            ),
        )


def _risk_rows(live: Live) -> list[tuple[str, str, str]]:
    """Return the parts of [0, 1] in which there is something."""
    trained: Sequence[float | None] = live.trained_risks or [None] * RISK_BINS
    return [
        (
            f"{number / RISK_BINS:.2f} to {(number + 1) / RISK_BINS:.2f}",
            f"{count / live.scored:.2%}",
            "–" if share is None else f"{share:.2%}",
        )
        for number, (count, share) in enumerate(zip(live.risks, trained, strict=False))
        if count or share
    ]


def _shift(shift: float | None) -> str:
    if shift is None:
        return "–"
    return f"{shift:+.1f} deviations" + (" (drift)" if abs(shift) >= DRIFTED else "")


def _moment(ms: int) -> str:
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"
