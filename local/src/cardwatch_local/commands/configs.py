"""DetectorConfigs: `cardwatch apply`, `get`, `diff`, `history`, `rollback` and `delete`."""

import sys
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from difflib import unified_diff
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
import typer

from cardwatch_contracts.detector_config import (
    ConfigRecord,
    DetectorConfig,
    DetectorConfigSpec,
    Selector,
)
from cardwatch_local.commands import output
from cardwatch_local.commands.options import BootstrapServers, StackName, duration_option
from cardwatch_local.configs.apply import (
    Applied,
    Plan,
    publish_and_wait,
    read_configs,
    who,
)
from cardwatch_local.configs.differences import differences, history_rows
from cardwatch_local.configs.documents import dump_manifests, parse_documents, to_manifest
from cardwatch_local.errors import StackError
from cardwatch_local.reading.connection import Connection
from cardwatch_operator.config_log import ConfigTopics
from cardwatch_operator.known import NOTHING_KNOWN
from cardwatch_operator.plan import plan_documents, withdrawal
from cardwatch_operator.status import in_words

_NO_SELECTOR: Final = Selector()

Files = Annotated[
    list[str], typer.Option("--filename", "-f", metavar="FILE", help="YAML; `-` is stdin.")
]
Name = Annotated[str, typer.Argument(metavar="NAME", help="A DetectorConfig; `dc/NAME` too.")]
Timeout = Annotated[float, duration_option("How long to wait for the job's word.")]

APPLY_EXAMPLES: Final = (
    "cardwatch apply -f strict.yaml",
    "cardwatch apply -f strict.yaml --dry-run",
)


def apply(
    *,
    file: Files,
    timeout: Timeout = 30.0,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check and compare, publish nothing.")
    ] = False,
    name: StackName = "default",
    bootstrap_servers: BootstrapServers = None,
) -> None:
    """Put DetectorConfigs in force and wait until every subtask of the job judges by them.

    Nothing is published if any document of any file is invalid.
    """
    configs = _read(file)
    kafka = Connection(stack=name, bootstrap_servers=bootstrap_servers).kafka

    def plan(topics: ConfigTopics) -> Sequence[ConfigRecord]:
        _refuse_those_of_kubernetes(topics, (config.metadata.name for config in configs))
        changed, unchanged = plan_documents(
            configs, topics.known, now_ms=_now_ms(), changed_by=who()
        )
        for record in unchanged:
            output.say(f"detectorconfig/{record.name} unchanged (generation {record.generation})")
        return changed

    if dry_run:
        for record in plan(read_configs(kafka)):
            output.say(f"detectorconfig/{record.name} would become generation {record.generation}")
        return
    _publish(kafka, plan, timeout_s=timeout)


GET_EXAMPLES: Final = (
    "cardwatch get dc",
    "cardwatch get dc strict -o yaml",
)


def get(
    *,
    resource: Annotated[
        Literal["detectorconfigs", "detectorconfig", "dc"], typer.Argument(metavar="[dc]")
    ] = "detectorconfigs",
    config: Annotated[str | None, typer.Argument(metavar="[NAME]")] = None,
    form: Annotated[
        Literal["table", "yaml", "json"], typer.Option("--output", "-o", help="How to print.")
    ] = "table",
    name: StackName = "default",
    bootstrap_servers: BootstrapServers = None,
) -> None:
    """Show the DetectorConfigs in force."""
    kafka = Connection(stack=name, bootstrap_servers=bootstrap_servers).kafka
    topics = read_configs(kafka)
    records = (
        [record for _, known in sorted(topics.known.items()) if (record := known.in_force)]
        if config is None
        else [_in_force(topics, config)]
    )
    if form == "yaml":
        sys.stdout.write(dump_manifests(records))
    elif form == "json":
        output.say_json([to_manifest(record) for record in records])
    elif records:
        output.table(
            ("name", "generation:right", "selects", "differs from default:wrap", "age"),
            map(_row, records),
        )
    else:
        output.say("no DetectorConfig was applied: the built-in defaults judge everything")


DIFF_EXAMPLES: Final = ("cardwatch diff -f strict.yaml",)


def diff(
    *,
    file: Files,
    name: StackName = "default",
    bootstrap_servers: BootstrapServers = None,
) -> None:
    """Show what applying files would change; exit status 1 where anything would, as of `diff`."""
    topics = read_configs(Connection(stack=name, bootstrap_servers=bootstrap_servers).kafka)
    differ = False
    for config in _read(file):
        title = config.metadata.name
        current = topics.known.get(title, NOTHING_KNOWN).in_force
        before = [] if current is None else _lines(current.spec)
        lines = list(
            unified_diff(before, _lines(config.spec), f"{title} in force", f"{title} in the file")
        )
        sys.stdout.writelines(lines)
        differ = differ or bool(lines)
    if differ:
        raise typer.Exit(1)


HISTORY_EXAMPLES: Final = ("cardwatch history strict",)


