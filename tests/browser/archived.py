"""What the stack behind the browser has archived."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg
from tests.browser.pages import DEADLINE_MS
from tests.integration.gateway.running import eventually

from cardwatch_contracts.database_settings import PASSWORD_FILE, database_at
from cardwatch_local.endpoints import Endpoints

Archived = psycopg.Connection[tuple[Any, ...]]

_ALERT: Final = "SELECT EXISTS (SELECT FROM alerts WHERE alert_id = %s)"
_FILLED: Final = """
SELECT
    (SELECT count(*) FROM analytics.alerts WHERE mode = 'active') >= 5
    AND EXISTS (SELECT FROM analytics.transaction_stats WHERE dimension = 'bank')
"""


@contextmanager
def archive_of(endpoints: Endpoints) -> Iterator[Archived]:
    """Connect to a stack's PostgreSQL until the end of the block."""
    environment = {PASSWORD_FILE: endpoints.database_password_file or ""}
    database = database_at(endpoints.database_url or "", environment)
    with psycopg.connect(database.url, password=database.password(), autocommit=True) as connection:
        yield connection


def until_archived(endpoints: Endpoints, alert_id: str) -> None:
    """Wait until an alert is in the archive."""
    _until(endpoints, _ALERT, (alert_id,), "the alert is archived")


def until_filled(endpoints: Endpoints) -> None:
    """Wait until there are alerts, and transactions that the job has counted."""
    _until(endpoints, _FILLED, (), "the archive has alerts and counts")


def _until(endpoints: Endpoints, query: str, values: tuple[str, ...], what: str) -> None:
    with archive_of(endpoints) as archive:

        def is_so() -> bool:
            return archive.execute(query.encode(), values).fetchone() == (True,)

        eventually(is_so, what, DEADLINE_MS / 1000)
