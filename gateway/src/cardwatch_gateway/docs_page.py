"""The page that describes the interface; all it loads comes from here, and from no other host."""

from collections.abc import Awaitable, Callable
from importlib.resources import files
from pathlib import Path
from typing import Final

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import FileResponse, Response

_FOLDER: Final = Path(str(files("fastapi_offline"))) / "static"
_SCRIPT: Final = "swagger-ui-bundle.js"
_STYLE: Final = "swagger-ui.css"
_START: Final = """\
"use strict";
SwaggerUIBundle({url: "openapi.json", dom_id: "#page", deepLinking: true, validatorUrl: null});
"""
_PAGE: Final = f"""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Cardwatch gateway</title>
<link rel="stylesheet" href="docs/{_STYLE}">
<link rel="icon" href="data:,">
</head>
<body>
<div id="page"></div>
<script src="docs/{_SCRIPT}"></script>
<script src="docs/start.js"></script>
</body>
</html>
"""
# Swagger UI sets styles in elements, and has its pictures in the style sheet.
_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def add_docs_page(application: FastAPI) -> None:
    """Serve the page at `/docs`, and below it what it loads."""

    async def page(_: Request) -> Response:
        return Response(_PAGE, headers=_HEADERS, media_type="text/html")

    async def start(_: Request) -> Response:
        return Response(_START, headers=_HEADERS, media_type="text/javascript")

    for path, answer in (
        ("/docs", page),
        ("/docs/start.js", start),
        (f"/docs/{_SCRIPT}", _file(_SCRIPT)),
        (f"/docs/{_STYLE}", _file(_STYLE)),
    ):
        application.add_api_route(path, answer, include_in_schema=False, response_class=Response)


def _file(name: str) -> Callable[[Request], Awaitable[Response]]:
    async def answer(_: Request) -> Response:
        return FileResponse(_FOLDER / name, headers=_HEADERS)

    return answer
