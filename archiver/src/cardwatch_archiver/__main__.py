"""Runs the archiver: `python -m cardwatch_archiver --help`."""

import logging
import os
import signal
import sys
from threading import Event

from cardwatch_archiver.assembly import assemble
from cardwatch_archiver.metrics import ArchiverMetrics
from cardwatch_archiver.parts import Parts
from cardwatch_archiver.settings import ArchiverSettings, parse_settings
from cardwatch_archiver.tracing import SERVICE
from cardwatch_contracts.logs import write_logs
from cardwatch_contracts.prometheus import serve
from cardwatch_contracts.span_export import Exporter, exporter_of

_log = logging.getLogger("cardwatch_archiver")


def main() -> int:
    """Run until SIGTERM or SIGINT; return the exit status."""
    settings = parse_settings()
    try:
        write_logs(os.environ)
        exporter = exporter_of(os.environ, service=SERVICE)
    except ValueError as error:
        sys.exit(f"cardwatch_archiver: {error}")
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        if not _archive(settings, stop, exporter):
            return 1
    finally:
        if exporter is not None:
            exporter.close()
    _log.info("stopped")
    return 0


def _archive(settings: ArchiverSettings, stop: Event, exporter: Exporter | None) -> bool:
    metrics = ArchiverMetrics(exporter)
    if settings.metrics_port is not None:
        serve(settings.metrics_port, metrics.registry)
    with assemble(settings, stop=stop, metrics=metrics, exporter=exporter) as parts:
        return Parts(parts, stop=stop, metrics=metrics).run()


if __name__ == "__main__":
    sys.exit(main())
