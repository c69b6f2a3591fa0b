"""The outermost layer: counts what is answered, and lets no error out but as a problem."""

import logging
from collections.abc import Callable
from time import perf_counter
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cardwatch_gateway.bodies import GoneError
from cardwatch_gateway.gate import problem_answer
from cardwatch_gateway.metrics import GatewayMetrics
from cardwatch_gateway.problems import ProblemError, unavailable

_log = logging.getLogger(__name__)

_UNROUTED: Final = "none"
_PROBES: Final = frozenset({"/healthz", "/readyz"})


class Edge:
    """Wraps an application.

    Args:
        application: what answers.
        metrics: what is counted.
        draining: whether nothing more is to be taken.
    """

    def __init__(
        self, application: ASGIApp, metrics: GatewayMetrics, draining: Callable[[], bool]
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
        started: int | None = None

        async def noted(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = message["status"]
                self._note(scope, started, perf_counter() - began_s)
            await send(message)

        try:
            if self._draining() and scope["path"] not in _PROBES:
                raise unavailable("stopping", "this gateway stops; another takes over", 1)
            await self._application(scope, receive, noted)
        except GoneError:
            self._metrics.note_rejected("gone")
        except ProblemError as problem:
            self._metrics.note_rejected(problem.code)
            await problem_answer(problem)(scope, receive, noted)
        except TimeoutError:
            if started is None:
                raise
            # A client of a stream that reads nothing: its connection is cut.
            self._metrics.let_go.labels("slow").inc()
            raise _CutError from None
        except Exception as error:
            # What it says could repeat what was sent: its kind and place must do.
            _log.error("a request failed: %s%s", type(error).__name__, _place(error))
            if started is not None:
                raise _CutError from None
            internal = ProblemError(500, "internal", "something went wrong here")
            await problem_answer(internal)(scope, receive, noted)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        route = scope.get("route")
        path = getattr(route, "path", _UNROUTED)
        self._metrics.note_request(path, status, seconds)


class _CutError(Exception):
    """The connection is to be cut: the server does so when an application fails."""


def _place(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return ""
    code = trace.tb_frame.f_code
    return f" at {code.co_filename.rpartition('/')[2]}:{trace.tb_lineno} in {code.co_name}"
