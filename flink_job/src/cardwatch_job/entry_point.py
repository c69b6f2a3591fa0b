"""The entry point of the job's image, as `/docker-entrypoint.sh`: starts a part of Flink.

The first argument is a part as Flink's own image calls it; anything else is a command that is run
as it is.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

_SCRIPTS: Final = {
    "standalone-job": "standalone-job.sh",
    "jobmanager": "jobmanager.sh",
    "taskmanager": "taskmanager.sh",
}
_HOME: Final = "/opt/flink"


def command_of(arguments: Sequence[str], environment: Mapping[str, str]) -> list[str]:
    """Return the command that a container's arguments ask for; a shell where there are none."""
    if not arguments:
        return ["sh"]
    part, *rest = arguments
    if part not in _SCRIPTS:
        return [part, *rest]
    script = Path(environment.get("FLINK_HOME", _HOME)) / "bin" / _SCRIPTS[part]
    return [str(script), "start-foreground", *_with_known_host(rest)]


def _with_known_host(arguments: Sequence[str]) -> list[str]:
    """Replace `--host`, which Flink has not known since 2.0, and Flink's operator 1.15 gives."""
    replaced = list(arguments)
    # Once, in front of the job's own arguments, which may have a `--host` too.
    for position, word in enumerate(replaced[:-1]):
        if word in ("-py", "--python", "-pym", "--pyModule"):
            break
        if word == "--host":
            replaced[position : position + 2] = [
                f"-Djobmanager.rpc.address={replaced[position + 1]}"
            ]
            break
    return replaced


def main() -> None:
    """Become that command."""
    command = command_of(sys.argv[1:], os.environ)
    try:
        os.execvp(command[0], command)
    except OSError as error:
        sys.exit(f"cannot run {command[0]}: {error.strerror}")


if __name__ == "__main__":
    main()
