"""`cardwatch train`."""

import re
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer
from rich.console import Console

from cardwatch_local.commands import output
from cardwatch_local.commands.options import DatabaseUrl, StackName, duration_option
from cardwatch_local.commands.payment_source import (
    LABEL_DELAY_S,
    File,
    Source,
    check_source,
    read_payments,
    time_of,
)
from cardwatch_local.errors import StackError
from cardwatch_local.reading.connection import Connection
from cardwatch_local.settings import StackSettings
from cardwatch_local.step_bars import steps_on
from cardwatch_local.times import check_span

if TYPE_CHECKING:
    from cardwatch_job.model.artefact import Artefact
    from cardwatch_local.training.payments import Payments
    from cardwatch_local.training.train import Rows, Wanted

EXAMPLES: Final = (
    "cardwatch train first --from archive --days 30",
    "cardwatch train first --from file payments.parquet --kind isolation-forest --dry-run",
    "cardwatch train july --from file payments.parquet --begins 2018-07-25 --ends 2018-08-01",
)
_KINDS: Final = {"isolation-forest": "isolationForest", "boosted-trees": "boostedTrees"}


def train(  # noqa: PLR0913 - each is an option on the command line
    *,
    model: Annotated[str, typer.Argument(metavar="NAME", help="What the model is called.")],
    file: File = None,
    source: Source,
    kind: Annotated[
        Literal["isolation-forest", "boosted-trees"],
        typer.Option(help="Boosted trees learn from known frauds, a forest needs none."),
    ] = "boosted-trees",
    begins: Annotated[
        datetime | None,
        typer.Option(parser=time_of, metavar="TIME", help="First payment to learn from."),
    ] = None,
    ends: Annotated[
        datetime | None,
        typer.Option(parser=time_of, metavar="TIME", help="Exclusive. Left out: all there are."),
    ] = None,
    days: Annotated[
        float, typer.Option(min=1, help="Where --begins is left out: so long before the end.")
    ] = 56.0,
    label_delay: Annotated[
        float,
        duration_option("When labels of a file are known, and what nobody objected to is genuine."),
    ] = LABEL_DELAY_S,
    feedback_features: Annotated[
        bool, typer.Option(help="Whether it looks at what feedback said of merchants and users.")
    ] = True,
    alerts_per_thousand_cards: Annotated[
        float, typer.Option(min=0.001, help="A day: what the threshold is set for.")
    ] = 5.0,
    threshold: Annotated[
        float | None, typer.Option(min=0, max=1, help="A risk, instead of that budget.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same model.")] = 1,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be learned from.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a model of this name.")] = False,
    name: StackName = "default",
    database_url: DatabaseUrl = None,
) -> None:
    """Train a model from the archive or a Parquet file, with the features that the job works out.

    It is measured on the last fifth of its days, by a model of the first four fifths.
    """
    check_source(source, file)
    try:
        check_span(begins, ends)
    except ValueError as error:
        raise typer.BadParameter(
            str(error).replace("--from", "--begins").replace("--to", "--ends")
        ) from None
    # Here, because they load numpy and pyarrow, and other commands should answer at once.
    from cardwatch_local.training import store  # noqa: PLC0415
    from cardwatch_local.training.forests import check_available  # noqa: PLC0415
    from cardwatch_local.training.replay import replay  # noqa: PLC0415
    from cardwatch_local.training.rules import rule_findings  # noqa: PLC0415
    from cardwatch_local.training.train import Wanted, rows_of, window  # noqa: PLC0415
    from cardwatch_local.training.train import train as fit  # noqa: PLC0415

    check_available()
    target = store.path_of(StackSettings(name=name).home / "models", model)
    if target.exists() and not force and not dry_run:
        raise StackError(f"{target} is there already: --force replaces it")
    began_s = time.monotonic()
    with steps_on(Console(stderr=True)) as steps:
        connection = Connection(stack=name, database_url=database_url)
        payments = read_payments(file, connection, steps, label_delay_s=label_delay, ends=ends)
        last_ms = int(payments.event_time[-1])
        ends_ms = _ms(ends) or last_ms + 1
        wanted = Wanted(
            name=_checked(model),
            kind="isolationForest" if kind == "isolation-forest" else "boostedTrees",
            with_labels=feedback_features,
            begins_ms=_ms(begins) or max(0, ends_ms - round(days * 86_400_000)),
            ends_ms=ends_ms,
            known_until_ms=ends_ms if ends or file else _known_until(payments, ends_ms),
            label_delay_ms=round(label_delay * 1000),
            alerts_per_thousand_cards_a_day=alerts_per_thousand_cards,
            threshold=threshold,
            seed=seed,
        )
        chosen = window(payments, wanted)
        if dry_run:
            _plan(payments, wanted, int(chosen.sum()))
            return
        rows = rows_of(
            payments,
            replay(payments, chosen, steps=steps),
            wanted,
            rule_findings(payments, steps) if (payments.label == 1).any() else None,
        )
        artefact = fit(rows, wanted, steps)
    store.keep(artefact, target)
    shown = ", ".join(f"{key} {value:,.3g}" for key, value in artefact.metrics.items())
    sys.stderr.write(
        f"model {model} ({artefact.hash[:12]}) from {len(rows.event_time):,} payments, "
        f"{artefact.training.frauds:,} frauds, in {time.monotonic() - began_s:.1f} s: {target}\n"
        f"rehearsal: {shown}\n{_off_budget(artefact.metrics)}{_combination(artefact, rows)}"
    )


