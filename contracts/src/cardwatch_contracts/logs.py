"""How components write their logs: text for people, or JSON for what collects logs.

`CARDWATCH_LOG_FORMAT=json` writes one object a line, with `time` (RFC 3339, UTC), `level`, `logger`
and `message`; `trace_id` and `span_id` (W3C) of a line that belongs to a trace; `error` with what
was raised.
"""

import json
import logging
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from cardwatch_contracts.trace_context import TraceContext

FORMAT_VARIABLE: Final = "CARDWATCH_LOG_FORMAT"
_TRACE: Final = "cardwatch_trace"


def in_trace(context: TraceContext) -> dict[str, TraceContext]:
    """Return what a line that belongs to a trace is logged with: `extra=in_trace(context)`."""
    return {_TRACE: context}


class JsonFormatter(logging.Formatter):
    """Writes a line as a JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        """Write one line."""
        at = datetime.fromtimestamp(record.created, UTC).replace(tzinfo=None)
        said = {
            "time": f"{at.isoformat(timespec='milliseconds')}Z",
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        context = getattr(record, _TRACE, None)
        if isinstance(context, TraceContext):
            said["trace_id"] = context.trace_id
            if context.span_id:
                said["span_id"] = context.span_id
        if record.exc_info:
            said["error"] = self.formatException(record.exc_info)
        return json.dumps(said, ensure_ascii=False)


def wants_json(environment: Mapping[str, str]) -> bool:
    """Return whether the environment asks for JSON.

    Raises:
        ValueError: it asks for something else; the message names the variable and what is allowed.
    """
    given = environment.get(FORMAT_VARIABLE) or "text"
    if given not in ("json", "text"):
        raise ValueError(f"{FORMAT_VARIABLE} is {given}: allowed are json and text")
    return given == "json"


def write_logs(
    environment: Mapping[str, str],
    text_format: str = "%(asctime)s %(levelname)s %(message)s",
) -> None:
    """Write what is logged from INFO on to standard error; where it is text, by `text_format`.

    Raises:
        ValueError: as `wants_json` does.
    """
    formatter = JsonFormatter() if wants_json(environment) else logging.Formatter(text_format)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    logging.basicConfig(level=logging.INFO, handlers=[handler])


def place_of(error: BaseException) -> str:
    """Return where an error was raised, in words; empty where it is not known."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return ""
    code = trace.tb_frame.f_code
    return f" at {code.co_filename.rpartition('/')[2]}:{trace.tb_lineno} in {code.co_name}"
