"""Card numbers put into everything people and banks send are shown and kept nowhere.

Row 25 of what must survive, for pages and what is behind them.
"""

import json
import re
import socket
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit

import httpx
import pytest
from confluent_kafka import Producer
from playwright.sync_api import Browser, Page
from psycopg import sql
from tests.browser.archived import archive_of, until_archived
from tests.browser.pages import eventually, opened, until
from tests.integration.gateway.alerts import new_alert, send_alerts
from tests.integration.gateway.running import records
from tests.integration.gateway.test_canaries import canaries, disguises, transaction
from tests.integration.visualizer.running import running_visualizer
from tests.integration.visualizer.test_login import write_users
from valkey import Valkey

from cardwatch_contracts.topics import TOPICS, TRANSACTIONS
from cardwatch_local.endpoints import Endpoints
from cardwatch_local.ports import free_ports

pytestmark = pytest.mark.timeout(1_800)

_PAGES: Final = ("", "review", "analytics", "users", "detectors", "models", "health")
_FIELDS: Final = (
    *("transaction_id", "user_id", "card_id", "bank_id", "payment_system"),
    *("merchant_id", "merchant_category", "city", "label"),
)
_TYPED: Final = (
    ("", "#live-filter"),
    ("review", "#review-search"),
    ("review", "#review-amount"),
    ("users", "#users-text"),
)
_QUERIES: Final = (
    "/?filter={}",
    "/review?search={}&bank={}&user={}&card={}&amount={}",
    "/review/export.csv?search={}",
    "/analytics?bank={}&category={}&country={}&until={}",
    "/users?user={}",
    "/users?card={}",
    "/detectors?config={}&compare={}&edit={}",
    "/models?config={}&period={}",
    "/live/events/{}",
    "/assets/{}.js",
    "/{}",
)
_LOG_LINE: Final = re.compile(rb"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} [A-Z]+ ")
_SETTLED_MS: Final = 1_000


def test_card_numbers_are_found_nowhere(
    browser: Browser, endpoints: Endpoints, home: Path, tmp_path: Path
) -> None:
    numbers = canaries()
    written = [disguises(number)[index % 6] for index, number in enumerate(numbers)]
    answers = _over_http(endpoints, tmp_path, written[:500])
    _as_payments(endpoints, numbers[500:])
    typed = _typed(browser, endpoints, written[504:528])
    haystacks = {
        "answers": b"\n".join(answers),
        "pages": "\n".join([*typed, *_pages(browser, endpoints)]).encode(),
        "logs": b"\n".join(_read(home, "logs/*") + _read(tmp_path, "*.log")),
        "Valkey": _all_of_valkey(endpoints),
        "PostgreSQL": _all_of_postgres(endpoints),
        **_all_of_kafka(endpoints),
    }
    assert all(haystacks[each] for each in ("answers", "pages", "logs", "Valkey", "PostgreSQL"))
    for place, haystack in haystacks.items():
        found = [n for n in numbers for each in disguises(n) if each.encode() in haystack]
        assert found == [], place
    lines = chain.from_iterable(log.splitlines() for log in _read(tmp_path, "*.log"))
    assert [line for line in lines if not _LOG_LINE.match(line)] == [], "one line for each"


def _over_http(endpoints: Endpoints, folder: Path, written: list[str]) -> list[bytes]:
    """Put card numbers into all that a client may send; return all that is answered."""
    users = folder / "users.json"
    write_users(users, ana="analyst")
    (port,) = free_ports(1)
    answers = []
    arguments = ["--users-file", str(users), "--metrics-port", str(port)]
    for login in (["--no-login"], arguments):
        with running_visualizer(endpoints, folder, login) as running:
            for index, text in enumerate(written):
                answers += [_asked(running.client, index, text), _garbled(running.url, index, text)]
            if login is arguments:
                answers.append(running.client.get(f"http://127.0.0.1:{port}/metrics").content)
    return answers


def _asked(client: httpx.Client, index: int, text: str) -> bytes:
    """Ask once in one of the ways."""
    quoted = quote(text, safe="")
    body = {"output": text, "outputs": [], "inputs": [{"id": text, "value": text}]}
    ways: tuple[tuple[str, str, dict[str, Any]], ...] = (
        *(("GET", path.replace("{}", quoted), {}) for path in _QUERIES),
        ("GET", "/", {"headers": {"X-Card": text, "User-Agent": text, "Referer": text}}),
        ("GET", "/review", {"headers": {"Cookie": f"cardwatch_session={quoted}"}}),
        ("GET", "/review?search=" + quoted, {"headers": {"Accept": "text/html"}}),
        ("POST", "/login", {"data": {"name": text, "password": text}}),
        ("POST", f"/login?next={quoted}", {"data": {"name": "ana", "password": text}}),
        ("GET", f"/login?next=/users?user={quoted}", {}),
        ("POST", "/_dash-update-component", {"json": body}),
        ("POST", "/_dash-update-component", {"content": text.encode()}),
    )
    method, path, more = ways[index % len(ways)]
    answer = client.request(method, path, **more)
    return str(answer.headers).encode() + answer.content


