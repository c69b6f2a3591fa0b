"""Holds a stack in the background: `python -m cardwatch_local.supervisor SETTINGS`.

Started by `cardwatch up`. Ends on SIGTERM, which stops the stack in order.
"""

import signal
import sys
from collections.abc import Sequence
from threading import Event
from typing import Final

from cardwatch_local.detached import decode_settings
from cardwatch_local.errors import StackError
from cardwatch_local.stack import Stack

_TEND_INTERVAL_S: Final = 1.0


class _StopAskedError(BaseException):
    """Raised by SIGTERM, to leave a start at any point."""


def main(arguments: Sequence[str]) -> int:
    """Run the stack of the settings in `arguments[0]` until SIGTERM; return the exit status."""
    stop = Event()

    def end_start(*_signal: object) -> None:
        _on_stop_signal(lambda *_: stop.set())  # from here on the stop takes its course
        stop.set()
        raise _StopAskedError

    stack = Stack(decode_settings(arguments[0]))
    _on_stop_signal(end_start)
    try:
        stack.start()
    except _StopAskedError:
        return 0
    except StackError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    _on_stop_signal(lambda *_: stop.set())
    while not stop.wait(_TEND_INTERVAL_S):
        stack.tend()
    stack.stop()
    return 0


def _on_stop_signal(handler: signal.Handlers | object) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, handler)  # type: ignore[arg-type]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
