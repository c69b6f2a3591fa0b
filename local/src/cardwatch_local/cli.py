"""The command line `cardwatch`: which commands there are, and how they end."""

import os
import sys
from collections.abc import Callable, Sequence
from functools import wraps
from importlib.metadata import version
from typing import Annotated, Any

import typer
from confluent_kafka import KafkaException

from cardwatch_local.commands import (
    alerts,
    ask,
    cards,
    config_history,
    configs,
    demo,
    erase,
    explain,
    export,
    generate,
    init_db,
    model,
    model_list,
    model_profiles,
    model_run,
    model_versions,
    replay,
    stack,
    trace,
    train,
)
from cardwatch_local.errors import StackError

app = typer.Typer(
    name="cardwatch",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


models = typer.Typer(no_args_is_help=True, help="Trained models, here and in the job.")


def _register(
    command: Callable[..., Any],
    examples: Sequence[str],
    panel: str | None = None,
    *,
    group: typer.Typer = app,
    name: str | None = None,
) -> None:
    """Add a command whose help ends with examples, their line breaks kept."""
    lines = "\n".join(f"  {example}" for example in examples).replace("[", "\\[")
    text = f"{command.__doc__}\n\n\b\nExamples:\n{lines}"
    group.command(name or command.__name__, help=text, rich_help_panel=panel)(
        _quiet_in_a_closed_pipe(command)
    )


def _quiet_in_a_closed_pipe(command: Callable[..., Any]) -> Callable[..., Any]:
    """End with status 0 when whoever reads our output, such as `head`, has enough."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except BrokenPipeError:
            # Python must not try to flush what is left.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(0) from None

    return run


_SEE = "See it work"
_STACK = "The embedded stack"
_FEED = "Transactions in"
_LOOK = "What was found"
_KEEP = "The archive"
_TUNE = "Thresholds"
_TEACH = "Learned scoring"

_register(demo.demo, demo.EXAMPLES, _SEE)
_register(stack.up, stack.UP_EXAMPLES, _STACK)
_register(stack.down, stack.DOWN_EXAMPLES, _STACK)
_register(stack.status, stack.STATUS_EXAMPLES, _STACK)
_register(stack.logs, stack.LOGS_EXAMPLES, _STACK)
_register(stack.clean, stack.CLEAN_EXAMPLES, _STACK)
_register(generate.generate, generate.EXAMPLES, _FEED)
_register(replay.replay, replay.EXAMPLES, _FEED)
_register(alerts.alerts, alerts.EXAMPLES, _LOOK)
_register(explain.explain, explain.EXAMPLES, _LOOK)
_register(trace.trace, trace.EXAMPLES, _LOOK)
_register(cards.cards, cards.EXAMPLES, _LOOK)
_register(ask.ask, ask.EXAMPLES, _KEEP)
_register(export.export, export.EXAMPLES, _KEEP)
_register(erase.erase, erase.EXAMPLES, _KEEP)
_register(init_db.init_db, init_db.EXAMPLES, _KEEP, name="init-db")
_register(configs.apply, configs.APPLY_EXAMPLES, _TUNE)
_register(configs.get, configs.GET_EXAMPLES, _TUNE)
_register(configs.diff, configs.DIFF_EXAMPLES, _TUNE)
_register(config_history.history, config_history.HISTORY_EXAMPLES, _TUNE)
_register(config_history.rollback, config_history.ROLLBACK_EXAMPLES, _TUNE)
_register(config_history.delete, config_history.DELETE_EXAMPLES, _TUNE)
_register(train.train, train.EXAMPLES, _TEACH)
_register(model_list.list_models, model_list.EXAMPLES, group=models, name="list")
_register(model_versions.publish, model_versions.PUBLISH_EXAMPLES, group=models)
_register(model_versions.promote, model_versions.PROMOTE_EXAMPLES, group=models)
_register(model_versions.reset, model_versions.RESET_EXAMPLES, group=models)
_register(model.stats, model.STATS_EXAMPLES, group=models)
_register(model_profiles.init_profiles, model_profiles.EXAMPLES, group=models, name="init-profiles")
_register(model.run, model.RUN_EXAMPLES, group=models)
_register(model_run.run_enhanced, model_run.EXAMPLES, group=models, name="run-enhanced")
app.add_typer(models, name="model", rich_help_panel=_TEACH)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"cardwatch {version('cardwatch')}")
        raise typer.Exit


@app.callback()
def cardwatch(
    *,
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Find suspicious payment-card transactions in a live stream, and say why."""


def main() -> None:
    """Run the command line; what goes wrong is one message on stderr and exit status 1 or 2."""
    try:
        app()
    except (StackError, OSError) as error:
        _complain(str(error))
    except KafkaException as error:
        _complain(f"Kafka: {error.args[0].str()}")
    except KeyboardInterrupt:
        sys.exit(130)


def _complain(message: str) -> None:
    sys.stderr.write(f"cardwatch: {message}\n")
    sys.exit(1)
