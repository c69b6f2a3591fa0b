"""Runs the gateway until it is told to stop."""

import gc
import logging
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from fastapi import FastAPI

from cardwatch_contracts.prometheus import serve
from cardwatch_contracts.span_export import Exporter
from cardwatch_gateway.app import build_app
from cardwatch_gateway.direct import DirectPost
from cardwatch_gateway.edge import Edge
from cardwatch_gateway.key_file import KeyFile
from cardwatch_gateway.metrics import GatewayMetrics
from cardwatch_gateway.protocol import bounded_protocol
from cardwatch_gateway.services import Services
from cardwatch_gateway.settings import GatewaySettings

_log = logging.getLogger(__name__)

_KEEP_ALIVE_S = 60
_MAX_MESSAGE_BYTES = 4_096
_COLLECT_AFTER = 20_000
"""Objects made and not yet freed."""


class GatewayServer(uvicorn.Server):
    """Lets those go who follow alerts before it waits for requests to end."""

    def __init__(self, config: uvicorn.Config, gateway: "Gateway") -> None:
        super().__init__(config)
        self._gateway = gateway

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop in order at a signal; that it came is no failure, so it is not raised again."""
        numbers = (signal.SIGTERM, signal.SIGINT)
        before = {number: signal.signal(number, self.handle_exit) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End: no more connections, requests answered, records flushed."""
        self._gateway.services.drain()
        await super().shutdown(sockets)


class Gateway:
    """One gateway process.

    Args:
        settings: what is set.
        keys: who may ask.
        exporter: takes spans; None: nobody does.
    """

    def __init__(self, settings: GatewaySettings, keys: KeyFile, exporter: Exporter | None) -> None:
        self._settings = settings
        self._keys = keys
        self._exporter = exporter
        self._metrics = GatewayMetrics(exporter)
        self._services: Services | None = None
        self._server: GatewayServer | None = None
        self._failed = False

    @property
    def services(self) -> Services:
        """What is open while it runs."""
        assert self._services is not None, "the server has started"
        return self._services

    def run(self) -> int:
        """Serve until SIGTERM or SIGINT; return the exit status.

        Raises:
            OSError: somebody else listens at a port.
        """
        settings = self._settings
        listener = _listen(settings.host, settings.port)
        if settings.metrics_port is not None:
            serve(settings.metrics_port, self._metrics.registry)
        application = build_app(lambda: self.services)
        application.router.lifespan_context = self._lifespan
        config = uvicorn.Config(
            Edge(application, self._metrics, lambda: self.services.draining),
            http=bounded_protocol(
                direct=DirectPost(self._metrics, lambda: self.services),
                header_timeout_s=settings.header_timeout_s,
                max_connections=settings.max_connections,
            ),
            loop="uvloop",
            lifespan="on",
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            backlog=1_024,
            timeout_keep_alive=_KEEP_ALIVE_S,
            timeout_graceful_shutdown=round(settings.drain_timeout_s),
            ws_max_size=_MAX_MESSAGE_BYTES,
            ws_per_message_deflate=False,
        )
        # What goes wrong in a request is said by the edge, without what the request held.
        logging.getLogger("uvicorn.error").addFilter(_without_traceback)
        host, port = listener.getsockname()[:2]
        _log.info("listening at http://%s:%d", f"[{host}]" if ":" in host else host, port)
        self._server = GatewayServer(config, self)
        self._server.run(sockets=[listener])
        return 1 if self._failed else 0

    @asynccontextmanager
    async def _lifespan(self, _: FastAPI) -> AsyncIterator[None]:
        self._services = Services(
            self._settings,
            self._keys,
            exporter=self._exporter,
            metrics=self._metrics,
            on_fatal=self._give_up,
        )
        await self._services.open()
        _spare_the_collector()
        try:
            yield
        finally:
            await self._services.close()

    def _give_up(self, why: str) -> None:
        _log.error("Kafka's client has given up, so does this gateway: %s", why)
        self._failed = True
        if self._server is not None:
            self._server.should_exit = True


def _spare_the_collector() -> None:
    """Let the garbage collector look seldom: requests leave hardly any cycles, but much to look at.

    It took a fifteenth of all time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise OSError(f"{host}:{port}: {error.strerror}") from None
    return listener


def _without_traceback(record: logging.LogRecord) -> bool:
    """Drop what uvicorn says of an application that failed: it shows values of the request."""
    return record.exc_info is None
