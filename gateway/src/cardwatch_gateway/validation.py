"""Transactions in a request's body: one object, or an array of them. Pure.

Whatever breaks the contract is named by its index and field, with what is allowed there; the value
never is. Besides what the contract asks of every producer, the gateway refuses

- fields that the contract does not know: one that is misspelt would silently be left out. A name of
  small letters is told; others could be a card number in disguise, and are not;
- `reply_to`, which it sets itself;
- an event time that the job would set aside, being too far ahead of the clock;
- two transactions of one request with the same id.
"""

import re
from collections.abc import Sequence
from typing import Final

import msgspec

from cardwatch_contracts.card_numbers import holds_card_number, is_disguised_card_number
from cardwatch_contracts.codec import InvalidRecordError, explained
from cardwatch_contracts.trace_context import read_traceparent
from cardwatch_contracts.transaction import Transaction, check_transaction
from cardwatch_gateway.problems import FieldError, ProblemError

MAX_AHEAD_MS: Final = 5 * 60_000
"""How far an event time may lie ahead of the clock: the job sets aside what is further. ms."""
MAX_LABEL: Final = 128
_SHOWN: Final = 20
"""How many errors an answer lists."""
_UNKNOWN: Final = "Object contains unknown field"
_HARMLESS_NAME: Final = re.compile(_UNKNOWN + r" `([a-z][a-z_]{0,39})`[^`]*")
_PLACE: Final = re.compile(r"(.*?) - at `\$\.?([^`]*)`(.*)", re.DOTALL)
_DISGUISED: Final = (
    *("transaction_id", "user_id", "card_id", "bank_id", "payment_system"),
    *("merchant_id", "merchant_category"),
)
_EXPECTED: Final = "expected a transaction, or an array of transactions"


