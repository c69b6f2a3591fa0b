"""Runs the gateway: `python -m cardwatch_gateway --help`."""

import logging
import os
import sys

from cardwatch_contracts.logs import write_logs
from cardwatch_contracts.span_export import exporter_of
from cardwatch_gateway.command_line import NewKey, parse_command
from cardwatch_gateway.key_file import KeyFile
from cardwatch_gateway.keys import InvalidKeysError, Role, new_key
from cardwatch_gateway.server import Gateway
from cardwatch_gateway.settings import GatewaySettings
from cardwatch_gateway.tracing import SERVICE

_log = logging.getLogger("cardwatch_gateway")


def main() -> int:
    """Run until SIGTERM or SIGINT, or make a key; return the exit status."""
    command = parse_command()
    try:
        if isinstance(command, NewKey):
            return _print_new_key(command)
        write_logs(os.environ)
        return _serve(command)
    except (InvalidKeysError, OSError, ValueError) as error:
        sys.exit(f"cardwatch_gateway: {error}")


def _serve(settings: GatewaySettings) -> int:
    exporter = exporter_of(os.environ, service=SERVICE)
    if settings.no_auth:
        _log.warning("--no-auth: whoever reaches %s may do everything", settings.host)
    try:
        status = Gateway(settings, KeyFile(settings.keys_file), exporter).run()
    finally:
        if exporter is not None:
            exporter.close()
    _log.info("stopped")
    return status


def _print_new_key(command: NewKey) -> int:
    roles: frozenset[Role] = frozenset(command.roles)  # type: ignore[arg-type] # argparse's choices
    key, entry = new_key(
        bank_id=command.bank_id,
        roles=roles,
        rate_per_s=command.rate_per_s,
        not_after=command.not_after,
    )
    sys.stdout.write(
        f"The API key, shown this once; who has it may act for the bank:\n\n{key}\n\n"
        f'Its entry, for the list of the keys file, {{"keys": [...]}}:\n\n{entry.decode()}\n'
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
