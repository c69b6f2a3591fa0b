"""Alerts of the archive as lines of a table and as a detail. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any, Final
from urllib.parse import quote

from cardwatch_contracts.money import format_amount
from cardwatch_contracts.wording import format_measure
from cardwatch_visualizer.figures.history import Payment
from cardwatch_visualizer.live.rows import shown
from cardwatch_visualizer.live.subtasks import SHORT_HASH
from cardwatch_visualizer.views.times import format_time, plot_time

Row = Mapping[str, Any]

_TEXTS: Final = (
    *("transaction_id", "user_id", "card_id", "bank_id", "payment_system"),
    *("merchant_id", "merchant_category", "country", "city", "channel", "config"),
)
_MAX_REASON: Final = 400
_MAX_FINDING: Final = 1_000
"""A model gives three reasons at once."""


def table_row(row: Row) -> dict[str, Any]:
    """Return an alert as a line of the table."""
    return {
        "alert_id": row["alert_id"],
        "event_time": row["event_time"],
        "amount": format_amount(row["amount_minor"], row["currency"]),
        "risk": row["risk"],
        **{name: shown(row[name] or "") for name in _TEXTS},
        "detectors": list(row["detectors"]),
        "reason": shown("; ".join(row["reasons"]), _MAX_REASON),
        "mode": row["mode"],
        "generation": row["generation"],
        "label": row["label"] or "",
        "given_by": shown(row["given_by"] or ""),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownFinding:
    """Why one detector objects, in words."""

    detector: str
    version: str
    """Of the model whose it is, the first digits of its hash; empty: a rule's."""
    reason: str
    observed: str
    threshold: str
    baseline: str
    """Empty where it is not known."""
    counterfactual: str
    on_trial: bool
    ratio: float | None
    """Observed by threshold, for a bar; None where that says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownAnswer:
    """What an analyst said."""

    label: str
    by: str
    at: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """All that the detail pane says of an alert."""

    alert_id: str
    title: str
    facts: tuple[tuple[str, str], ...]
    findings: tuple[ShownFinding, ...]
    answers: tuple[ShownAnswer, ...]
    payments: tuple[Payment, ...]
    marked: str
    """The transaction in question."""
    baseline_minor: float | None
    """What is usual for the card, minor units, where a detector knows it."""
    trace_url: str | None


def detail(
    row: Row,
    findings: Sequence[Row],
    answers: Sequence[Row],
    history: Sequence[Row],
    *,
    zone: tzinfo,
    jaeger_url: str | None,
) -> Detail:
    """Return the detail of an alert.

    Args:
        row: the alert.
        findings: its findings.
        answers: what analysts said, newest first.
        history: transactions of its card, oldest first.
        zone: the viewer's.
        jaeger_url: base of Jaeger's pages; None: traces have no links.
    """
    amount = format_amount(row["amount_minor"], row["currency"])
    baselines = [f["baseline"] for f in findings if f["unit"] == "minor" and f["baseline"]]
    return Detail(
        alert_id=row["alert_id"],
        title=f"{amount} in {shown(row['city']) or row['country']}",
        facts=_facts(row, amount, zone),
        findings=tuple(_finding(each, row["currency"]) for each in findings),
        answers=tuple(_answer(each, zone) for each in answers),
        payments=_payments(history, zone),
        marked=row["transaction_id"],
        baseline_minor=baselines[0] if baselines else None,
        trace_url=trace_url(jaeger_url, row["trace_id"]),
    )


def format_risk(risk: float) -> str:
    """Write a risk, such as `0.934`; what is below 1 is never written as 1."""
    return f"{min(risk, 0.999) if risk < 1 else risk:.3f}"


def trace_url(jaeger_url: str | None, trace_id: str | None) -> str | None:
    """Return where Jaeger shows a trace; None where there is none, or no Jaeger."""
    if not jaeger_url or not trace_id:
        return None
    return f"{jaeger_url.rstrip('/')}/trace/{quote(trace_id, safe='')}"


def _facts(row: Row, amount: str, zone: tzinfo) -> tuple[tuple[str, str], ...]:
    place = ", ".join(filter(None, (shown(row["city"]), shown(row["country"]))))
    how = " ".join(
        filter(
            None, (row["channel"], {True: "with PIN", False: "without PIN"}.get(row["pin_used"]))
        )
    )
    config = f"{shown(row['config'])}, generation {row['generation']}"
    return (
        ("time", format_time(row["event_time"], zone)),
        ("amount", amount),
        *([] if row["risk"] is None else [("risk", format_risk(row["risk"]))]),
        ("merchant", f"{shown(row['merchant_id'])} ({shown(row['merchant_category'])})"),
        ("place", place),
        ("how", how),
        ("card", shown(row["card_id"])),
        ("user", shown(row["user_id"])),
        ("bank", f"{shown(row['bank_id'])}, {shown(row['payment_system'])}"),
        ("judged by", "built-in thresholds" if row["generation"] == 0 else config),
        ("transaction", shown(row["transaction_id"])),
        ("alert", row["alert_id"]),
    )


def _finding(row: Row, currency: str) -> ShownFinding:
    def words(value: float | None) -> str:
        if value is None:
            return ""
        is_risk = row["unit"] == "risk"
        return format_risk(value) if is_risk else format_measure(value, row["unit"], currency)

    observed, threshold = row["observed"], row["threshold"]
    ratio = observed / threshold if observed > 0 and threshold > 0 else None
    return ShownFinding(
        detector=row["detector"],
        version=shown((row["model"] or "")[:SHORT_HASH]),
        reason=shown(row["reason"], _MAX_FINDING),
        observed=words(observed),
        threshold=words(threshold),
        baseline=words(row["baseline"]),
        counterfactual=shown(row["counterfactual"], _MAX_REASON),
        on_trial=row["mode"] == "shadow",
        ratio=ratio,
    )


def _answer(row: Row, zone: tzinfo) -> ShownAnswer:
    return ShownAnswer(
        label=row["label"],
        by=shown(row["given_by"]),
        at=format_time(row["given_at"], zone),
        reason=shown(row["reason"], _MAX_REASON),
    )


def _payments(history: Sequence[Row], zone: tzinfo) -> tuple[Payment, ...]:
    """Return each once: a producer may have sent one twice."""
    once = {row["transaction_id"]: row for row in history}
    return tuple(
        Payment(
            transaction_id=row["transaction_id"],
            at=plot_time(row["event_time"], zone),
            amount_minor=row["amount_minor"],
            currency=row["currency"],
            where=", ".join(filter(None, (shown(row["merchant_id"]), shown(row["city"])))),
            has_alert=row["has_alert"],
        )
        for row in once.values()
    )