class SubmittedTransaction(Transaction, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A transaction as a client sends it."""


_one: Final = msgspec.json.Decoder(SubmittedTransaction)
_many: Final = msgspec.json.Decoder(list[SubmittedTransaction])
_raw: Final = msgspec.json.Decoder(list[msgspec.Raw])


def read_transactions(
    body: bytes, *, max_batch: int, now_ms: int
) -> tuple[Sequence[SubmittedTransaction], bool]:
    """Return a body's transactions, and whether they came as an array.

    Args:
        body: JSON.
        max_batch: the most there may be.
        now_ms: the wall clock, milliseconds since 1970-01-01 UTC.

    Raises:
        ProblemError: 400 for what is no JSON, 422 for what breaks the contract; all or nothing.
    """
    start = body[:64].lstrip(b" \t\r\n")[:1]
    if start != b"[":
        return [_read_one(body, now_ms)], False
    try:
        txns: Sequence[SubmittedTransaction] = _many.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise _explained(body, max_batch, now_ms) from None
    _check_count(len(txns), max_batch)
    errors = [
        error
        for index, txn in enumerate(txns)
        if (error := _error_of(txn, index, now_ms)) is not None
    ]
    if not errors:
        errors = _repeated(txns)
    if errors:
        raise _invalid(errors)
    return txns, True


def _read_one(body: bytes, now_ms: int) -> SubmittedTransaction:
    txn = _decoded(body, None)
    if isinstance(txn, FieldError):
        raise _invalid([txn])
    error = _error_of(txn, None, now_ms)
    if error is not None:
        raise _invalid([error])
    return txn


def _decoded(value: bytes | msgspec.Raw, index: int | None) -> SubmittedTransaction | FieldError:
    try:
        return _one.decode(value)
    except msgspec.ValidationError as error:
        return _field_error(explained(error, SubmittedTransaction), index)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _not_json(error) from None


def _explained(body: bytes, max_batch: int, now_ms: int) -> ProblemError:
    """Say what is wrong with an array, element by element."""
    try:
        elements = _raw.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return _not_json(error)
    errors: list[FieldError] = []
    try:
        _check_count(len(elements), max_batch)
        for index, element in enumerate(elements):
            txn = _decoded(element, index)
            wrong = txn if isinstance(txn, FieldError) else _error_of(txn, index, now_ms)
            if wrong is not None:
                errors.append(wrong)
    except ProblemError as problem:
        return problem
    return _invalid(errors)


def _check_count(count: int, max_batch: int) -> None:
    if not 0 < count <= max_batch:
        raise ProblemError(
            422,
            "batch-size",
            f"{count:,} transactions: 1 to {max_batch:,} are allowed in a request",
        )


def _error_of(txn: SubmittedTransaction, index: int | None, now_ms: int) -> FieldError | None:
    """Return what is wrong with a transaction that has the right types."""
    try:
        check_transaction(txn)
    except InvalidRecordError as error:
        return _field_error(str(error), index)
    wrong = _wrong_field(txn, now_ms)
    return None if wrong is None else _at(wrong[0], index, wrong[1])


def _wrong_field(txn: SubmittedTransaction, now_ms: int) -> tuple[str, str] | None:
    """Return the field that the gateway refuses besides, and what is allowed there."""
    wrong: tuple[str, str] | None = None
    if txn.event_time > now_ms + MAX_AHEAD_MS:
        wrong = "event_time", "Expected at most 5 minutes ahead of the clock"
    elif txn.reply_to is not None:
        wrong = "reply_to", "Not allowed here: the gateway sets it"
    elif txn.label and (len(txn.label) > MAX_LABEL or holds_card_number(txn.label)):
        wrong = "label", f"Expected `str` of length <= {MAX_LABEL}, no card number"
    elif txn.traceparent is not None and read_traceparent(txn.traceparent) is None:
        wrong = "traceparent", "Expected a W3C trace context"
    elif holds_card_number(txn.city):
        wrong = "city", "Card number where none is allowed"
    else:
        for field in _DISGUISED:
            if is_disguised_card_number(getattr(txn, field)):
                wrong = field, "Card number where none is allowed"
                break
    return wrong


def _repeated(txns: Sequence[SubmittedTransaction]) -> list[FieldError]:
    if len({txn.transaction_id for txn in txns}) == len(txns):
        return []
    first: dict[str, int] = {}
    return [
        _at("transaction_id", index, f"The same as at index {before}: expected another")
        for index, txn in enumerate(txns)
        if (before := first.setdefault(txn.transaction_id, index)) != index
    ]


def _field_error(message: str, index: int | None) -> FieldError:
    """Take the contract's message apart."""
    if message.startswith(_UNKNOWN):
        said, _, allowed = message.rpartition("; allowed: ")
        name = _HARMLESS_NAME.fullmatch(said)
        field = None if name is None else name[1]
        return FieldError(index=index, field=field, detail=f"Unknown field; allowed: {allowed}")
    place = _PLACE.fullmatch(message)
    if place is None:
        return FieldError(index=index, detail=message)
    what, field, more = place.groups()
    return FieldError(index=index, field=field or None, detail=what + more)


def _at(field: str, index: int | None, detail: str) -> FieldError:
    return FieldError(index=index, field=field, detail=detail)


def _invalid(errors: Sequence[FieldError]) -> ProblemError:
    first = errors[0]
    where = "" if first.index is None else f"transaction {first.index}: "
    field = "" if first.field is None else f"`{first.field}`: "
    more = f"; {len(errors) - 1:,} more" if len(errors) > 1 else ""
    detail = f"{where}{field}{first.detail}{more}"
    return ProblemError(422, "invalid-transaction", detail, errors=errors[:_SHOWN])


def _not_json(error: Exception) -> ProblemError:
    if isinstance(error, msgspec.ValidationError):  # the elements of an array are any JSON
        return ProblemError(422, "invalid-transaction", _EXPECTED)
    why = "nested too deeply" if isinstance(error, RecursionError) else "not JSON in UTF-8"
    return ProblemError(400, "not-json", f"the body is {why}: {_EXPECTED}")
