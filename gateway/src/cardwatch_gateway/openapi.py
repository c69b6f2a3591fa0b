"""The description of the interface, OpenAPI 3.1. Pure.

Bodies are described by the very structs that read and write them.
"""

from typing import Any, Final

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from cardwatch_gateway.analyst import FeedbackAccepted, SubmittedFeedback
from cardwatch_gateway.answering import Accepted, BatchAccepted, BatchJudged, Judged
from cardwatch_gateway.asking import AlertAndFeedback, AlertPage
from cardwatch_gateway.explaining import Explanation
from cardwatch_gateway.problems import PROBLEM_JSON, ProblemBody
from cardwatch_gateway.validation import SubmittedTransaction

_REF: Final = "#/components/schemas/"
_BODIES: Final = (
    *(SubmittedTransaction, Accepted, BatchAccepted, Judged, BatchJudged, ProblemBody),
    *(AlertPage, AlertAndFeedback, Explanation, SubmittedFeedback, FeedbackAccepted),
)
_TITLE: Final = "Cardwatch gateway"
_ABOUT: Final = """\
Takes card transactions and answers once Kafka has them; pushes alerts; answers from the archive.
Problems are answered as RFC 9457 describes, and never repeat what was sent."""
_WHEN: Final = {
    400: "The body is not JSON.",
    401: "No known API key.",
    403: "The key has not the role, or is another bank's.",
    404: "There is no such thing.",
    408: "The body came too slowly; the connection ends.",
    413: "The body is too long; the connection ends.",
    415: "The body is not said to be JSON.",
    422: "Something breaks the contract: what, where and what is allowed.",
    429: "More than the key's rate; `Retry-After` says when there is room.",
    503: "Kafka or the archive gives no word, or too much is on its way; `Retry-After` says when.",
}
_RETRY_AFTER: Final = {
    "Retry-After": {
        "description": "Seconds until it is worth trying again.",
        "schema": {"type": "integer", "minimum": 1},
    }
}


def described(application: FastAPI, version: str) -> dict[str, Any]:
    """Return the description, with the schemas of all bodies."""
    spec = get_openapi(title=_TITLE, version=version, description=_ABOUT, routes=application.routes)
    _, schemas = msgspec.json.schema_components(_BODIES, ref_template=_REF + "{name}")
    components = spec.setdefault("components", {})
    components["schemas"] = schemas
    components["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer", "description": "An API key."},
        "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    }
    spec["security"] = [{"bearer": []}, {"header": []}]
    return spec


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the answers that are problems."""
    body = {PROBLEM_JSON: {"schema": {"$ref": _REF + ProblemBody.__name__}}}
    return {
        status: {
            "description": _WHEN[status],
            "content": body,
            **({"headers": _RETRY_AFTER} if status in (429, 503) else {}),
        }
        for status in statuses
    }


def answers(description: str, *structs: type[msgspec.Struct], **example: Any) -> dict[str, Any]:
    """Return an answer of JSON: one of the structs."""
    content: dict[str, Any] = {"schema": _one_of(*structs)}
    if example:
        content["example"] = example
    return {"description": description, "content": {"application/json": content}}


def body(schema: dict[str, Any], examples: dict[str, Any]) -> dict[str, Any]:
    """Return what a request brings."""
    named = {name: {"value": value} for name, value in examples.items()}
    content = {"application/json": {"schema": schema, "examples": named}}
    return {"required": True, "content": content}


def schema_of(struct: type[msgspec.Struct]) -> dict[str, Any]:
    """Return where a struct is described."""
    return {"$ref": _REF + struct.__name__}


def parameter(
    name: str, what: str, schema: dict[str, Any], *, where: str = "query", example: Any = None
) -> dict[str, Any]:
    """Return a parameter."""
    described: dict[str, Any] = {"name": name, "in": where, "description": what, "schema": schema}
    if where == "path":
        described["required"] = True
    if example is not None:
        described["example"] = example
    return described


def _one_of(*structs: type[msgspec.Struct]) -> dict[str, Any]:
    if len(structs) == 1:
        return schema_of(structs[0])
    return {"anyOf": [schema_of(struct) for struct in structs]}
