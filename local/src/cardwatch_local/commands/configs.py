"""`cardwatch apply` and `cardwatch get`."""

import sys
import time
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
import typer
from msgspec.structs import fields

from cardwatch_contracts.detector_config import ConfigRecord, DetectorConfig, Detectors
from cardwatch_local.commands import output
from cardwatch_local.commands.options import BootstrapServers, StackName, duration_option
from cardwatch_local.configs.documents import dump_manifests, parse_documents, to_manifest
from cardwatch_local.configs.plan import plan
from cardwatch_local.configs.publish import (
    Applied,
    configs_in_force,
    known_configs,
    publish_and_wait,
)
from cardwatch_local.errors import StackError
from cardwatch_local.reading.connection import Connection

_DEFAULTS = Detectors()


APPLY_EXAMPLES: Final = (
    "cardwatch apply -f strict.yaml",
    "cardwatch apply -f strict.yaml --dry-run",
)


def apply(
    *,
    file: Annotated[
        list[str], typer.Option("--filename", "-f", metavar="FILE", help="YAML; `-` is stdin.")
    ],
    timeout: Annotated[float, duration_option("How long to wait for the job's word.")] = 30.0,
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
    changed, unchanged = plan(configs, known_configs(kafka), now_ms=time.time_ns() // 1_000_000)
    for record in unchanged:
        output.say(f"detectorconfig/{record.name} unchanged (generation {record.generation})")
    if dry_run:
        for record in changed:
            output.say(f"detectorconfig/{record.name} would become generation {record.generation}")
        return
    if not changed:
        return
    outcome = publish_and_wait(kafka, changed, timeout_s=timeout)
    for applied in outcome:
        output.say(_sentence(applied))
    if not all(applied.acknowledgements.complete for applied in outcome):
        raise StackError(f"not every subtask has acknowledged within {timeout:g} s")


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
    records = configs_in_force(Connection(stack=name, bootstrap_servers=bootstrap_servers).kafka)
    if config is not None:
        names = ", ".join(record.name for record in records) or "none but the built-in one"
        records = [record for record in records if record.name == config]
        if not records:
            raise StackError(f"no DetectorConfig {config!r}; there is {names}")
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
    if acks.parallelism is None:
        return (
            f"{subject} published (generation {record.generation}), but no subtask has "
            "acknowledged it: is the job running? See `cardwatch status`"
        )
    there = f"{acks.parallelism - len(acks.missing)} of {acks.parallelism} subtasks"
    if acks.missing:
        missing = ", ".join(map(str, acks.missing))
        return (
            f"{subject} published (generation {record.generation}), {there}; "
            f"missing: subtask {missing}"
        )
    return f"{subject} applied (generation {record.generation}, {there}, {applied.seconds:.1f} s)"


def _row(record: ConfigRecord) -> tuple[str, ...]:
    selector = msgspec.to_builtins(record.spec.selector)
    selects = "; ".join(f"{field} {', '.join(names)}" for field, names in selector.items())
    age_s = max(0, int(time.time() - record.created_at / 1000))
    unit, seconds = next(
        (pair for pair in (("d", 86_400), ("h", 3600), ("m", 60)) if age_s >= pair[1]), ("s", 1)
    )
    return (
        record.name,
        str(record.generation),
        selects or "everything",
        ", ".join(_differences(record.spec.detectors)) or "nothing",
        f"{age_s // seconds}{unit}",
    )


def _differences(detectors: Detectors) -> list[str]:
    return [
        f"{field.encode_name}.{setting.encode_name}={getattr(mine, setting.name)}"
        for field in fields(Detectors)
        for mine in (getattr(detectors, field.name),)
        for setting in fields(type(mine))
        if getattr(mine, setting.name) != getattr(getattr(_DEFAULTS, field.name), setting.name)
    ]
