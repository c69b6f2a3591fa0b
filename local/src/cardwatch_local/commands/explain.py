"""`cardwatch explain`."""

from contextlib import closing
from typing import Annotated, Final

import msgspec
import typer

from cardwatch_contracts.alert import Alert
from cardwatch_contracts.card import CardProfile
from cardwatch_contracts.money import format_amount
from cardwatch_contracts.privacy import redact_card_numbers
from cardwatch_contracts.transaction import Transaction
from cardwatch_contracts.wording import printable
from cardwatch_local.alert_text import finding_lines, format_time
from cardwatch_local.commands import output
from cardwatch_local.commands.cards import place
from cardwatch_local.commands.options import BootstrapServers, Json, StackName, ValkeyUrl
from cardwatch_local.errors import StackError
from cardwatch_local.reading.connection import Connection
from cardwatch_local.reading.trail import Trail, find_trail

EXAMPLES: Final = (
    "cardwatch explain A-kqbvdthg-17",
    "cardwatch explain --name demo --json A-kqbvdthg-17 | jq .verdict",
)


def explain(
    *,
    transaction_id: Annotated[str, typer.Argument(metavar="TRANSACTION_ID")],
    as_json: Json = False,
    name: StackName = "default",
    bootstrap_servers: BootstrapServers = None,
    valkey_url: ValkeyUrl = None,
) -> None:
    """Say what became of a transaction: every finding with its reason, or why there is none."""
    connection = Connection(stack=name, bootstrap_servers=bootstrap_servers, valkey_url=valkey_url)
    trail = find_trail(connection.kafka, transaction_id)
    if not (trail.transaction or trail.alert or trail.dead_letter):
        raise StackError(
            f"transaction {printable(redact_card_numbers(transaction_id))} is unknown: it is in "
            "neither transactions, alerts nor dead letters"
        )
    txn = trail.alert.transaction if trail.alert else trail.transaction
    profile, note = _profile(connection, txn)
    if as_json:
        output.say_json(_as_json(trail, profile))
        return
    if txn is not None:
        _show_transaction(txn, trail.place)
    _show_verdict(trail)
    if profile is not None and txn is not None:
        _show_profile(profile, txn.currency)
    elif note:
        output.say(note)


def _profile(connection: Connection, txn: Transaction | None) -> tuple[CardProfile | None, str]:
    """Return the card's profile, or a sentence about why it is not there."""
    if txn is None or (connection.bootstrap_servers and not connection.valkey_url):
        return None, ""
    # Here, because it loads Valkey's client, and other commands should answer at once.
    from cardwatch_local.reading.cards import ProfileReader  # noqa: PLC0415

    try:
        with closing(ProfileReader(connection.valkey)) as reader:
            profile = reader.profile(txn.card_id)
    except StackError as error:
        return None, f"The card's profile is not shown: {error}"
    return profile, "" if profile else "The card has no profile in Valkey yet."


def _show_transaction(txn: Transaction, where: str) -> None:
    output.say(f"Transaction {printable(txn.transaction_id)}")
    pairs = [
        ("time", f"{format_time(txn.event_time)} UTC"),
        ("amount", format_amount(txn.amount_minor, txn.currency)),
        ("card", f"{printable(txn.card_id)} of user {printable(txn.user_id)}, "
                 f"bank {printable(txn.bank_id)}, {printable(txn.payment_system)}"),
        ("merchant", f"{printable(txn.merchant_id)} ({printable(txn.merchant_category)}), "
                     f"{printable(txn.city)}, {txn.country}"),
        ("how", f"{txn.channel}, {'with' if txn.pin_used else 'without'} PIN"),
    ]  # fmt: skip
    if txn.label:
        pairs.append(("label", f"{printable(txn.label)} (given by a simulator or a file)"))
    if where:
        pairs.append(("record", where))
    output.facts(pairs, indent=2)


def _show_verdict(trail: Trail) -> None:
    if trail.dead_letter is not None:
        letter = trail.dead_letter
        output.say(f"It was not judged but set aside as a dead letter: {printable(letter.reason)}")
        output.facts(
            [("record", f"{letter.topic}, partition {letter.partition}, offset {letter.offset}")],
            indent=2,
        )
    elif trail.alert is not None:
        _show_alert(trail.alert)
    elif trail.judged:
        output.say("It was judged and nothing was found: no detector objected.")
    else:
        output.say("It has not been judged yet: the job's last checkpoint is before it.")


def _show_alert(alert: Alert) -> None:
    config = f"config {printable(alert.config)}, generation {alert.generation}"
    output.say(f"Alert {alert.alert_id} ({alert.mode}; {config})")
    for finding in alert.findings:
        output.say(f"  {finding.detector}")
        output.facts(finding_lines(finding, alert.transaction.currency), indent=4)
    if alert.trace_id:
        output.facts([("trace", alert.trace_id)], indent=2)


def _show_profile(profile: CardProfile, currency: str) -> None:
    average, limit = profile.average_amount_minor, profile.card_limit_minor
    output.say("Card, as its history shows it now")
    pairs = [
        ("seen", f"{profile.transactions:,} transactions"),
        ("average", "–" if average is None else format_amount(round(average), currency)),
        ("limit", "none on record" if limit is None else format_amount(limit, currency)),
        ("home", place(profile.home_latitude, profile.home_longitude)),
        ("last", place(profile.last_latitude, profile.last_longitude)),
    ]
    output.facts(pairs, indent=2)


def _as_json(trail: Trail, profile: CardProfile | None) -> dict[str, object]:
    verdict = (
        "dead letter" if trail.dead_letter
        else "alert" if trail.alert
        else "nothing found" if trail.judged
        else "not judged yet"
    )  # fmt: skip
    return {
        "verdict": verdict,
        "transaction": msgspec.to_builtins(trail.transaction),
        "alert": msgspec.to_builtins(trail.alert),
        "dead_letter": msgspec.to_builtins(trail.dead_letter),
        "card_profile": msgspec.to_builtins(profile),
    }