def _garbled(url: str, index: int, text: str) -> bytes:
    """Send what is no request; return what is answered."""
    garbled = (
        f"{text} / HTTP/1.1\r\n\r\n",
        f"GET /{text}\r\n\r\n",
        f"GET / HTTP/{text}\r\n\r\n",
        f"GET / HTTP/1.1\r\n{text}\r\n\r\n",
        f"GET / HTTP/1.1\r\nContent-Length: {text}\r\n\r\n",
        f"GET / HTTP/1.1\r\nTransfer-Encoding: {text}\r\n\r\n",
    )
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=60) as client:
        client.sendall(garbled[index % len(garbled)].encode())
        client.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: client.recv(4_096), b""))


def _as_payments(endpoints: Endpoints, numbers: list[str]) -> None:
    """Send payments with card numbers, and wait until one that is well has been judged."""
    producer = Producer({"bootstrap.servers": endpoints.bootstrap_servers})
    for index, number in enumerate(numbers):
        value = disguises(number)[index % 3]
        payment = transaction(**{_FIELDS[index % len(_FIELDS)]: value})
        producer.produce(TRANSACTIONS.name, json.dumps(payment).encode(), b"u")
    assert producer.flush(60) == 0
    alert = new_alert()
    send_alerts(endpoints.bootstrap_servers, alert)
    until_archived(endpoints, alert.alert_id)


def _typed(browser: Browser, endpoints: Endpoints, written: list[str]) -> list[str]:
    """Type card numbers into pages; return addresses and texts, but not what was typed itself.

    Args:
        written: card numbers, each in the disguise of its place here.
    """
    said = []
    with opened(browser, endpoints.visualizer_url) as (page, _):
        for index, text in enumerate(written):
            path, field = _TYPED[index % len(_TYPED)]
            page.goto(f"{endpoints.visualizer_url}/{path}")
            page.fill(field, text)
            page.press(field, "Enter")
            page.wait_for_timeout(_SETTLED_MS)
            plain = page.evaluate("decodeURIComponent(window.location.href.replaceAll('+', ' '))")
            if index % 6 not in (3, 4, 5):  # what is coded is known as a card number on the server
                said += [page.url, plain]
            said.append(page.inner_text("#content"))
    said.append(_reason_given(browser, endpoints, written[0]))
    return said


def _reason_given(browser: Browser, endpoints: Endpoints, text: str) -> str:
    with opened(browser, f"{endpoints.visualizer_url}/review") as (page, _):
        page.wait_for_selector("#review-grid .ag-row [col-id=amount]")
        page.locator("#review-grid .ag-row [col-id=amount]").first.click()
        page.wait_for_selector("#review-history")
        page.fill("#answer-reason", f"it is {text}, she says")
        page.click("#answer-unsure")
        until(page, "document.querySelector('#review-word').textContent !== ''", "it is said")
        page.wait_for_selector("#review-detail .cw-answers")
        return page.inner_text("#content")


def _pages(browser: Browser, endpoints: Endpoints) -> Iterator[str]:
    """Yield what stands in every page, the newest dead letters looked into."""
    for path in _PAGES:
        with opened(browser, f"{endpoints.visualizer_url}/{path}") as (page, _):
            page.wait_for_selector(f"#{path or 'live'}-page")
            page.wait_for_timeout(2 * _SETTLED_MS)
            if path == "health":
                yield from _letters(page)
            yield page.content()


def _letters(page: Page) -> Iterator[str]:
    rows = page.locator("#health-letters .ag-row [col-id=reason]")

    def are_there() -> bool:
        page.click("#health-look")
        page.wait_for_timeout(_SETTLED_MS)
        return rows.count() > 1

    eventually(page, are_there, "dead letters are lines")
    for index in (0, 1):
        rows.nth(index).click()
        page.wait_for_selector("#health-excerpt")
        page.wait_for_timeout(_SETTLED_MS)
        yield page.content()


def _read(folder: Path, pattern: str) -> list[bytes]:
    return [path.read_bytes() for path in folder.rglob(pattern) if path.is_file()]


def _all_of_valkey(endpoints: Endpoints) -> bytes:
    with Valkey.from_url(endpoints.valkey_url) as client:
        read: dict[bytes, Any] = {
            b"string": client.get,
            b"hash": client.hgetall,
            b"stream": client.xrange,
            b"set": client.smembers,
            b"list": lambda key: client.lrange(key, 0, -1),
            b"zset": lambda key: client.zrange(key, 0, -1),
        }
        return repr([(key, read[client.type(key)](key)) for key in client.scan_iter()]).encode()


def _all_of_postgres(endpoints: Endpoints) -> bytes:
    with archive_of(endpoints) as connection:
        tables = connection.execute(
            "SELECT schemaname, tablename FROM pg_tables "
            "WHERE schemaname NOT IN ('pg_catalog', 'information_schema') "
            "AND schemaname NOT LIKE 'pg_temp%'"  # another connection's own, while it lasts
        ).fetchall()
        rows = [
            connection.execute(sql.SQL("SELECT t::text FROM {} t").format(sql.Identifier(*table)))
            for table in tables
        ]
        return "\n".join(str(row[0]) for cursor in rows for row in cursor).encode()


def _all_of_kafka(endpoints: Endpoints) -> dict[str, bytes]:
    """Return what is in each topic but the one that banks write themselves."""
    return {
        topic.name: b"\n".join(
            b"%b %b %b" % (m.key() or b"", m.value() or b"", repr(m.headers()).encode())
            for m in records(endpoints.bootstrap_servers, topic.name, lambda _: True)
        )
        for topic in TOPICS
        if not topic.name.startswith(TRANSACTIONS.name) or "dlq" in topic.name
    }
