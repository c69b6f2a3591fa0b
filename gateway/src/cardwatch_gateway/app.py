"""The routes, and what they lead to."""

from collections.abc import Awaitable, Callable
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.websockets import WebSocket

from cardwatch_gateway import asking, described, openapi
from cardwatch_gateway.docs_page import add_docs_page
from cardwatch_gateway.failures import problem_of
from cardwatch_gateway.gate import answer, problem_answer
from cardwatch_gateway.posting import post_transactions
from cardwatch_gateway.problems import ProblemError
from cardwatch_gateway.services import Services
from cardwatch_gateway.streaming import stream_events, stream_messages

Handler = Callable[[Request, Services], Awaitable[Response]]
_STREAM = "/v1/alerts/stream"


def build_app(services: Callable[[], Services]) -> FastAPI:
    """Return the application; `services` gives what is open while it runs."""
    application = FastAPI(docs_url=None, redoc_url=None, redirect_slashes=False)

    def route(method: str, path: str, name: str, handler: Handler, **more: Any) -> None:
        async def endpoint(request: Request) -> Response:
            return await answered(handler, request, services())

        application.add_api_route(
            path,
            endpoint,
            methods=[method],
            name=name,
            operation_id=name,
            tags=[path.split("/")[2]] if path.startswith("/v1/") else None,
            summary=(handler.__doc__ or "").splitlines()[0].rstrip("."),
            response_class=Response,
            **more,
        )

    posting = {**described.POST_TRANSACTIONS, "status_code": 202}
    route("POST", "/v1/transactions", "post_transactions", post_transactions, **posting)
    route("POST", "/transaction", "post_transaction", post_transactions, include_in_schema=False)
    # Before the alert of any id.
    route("GET", _STREAM, "stream_alerts", stream_events, **described.GET_STREAM)
    route("GET", "/v1/alerts", "list_alerts", asking.get_alerts, **described.GET_ALERTS)
    route("GET", "/v1/alerts/{alert_id}", "get_alert", asking.get_alert, **described.GET_ALERT)
    route(
        *("POST", "/v1/alerts/{alert_id}/feedback", "give_feedback"),
        asking.post_feedback,
        status_code=202,
        **described.POST_FEEDBACK,
    )
    route(
        *("GET", "/v1/transactions/{transaction_id}/explain", "explain_transaction"),
        asking.get_explanation,
        **described.GET_EXPLANATION,
    )
    route("GET", "/healthz", "healthz", _healthz, include_in_schema=False)
    route("GET", "/readyz", "readyz", _readyz, include_in_schema=False)

    @application.websocket(_STREAM)
    async def _stream(socket: WebSocket) -> None:
        await stream_messages(socket, services())

    add_docs_page(application)
    application.add_exception_handler(HTTPException, _http_problem)
    application.openapi = _described(application)  # type: ignore[method-assign] # FastAPI's own way
    return application


async def answered(handler: Handler, request: Request, services: Services) -> Response:
    """Let a handler answer, and answer problems."""
    try:
        return await handler(request, services)
    except Exception as error:
        problem = problem_of(error, services.metrics)
        # Who has gone reads no answer.
        return Response(status_code=400) if problem is None else problem_answer(problem)


async def _healthz(_: Request, services: Services) -> Response:
    """Answer as long as there is hope for this process."""
    if services.sender.fatal:
        return answer({"alive": False, "why": services.sender.fatal}, 503)
    return answer({"alive": True})


async def _readyz(_: Request, services: Services) -> Response:
    """Answer whether transactions can be taken, and why not."""
    reasons = services.not_ready()
    return answer({"ready": not reasons, "why": reasons}, 503 if reasons else 200)


async def _http_problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException), "it is registered for these"
    words = {404: "there is nothing here: /docs describes what there is", 405: "not allowed here"}
    problem = ProblemError(
        error.status_code,
        {404: "not-found", 405: "method"}.get(error.status_code, "http"),
        words.get(error.status_code, "the request cannot be answered"),
        headers=error.headers,
    )
    return problem_answer(problem)


def _described(application: FastAPI) -> Callable[[], dict[str, Any]]:
    def spec() -> dict[str, Any]:
        if application.openapi_schema is None:
            application.openapi_schema = openapi.described(application, version("cardwatch"))
        return application.openapi_schema

    return spec
