"""One erasure: what is there of a user, and how it is removed from store after store.

The order matters. First the archive learns that nothing older than now is to be kept of the user,
so that nothing comes back behind us, and the job that it is to forget; then rows, profiles and
records go. An erasure that was interrupted is finished by running it again.
"""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from psycopg.types.json import Jsonb
from valkey import Valkey
from valkey.exceptions import ValkeyError

from cardwatch_archiver.erasure import count_rows, mark_erased, remove_rows
from cardwatch_archiver.forgetting import forget_profile, profile_keys_of
from cardwatch_contracts.kafka_settings import Kafka
from cardwatch_local.erasing.compacted import (
    OWNERS,
    find_records,
    job_s_memory_of,
    write_tombstones,
)
from cardwatch_local.errors import StackError
from cardwatch_local.progress import StepListener
from cardwatch_local.reading.database import open_archive

_LOCK_WAIT: Final = "30s"
"""How long whoever archives may take to end the batch at hand."""
_VALKEY_S: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    """Where a user may be known."""

    database_url: str
    kafka: Kafka
    valkey_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """What became of an erasure."""

    user_digest: bytes
    """By what the user is known from now on."""
    erased_at: datetime
    removed: Mapping[str, int]
    """How much, by store."""


def look(stores: Stores, user_id: str, steps: StepListener) -> dict[str, int]:
    """Return how much each store has of a user; changes nothing.

    Raises:
        StackError: One of the stores does not answer.
    """
    found: dict[str, int] = {}
    steps.started("look into PostgreSQL", None)
    with open_archive(stores.database_url) as connection, connection.cursor() as cursor:
        found |= _in_postgresql(count_rows(cursor, user_id))
    steps.finished("look into PostgreSQL")
    steps.started("look into Valkey", None)
    with closing(_Profiles(stores.valkey_url)) as profiles:
        found["Valkey profiles"] = len(profiles.keys(user_id))
    steps.finished("look into Valkey")
    for topic in OWNERS:
        steps.started(f"read {topic.name}", None)
        found[f"Kafka {topic.name}"] = len(find_records(stores.kafka, topic, user_id))
        steps.finished(f"read {topic.name}")
    return found


def erase(stores: Stores, user_id: str, *, by: str, steps: StepListener) -> Erased:
    """Remove a user from every store, and note in the archive that it was done.

    Args:
        stores: where.
        user_id: whom.
        by: who does so, for the note.
        steps: follows.

    Raises:
        StackError: One of the stores does not answer; the archive then holds nothing of the user
            that is older, but the other stores may.
    """
    removed: dict[str, int] = {}
    steps.started("erase in PostgreSQL", None)
    with open_archive(stores.database_url, writes=True) as connection:
        with connection.transaction(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", (_LOCK_WAIT,))
            digest, erased_at = mark_erased(cursor, user_id)
        with connection.transaction(), connection.cursor() as cursor:
            removed |= _in_postgresql(remove_rows(cursor, user_id, erased_at))
    steps.finished("erase in PostgreSQL")
    steps.started("have the job forget", None)
    write_tombstones(stores.kafka, [job_s_memory_of(user_id)])
    steps.finished("have the job forget")
    steps.started("erase in Valkey", None)
    with closing(_Profiles(stores.valkey_url)) as profiles:
        removed["Valkey profiles"] = profiles.forget(user_id)
    steps.finished("erase in Valkey")
    for topic in OWNERS:
        steps.started(f"erase in {topic.name}", None)
        places = find_records(stores.kafka, topic, user_id)
        write_tombstones(stores.kafka, places)
        removed[f"Kafka {topic.name}"] = len(places)
        steps.finished(f"erase in {topic.name}")
    with open_archive(stores.database_url, writes=True) as connection:
        connection.execute(
            "INSERT INTO erasure_log (user_digest, erased_at, erased_by, removed) "
            "VALUES (%s, %s, %s, %s)",
            (digest, erased_at, by, Jsonb(removed)),
        )
    return Erased(user_digest=digest, erased_at=erased_at, removed=removed)


def _in_postgresql(counts: Mapping[str, int]) -> dict[str, int]:
    return {f"PostgreSQL {table}": count for table, count in counts.items()}


class _Profiles:
    """The card profiles in Valkey."""

    def __init__(self, url: str) -> None:
        try:
            self._client = Valkey.from_url(
                url, socket_timeout=_VALKEY_S, socket_connect_timeout=_VALKEY_S
            )
        except ValueError as error:
            raise StackError(f"--valkey-url: {error}") from None

    def keys(self, user_id: str) -> list[bytes]:
        try:
            return profile_keys_of(self._client, user_id)
        except (ValkeyError, OSError) as error:
            raise StackError(f"Valkey does not answer: {error}") from None

    def forget(self, user_id: str) -> int:
        try:
            return sum(forget_profile(self._client, key, user_id) for key in self.keys(user_id))
        except (ValkeyError, OSError) as error:
            raise StackError(f"Valkey does not answer: {error}") from None

    def close(self) -> None:
        self._client.close()  # type: ignore[no-untyped-call]  # unannotated in the client
