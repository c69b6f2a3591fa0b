"""The outermost layer: counts what is answered, and lets no error out but as a problem."""

import logging
from collections.abc import Callable
from time import perf_counter
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cardwatch_contracts.logs import place_of
from cardwatch_gateway.gate import problem_answer
from cardwatch_gateway.metrics import GatewayMetrics
from cardwatch_gateway.problems import unavailable

_log = logging.getLogger(__name__)

_UNROUTED: Final = "none"
STOPPING: Final = unavailable("stopping", "this gateway stops; another takes over")
_PROBES: Final = frozenset({"/healthz", "/readyz"})


class Edge:
    """Wraps an application.

    Args:
        application: what answers.
        metrics: what is counted.
        draining: whether nothing more is to be taken.
    """

    def __init__(
        self,
        application: ASGIApp,
        metrics: GatewayMetrics,
        draining: Callable[[], bool],
    ) -> None:
        self._application = application
        self._metrics = metrics
        self._draining = draining

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        began_s = perf_counter()

        async def noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._note(scope, message["status"], perf_counter() - began_s)
            await send(message)

        try:
            if self._draining() and scope["path"] not in _PROBES:
                self._metrics.note_rejected(STOPPING.code)
                await problem_answer(STOPPING)(scope, receive, noted)
                return
            await self._application(scope, receive, noted)
        except TimeoutError:
            # A client of a stream that reads nothing: its connection is cut.
            self._metrics.let_go.labels("slow").inc()
            raise _CutError from None
        except Exception as error:
            # What it says could repeat what was sent: its kind and place must do.
            _log.error("an answer failed: %s%s", type(error).__name__, place_of(error))
            raise _CutError from None

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        route = scope.get("route")
        path = getattr(route, "path", _UNROUTED)
        self._metrics.note_request(path, status, seconds)


class _CutError(Exception):
    """The connection is to be cut: the server does so when an application fails."""
