"""gunicorn and its workers."""

import gc
import logging
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger
from gunicorn.http.errors import ParseException
from gunicorn.util import write_error
from gunicorn.workers.gthread import ThreadWorker

from cardwatch_contracts.logs import place_of
from cardwatch_visualizer.auth.gate import session_key
from cardwatch_visualizer.auth.users import UsersFile
from cardwatch_visualizer.metrics import forget_values
from cardwatch_visualizer.settings import VisualizerSettings

_log = logging.getLogger(__name__)

_GRACE_S: Final = 5
_KEEP_ALIVE_S: Final = 15
_MAX_LINE: Final = 8_190


class OurLogger(Logger):  # type: ignore[misc] # gunicorn says nothing of its types
    """Writes gunicorn's words as all others are written."""

    def setup(self, cfg: Any) -> None:
        """Leave them to the process's own log."""
        super().setup(cfg)
        for log in (self.error_log, self.access_log):
            log.handlers.clear()
            log.propagate = True


class OurWorker(ThreadWorker):  # type: ignore[misc] # gunicorn says nothing of its types
    """Repeats nothing of a request that cannot be read: gunicorn answers and logs parts of it."""

    def handle_error(self, _request: Any, client: socket.socket, _address: Any, error: Any) -> None:
        """Answer that it is bad, or that something went wrong here."""
        status, reason = 500, "Internal Server Error"
        if isinstance(error, ParseException):
            status, reason = 400, "Bad Request"
        self.log.warning("answered %d: %s%s", status, type(error).__name__, place_of(error))
        with suppress(OSError):
            write_error(client, status, reason, "")


class WebServer(BaseApplication):  # type: ignore[misc] # gunicorn says nothing of its types
    """Answers browsers, in several processes.

    Args:
        settings: where, and how many.

    Raises:
        ValueError: the session key or the users file cannot be used.
    """

    def __init__(self, settings: VisualizerSettings) -> None:
        self._settings = settings
        # Before workers are made, so that they have the same, and a bad file is said once.
        self._key = session_key(settings.session_key_file)
        if settings.users_file is not None:
            UsersFile(settings.users_file)
        self._worker: Any = None
        super().__init__()

    def load_config(self) -> None:
        """Set what gunicorn is to do."""
        settings = self._settings
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        for name, value in {
            "bind": f"{host}:{settings.port}",
            "workers": settings.workers,
            "worker_class": OurWorker,
            "threads": settings.threads,
            "timeout": 60,
            "graceful_timeout": _GRACE_S,
            "keepalive": _KEEP_ALIVE_S,
            "limit_request_line": _MAX_LINE,
            "worker_tmp_dir": None,
            "control_socket_disable": True,
            "loglevel": "warning",
            "logger_class": OurLogger,
            "when_ready": _say_where,
            "post_worker_init": self._remember,
            "child_exit": _forget_values,
            "proc_name": "cardwatch-visualizer",
        }.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def run(self) -> None:
        """Answer until the process is asked to end."""
        _load_code()
        super().run()

    def load(self) -> Callable[..., Any]:
        """Return a worker's application; called in the worker."""
        from cardwatch_visualizer.app import build_app  # noqa: PLC0415
        from cardwatch_visualizer.services import open_services  # noqa: PLC0415

        services = open_services(self._settings)
        server = build_app(self._settings, services, key=self._key, ended=self._ended)
        # With its first request Dash finds out what it has to serve: not while somebody waits.
        server.test_client().get("/healthz")
        return server

    def _remember(self, worker: Any) -> None:
        self._worker = worker

    def _ended(self) -> bool:
        return self._worker is not None and not self._worker.alive


def _load_code() -> None:
    """Load what workers run, once for all of them: seconds of work on a busy machine.

    A worker whose start takes longer than gunicorn's timeout is killed, and the next one starts
    as slowly. Nothing of it opens a connection or starts a thread, which a fork would not take
    along; the collector, which needs little of it, is a process of its own.
    """
    from cardwatch_visualizer import app, services  # noqa: F401, PLC0415 # loaded is all

    gc.collect()
    gc.freeze()  # else each worker's first collection would copy what they share


def _say_where(arbiter: Any) -> None:
    for listener in arbiter.LISTENERS:
        if listener.sock.family in (socket.AF_INET, socket.AF_INET6):
            host, port = listener.sock.getsockname()[:2]
            shown = f"[{host}]" if ":" in host else host
            _log.info("listening at http://%s:%d", shown, port)


def _forget_values(_: Any, worker: Any) -> None:
    forget_values(worker.pid, os.environ)
