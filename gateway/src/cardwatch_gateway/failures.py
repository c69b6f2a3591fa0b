"""Which problem a request that failed is answered by."""

import logging

from cardwatch_gateway.bodies import GoneError
from cardwatch_gateway.metrics import GatewayMetrics
from cardwatch_gateway.problems import ProblemError

_log = logging.getLogger(__name__)


def problem_of(error: Exception, metrics: GatewayMetrics) -> ProblemError | None:
    """Return the problem, counted; None where who asked has gone."""
    if isinstance(error, ProblemError):
        metrics.note_rejected(error.code)
        return error
    if isinstance(error, GoneError):
        metrics.note_rejected("gone")
        return None
    # What it says could repeat what was sent: its kind and place must do.
    _log.error("a request failed: %s%s", type(error).__name__, place_of(error))
    return ProblemError(500, "internal", "something went wrong here")


def place_of(error: BaseException) -> str:
    """Return where an error was raised, in words; empty where it is not known."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return ""
    code = trace.tb_frame.f_code
    return f" at {code.co_filename.rpartition('/')[2]}:{trace.tb_lineno} in {code.co_name}"
