import json
import logging
import sys
from typing import Any

import pytest

from cardwatch_contracts.logs import JsonFormatter, in_trace, wants_json
from cardwatch_contracts.trace_context import TraceContext, new_trace

_CONTEXT = TraceContext("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", True)


def written(message: str, *given: object, **extra: Any) -> dict[str, str]:
    log = logging.Logger("cardwatch_archiver")
    record = log.makeRecord(
        log.name,
        logging.WARNING,
        "a.py",
        1,
        message,
        given,
        extra.pop("exc_info", None),
        extra=extra,
    )
    record.created = 1_760_000_400.1234
    line = JsonFormatter().format(record)
    assert "\n" not in line
    return dict(json.loads(line))


def test_a_line_is_an_object() -> None:
    assert written("a %s\nü", '"b"') == {
        "time": "2025-10-09T09:00:00.123Z",
        "level": "WARNING",
        "logger": "cardwatch_archiver",
        "message": 'a "b"\nü',
    }


def test_a_line_names_the_trace_it_belongs_to() -> None:
    said = written("a", **in_trace(_CONTEXT))
    assert (said["trace_id"], said["span_id"]) == (_CONTEXT.trace_id, _CONTEXT.span_id)
    assert "span_id" not in written("a", **in_trace(new_trace("no span yet")))


def test_what_was_raised_is_told() -> None:
    try:
        raise KeyError("missing")
    except KeyError:
        said = written("a", exc_info=sys.exc_info())
    assert said["error"].endswith("KeyError: 'missing'")


def test_text_is_the_default_and_another_format_is_refused() -> None:
    assert not wants_json({})
    assert not wants_json({"CARDWATCH_LOG_FORMAT": "text"})
    assert wants_json({"CARDWATCH_LOG_FORMAT": "json"})
    with pytest.raises(ValueError, match="CARDWATCH_LOG_FORMAT is xml: allowed are json and text"):
        wants_json({"CARDWATCH_LOG_FORMAT": "xml"})
