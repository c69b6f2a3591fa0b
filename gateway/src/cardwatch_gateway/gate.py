"""Who may ask for what: API keys, roles, rates and the form of a request."""

from collections.abc import Mapping
from typing import Final

import msgspec
from starlette.responses import Response

from cardwatch_gateway.key_file import KeyFile
from cardwatch_gateway.keys import ApiKey, Role
from cardwatch_gateway.problems import PROBLEM_JSON, ProblemError
from cardwatch_gateway.rates import Rates

_BEARER: Final = "bearer "
_encode: Final = msgspec.json.Encoder().encode


class Gate:
    """Lets requests in by their API key."""

    def __init__(self, keys: KeyFile, rates: Rates) -> None:
        self._keys = keys
        self.rates = rates

    def let_in(self, headers: Mapping[str, str], role: Role) -> ApiKey:
        """Return whose request it is; `headers` by their names in small letters.

        Raises:
            ProblemError: 401 without a known key, 403 without the role, 429 above the rate.
        """
        key = self._keys.find(_presented(headers))
        if key is None:
            raise ProblemError(
                401,
                "unknown-key",
                "an API key is needed: `Authorization: Bearer KEY` or `X-API-Key: KEY`",
                headers={"WWW-Authenticate": 'Bearer realm="cardwatch"'},
            )
        if not key.may(role):
            raise ProblemError(403, "role", f"the key has not the role `{role}`")
        wait_s = self.rates.admit(key)
        if wait_s:
            raise ProblemError(
                429,
                "rate",
                f"more than the key's {key.rate_per_s:g} a second",
                retry_after_s=wait_s,
            )
        return key


def check_json(headers: Mapping[str, str]) -> None:
    """Look whether a body is said to be plain JSON.

    Raises:
        ProblemError: 415.
    """
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if (
        media_type != "application/json"
        or headers.get("content-encoding", "identity") != "identity"
    ):
        raise ProblemError(
            415, "media-type", "allowed: `Content-Type: application/json`, not compressed"
        )


def answer(
    content: object, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Return an answer of JSON."""
    return Response(_encode(content), status, dict(headers or {}), media_type="application/json")


def problem_answer(problem: ProblemError) -> Response:
    """Return a problem as an answer."""
    return Response(problem.body(), problem.status, problem.headers, media_type=PROBLEM_JSON)


def _presented(headers: Mapping[str, str]) -> str | None:
    authorization = headers.get("authorization")
    if authorization is None:
        return headers.get("x-api-key")
    if authorization[: len(_BEARER)].lower() == _BEARER:
        return authorization[len(_BEARER) :].strip()
    return None
