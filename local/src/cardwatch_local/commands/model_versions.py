"""`cardwatch model publish`, `promote` and `reset`: models on their way into the running job."""

from typing import Annotated, Final

import typer
from rich.console import Console

from cardwatch_contracts.detector_config import Challenger
from cardwatch_local.commands import output
from cardwatch_local.commands.config_changes import Timeout, in_force
from cardwatch_local.commands.model_change import ModelChange
from cardwatch_local.commands.options import BootstrapServers, StackName
from cardwatch_local.configs.apply import read_acknowledgements, read_configs
from cardwatch_local.errors import StackError
from cardwatch_local.models.changes import in_words
from cardwatch_local.models.in_force import configs_that_use
from cardwatch_local.models.promoting import Promotion
from cardwatch_local.models.published import (
    Version,
    read_published,
    send_model,
    withdraw_model,
)
from cardwatch_local.reading.connection import Connection
from cardwatch_local.settings import StackSettings
from cardwatch_local.step_bars import steps_on
from cardwatch_local.training import store

PUBLISH_EXAMPLES: Final = ("cardwatch model publish july", "cardwatch model publish july --dry-run")
PROMOTE_EXAMPLES: Final = (
    "cardwatch model promote strict july --trial",
    "cardwatch model promote strict",
    "cardwatch model promote strict july@3fa91c --keep-old",
)
RESET_EXAMPLES: Final = (
    "cardwatch model reset strict --yes",
    "cardwatch model reset --withdraw july@3fa91c",
)
Config = Annotated[str, typer.Argument(metavar="CONFIG", help="A DetectorConfig; `dc/CONFIG` too.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Check and compare, publish nothing.")]


def publish(
    *,
    model: Annotated[str, typer.Argument(metavar="NAME", help="A model's name, or its file.")],
    again: Annotated[
        bool, typer.Option("--again", help="Send it although it is there: it is the newest then.")
    ] = False,
    dry_run: DryRun = False,
    name: StackName = "default",
    bootstrap_servers: BootstrapServers = None,
) -> None:
    """Send a model that was trained here to Kafka, where DetectorConfigs may name it.

    A model that is broken or of another version is not sent. One that is there already is not sent
    twice.
    """
    artefact = store.load(store.path_of(StackSettings().home / "models", model))
    version = Version(artefact.name, artefact.hash)
    kafka = Connection(stack=name, bootstrap_servers=bootstrap_servers).kafka
    with steps_on(Console(stderr=True)) as steps:
        is_there = read_published(kafka, steps).get(version) is not None
        if (again or not is_there) and not dry_run:
            send_model(kafka, artefact, steps)
    if is_there and not again:
        output.say(f"model {version} is published already: {version.hash}")
    else:
        output.say(
            f"model {version} {'would be published' if dry_run else 'published'}: {version.hash}"
        )


def promote(  # noqa: PLR0913 - each is an option on the command line
    *,
    config: Config,
    model: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME[@HASH]]",
            help="A published model, the newest version if no hash is given; left out: the one "
            "that CONFIG has on trial.",
        ),
    ] = None,
    trial: Annotated[
        bool,
        typer.Option("--trial", help="Only try it out: beside the model in force, in the shadow."),
    ] = False,
    keep_old: Annotated[
        bool, typer.Option("--keep-old", help="The model that was in force goes on trial.")
    ] = False,
    threshold: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="A risk, instead of the model's own threshold."),
    ] = None,
    alerts_per_thousand_cards: Annotated[
        float | None, typer.Option(min=0.001, max=1000, help="A day, instead of a threshold.")
    ] = None,
    timeout: Timeout = 30.0,
    dry_run: DryRun = False,
    name: StackName = "default",
    bootstrap_servers: BootstrapServers = None,
) -> None:
    """Put a model in force by a DetectorConfig, and wait until every subtask judges with it.

    Without NAME it is the one that the config has on trial. The job is not restarted.
    """
    if trial and (model is None or keep_old):
        raise typer.BadParameter("--trial needs NAME, and leaves the model in force as it is")
    if threshold is not None and alerts_per_thousand_cards is not None:
        raise typer.BadParameter("--threshold or --alerts-per-thousand-cards, not both")
    if model is None and (threshold is not None or alerts_per_thousand_cards is not None):
        raise typer.BadParameter("a threshold needs NAME: what is on trial keeps its own")
    connection = Connection(stack=name, bootstrap_servers=bootstrap_servers)
    kafka = connection.kafka
    with steps_on(Console(stderr=True)) as steps:
        published = read_published(kafka, steps)
        acks = read_acknowledgements(kafka)
        wanted = None
        if model is not None:
            version = published.find(model).version
            wanted = Challenger(
                name=version.name,
                hash=version.hash,
                threshold=threshold,
                alerts_per_thousand_cards=alerts_per_thousand_cards,
            )
        promotion = Promotion(wanted=wanted, keeps_old=keep_old, is_trial=trial)
        change = ModelChange(config, lambda record: promotion.model_for(record, published, acks))
        applied = change.make(connection, steps, timeout_s=timeout, dry_run=dry_run)
    change.tell(applied, timeout_s=timeout)


