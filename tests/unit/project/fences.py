"""What stands between the fences of a Markdown file: commands, and what they are said to print."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PROMPT = "$ "


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command as a reader would type it."""

    line: str
    shown: str
    """What the document shows of its output; empty where it shows nothing."""


def fences(text: str, language: str) -> list[str]:
    """Return what stands between the fences of one language."""
    return [body for found, body in _FENCE.findall(text) if found == language]


def commands(text: str) -> list[Command]:
    """Return every command in order.

    In `sh` each line is one, and `text` behind it is its output; in `console` those behind `$ `
    are, each with its output below.
    """
    found: list[tuple[str, list[str]]] = []
    for language, body in _FENCE.findall(text):
        if language == "sh":
            found.extend((line, []) for line in body.splitlines())
        elif language == "console":
            found.extend(_typed(body))
        elif language == "text" and found:
            found[-1][1].append(body)
    return [Command(line=line, shown="".join(shown)) for line, shown in found]


def _typed(body: str) -> Iterator[tuple[str, list[str]]]:
    for part in re.split(rf"^{re.escape(_PROMPT)}", body, flags=re.MULTILINE):
        line, _, shown = part.partition("\n")
        if line:
            yield line, [shown]
