"""Runs the visualizer: `python -m cardwatch_visualizer --help`."""

import getpass
import logging
import os
import signal
import sys
from threading import Event

from cardwatch_contracts.logs import write_logs
from cardwatch_contracts.span_export import exporter_of
from cardwatch_visualizer.auth.users import new_user
from cardwatch_visualizer.command_line import NewUser, parse_command
from cardwatch_visualizer.settings import VisualizerSettings
from cardwatch_visualizer.supervise import run_parts

_log = logging.getLogger("cardwatch_visualizer")

_BAD_SETTINGS = 2


def main() -> int:
    """Run until SIGTERM or SIGINT, or make a user's entry; return the exit status."""
    command = parse_command()
    try:
        if isinstance(command, NewUser):
            return _make_new_user(command)
        write_logs(os.environ)
        if command.part == "collector":
            return _collect(command.settings)
        if command.part == "web":
            return _serve(command.settings)
        if command.settings.login == "none":
            _log.warning("--no-login: whoever reaches %s may do everything", command.settings.host)
        return run_parts(sys.argv[1:], command.settings.metrics_port)
    except (OSError, ValueError) as error:
        sys.stderr.write(f"cardwatch_visualizer: {error}\n")
        return _BAD_SETTINGS


def _collect(settings: VisualizerSettings) -> int:
    # Here and below, because each part loads only what it needs.
    from cardwatch_visualizer.live.collector import Collector  # noqa: PLC0415
    from cardwatch_visualizer.live.tracing import SERVICE  # noqa: PLC0415
    from cardwatch_visualizer.metrics import CollectorMetrics  # noqa: PLC0415

    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    exporter = exporter_of(os.environ, service=SERVICE)
    try:
        Collector(settings, stop, CollectorMetrics(), exporter).run()
    finally:
        if exporter is not None:
            exporter.close()
    _log.info("the collector has stopped")
    return 0


def _serve(settings: VisualizerSettings) -> int:
    from cardwatch_visualizer.web import WebServer  # noqa: PLC0415

    WebServer(settings).run()
    return 0


def _make_new_user(command: NewUser) -> int:
    password = _asked() if command.password_file is None else command.password_file.read_text()
    entry = new_user(command.name, command.role, password.rstrip("\n")).decode()
    if command.output is not None:
        command.output.touch(mode=0o600)
        command.output.write_text(f'{{"users": [{entry}]}}\n')
        return 0
    sys.stdout.write('Its entry, for the list of the users file, {"users": [...]}:\n\n')
    sys.stdout.write(f"{entry}\n")
    return 0


def _asked() -> str:
    password = getpass.getpass("Password, 12 characters or more: ")
    if getpass.getpass("Once more: ") != password:
        raise ValueError("the passwords differ")
    return password


if __name__ == "__main__":
    sys.exit(main())
