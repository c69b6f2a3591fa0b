"""Answers from the archive."""

from datetime import datetime

from psycopg.rows import dict_row
from psycopg.sql import SQL, Identifier

from cardwatch_local.questions import Question, Row, plain
from cardwatch_local.reading.database import open_archive


def answer(
    url: str,
    question: Question,
    *,
    begins: datetime | None,
    ends: datetime | None,
    limit: int | None,
) -> tuple[list[str], list[Row]]:
    """Return the columns of an answer and its first `limit` rows.

    Only alerts on transactions are counted that were paid from `begins` on and before `ends`.

    Raises:
        StackError: The database does not answer, or holds no archive.
    """
    order = SQL(", ").join(
        SQL("{} {}").format(Identifier(column), SQL("DESC NULLS LAST" if falling else "ASC"))
        for column, falling in question.order
    )
    query = SQL(
        "SELECT * FROM analytics.{}"
        "(coalesce({}::timestamptz, '-infinity'), coalesce({}::timestamptz, 'infinity')) "
        "ORDER BY {} LIMIT {}"
    ).format(Identifier(question.function), begins, ends, order, limit)
    with open_archive(url) as connection, connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute(query)
        columns = [column.name for column in cursor.description or ()]
        rows = [{name: plain(value) for name, value in row.items()} for row in cursor]
    return columns, list(rows)
