"""One shell session of many commands, taken apart again."""

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.unit.project.fences import Command

_BEGIN, _END = "@@ begin ", "@@ end "


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """What became of a command."""

    status: int
    output: str
    """Standard output and error as they came."""


def script_of(commands: Sequence[Command], *, instead: Mapping[str, str]) -> str:
    """Return a script that runs the commands and marks where each begins and ends.

    Raises:
        ValueError: a command in `instead` is not among them.
    """
    missing = instead.keys() - {command.line for command in commands}
    if missing:
        raise ValueError(f"no such commands: {', '.join(sorted(missing))}")
    return "".join(
        f"printf '%s\\n' {shlex.quote(_BEGIN + command.line)}\n"
        f"{instead.get(command.line, command.line)}\n"
        f"printf '\\n%s%d\\n' '{_END}' $?\n"
        for command in commands
    )


def read_session(output: str) -> dict[str, Typed]:
    """Return what became of each command, by its line; one that did not end is left out."""
    pattern = rf"^{_BEGIN}(.+?)\n(.*?)^{_END}(\d+)$"
    return {
        line: Typed(status=int(status), output=text)
        for line, text, status in re.findall(pattern, output, re.MULTILINE | re.DOTALL)
    }
