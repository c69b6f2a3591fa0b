"""What is answered when something is wrong: RFC 9457, `application/problem+json`. Pure.

No answer repeats a value that was sent.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Annotated, Final

import msgspec
from msgspec import Meta

PROBLEM_JSON: Final = "application/problem+json"


class FieldError(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is wrong with one field."""

    detail: str
    """What is allowed there."""
    index: int | None = None
    """Which transaction of the request, from 0."""
    field: str | None = None
    """Where in it, such as `amount_minor`; absent: the whole of it."""


class ItemResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of one transaction of a batch."""

    index: int
    transaction_id: str
    trace_id: str
    """W3C trace id, 32 hexadecimal digits."""
    status: str
    """`accepted`: Kafka has it. `unknown`: Kafka has not answered. `failed`: Kafka has it not."""


class ProblemBody(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A problem, as RFC 9457 describes it."""

    type: str
    """`urn:cardwatch:` and a word for programs."""
    title: str
    status: Annotated[int, Meta(ge=400, le=599)]
    detail: str
    """One sentence: what was wrong, and what is allowed."""
    errors: tuple[FieldError, ...] = ()
    """The first of what is wrong, field by field."""
    results: tuple[ItemResult, ...] = ()
    """Of a batch that Kafka has not acknowledged: what became of each transaction."""


class ProblemError(Exception):
    """A request that is answered by a problem."""

    def __init__(  # each is a part of the answer
        self,
        status: int,
        code: str,
        detail: str,
        *,
        errors: Sequence[FieldError] = (),
        results: Sequence[ItemResult] = (),
        retry_after_s: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.detail = detail
        self.errors = tuple(errors)
        self.results = tuple(results)
        self.headers = dict(headers or {})
        if retry_after_s is not None:
            self.headers["Retry-After"] = str(max(1, retry_after_s))

    def body(self) -> bytes:
        """Return the answer's body."""
        return msgspec.json.encode(
            ProblemBody(
                type=f"urn:cardwatch:{self.code}",
                title=HTTPStatus(self.status).phrase,
                status=self.status,
                detail=self.detail,
                errors=self.errors,
                results=self.results,
            )
        )


def invalid(detail: str, *, field: str | None = None) -> ProblemError:
    """Return the problem of a parameter, a header or a field that is not allowed."""
    return ProblemError(422, "invalid", detail, errors=[FieldError(field=field, detail=detail)])


def unavailable(code: str, detail: str, retry_after_s: int = 1) -> ProblemError:
    """Return the problem of something that will be there again."""
    return ProblemError(503, code, detail, retry_after_s=retry_after_s)
