"""Which problem a request that failed is answered by."""

import logging

from cardwatch_contracts.logs import place_of
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
