"""`cardwatch model stats` and `run`: what a model is, and what it says of a file."""

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from cardwatch_contracts.money import format_amount
from cardwatch_job.model.artefact import Artefact
from cardwatch_local.commands import output
from cardwatch_local.commands.model_list import facts_of, kafka_if_there
from cardwatch_local.commands.model_live import show_live
from cardwatch_local.commands.options import BootstrapServers, Json, StackName, duration_option
from cardwatch_local.models.live import read_live
from cardwatch_local.settings import StackSettings
from cardwatch_local.step_bars import steps_on
from cardwatch_local.training import store

STATS_EXAMPLES: Final = ("cardwatch model stats july", "cardwatch model stats july --json")
RUN_EXAMPLES: Final = (
    "cardwatch model run july payments.parquet --limit 5",
    "cardwatch model run ./july.model.json payments.parquet",
)
Model = Annotated[str, typer.Argument(metavar="NAME", help="A model's name, or its file.")]


def stats(
    *,
    model: Model,
    since: Annotated[
        float, duration_option("What subtasks have seen and said for so long is added up.")
    ] = 3_600.0,
    as_json: Json = False,
    name: StackName = "default",
    bootstrap_servers: BootstrapServers = None,
) -> None:
    """Show what a model was trained from, how it was measured, and what its features were like.

    Where a stack runs whose job judges with it: what it has seen and said there lately, too.
    """
    artefact = store.load(store.path_of(_folder(), model))
    kafka = kafka_if_there(name, bootstrap_servers)
    live = []
    if kafka is not None:
        live = read_live(kafka, artefact.hash, since_ms=round((time.time() - since) * 1000))
    if as_json:
        output.say_json(facts_of(artefact) | {"live": live})
        return
    _show(artefact)
    for each in live:
        show_live(each)


def _show(artefact: Artefact) -> None:
    training = artefact.training
    output.facts(
        (
            ("model", f"{artefact.name}, {artefact.kind}, version {artefact.version}"),
            ("hash", artefact.hash),
            ("trained on", f"{_day(training.begins_ms)} to {_day(training.ends_ms)}"),
            ("labels", f"as known on {_day(training.known_until_ms)}"),
            (
                "payments",
                f"{training.transactions:,} by {training.users:,} users, "
                f"{training.frauds:,} frauds",
            ),
            ("seed", str(training.seed)),
            ("threshold", f"risk {artefact.threshold:.6f}{_budget(artefact)}"),
            ("risk from", artefact.calibration.source),
        )
    )
    for name, value in artefact.metrics.items():
        output.facts([(name, f"{value:,.4g}")], indent=2)
    output.say("")
    output.table(
        ("feature", "mean:right", "deviation:right"),
        (
            (name, f"{scale.mean:,.4g}", f"{scale.deviation:,.4g}")
            for name, scale in zip(artefact.features, artefact.scales, strict=True)
        ),
    )


def run(
    *,
    model: Model,
    file: Annotated[Path, typer.Argument(metavar="FILE.parquet")],
    limit: Annotated[int, typer.Option(min=0, help="How many of the riskiest are shown.")] = 10,
    label_delay: Annotated[
        float, duration_option("After so long a label in the file is heard.")
    ] = 7 * 86_400.0,
    currency: Annotated[
        str, typer.Option(help="Of the file's amounts: only for the words.")
    ] = "EUR",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be scored.")
    ] = False,
) -> None:
    """Score the payments of a file in their order, and show the riskiest with their reasons.

    What raises an alert teaches no habit until a label says that it was genuine. Runs here, not in
    the job.
    """
    from cardwatch_local.training.files import read_parquet  # noqa: PLC0415
    from cardwatch_local.training.judging import drifted, judge  # noqa: PLC0415

    artefact = store.load(store.path_of(_folder(), model))
    payments = read_parquet(file, label_delay_ms=round(label_delay * 1000))
    if dry_run:
        output.say(
            f"{len(payments):,} payments would be scored by model "
            f"{artefact.name}@{artefact.hash[:12]}, threshold {artefact.threshold:.4f}"
        )
        return
    with steps_on(Console(stderr=True)) as steps:
        judged = judge(artefact, payments, steps)
    alerts = int((judged.risks >= artefact.threshold).sum())
    output.say(f"{len(payments):,} payments, {alerts:,} at risk {artefact.threshold:.4f} or above")
    for row in judged.riskiest(limit):
        amount = format_amount(int(payments.amount_minor[row]), currency)
        moment = datetime.fromtimestamp(int(payments.event_time[row]) / 1000, UTC)
        output.say(
            f"{moment:%Y-%m-%d %H:%M:%S}  risk {judged.risks[row]:.4f}  "
            f"user {payments.user_id[row]}  {amount}  [{payments.transaction_id[row]}]"
        )
        for reason in judged.reasons(row, currency):
            output.say(f"    {reason.feature} +{reason.contribution:.3f}: {reason.text}")
    for name, shift in drifted(artefact, judged.features):
        output.say(
            f"drift: {name} is {shift:+.1f} standard deviations from what it was in training"
        )


def _folder() -> Path:
    return StackSettings().home / "models"


def _budget(artefact: Artefact) -> str:
    budget = artefact.alerts_per_thousand_cards_a_day
    return "" if budget is None else f", for {budget:g} alerts per thousand cards a day"


def _day(ms: int) -> str:
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d %H:%M} UTC"
