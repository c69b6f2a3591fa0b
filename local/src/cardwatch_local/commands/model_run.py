"""`cardwatch model run-enhanced`."""

import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console

from cardwatch_contracts.detector_config import Detectors
from cardwatch_contracts.money import format_amount
from cardwatch_local.commands import output
from cardwatch_local.commands.options import DatabaseUrl, StackName
from cardwatch_local.commands.payment_source import (
    LABEL_DELAY_S,
    File,
    LabelDelay,
    Source,
    check_source,
    read_payments,
    time_of,
)
from cardwatch_local.configs.documents import parse_documents
from cardwatch_local.errors import StackError
from cardwatch_local.reading.connection import Connection
from cardwatch_local.settings import StackSettings
from cardwatch_local.step_bars import steps_on
from cardwatch_local.training import store

if TYPE_CHECKING:
    from cardwatch_local.models.enhanced import JudgedPayment
    from cardwatch_local.models.verdicts import Verdicts

EXAMPLES: Final = (
    "cardwatch model run-enhanced july payments.parquet --limit 5",
    "cardwatch model run-enhanced july --from archive --output judged.parquet",
    "cardwatch model run-enhanced july payments.parquet --filename strict.yaml --dry-run",
)


def run_enhanced(  # noqa: PLR0913 - each is an option on the command line
    *,
    model: Annotated[str, typer.Argument(metavar="NAME", help="A model's name, or its file.")],
    file: File = None,
    source: Source = "file",
    ends: Annotated[
        datetime | None,
        typer.Option(parser=time_of, metavar="TIME", help="Exclusive, with --from archive."),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            "--filename", "-f", metavar="FILE.yaml", help="A DetectorConfig, for its detectors."
        ),
    ] = None,
    limit: Annotated[int, typer.Option(min=0, help="How many of the riskiest are shown.")] = 10,
    label_delay: LabelDelay = LABEL_DELAY_S,
    target: Annotated[
        Path | None,
        typer.Option("--output", metavar="FILE.parquet", help="Where to write every payment."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be judged, and by what.")
    ] = False,
    name: StackName = "default",
    database_url: DatabaseUrl = None,
) -> None:
    """Judge payments by rules, users' habits and a model together, as the job does.

    Shows what rules find, what the model does, and the riskiest by both taken together. Runs here,
    through the job's own code.
    """
    check_source(source, file)
    if target is not None and target.exists() and not force:
        raise StackError(f"{target} is there already: --force replaces it")
    artefact = store.load(store.path_of(StackSettings().home / "models", model))
    detectors = Detectors() if config is None else _detectors(config)
    # Here, because they load numpy and pyarrow, and other commands should answer at once.
    from cardwatch_local.models.enhanced import judged  # noqa: PLC0415
    from cardwatch_local.models.verdicts import Verdicts, write_verdicts  # noqa: PLC0415
    from cardwatch_local.training.rules import lacking  # noqa: PLC0415

    connection = Connection(stack=name, database_url=database_url)
    began_s = time.monotonic()
    with steps_on(Console(stderr=True)) as steps:
        payments = read_payments(file, connection, steps, label_delay_s=label_delay, ends=ends)
        verdicts = Verdicts(payments, limit=limit)
        if not dry_run:
            every = judged(artefact, payments, detectors, steps)
            for each in every if target is None else write_verdicts(every, target):
                verdicts.add(each)
    for rule, what in lacking(payments).items():
        output.say(f"{rule} has nothing to look at: the payments have no {what}")
    if dry_run:
        output.say(
            f"{len(payments):,} payments would be judged by rules and model "
            f"{artefact.name}@{artefact.hash[:12]}, threshold {artefact.threshold:.4f}"
        )
        return
    _show(verdicts)
    if target is not None:
        sys.stderr.write(
            f"{verdicts.payments:,} payments in {target}, {target.stat().st_size / 1e6:,.1f} MB, "
            f"in {time.monotonic() - began_s:.1f} s\n"
        )


def _detectors(file: Path) -> Detectors:
    try:
        configs = parse_documents(file.read_text("utf-8"), source=str(file))
    except UnicodeDecodeError as error:
        raise StackError(f"{file}: not UTF-8 at byte {error.start}") from None
    if len(configs) != 1:
        raise StackError(f"{file}: {len(configs)} DetectorConfigs; allowed is one")
    return configs[0].spec.detectors


def _show(verdicts: "Verdicts") -> None:
    frauds = verdicts.known_frauds
    output.say(f"{verdicts.payments:,} payments, {frauds:,} known frauds")
    output.table(
        ("by", "objects to:right", "frauds among them:right"),
        (
            (who, f"{alerts:,}", f"{verdicts.frauds[who]:,}" if frauds else "–")
            for who, alerts in verdicts.alerts.items()
        ),
    )
    for each in verdicts.riskiest():
        for line in _lines(each):
            output.say(line)


def _lines(judged: "JudgedPayment") -> list[str]:
    txn = judged.transaction
    moment = datetime.fromtimestamp(txn.event_time / 1000, UTC)
    by_rules = [finding for finding in judged.findings if finding.model is None]
    return [
        f"{moment:%Y-%m-%d %H:%M:%S}  risk {judged.risk:.4f}  user {txn.user_id}  "
        f"{format_amount(txn.amount_minor, txn.currency)}  [{txn.transaction_id}]",
        *(f"    {finding.detector}: {finding.reason}" for finding in by_rules),
        f"    model: {judged.by_model.reason}",
    ]
