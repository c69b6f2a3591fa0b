"""Transactions in, without the application's layers: these cost more than taking one does."""

from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Final, NamedTuple

from starlette.types import Receive, Scope

from cardwatch_gateway.edge import STOPPING
from cardwatch_gateway.failures import problem_of
from cardwatch_gateway.metrics import GatewayMetrics
from cardwatch_gateway.posting import Posted, take_posted
from cardwatch_gateway.problems import PROBLEM_JSON, ProblemError
from cardwatch_gateway.services import Services

PATHS: Final = ("/v1/transactions", "/transaction")
_JSON: Final = "application/json"


class Reply(NamedTuple):
    """What is answered."""

    status: int
    media_type: str
    body: bytes
    headers: Mapping[str, str]


_NO_HEADERS: Final[Mapping[str, str]] = {}


class DirectPost:
    """Answers requests that bring transactions as the application would.

    Args:
        metrics: what is counted.
        services: gives what is open while the gateway runs.
    """

    def __init__(self, metrics: GatewayMetrics, services: Callable[[], Services]) -> None:
        self._metrics = metrics
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, body: bytes | None) -> Reply | None:
        """Return what is answered; None: who asked has gone.

        Args:
            scope: the request, by ASGI.
            receive: gives the body.
            body: the body where it has come already.
        """
        began_s = perf_counter()
        reply = await self._reply(scope, receive, body)
        status = 400 if reply is None else reply.status
        self._metrics.note_request(scope["path"], status, perf_counter() - began_s)
        return reply

    async def _reply(self, scope: Scope, receive: Receive, body: bytes | None) -> Reply | None:
        services = self._services()
        try:
            if services.draining:
                self._metrics.note_rejected(STOPPING.code)
                return _refused(STOPPING)
            posted = Posted(_headers(scope), scope["query_string"], receive, body)
            done = await take_posted(posted, services)
        except Exception as error:
            problem = problem_of(error, self._metrics)
            return None if problem is None else _refused(problem)
        return Reply(done.status, _JSON, done.body, _NO_HEADERS)


def _headers(scope: Scope) -> dict[str, str]:
    """Return the headers by their names; of one that comes twice the first counts."""
    given = reversed(scope["headers"])
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in given}


def _refused(problem: ProblemError) -> Reply:
    return Reply(problem.status, PROBLEM_JSON, problem.body(), problem.headers)
