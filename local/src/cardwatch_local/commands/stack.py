"""`cardwatch up`, `down`, `status`, `logs` and `clean`."""

from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

import psutil
import typer
from rich.console import Console

from cardwatch_local.clean import clean as clean_home
from cardwatch_local.clean import stack_names
from cardwatch_local.commands import output
from cardwatch_local.commands.options import Json, StackName
from cardwatch_local.detached import running_state, spawn_detached, stop_running
from cardwatch_local.endpoints import Endpoints
from cardwatch_local.errors import StackError
from cardwatch_local.log_files import follow_logs, log_files, show_logs
from cardwatch_local.settings import StackSettings
from cardwatch_local.state import ServiceState, StackState
from cardwatch_local.step_bars import steps_on

UP_EXAMPLES: Final = ("cardwatch up", "cardwatch up --parallelism 2 --kafka-port 9092")
DOWN_EXAMPLES: Final = ("cardwatch down",)
STATUS_EXAMPLES: Final = ("cardwatch status", "cardwatch status --name demo --json")
LOGS_EXAMPLES: Final = ("cardwatch logs", "cardwatch logs jobmanager --follow")
CLEAN_EXAMPLES: Final = ("cardwatch clean", "cardwatch clean --yes --keep-jars")

_Port = typer.Option(min=1, max=65535, help="A fixed port; left out: a free one.")


def up(  # noqa: PLR0913 - each is an option on the command line
    *,
    parallelism: Annotated[
        int, typer.Option(min=1, max=128, help="Subtasks the job runs with.")
    ] = 1,
    delivery: Annotated[
        Literal["exactly-once", "at-least-once"],
        typer.Option(
            help="exactly-once alerts wait for their checkpoint; at-least-once ones come at once, "
            "some of them twice after a failure, under the same alert id."
        ),
    ] = "exactly-once",
    checkpoint_interval_ms: Annotated[
        int, typer.Option(min=100, max=600_000, help="Time between two checkpoints.")
    ] = 1000,
    kafka_port: Annotated[int | None, _Port] = None,
    valkey_port: Annotated[int | None, _Port] = None,
    postgres_port: Annotated[int | None, _Port] = None,
    gateway_port: Annotated[int | None, _Port] = None,
    visualizer_port: Annotated[int | None, _Port] = None,
    flink_rest_port: Annotated[int | None, _Port] = None,
    name: StackName = "default",
) -> None:
    """Start the embedded stack in the background: servers, the Flink job and the other components.

    The visualizer's address is for a browser.
    """
    settings = StackSettings(
        name=name,
        parallelism=parallelism,
        delivery=delivery,
        checkpoint_interval_ms=checkpoint_interval_ms,
        kafka_port=kafka_port,
        valkey_port=valkey_port,
        postgres_port=postgres_port,
        gateway_port=gateway_port,
        visualizer_port=visualizer_port,
        flink_rest_port=flink_rest_port,
    )
    with steps_on(Console()) as steps:
        endpoints = spawn_detached(settings, steps)
    output.facts(_addresses(endpoints))


def down(*, name: StackName = "default") -> None:
    """Stop the stack; its data stays."""
    if stop_running(StackSettings(name=name)):
        output.say(f"stack `{name}` is stopped; its data stays until `cardwatch clean`")
    else:
        output.say(f"stack `{name}` does not run")


def status(*, as_json: Json = False, name: StackName = "default") -> None:
    """Show the servers of a stack. Exit status 1 if it does not run."""
    state = running_state(StackSettings(name=name))
    if state is None:
        if as_json:
            output.say_json({"name": name, "status": "stopped"})
        else:
            output.say(f"stack `{name}` does not run")
        raise typer.Exit(1)
    services = [_row(service, state) for service in state.services]
    if as_json:
        output.say_json(
            {
                "status": state.status,
                "name": name,
                "services": services,
                "endpoints": state.endpoints,
                "versions": state.versions,
            }
        )
        return
    output.say(f"stack `{name}` is {state.status}, held by process {state.pid}")
    output.table(
        ("service", "state", "port:right", "pid:right", "since (UTC)", "restarts:right"),
        (["–" if cell is None else cell for cell in service.values()] for service in services),
    )
    if state.endpoints is not None:
        output.facts(_addresses(state.endpoints))


def logs(
    *,
    service: Annotated[str | None, typer.Argument(metavar="[SERVICE]")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Wait for more.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="So many last lines.")] = 50,
    name: StackName = "default",
) -> None:
    """Show the end of the logs of one service, or of all."""
    settings = StackSettings(name=name)
    files = log_files(settings.logs_dir)
    if service is not None and service not in files:
        there = ", ".join(files) or "none yet"
        raise StackError(f"no log of {service!r} in stack `{name}`; there is {there}")
    wanted = {service: files[service]} if service else files
    if not wanted:
        raise StackError(f"stack `{name}` has no logs: it was never started, or was cleaned")
    show_logs(wanted, lines=lines, write=output.say)
    if follow:
        follow_logs(wanted, write=output.say)


def clean(
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    keep_jars: Annotated[
        bool, typer.Option("--keep-jars", help="Keep the downloaded servers.")
    ] = False,
) -> None:
    """Remove the data, logs and downloaded jars of every stack. Refused while one runs."""
    settings = StackSettings()
    folders = {settings.home / "stacks": stack_names(settings.home)}
    if not keep_jars:
        folders[settings.jars_dir] = []
    there = {folder: names for folder, names in folders.items() if folder.exists()}
    if not there:
        output.say(f"nothing to remove in {settings.home}")
        return
    for folder, names in there.items():
        what = f" (stacks {', '.join(names)})" if names else ""
        output.say(f"{folder}{what}: {_size(folder) / 1e6:,.0f} MB")
    if not yes and not typer.confirm("Remove this?"):
        raise typer.Exit(1)
    clean_home(settings, jars=not keep_jars)
    output.say("removed")


def _row(service: ServiceState, state: StackState) -> dict[str, Any]:
    return {
        "service": service.name,
        "state": service.status,
        "port": _port(service.name, state.endpoints),
        "pid": service.pid,
        "since": _since(service.pid),
        "restarts": service.restarts,
    }


def _port(service: str, endpoints: Endpoints | None) -> int | None:
    """Return the port that clients use; the others have none."""
    if endpoints is None:
        return None
    addresses = {
        "kafka": endpoints.bootstrap_servers,
        "valkey": endpoints.valkey_url,
        "jobmanager": endpoints.flink_url or "",
        "postgres": endpoints.database_url or "",
        "gateway": endpoints.gateway_url,
        "visualizer": endpoints.visualizer_url,
    }
    port = addresses.get(service, "").rpartition(":")[2].partition("/")[0]
    return int(port) if port else None


def _since(pid: int | None) -> str | None:
    if pid is None:
        return None
    try:
        began_s = psutil.Process(pid).create_time()
    except psutil.Error:
        return None
    return f"{datetime.fromtimestamp(began_s, UTC):%Y-%m-%d %H:%M:%S}"


def _addresses(endpoints: Endpoints) -> list[tuple[str, str]]:
    return [
        ("Kafka", endpoints.bootstrap_servers),
        ("Valkey", endpoints.valkey_url),
        ("PostgreSQL", endpoints.database_url or "–"),
        ("gateway", endpoints.gateway_url or "–"),
        ("visualizer", endpoints.visualizer_url or "–"),
        ("Flink", endpoints.flink_url or "–"),
    ]


def _size(folder: Any) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*"))
