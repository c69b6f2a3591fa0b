"""The report in words. Pure."""

from collections.abc import Iterator

from cardwatch_contracts.detector_config import ON_BY_DEFAULT
from cardwatch_local.demo.panels import milliseconds
from cardwatch_local.demo.report import Report


def summary_lines(report: Report) -> Iterator[str]:
    """Yield the lines that end a demo."""
    rate = report.transactions / report.duration_s if report.duration_s else 0.0
    yield (
        f"{report.transactions:,} transactions in {report.duration_s:.0f} s ({rate:.1f}/s) on "
        f"{report.cards:,} cards with {report.history_transactions:,} before: "
        f"{report.alerts:,} alerts"
    )
    yield (
        f"latency p50 {milliseconds(report.latency_ms.p50)}, "
        f"p99 {milliseconds(report.latency_ms.p99)}; committed "
        f"p50 {milliseconds(report.latency_committed_ms.p50)}, "
        f"p99 {milliseconds(report.latency_committed_ms.p99)}; "
        f"start {report.startup_s:.1f} s"
    )
    yield ""
    yield f"{'detector':<20}{'alerts':>8}{'precision':>11}{'recall':>8}{'labelled':>10}"
    for name, score in report.labels.items():
        alerts = report.alerts_by_detector[name]
        if name not in ON_BY_DEFAULT and not alerts and not score.labelled:
            continue  # nobody asked it
        yield (
            f"{name:<20}{alerts:>8,}{_share(score.precision):>11}"
            f"{_share(score.recall):>8}{score.labelled:>10,}"
        )
    yield "by transaction: what opens a series still looks genuine, and lowers its recall"
    yield ""
    yield verdict(report)


def verdict(report: Report) -> str:
    """Say in a sentence how the job compares with the reference."""
    total = report.alerts + report.history_alerts
    reference = report.reference
    if reference is None:
        return (
            "Not compared with the reference run: DetectorConfigs were applied during the demo, "
            "and in which order the job saw them and the transactions is not on record."
        )
    if reference.equal:
        return (
            f"All {total:,} alerts, history included, are equal to the reference run: "
            "0 lost, 0 duplicate, 0 different."
        )
    return (
        f"NOT equal to the reference run: {reference.lost:,} lost, {reference.duplicate:,} "
        f"duplicate, {reference.different:,} different, of {total:,} alerts."
    )


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
