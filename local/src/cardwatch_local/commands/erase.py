"""`cardwatch erase`."""

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console

from cardwatch_contracts.privacy import is_card_number
from cardwatch_local.commands import output
from cardwatch_local.commands.options import BootstrapServers, DatabaseUrl, StackName, ValkeyUrl
from cardwatch_local.configs.apply import who
from cardwatch_local.erasing.remaining import remains
from cardwatch_local.errors import StackError
from cardwatch_local.reading.connection import Connection
from cardwatch_local.step_bars import steps_on

if TYPE_CHECKING:
    from cardwatch_local.erasing.erase import Erased, Stores

EXAMPLES: Final = ("cardwatch erase 1042 --dry-run", "cardwatch erase 1042 --yes")

_LONGEST: Final = 128
"""Of a user's id, as the contracts have it."""


def erase(
    *,
    user_id: Annotated[str, typer.Argument(metavar="USER_ID")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be removed.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    name: StackName = "default",
    database_url: DatabaseUrl = None,
    bootstrap_servers: BootstrapServers = None,
    valkey_url: ValkeyUrl = None,
) -> None:
    """Remove a cardholder from PostgreSQL, Valkey and Kafka's compacted topics, for good.

    Who pays again later is a new cardholder. Says what stays elsewhere, and how long.
    """
    if not 0 < len(user_id) <= _LONGEST or is_card_number(user_id):
        raise typer.BadParameter(
            f"USER_ID: allowed are 1 to {_LONGEST} characters that are no card number"
        )
    # Here, because it loads psycopg and Valkey's client, and other commands should answer at once.
    from cardwatch_local.erasing.erase import Stores, look  # noqa: PLC0415

    connection = Connection(
        stack=name,
        bootstrap_servers=bootstrap_servers,
        valkey_url=valkey_url,
        database_url=database_url,
    )
    stores = Stores(
        database_url=connection.database, kafka=connection.kafka, valkey_url=connection.valkey
    )
    with steps_on(Console(stderr=True)) as steps:
        found = look(stores, user_id, steps)
    if not yes or dry_run:
        _show("found", found)
    if dry_run:
        return
    if not yes and not typer.confirm("Erase this for good?"):
        raise typer.Exit(1)
    _erase(stores, user_id)


def _erase(stores: "Stores", user_id: str) -> None:
    from cardwatch_local.erasing.erase import erase as erase_user  # noqa: PLC0415

    try:
        with steps_on(Console(stderr=True)) as steps:
            erased = erase_user(stores, user_id, by=who(), steps=steps)
    except StackError as error:
        raise StackError(
            f"{error}\nNot everything is erased: run the same again, it goes on"
        ) from None
    _show("removed", erased.removed)
    output.say("")
    output.table(("what stays", "how long:wrap"), remains())
    sys.stderr.write(f"{_audit_line(erased)}\n")


def _show(title: str, counts: Mapping[str, int]) -> None:
    output.table(
        ("store", f"{title}:right"), ((store, f"{count:,}") for store, count in counts.items())
    )


def _audit_line(erased: "Erased") -> str:
    """Say what was done without naming whom it was done for; the archive's note says the same."""
    counts = ", ".join(f"{store} {count}" for store, count in erased.removed.items())
    return (
        f"erased at {erased.erased_at:%Y-%m-%dT%H:%M:%S.%fZ} by {who()}: "
        f"user {erased.user_digest.hex()[:16]}: {counts}"
    )
