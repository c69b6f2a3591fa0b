"""The command line: `python -m benchmarks COMMAND`."""

import signal
import sys
from collections.abc import Callable, Sequence
from typing import Any

import typer
from confluent_kafka import KafkaException

from benchmarks.commands import (
    beside_generator,
    config_changes,
    full,
    gateway,
    growth,
    hot_update,
    latency,
    models,
    scorecard,
    soak,
    sustained,
    throughput,
    tracing,
)
from benchmarks.errors import BenchError
from cardwatch_generator.publish import PublishError
from cardwatch_local.errors import StackError

app = typer.Typer(
    name="python -m benchmarks",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


def _register(command: Callable[..., Any], examples: Sequence[str]) -> None:
    """Add a command whose help ends with examples, their line breaks kept."""
    lines = "\n".join(f"  {example}" for example in examples)
    name = command.__name__.replace("_", "-")
    app.command(name, help=f"{command.__doc__}\n\n\b\nExamples:\n{lines}")(command)


_register(throughput.throughput, throughput.EXAMPLES)
_register(sustained.sustained, sustained.EXAMPLES)
_register(latency.latency, latency.EXAMPLES)
_register(hot_update.hot_update, hot_update.EXAMPLES)
_register(beside_generator.beside_generator, beside_generator.EXAMPLES)
_register(tracing.tracing, tracing.EXAMPLES)
_register(gateway.gateway, gateway.EXAMPLES)
_register(soak.soak, soak.EXAMPLES)
_register(growth.growth, growth.EXAMPLES)
_register(config_changes.config_changes, config_changes.EXAMPLES)
_register(models.models, models.EXAMPLES)
_register(full.full, full.EXAMPLES)
_register(scorecard.scorecard, scorecard.EXAMPLES)


@app.callback()
def benchmarks() -> None:
    """Measure Cardwatch's job and what it is compared with, on this machine."""


def main() -> None:
    """Run the command line; what goes wrong is one message on stderr and exit status 1 or 2."""
    # Whoever started this may ignore Ctrl-C, and SIGTERM would end it without stopping anything.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        app()
    except (BenchError, PublishError, StackError, OSError, ValueError) as error:
        sys.stderr.write(f"benchmarks: {str(error) or type(error).__name__}\n")
        sys.exit(1)
    except KafkaException as error:
        sys.stderr.write(f"benchmarks: Kafka: {error.args[0].str()}\n")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
