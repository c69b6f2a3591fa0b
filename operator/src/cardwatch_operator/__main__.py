"""Starts the operator: `python -m cardwatch_operator`."""

import logging
import os
import sys

import kopf
from lightkube import ConfigError

from cardwatch_contracts.logs import JsonFormatter, wants_json
from cardwatch_contracts.span_export import exporter_of
from cardwatch_operator.handlers import register
from cardwatch_operator.settings import SERVICE, OperatorSettings


def main() -> None:
    """Run until a signal ends it; a wrong setting ends it with a sentence."""
    try:
        settings = OperatorSettings.from_environment()
        exporter = exporter_of(os.environ, service=SERVICE)
        as_json = wants_json(os.environ)
    except ValueError as error:
        sys.exit(f"cardwatch_operator: {error}")
    kopf.configure(verbose=False)
    if as_json:
        for handler in logging.getLogger().handlers:
            handler.setFormatter(JsonFormatter())
    for every_request in ("httpx2", "aiohttp.access", "kopf.activities.probe"):
        logging.getLogger(every_request).setLevel(logging.WARNING)
    registry = kopf.OperatorRegistry()
    try:
        register(registry, settings, exporter)
    except ConfigError as error:
        sys.exit(f"cardwatch_operator: no way to a Kubernetes API is configured: {error}")
    kopf.run(
        registry=registry,
        standalone=True,  # a Lease says which of several operators acts
        # Else kopf asks for the user's name, and a container's user has none.
        identity=settings.identity,  # type: ignore[arg-type]
        clusterwide=not settings.namespace,
        namespaces=[settings.namespace] if settings.namespace else [],
        liveness_endpoint=f"http://0.0.0.0:{settings.health_port}/healthz",
    )


if __name__ == "__main__":
    main()
