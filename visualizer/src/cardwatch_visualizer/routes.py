"""What is answered beside pages: events, health, exports."""

import logging
import time
from collections.abc import Callable
from threading import BoundedSemaphore
from typing import Final

from flask import Flask, Response, g, jsonify, request
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as BaseResponse

from cardwatch_contracts.logs import place_of
from cardwatch_visualizer.archive.connection import ArchiveAwayError
from cardwatch_visualizer.archive.filters import InvalidFilterError
from cardwatch_visualizer.archive.questions import MOST_EXPORTED, alerts
from cardwatch_visualizer.auth.gate import identity
from cardwatch_visualizer.live.reading import now_ms
from cardwatch_visualizer.live.store import StoreAwayError
from cardwatch_visualizer.live.stream import EventStream
from cardwatch_visualizer.security import HEADERS
from cardwatch_visualizer.services import Services
from cardwatch_visualizer.views.exports import FORMATS, encode_rows
from cardwatch_visualizer.views.links import filter_of

_log = logging.getLogger(__name__)

_STALE_MS: Final = 30_000


def add_routes(server: Flask, services: Services, *, ended: Callable[[], bool]) -> None:
    """Add the routes; `ended` says whether this process stops."""
    streams = BoundedSemaphore(services.settings.max_streams)

    @server.get("/live/events")
    def events() -> Response:
        """Answer with what happens now, for as long as the browser reads it."""
        if not streams.acquire(blocking=False):
            said = "too many pages follow here: another worker may have room\n"
            return Response(said, 503, {"Retry-After": "2"}, mimetype="text/plain")
        services.metrics.stream_clients.inc()
        stream = EventStream(
            services.ticks,
            last=request.headers.get("Last-Event-ID") or request.args.get("since"),
            ended=ended,
            heartbeat_s=services.settings.heartbeat_s,
        )
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        response = Response(iter(stream), headers=headers, mimetype="text/event-stream")

        def leave() -> None:
            services.metrics.stream_clients.dec()
            streams.release()

        response.call_on_close(leave)
        return response

    @server.get("/healthz")
    def healthz() -> Response:
        """Answer as long as this process works."""
        return jsonify({"alive": True})

    @server.get("/readyz")
    def readyz() -> tuple[Response, int]:
        """Answer whether pages can be shown, and what of them is stale."""
        try:
            snapshot = services.ticks.snapshot()
        except StoreAwayError as error:
            return jsonify({"ready": False, "why": [f"Valkey does not answer: {error}"]}), 503
        why = []
        if snapshot is None:
            why.append("the collector has not written anything yet")
        elif (age_ms := now_ms() - int(snapshot.id.partition("-")[0])) > _STALE_MS:
            why.append(f"the collector wrote last {age_ms / 1000:.0f} s ago")
        return jsonify({"ready": True, "why": why}), 200

    @server.get("/review/export.<suffix>")
    def export(suffix: str) -> Response:
        """Answer with the alerts that a filter selects, as a file."""
        if suffix not in FORMATS:
            return _refused(404, f"allowed: {', '.join(FORMATS)}")
        if not identity().may_answer:
            return _refused(403, "analysts alone may export")
        try:
            wanted = filter_of(request.args, now_ms())
            rows = alerts(services.archive, wanted, limit=MOST_EXPORTED)[:MOST_EXPORTED]
        except InvalidFilterError as error:
            return _refused(422, str(error))
        except ArchiveAwayError as error:
            return _refused(503, str(error))
        name = f'attachment; filename="alerts.{suffix}"'
        _log.info("%d alerts were exported as %s", len(rows), suffix)
        return Response(
            encode_rows(rows, suffix),
            headers={"Content-Disposition": name, "Cache-Control": "no-store"},
            mimetype=FORMATS[suffix],
        )


def add_edge(server: Flask, services: Services, policy: Callable[[], str]) -> None:
    """Count what is answered, add the headers, and let no error out as it is."""

    @server.before_request
    def begin() -> None:
        g.began_s = time.perf_counter()

    @server.after_request
    def finish(response: Response) -> Response:
        response.headers.update(HEADERS)
        response.headers["Content-Security-Policy"] = policy()
        if response.mimetype in ("text/html", "application/json"):
            response.headers.setdefault("Cache-Control", "no-store")
        route = request.url_rule.rule if request.url_rule is not None else "none"
        seconds = time.perf_counter() - g.get("began_s", time.perf_counter())
        services.metrics.note_request(route, response.status_code, seconds)
        return response

    @server.errorhandler(Exception)
    def failed(error: Exception) -> BaseResponse:
        if isinstance(error, HTTPException):
            return error.get_response()
        # What it says could repeat what was sent: its kind and place must do.
        _log.error("a request failed: %s%s", type(error).__name__, place_of(error))
        return _refused(500, "something went wrong here")


def _refused(status: int, why: str) -> Response:
    return Response(f"{why}\n", status, mimetype="text/plain")