def reset(
    *,
    config: Annotated[
        str | None, typer.Argument(metavar="[CONFIG]", help="Which is to have no model any more.")
    ] = None,
    withdraw: Annotated[
        str | None,
        typer.Option(metavar="NAME@HASH", help="Have Kafka forget a version that no config uses."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    timeout: Timeout = 30.0,
    dry_run: DryRun = False,
    name: StackName = "default",
    bootstrap_servers: BootstrapServers = None,
) -> None:
    """Take the models out of a DetectorConfig: rules alone judge. Or withdraw a published one."""
    if config is None and withdraw is None:
        raise typer.BadParameter("give CONFIG, --withdraw NAME@HASH, or both")
    if withdraw is not None and not withdraw.partition("@")[2]:
        raise typer.BadParameter(
            "--withdraw: allowed is NAME@HASH, as `cardwatch model list` shows"
        )
    connection = Connection(stack=name, bootstrap_servers=bootstrap_servers)
    if config is not None:
        _take_out(connection, config, asks=not yes, timeout_s=timeout, dry_run=dry_run)
    if withdraw is not None:
        _withdraw(connection, withdraw, asks=not yes, dry_run=dry_run)


def _take_out(
    connection: Connection, config: str, *, asks: bool, timeout_s: float, dry_run: bool
) -> None:
    record = in_force(read_configs(connection.kafka), config)
    if record.spec.model is not None and record.origin is None and asks and not dry_run:
        output.say(f"detectorconfig/{record.name}: {in_words(record.spec.model)}")
        if not typer.confirm("Have rules alone judge?"):
            raise typer.Exit(1)
    change = ModelChange(config, lambda _record: None)
    with steps_on(Console(stderr=True)) as steps:
        applied = change.make(connection, steps, timeout_s=timeout_s, dry_run=dry_run)
    change.tell(applied, timeout_s=timeout_s)


def _withdraw(connection: Connection, wanted: str, *, asks: bool, dry_run: bool) -> None:
    kafka = connection.kafka
    with steps_on(Console(stderr=True)) as steps:
        published = read_published(kafka, steps)
        version = published.find(wanted, refused_too=True).version
        records = [each.in_force for each in read_configs(kafka).known.values() if each.in_force]
        used_by = configs_that_use(version, records, read_acknowledgements(kafka), published)
    if used_by:
        names = ", ".join(f"detectorconfig/{each}" for each in used_by)
        raise StackError(
            f"model {version} is used by {names}: promote another there, or reset it, first"
        )
    if dry_run:
        output.say(f"model {version} would be withdrawn: {version.hash}")
        return
    if asks and not typer.confirm(f"Withdraw model {version}?"):
        raise typer.Exit(1)
    with steps_on(Console(stderr=True)) as steps:
        withdraw_model(kafka, version, steps)
    output.say(f"model {version} withdrawn: {version.hash}")
