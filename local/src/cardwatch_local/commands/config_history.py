"""DetectorConfigs as they were: `cardwatch history`, `rollback` and `delete`."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Final

import typer

from cardwatch_contracts.detector_config import ConfigRecord
from cardwatch_local.commands import output
from cardwatch_local.commands.config_changes import (
    Timeout,
    bare_name,
    in_force,
    publish,
    refuse_those_of_kubernetes,
)
from cardwatch_local.commands.options import BootstrapServers, StackName
from cardwatch_local.configs.apply import read_configs, who
from cardwatch_local.configs.differences import history_rows
from cardwatch_local.errors import StackError
from cardwatch_local.reading.connection import Connection
from cardwatch_operator.config_topics import ConfigTopics
from cardwatch_operator.plan import withdrawal
from cardwatch_operator.resources import now_ms

Name = Annotated[str, typer.Argument(metavar="NAME", help="A DetectorConfig; `dc/NAME` too.")]

HISTORY_EXAMPLES: Final = ("cardwatch history strict",)


def history(
    *,
    config: Name,
    name: StackName = "default",
    bootstrap_servers: BootstrapServers = None,
) -> None:
    """Show every generation of a DetectorConfig: when, by whom, and what changed with it."""
    topics = read_configs(Connection(stack=name, bootstrap_servers=bootstrap_servers).kafka)
    entries = topics.history(bare_name(config))
    if not entries:
        raise StackError(f"no DetectorConfig was ever called {bare_name(config)!r}")
    output.table(
        ("generation:right", "published", "by", "changes:wrap"),
        (
            (str(record.generation), _time(published_at), record.changed_by or "unknown", changes)
            for record, published_at, changes in history_rows(entries)
        ),
    )


ROLLBACK_EXAMPLES: Final = (
    "cardwatch rollback strict",
    "cardwatch rollback strict --to-generation 3",
)


def rollback(
    *,
    config: Name,
    to_generation: Annotated[
        int | None,
        typer.Option(min=1, help="Which; the one before the newest where none is given."),
    ] = None,
    timeout: Timeout = 30.0,
    name: StackName = "default",
    bootstrap_servers: BootstrapServers = None,
) -> None:
    """Put an earlier generation of a DetectorConfig in force again, as a new generation."""
    title = bare_name(config)

    def plan(topics: ConfigTopics) -> Sequence[ConfigRecord]:
        refuse_those_of_kubernetes(topics, [title])
        wanted = _generation(topics, title, to_generation)
        known = topics.known[title]
        if known.in_force is not None and known.in_force.spec == wanted.spec:
            output.say(
                f"detectorconfig/{title} unchanged: generation {known.in_force.generation} says "
                f"what generation {wanted.generation} did"
            )
            return []
        return [
            ConfigRecord(
                name=title,
                generation=known.generation + 1,
                created_at=now_ms() if known.in_force is None else known.in_force.created_at,
                spec=wanted.spec,
                changed_by=f"{who()}, back to generation {wanted.generation}",
            )
        ]

    connection = Connection(stack=name, bootstrap_servers=bootstrap_servers)
    publish(connection, plan, timeout_s=timeout)


DELETE_EXAMPLES: Final = ("cardwatch delete strict",)


def delete(
    *,
    config: Name,
    timeout: Timeout = 30.0,
    name: StackName = "default",
    bootstrap_servers: BootstrapServers = None,
) -> None:
    """Withdraw a DetectorConfig: what it judged falls to the others, or the built-in defaults."""
    title = bare_name(config)

    def plan(topics: ConfigTopics) -> Sequence[ConfigRecord]:
        current = in_force(topics, title)
        refuse_those_of_kubernetes(topics, [title])
        generation = topics.known[title].generation + 1
        return [withdrawal(current, generation, changed_by=who())]

    connection = Connection(stack=name, bootstrap_servers=bootstrap_servers)
    publish(connection, plan, timeout_s=timeout)


def _generation(topics: ConfigTopics, name: str, number: int | None) -> ConfigRecord:
    entries = [record for record, _ in topics.history(name) if not record.withdrawn]
    if not entries:
        raise StackError(f"no DetectorConfig was ever called {name!r}")
    if number is None:
        current = topics.known[name].in_force
        earlier = [record for record in entries if record != current]
        if not earlier:
            raise StackError(f"detectorconfig/{name} has one generation: there is none before it")
        return earlier[-1]
    for record in entries:
        if record.generation == number:
            return record
    there = ", ".join(str(record.generation) for record in entries)
    raise StackError(f"detectorconfig/{name} has no generation {number}; there is {there}")


def _time(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
