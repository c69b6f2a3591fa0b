"""`cardwatch alerts`."""

import sys
import time
from typing import Annotated, Final, Literal

import typer

from cardwatch_contracts.alert import Alert
from cardwatch_contracts.codec import encode
from cardwatch_contracts.money import format_amount
from cardwatch_contracts.wording import printable
from cardwatch_local.alert_text import alert_line, detectors_of, format_time, reasons_of
from cardwatch_local.commands import output
from cardwatch_local.commands.options import BootstrapServers, Json, StackName, duration_option
from cardwatch_local.demo.report import DETECTOR_NAMES
from cardwatch_local.reading.alert_filter import AlertFilter
from cardwatch_local.reading.alerts import coming_alerts, past_alerts
from cardwatch_local.reading.connection import Connection

EXAMPLES: Final = (
    "cardwatch alerts --since 10m --detector impossible_travel",
    "cardwatch alerts --name demo --follow",
    "cardwatch alerts --follow --json | jq .findings[].reason",
)


def alerts(  # noqa: PLR0913 - each is an option on the command line
    *,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Wait for new ones; Ctrl-C ends.")
    ] = False,
    since: Annotated[
        float | None, duration_option("Only those of the last 90s, 10m, 2h or 7d.")
    ] = None,
    detector: Annotated[
        str | None, typer.Option(help="With a finding of this detector.", metavar="NAME")
    ] = None,
    bank: Annotated[str | None, typer.Option(help="On cards of this bank.")] = None,
    user: Annotated[str | None, typer.Option(help="On cards of this user.")] = None,
    mode: Annotated[
        Literal["active", "shadow"] | None, typer.Option(help="Shadow: detectors on trial.")
    ] = None,
    min_amount: Annotated[
        float | None, typer.Option(help="From this amount on, such as 99.50, in any currency.")
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="The newest so many; with --follow the next.")
    ] = None,
    as_json: Json = False,
    name: StackName = "default",
    bootstrap_servers: BootstrapServers = None,
) -> None:
    """Show alerts with their reasons: those so far, or as they come with --follow."""
    if detector is not None and detector not in DETECTOR_NAMES:
        allowed = ", ".join(DETECTOR_NAMES)
        raise typer.BadParameter(f"{detector!r} is no detector; there are {allowed}")
    wanted = AlertFilter(
        detector=detector,
        bank=bank,
        user=user,
        mode=mode,
        min_amount=min_amount,
    )
    kafka = Connection(stack=name, bootstrap_servers=bootstrap_servers).kafka
    since_ms = None if since is None else int((time.time() - since) * 1000)
    if follow:
        for alert in coming_alerts(kafka, wanted, since_ms=since_ms, limit=limit):
            output.say(encode(alert).decode() if as_json else alert_line(alert))
        return
    _show(past_alerts(kafka, wanted, since_ms=since_ms, limit=limit), as_json=as_json)


def _show(found: list[Alert], *, as_json: bool) -> None:
    if as_json or not sys.stdout.isatty():
        for alert in found:
            output.say(encode(alert).decode() if as_json else alert_line(alert))
        return
    output.table(
        ("time (UTC)", "bank", "user", "amount:right", "city", "detectors:wrap", "reasons:wrap"),
        (
            (
                format_time(alert.transaction.event_time),
                printable(alert.transaction.bank_id),
                printable(alert.transaction.user_id),
                format_amount(alert.transaction.amount_minor, alert.transaction.currency),
                printable(alert.transaction.city),
                detectors_of(alert),
                reasons_of(alert),
            )
            for alert in found
        ),
    )
    output.say(f"{len(found):,} alerts")
