"""DetectorConfigs as they are: `cardwatch apply`, `get` and `diff`."""

import sys
import time
from collections.abc import Sequence
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
from cardwatch_local.commands.config_changes import (
    Timeout,
    in_force,
    publish,
    refuse_those_of_kubernetes,
)
from cardwatch_local.commands.options import BootstrapServers, StackName
from cardwatch_local.configs.apply import read_configs, who
from cardwatch_local.configs.differences import differences
from cardwatch_local.configs.documents import dump_manifests, parse_documents, to_manifest
from cardwatch_local.errors import StackError
from cardwatch_local.reading.connection import Connection
from cardwatch_operator.config_topics import ConfigTopics
from cardwatch_operator.known import NOTHING_KNOWN
from cardwatch_operator.plan import plan_documents
from cardwatch_operator.resources import now_ms
from cardwatch_operator.status import in_words

_NO_SELECTOR: Final = Selector()

Files = Annotated[
    list[str], typer.Option("--filename", "-f", metavar="FILE", help="YAML; `-` is stdin.")
]

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
    connection = Connection(stack=name, bootstrap_servers=bootstrap_servers)

    def plan(topics: ConfigTopics) -> Sequence[ConfigRecord]:
        refuse_those_of_kubernetes(topics, (config.metadata.name for config in configs))
        changed, unchanged = plan_documents(
            configs, topics.known, now_ms=now_ms(), changed_by=who()
        )
        for record in unchanged:
            output.say(f"detectorconfig/{record.name} unchanged (generation {record.generation})")
        return changed

    if dry_run:
        for record in plan(read_configs(connection.kafka)):
            output.say(f"detectorconfig/{record.name} would become generation {record.generation}")
        return
    publish(connection, plan, timeout_s=timeout)


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
        else [in_force(topics, config)]
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