def _known_until(payments: "Payments", ends_ms: int) -> int:
    """Return when all that the archive holds is known; analysts answer after the last payment."""
    return max(ends_ms, int(payments.known_at.max()) + 1)


def _off_budget(metrics: dict[str, float]) -> str:
    """Return what is to be said where the threshold cannot keep to the budget; else nothing."""
    alerts, allowed = metrics["alerts"], metrics.get("alerts_allowed")
    if allowed is None or 0 < alerts <= allowed:
        return ""
    if alerts > allowed:
        why = f"the {alerts:,.0f} riskiest payments score alike, and all of them alert"
    elif allowed:
        why = "the riskiest payments score alike and are far too many, so none alerts"
    else:
        why = "the budget is less than one alert, so none alerts"
    return f"alerts allowed in the rehearsal: {allowed:,.0f}; {why}\n"


def _combination(artefact: "Artefact", rows: "Rows") -> str:
    """Return how rules and the model are combined, and which rules could not be tried."""
    if artefact.combination is None:
        return "combined risk: not fitted; a rule's finding counts as the model's threshold\n"
    weights = ", ".join(
        f"{name} {weight:.2g}" for name, weight in artefact.combination.detectors.items()
    )
    lacking = rows.rules.lacking if rows.rules is not None else {}
    untried = "; ".join(f"{name} (no {what})" for name, what in lacking.items())
    return (
        f"combined risk: model {artefact.combination.model:.2g}, {weights or 'no rule objected'}\n"
        + (f"rules that could not be tried: {untried}\n" if untried else "")
    )


def _checked(name: str) -> str:
    """Return a name that an artefact may have."""
    stem = Path(name).name.removesuffix(".json").removesuffix(".model")
    if not re.fullmatch(r"[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?", stem):
        raise typer.BadParameter("NAME: allowed are small letters, digits, `-` and `.`, up to 63")
    return stem


def _ms(moment: datetime | None) -> int | None:
    return None if moment is None else round(moment.timestamp() * 1000)


def _plan(payments: "Payments", wanted: "Wanted", usable: int) -> None:
    """Say what would be learned from."""
    from cardwatch_local.training.payments import FRAUDULENT  # noqa: PLC0415

    known = (payments.label == FRAUDULENT) & (payments.known_at <= wanted.known_until_ms)
    output.facts(
        (
            ("payments", f"{len(payments):,} read, {usable:,} to learn from"),
            ("frauds", f"{int(known.sum()):,} known by the end"),
            ("begins", _moment(wanted.begins_ms)),
            ("ends", _moment(wanted.ends_ms)),
            ("model", f"{wanted.kind} of {len(wanted.features)} features, seed {wanted.seed}"),
        )
    )


def _moment(ms: int) -> str:
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"
