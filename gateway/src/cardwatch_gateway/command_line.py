"""The gateway's command line; the environment fills what it leaves out."""

import argparse
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cardwatch_contracts.database_settings import PASSWORD_FILE, URL, database_at
from cardwatch_contracts.kafka_settings import KafkaSettingsError, kafka_at
from cardwatch_gateway.keys import ROLES
from cardwatch_gateway.settings import GatewaySettings

_SHARE: Final = "OTEL_TRACES_SAMPLER_ARG"
_BOUNDS: Final = (
    ("max_batch", int, "most transactions in a request"),
    ("max_body_bytes", int, "longest body, bytes"),
    ("max_in_flight", int, "most transactions that Kafka has not acknowledged"),
    ("ack_timeout_s", float, "how long a request waits for Kafka, seconds"),
    ("header_timeout_s", float, "how long a request's head may take, seconds"),
    ("body_timeout_s", float, "how long a request's body may take, seconds"),
    ("heartbeat_s", float, "how often a quiet stream of alerts gives a sign, seconds"),
)
_EPILOG: Final = """\
`new-key` prints an API key, once, and the entry for the keys file:

  python -m cardwatch_gateway new-key --bank alpha --role ingest --role read

How Kafka is spoken to (TLS, password) is in CARDWATCH_KAFKA_... variables, where spans go in
OTEL_EXPORTER_OTLP_ENDPOINT. The interface is described at /docs and in docs/gateway.md.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """A key that is to be made."""

    bank_id: str
    """Whose transactions it may send and see; `*`: every bank's."""
    roles: tuple[str, ...]
    rate_per_s: float
    """Transactions a second. > 0."""
    not_after: str | None
    """The last day on which it is taken, RFC 3339 date; None: no end."""


def parse_command(
    arguments: Sequence[str] | None = None, environment: Mapping[str, str] = os.environ
) -> GatewaySettings | NewKey:
    """Read the command line.

    A bad argument or variable ends the process with status 2 and a message, as argparse does.
    """
    parser = _parser(environment)
    parsed = parser.parse_args(arguments)
    if parsed.command == "new-key":
        return _new_key(parser, parsed)
    try:
        share = float(environment.get(_SHARE) or 0.01)
    except ValueError:
        parser.error(f"{_SHARE}: allowed: 0 to 1")
    if not parsed.bootstrap_servers:
        parser.error("--bootstrap-servers is needed")
    try:
        return GatewaySettings(
            bootstrap_servers=kafka_at(parsed.bootstrap_servers, environment),
            keys_file=Path(parsed.keys_file) if parsed.keys_file else None,
            no_auth=parsed.no_auth,
            host=parsed.host,
            port=parsed.port,
            metrics_port=parsed.metrics_port,
            database=database_at(url, environment) if (url := environment.get(URL)) else None,
            valkey_url=parsed.valkey_url or None,
            sampled_share=share,
            **{name: getattr(parsed, name) for name, _, _ in _BOUNDS},
        )
    except (KafkaSettingsError, ValueError) as error:
        parser.error(str(error))


def _new_key(parser: argparse.ArgumentParser, parsed: argparse.Namespace) -> NewKey:
    if not (math.isfinite(parsed.rate) and parsed.rate > 0):
        parser.error("--rate: allowed: above 0")
    return NewKey(
        bank_id=parsed.bank,
        roles=tuple(dict.fromkeys(parsed.role or ("ingest", "read"))),
        rate_per_s=parsed.rate,
        not_after=parsed.not_after,
    )


def _parser(environment: Mapping[str, str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m cardwatch_gateway",
        description="Takes transactions over HTTP, answers once Kafka has them, pushes alerts.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    _add_addresses(parser, environment)
    _add_bounds(parser)
    commands = parser.add_subparsers(dest="command", metavar="new-key", required=False)
    key = commands.add_parser(
        "new-key", help="print a new API key and its entry", allow_abbrev=False
    )
    key.add_argument("--bank", required=True, help="bank id; * is every bank, for analysts")
    key.add_argument(
        "--role", action="append", choices=ROLES, help="may be repeated (ingest and read)"
    )
    key.add_argument(
        "--rate", type=float, default=1_000.0, help="transactions a second (%(default)g)"
    )
    key.add_argument("--not-after", metavar="YYYY-MM-DD", help="the last day it is taken, UTC")
    return parser


def _add_addresses(parser: argparse.ArgumentParser, environment: Mapping[str, str]) -> None:
    parser.add_argument(
        "--bootstrap-servers",
        default=environment.get("CARDWATCH_BOOTSTRAP_SERVERS"),
        help="Kafka brokers, host:port (or CARDWATCH_BOOTSTRAP_SERVERS)",
    )
    parser.add_argument(
        "--host",
        default=environment.get("CARDWATCH_HOST") or "127.0.0.1",
        help="address to listen at (%(default)s, or CARDWATCH_HOST)",
    )
    parser.add_argument(
        "--port",
        type=int,
        default=environment.get("CARDWATCH_PORT") or 8080,
        help="port to listen at; 0 takes a free one (%(default)s, or CARDWATCH_PORT)",
    )
    parser.add_argument(
        "--metrics-port",
        type=_port,
        default=environment.get("CARDWATCH_METRICS_PORT") or None,
        help="serve metrics for Prometheus there (or CARDWATCH_METRICS_PORT); else nowhere",
    )
    parser.add_argument(
        "--keys-file",
        default=environment.get("CARDWATCH_KEYS_FILE"),
        help="JSON file of API keys (or CARDWATCH_KEYS_FILE); read again when it changes",
    )
    parser.add_argument(
        "--no-auth",
        action="store_true",
        help="no keys at all, for a demo; on a loopback address alone",
    )
    parser.add_argument(
        "--valkey-url",
        default=environment.get("CARDWATCH_VALKEY_URL"),
        help="where replicas share Idempotency-Keys (or CARDWATCH_VALKEY_URL)",
    )
    parser.add_argument_group(
        "the archive",
        f"{URL}, postgresql://USER@HOST:PORT/DATABASE, its password in the file "
        f"{PASSWORD_FILE}; without it questions to the archive are answered 503",
    )


def _add_bounds(parser: argparse.ArgumentParser) -> None:
    defaults = GatewaySettings.__dataclass_fields__
    for name, kind, what in _BOUNDS:
        parser.add_argument(
            f"--{name.replace('_', '-')}",
            type=kind,
            default=defaults[name].default,
            help=f"{what} (%(default)s)",
        )


def _port(text: str) -> int:
    if text.isdigit() and 0 < int(text) < 65_536:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r}: 1 to 65535 is allowed")
