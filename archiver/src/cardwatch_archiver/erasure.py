"""Users who were erased on request: what Kafka still holds of them is not archived again.

Whoever writes rows asks `read_erasures` first, in the same database transaction, and leaves out
what `Erasures.cover`. An erasure waits until such transactions have ended, and those that begin
later know of it: no row can slip through in between. Isolation level: read committed, which is
PostgreSQL's default.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import Any, Final, TypeAlias

from psycopg import Cursor
from psycopg.rows import TupleRow

_Cursor: TypeAlias = Cursor[TupleRow]

DIGEST_BYTES: Final = 32
TABLES: Final = ("transactions", "alerts", "feedback")
"""The tables with rows of a user."""


def user_digest(key: bytes, user_id: str) -> bytes:
    """Return by what an erased user is known: a hash that says nothing without the key.

    BLAKE2b with a key (RFC 7693), 32 bytes.
    """
    return blake2b(user_id.encode(), key=key, digest_size=DIGEST_BYTES).digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasures:
    """Who was erased, and until when their records are left out."""

    key: bytes
    revision: int
    """Grows with every erasure."""
    until_ms: Mapping[bytes, int] = field(default_factory=dict)
    """By digest: records from before it are left out. Milliseconds since 1970-01-01 UTC."""

    def cover(self, user_id: str, time_ms: int) -> bool:
        """Whether a record of the user is to be left out.

        Args:
            user_id: whom it concerns.
            time_ms: when Kafka took the transaction, or when a feedback was given.
        """
        if not self.until_ms:  # as it usually is: then nothing is hashed
            return False
        until_ms = self.until_ms.get(user_digest(self.key, user_id))
        return until_ms is not None and time_ms < until_ms


def read_erasures(cursor: _Cursor, known: Erasures | None = None) -> Erasures:
    """Return who was erased, `known` itself where that is still all.

    Asks one row; the others only when there was an erasure since.

    Raises:
        psycopg.Error: the database does not answer, or lacks the table.
    """
    key, revision = _only_row(cursor.execute("SELECT key, revision FROM erasure_key"))
    if known is not None and (known.key, known.revision) == (key, revision):
        return known
    cursor.execute(
        "SELECT user_digest, ceil(extract(epoch FROM erased_at) * 1000)::bigint FROM erased_users"
    )
    return Erasures(key=key, revision=revision, until_ms=dict(cursor.fetchall()))


def mark_erased(cursor: _Cursor, user_id: str) -> tuple[bytes, datetime]:
    """Let nothing older than now of a user be archived any more; return the digest and the time.

    The transaction is to be committed at once: whoever archives waits for it.

    Raises:
        psycopg.Error: the database does not answer, or its `lock_timeout` passed.
    """
    # Waits for those who have read it and write rows now.
    cursor.execute("LOCK TABLE erasure_key IN ACCESS EXCLUSIVE MODE")
    (key,) = _only_row(
        cursor.execute("UPDATE erasure_key SET revision = revision + 1 RETURNING key")
    )
    digest = user_digest(key, user_id)
    (erased_at,) = _only_row(
        cursor.execute(
            "INSERT INTO erased_users (user_digest, erased_at) VALUES (%s, clock_timestamp()) "
            "ON CONFLICT (user_digest) DO UPDATE "
            "SET erased_at = greatest(erased_users.erased_at, excluded.erased_at) "
            "RETURNING erased_at",
            (digest,),
        )
    )
    return digest, erased_at


def count_rows(cursor: _Cursor, user_id: str) -> dict[str, int]:
    """Return how many rows each table has of a user."""
    return {
        "transactions": _count(
            cursor.execute("SELECT count(*) FROM transactions WHERE user_id = %s", (user_id,))
        ),
        "alerts": _count(
            cursor.execute("SELECT count(*) FROM alerts WHERE user_id = %s", (user_id,))
        ),
        "feedback": _count(
            cursor.execute("SELECT count(*) FROM feedback WHERE user_id = %s", (user_id,))
        ),
    }


def remove_rows(cursor: _Cursor, user_id: str, before: datetime) -> dict[str, int]:
    """Remove a user's rows from before a time; return how many from each table."""
    bounds = (user_id, before)
    return {
        "transactions": cursor.execute(
            "DELETE FROM transactions WHERE user_id = %s AND ingested_at < %s", bounds
        ).rowcount,
        "alerts": cursor.execute(
            "DELETE FROM alerts WHERE user_id = %s AND ingested_at < %s", bounds
        ).rowcount,
        "feedback": cursor.execute(
            "DELETE FROM feedback WHERE user_id = %s AND given_at < %s", bounds
        ).rowcount,
    }


def _count(cursor: _Cursor) -> int:
    (count,) = _only_row(cursor)
    return int(count)


def _only_row(cursor: _Cursor) -> tuple[Any, ...]:
    row = cursor.fetchone()
    assert row is not None, "the migration and the aggregates give exactly one"
    return row
