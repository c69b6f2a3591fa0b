"""`cardwatch model list`: models here, in Kafka, and in the subtasks of the job."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec
from rich.console import Console

from cardwatch_contracts.kafka_settings import Kafka
from cardwatch_job.model.artefact import Artefact
from cardwatch_local.commands import output
from cardwatch_local.commands.options import BootstrapServers, Json, StackName
from cardwatch_local.configs.apply import read_acknowledgements, read_configs
from cardwatch_local.errors import StackError
from cardwatch_local.models.in_force import JudgedWith, judged_with
from cardwatch_local.models.published import Published, read_published
from cardwatch_local.reading.connection import Connection
from cardwatch_local.settings import StackSettings
from cardwatch_local.step_bars import steps_on
from cardwatch_local.training import store
from cardwatch_operator.models import DIGITS

EXAMPLES: Final = ("cardwatch model list", "cardwatch model list --json")
_MEASURES: Final = ("auc_roc", "average_precision")


@dataclass(frozen=True, slots=True, kw_only=True)
class _InKafka:
    published: list[Published]
    judging: list[JudgedWith]


def list_models(
    *,
    as_json: Json = False,
    name: StackName = "default",
    bootstrap_servers: BootstrapServers = None,
) -> None:
    """List the models that were trained here and, where a stack runs, those in Kafka and the job.

    A model is in the job where a DetectorConfig names it: with which version how many subtasks
    judge.
    """
    folder = StackSettings().home / "models"
    here = [(each, _read(folder, each)) for each in store.names_in(folder)]
    kafka = kafka_if_there(name, bootstrap_servers)
    there = None if kafka is None else _look(kafka)
    if as_json:
        output.say_json(
            {
                "local": [facts_of(read) | {"name": each} for each, read in here],
                "published": None
                if there is None
                else list(map(_published_facts, there.published)),
                "judging": None if there is None else list(map(_judging_facts, there.judging)),
            }
        )
        return
    if here:
        output.table(
            ("name", "kind", "hash", "trained until", "AUC ROC:right", "average precision:right"),
            (_row(each, read) for each, read in here),
        )
    else:
        output.say(f"no models in {folder}; `cardwatch train` makes one")
    output.say("")
    if there is None:
        output.say(f"stack `{name}` is not running: what is published is not known")
        return
    _show_published(there.published)
    _show_judging(there.judging)


def kafka_if_there(stack: str, bootstrap_servers: str | None) -> Kafka | None:
    """Return the Kafka that is named, or that of a running stack; None where there is neither.

    Raises:
        StackError: The environment is wrong about the Kafka that is named.
    """
    connection = Connection(stack=stack, bootstrap_servers=bootstrap_servers)
    if bootstrap_servers:
        return connection.kafka
    try:
        return connection.kafka
    except StackError:
        return None


def facts_of(read: Artefact | str) -> dict[str, Any]:
    """Return what a model says of itself, without its trees; or why it is refused."""
    if isinstance(read, str):
        return {"refused": read}
    facts: dict[str, Any] = msgspec.to_builtins(read)
    del facts["trees"]
    return facts


def _look(kafka: Kafka) -> _InKafka:
    with steps_on(Console(stderr=True)) as steps:
        published = read_published(kafka, steps)
        known = read_configs(kafka).known
        acks = read_acknowledgements(kafka)
    records = [each.in_force for _, each in sorted(known.items()) if each.in_force is not None]
    return _InKafka(published=list(published), judging=judged_with(records, acks, published))


def _show_published(published: Iterable[Published]) -> None:
    rows = [
        (
            each.version.name,
            each.version.hash[:DIGITS],
            _moment(each.published_at),
            *(("refused", each.refused) if each.artefact is None else _trained(each.artefact)),
        )
        for each in published
    ]
    if rows:
        output.table(("published", "hash", "since", "kind", "trained until:wrap"), rows)
    else:
        output.say("no models are published; `cardwatch model publish` sends one")


def _show_judging(judging: Iterable[JudgedWith]) -> None:
    rows = [
        (
            each.config,
            each.role,
            "none" if each.version is None else each.version.name or "(withdrawn)",
            "–" if each.version is None else each.version.hash[:DIGITS],
            f"{each.subtasks} of {each.parallelism}",
            each.refused or "–",
        )
        for each in judging
    ]
    if rows:
        output.say("")
        output.table(("config", "as", "model", "hash", "subtasks", "refused:wrap"), rows)
    else:
        output.say("no DetectorConfig has a model; `cardwatch model promote` gives it one")


def _read(folder: Path, name: str) -> Artefact | str:
    """Return a model, or why it is refused."""
    try:
        return store.load(store.path_of(folder, name))
    except StackError as error:
        return str(error)


def _row(name: str, read: Artefact | str) -> tuple[str, ...]:
    if isinstance(read, str):
        return name, f"refused: {read}", "", "", "", ""
    measured = [read.metrics.get(key) for key in _MEASURES]
    shown = ("–" if value is None else f"{value:.3f}" for value in measured)
    return name, read.kind, read.hash[:DIGITS], _moment(read.training.ends_ms), *shown


def _trained(artefact: Artefact) -> tuple[str, str]:
    return artefact.kind, _moment(artefact.training.ends_ms)


def _published_facts(each: Published) -> dict[str, Any]:
    return {
        "name": each.version.name,
        "hash": each.version.hash,
        "published_at": each.published_at,
        "bytes": each.size,
        "refused": each.refused or None,
    }


def _judging_facts(each: JudgedWith) -> dict[str, Any]:
    return {
        "config": each.config,
        "role": each.role,
        "name": each.version and (each.version.name or None),
        "hash": each.version and each.version.hash,
        "subtasks": each.subtasks,
        "parallelism": each.parallelism,
        "refused": each.refused or None,
    }


def _moment(ms: int) -> str:
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d %H:%M} UTC"