def history(
    *,
    config: Name,
    name: StackName = "default",
    bootstrap_servers: BootstrapServers = None,
) -> None:
    """Show every generation of a DetectorConfig: when, by whom, and what changed with it."""
    topics = read_configs(Connection(stack=name, bootstrap_servers=bootstrap_servers).kafka)
    entries = topics.history(_bare(config))
    if not entries:
        raise StackError(f"no DetectorConfig was ever called {_bare(config)!r}")
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
    title = _bare(config)

    def plan(topics: ConfigTopics) -> Sequence[ConfigRecord]:
        _refuse_those_of_kubernetes(topics, [title])
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
                created_at=_now_ms() if known.in_force is None else known.in_force.created_at,
                spec=wanted.spec,
                changed_by=f"{who()}, back to generation {wanted.generation}",
            )
        ]

    kafka = Connection(stack=name, bootstrap_servers=bootstrap_servers).kafka
    _publish(kafka, plan, timeout_s=timeout)


DELETE_EXAMPLES: Final = ("cardwatch delete strict",)


def delete(
    *,
    config: Name,
    timeout: Timeout = 30.0,
    name: StackName = "default",
    bootstrap_servers: BootstrapServers = None,
) -> None:
    """Withdraw a DetectorConfig: what it judged falls to the others, or the built-in defaults."""
    title = _bare(config)

    def plan(topics: ConfigTopics) -> Sequence[ConfigRecord]:
        current = _in_force(topics, title)
        _refuse_those_of_kubernetes(topics, [title])
        generation = topics.known[title].generation + 1
        return [withdrawal(current, generation, changed_by=who())]

    kafka = Connection(stack=name, bootstrap_servers=bootstrap_servers).kafka
    _publish(kafka, plan, timeout_s=timeout)


def _publish(kafka: str, plan: Plan, *, timeout_s: float) -> None:
    outcome = publish_and_wait(kafka, plan, timeout_s=timeout_s)
    for applied in outcome:
        output.say(_sentence(applied))
    if not all(applied.is_complete for applied in outcome):
        raise StackError(f"not every subtask has acknowledged within {timeout_s:g} s")


def _refuse_those_of_kubernetes(topics: ConfigTopics, names: Iterable[str]) -> None:
    for name in names:
        current = topics.known.get(name, NOTHING_KNOWN).in_force
        if current is not None and current.origin is not None:
            raise StackError(
                f"detectorconfig/{name} is a resource of Kubernetes, in namespace "
                f"{current.origin.namespace}: change it there, with kubectl"
            )


def _in_force(topics: ConfigTopics, name: str) -> ConfigRecord:
    current = topics.known.get(_bare(name), NOTHING_KNOWN).in_force
    if current is None:
        others = sorted(other for other, known in topics.known.items() if known.in_force)
        there = ", ".join(others) or "none but the built-in one"
        raise StackError(f"no DetectorConfig {_bare(name)!r}; there is {there}")
    return current


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


def _read(files: list[str]) -> list[DetectorConfig]:
    configs: dict[str, DetectorConfig] = {}
    for file in files:
        source = "standard input" if file == "-" else file
        try:
            text = sys.stdin.read() if file == "-" else Path(file).read_text("utf-8")
        except OSError as error:
            raise StackError(f"{file}: {error.strerror}") from None
        except UnicodeDecodeError as error:
            raise StackError(f"{file}: not UTF-8 at byte {error.start}") from None
        for config in parse_documents(text, source=source):
            if config.metadata.name in configs:
                raise StackError(f"{source}: {config.metadata.name} is in another file too")
            configs[config.metadata.name] = config
    return list(configs.values())


def _sentence(applied: Applied) -> str:
    record, acks = applied.record, applied.acknowledgements
    subject = f"detectorconfig/{record.name}"
    verb = "withdrawn" if record.withdrawn else "applied"
    if acks.parallelism is None:
        return (
            f"{subject} published (generation {record.generation}), but no subtask has "
            "acknowledged it: is the job running? See `cardwatch status`"
        )
    missing = acks.missing(record)
    there = f"{acks.parallelism - len(missing)} of {acks.parallelism} subtasks"
    if missing:
        return (
            f"{subject} published (generation {record.generation}), {there}; "
            f"missing: subtask {', '.join(map(str, missing))}"
        )
    return f"{subject} {verb} (generation {record.generation}, {there}, {applied.seconds:.1f} s)"


def _row(record: ConfigRecord) -> tuple[str, ...]:
    age_s = max(0, int(time.time() - record.created_at / 1000))
    unit, seconds = next(
        (pair for pair in (("d", 86_400), ("h", 3600), ("m", 60)) if age_s >= pair[1]), ("s", 1)
    )
    own = msgspec.structs.replace(record.spec, selector=_NO_SELECTOR)
    return (
        record.name,
        str(record.generation),
        in_words(record.spec.selector),
        ", ".join(differences(DetectorConfigSpec(), own)) or "nothing",
        f"{age_s // seconds}{unit}",
    )


def _lines(spec: DetectorConfigSpec) -> list[str]:
    record = ConfigRecord(name="", generation=0, created_at=0, spec=spec)
    return dump_manifests([record]).partition("spec:\n")[2].splitlines(keepends=True)


def _bare(name: str) -> str:
    """Return a name without the kind that kubectl puts in front of it."""
    kind, _, bare = name.rpartition("/")
    return bare if kind in ("", "dc", "detectorconfig", "detectorconfigs") else name


def _time(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
