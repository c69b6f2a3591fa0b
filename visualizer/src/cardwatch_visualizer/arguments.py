"""The arguments of the visualizer's command line, and which variables stand for them."""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal, get_args

from cardwatch_contracts.database_settings import PASSWORD_FILE, URL
from cardwatch_visualizer.auth.users import ROLES
from cardwatch_visualizer.settings import ProxyLogin, VisualizerSettings

Part = Literal["all", "web", "collector"]
BOUNDS: Final = (
    ("workers", int, "processes that answer"),
    ("threads", int, "requests that each answers at a time, live streams included"),
    ("max_streams", int, "most live streams of each worker"),
    ("tick_ms", int, "how often changes are pushed, milliseconds"),
    ("heartbeat_s", float, "how often a quiet stream gives a sign of life, seconds"),
    ("session_s", float, "how long a login lasts, seconds"),
)
"""Numbers of the settings: their name, type and meaning."""
_EPILOG: Final = f"""\
`new-user` asks for a password and prints the entry for the users file:

  python -m cardwatch_visualizer new-user --name ana --role analyst

or takes it from a file, and writes a users file with this user alone (--password-file, --output).

The archive is {URL}, its password in the file {PASSWORD_FILE}. How Kafka is spoken to (TLS,
password) is in CARDWATCH_KAFKA_... variables. See docs/visualizer.md.
"""


def parser_of(environment: Mapping[str, str]) -> argparse.ArgumentParser:
    """Return what reads the command line; `environment` has what it leaves out."""
    parser = argparse.ArgumentParser(
        prog="python -m cardwatch_visualizer",
        description="Shows alerts as they come and lets analysts answer them, in a browser.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "--part", choices=get_args(Part), default="all", help="what to run (%(default)s)"
    )
    _add_addresses(parser, environment)
    _add_login(parser, environment)
    for name, kind, what in BOUNDS:
        default = VisualizerSettings.__dataclass_fields__[name].default
        parser.add_argument(
            f"--{name.replace('_', '-')}", type=kind, default=default, help=f"{what} (%(default)s)"
        )
    commands = parser.add_subparsers(dest="command", metavar="new-user", required=False)
    user = commands.add_parser("new-user", help="print a user's entry", allow_abbrev=False)
    user.add_argument("--name", required=True)
    user.add_argument("--role", choices=ROLES, default="viewer", help="(%(default)s)")
    user.add_argument("--password-file", type=Path, help="where the password is; it is not asked")
    user.add_argument("--output", type=Path, help="write a users file of this user alone")
    return parser


def _add_addresses(parser: argparse.ArgumentParser, environment: Mapping[str, str]) -> None:
    for name, variable, what in (
        ("--bootstrap-servers", "CARDWATCH_BOOTSTRAP_SERVERS", "Kafka brokers, host:port"),
        ("--valkey-url", "CARDWATCH_VALKEY_URL", "where what happens now is kept"),
        ("--jaeger-url", "CARDWATCH_JAEGER_URL", "base of Jaeger's pages, for links to traces"),
    ):
        parser.add_argument(name, default=environment.get(variable), help=f"{what} (or {variable})")
    parser.add_argument(
        "--host",
        default=environment.get("CARDWATCH_HOST") or "127.0.0.1",
        help="address to listen at (%(default)s, or CARDWATCH_HOST)",
    )
    parser.add_argument(
        "--port",
        type=int,
        default=environment.get("CARDWATCH_PORT") or 8050,
        help="port to listen at; 0 takes a free one (%(default)s, or CARDWATCH_PORT)",
    )
    parser.add_argument(
        "--metrics-port",
        type=_port,
        default=environment.get("CARDWATCH_METRICS_PORT") or None,
        help="serve metrics for Prometheus there (or CARDWATCH_METRICS_PORT); else nowhere",
    )


def _add_login(parser: argparse.ArgumentParser, environment: Mapping[str, str]) -> None:
    parser.add_argument(
        "--users-file",
        default=environment.get("CARDWATCH_USERS_FILE"),
        help="JSON file of users (or CARDWATCH_USERS_FILE); read again when it changes",
    )
    parser.add_argument(
        "--session-key-file",
        default=environment.get("CARDWATCH_SESSION_KEY_FILE"),
        help="32 bytes or more that sign sessions (or CARDWATCH_SESSION_KEY_FILE)",
    )
    parser.add_argument(
        "--proxy-networks",
        default=environment.get("CARDWATCH_PROXY_NETWORKS"),
        help="take the word of a reverse proxy there on who asks (or CARDWATCH_PROXY_NETWORKS)",
    )
    defaults = ProxyLogin(networks=())
    parser.add_argument("--user-header", default=defaults.user_header, help="(%(default)s)")
    parser.add_argument("--groups-header", default=defaults.groups_header, help="(%(default)s)")
    parser.add_argument(
        "--analyst-groups",
        default=environment.get("CARDWATCH_ANALYST_GROUPS") or ",".join(defaults.analyst_groups),
        help="whose members are analysts, commas between (%(default)s)",
    )
    parser.add_argument(
        "--no-login", action="store_true", help="for a demo, on a loopback address alone"
    )


def _port(text: str) -> int:
    if text.isdigit() and 0 < int(text) < 65_536:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r}: 1 to 65535 is allowed")
