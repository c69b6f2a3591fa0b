"""`cardwatch model`: which models there are, what they are, what they say of a file."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer
from rich.console import Console

from cardwatch_contracts.money import format_amount
from cardwatch_job.model.artefact import Artefact
from cardwatch_local.commands import output
from cardwatch_local.commands.options import Json, duration_option
from cardwatch_local.errors import StackError
from cardwatch_local.settings import StackSettings
from cardwatch_local.step_bars import steps_on
from cardwatch_local.training import store

LIST_EXAMPLES: Final = ("cardwatch model list",)
STATS_EXAMPLES: Final = ("cardwatch model stats july", "cardwatch model stats july --json")
RUN_EXAMPLES: Final = (
    "cardwatch model run july payments.parquet --limit 5",
    "cardwatch model run ./july.model.json payments.parquet",
)
Model = Annotated[str, typer.Argument(metavar="NAME", help="A model's name, or its file.")]


def list_models(*, as_json: Json = False) -> None:
    """List the models that were trained here."""
    folder = _folder()
    found = [(name, _read(folder, name)) for name in store.names_in(folder)]
    if as_json:
        output.say_json([_facts(read) | {"name": name} for name, read in found])
        return
    if not found:
        output.say(f"no models in {folder}; `cardwatch train` makes one")
        return
    output.table(
        ("name", "kind", "hash", "trained until", "AUC ROC:right", "average precision:right"),
        (_row(name, read) for name, read in found),
    )


def stats(*, model: Model, as_json: Json = False) -> None:
    """Show what a model was trained from, how it was measured, and what its features were like."""
    artefact = store.load(store.path_of(_folder(), model))
    if as_json:
        output.say_json(_facts(artefact))
        return
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
) -> None:
    """Score the payments of a file in their order, and show the riskiest with their reasons.

    What raises an alert teaches no habit until a label says that it was genuine. Runs here, not in
    the job.
    """
    from cardwatch_local.training.files import read_parquet  # noqa: PLC0415
    from cardwatch_local.training.judging import drifted, judge  # noqa: PLC0415

    artefact = store.load(store.path_of(_folder(), model))
    payments = read_parquet(file, label_delay_ms=round(label_delay * 1000))
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


def _read(folder: Path, name: str) -> Artefact | str:
    """Return a model, or why it is refused."""
    try:
        return store.load(store.path_of(folder, name))
    except StackError as error:
        return str(error)


def _facts(read: Artefact | str) -> dict[str, object]:
    if isinstance(read, str):
        return {"refused": read}
    facts: dict[str, object] = msgspec.to_builtins(read)
    del facts["trees"]
    return facts


def _row(name: str, read: Artefact | str) -> tuple[str, ...]:
    if isinstance(read, str):
        return name, f"refused: {read}", "", "", "", ""
    measured = [read.metrics.get(key) for key in ("auc_roc", "average_precision")]
    shown = ("–" if value is None else f"{value:.3f}" for value in measured)
    return name, read.kind, read.hash[:12], _day(read.training.ends_ms), *shown


def _budget(artefact: Artefact) -> str:
    budget = artefact.alerts_per_thousand_cards_a_day
    return "" if budget is None else f", for {budget:g} alerts per thousand cards a day"


def _day(ms: int) -> str:
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d %H:%M} UTC"
