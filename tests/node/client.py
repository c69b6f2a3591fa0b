"""A client of the gateway as one should be: it sends again what was refused, and comes back."""

import base64
import json
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

import httpx
from tests.node.release import Release
from tests.unit.transactions import make_transaction

from cardwatch_contracts.codec import encode

_PAUSE_S: Final = 0.1
_AGAIN_S: Final = 0.2
_ANSWER_S: Final = 20.0
_STREAM: Final = "/v1/alerts/stream"


class Client:
    """Sends payments that alert, each until it is accepted, and follows their alerts.

    Args:
        url: the gateway's.
        key: an API key of every bank and role.
        bank: whose payments they are.
    """

    def __init__(self, url: str, key: str, *, bank: str) -> None:
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        self.http = httpx.Client(base_url=url, headers=headers, timeout=_ANSWER_S)
        self.accepted: list[str] = []
        """Transactions that were answered as accepted."""
        self.pushed: list[str] = []
        """Transactions whose alerts came, one entry for each time."""
        self.longest_gap_s = 0.0
        """Longest time in which nothing was accepted."""
        self._bank = bank
        # Short: a long run of digits may be taken for a card number by who searches for it.
        self._begun = f"{bank.lower()}-{uuid.uuid4().hex[:8]}"
        self._ended = threading.Event()
        self._followed = threading.Event()
        self._done = threading.Event()
        self._last_id = ""

    @property
    def pattern(self) -> str:
        """What SQL's LIKE finds the transactions by."""
        return f"{self._begun}-%"

    def pay(self) -> str:
        """Send one payment of a negative amount until it is accepted; return its id."""
        name = f"{self._begun}-{len(self.accepted)}"
        payment = make_transaction(
            transaction_id=name,
            event_time=time.time_ns() // 1_000_000,
            user_id=name,
            card_id=f"tok_{name}",
            bank_id=self._bank,
            amount_minor=-100,
        )
        began = time.monotonic()
        while not self._is_accepted(encode(payment), name):
            time.sleep(_AGAIN_S)
        self.longest_gap_s = max(self.longest_gap_s, time.monotonic() - began)
        self.accepted.append(name)
        return name

    def _is_accepted(self, payment: bytes, name: str) -> bool:
        try:
            answer = self.http.post(
                "/v1/transactions", content=payment, headers={"Idempotency-Key": name}
            )
        except httpx.TransportError:
            return False
        assert answer.status_code in (202, 503), answer.text
        return answer.status_code == 202

    @contextmanager
    def busy(self) -> Iterator[None]:
        """Pay and follow while the block lasts, and follow until every alert has come."""
        follower = threading.Thread(target=self._follow, daemon=True)
        payer = threading.Thread(target=self._pay_on, daemon=True)
        follower.start()
        assert self._followed.wait(60), "nobody lets this client follow alerts"
        payer.start()
        try:
            yield
        finally:
            self._ended.set()
            payer.join(120)
        deadline = time.monotonic() + 120
        while set(self.accepted) - set(self.pushed) and time.monotonic() < deadline:
            time.sleep(_AGAIN_S)
        self._done.set()
        follower.join(60)

    def _pay_on(self) -> None:
        while not self._ended.is_set():
            self.pay()
            time.sleep(_PAUSE_S)

    def _follow(self) -> None:
        while not self._done.is_set():
            headers = {"Last-Event-ID": self._last_id} if self._last_id else {}
            wanted = {"bank_id": self._bank}
            with (
                suppress(httpx.HTTPError),
                self.http.stream("GET", _STREAM, params=wanted, headers=headers) as stream,
            ):
                self._read(stream)
            time.sleep(_AGAIN_S)

    def _read(self, stream: httpx.Response) -> None:
        event = event_id = ""
        for line in stream.iter_lines():
            if self._done.is_set():
                return
            name, _, content = line.partition(": ")
            if name == "id":
                event_id = content
            elif name == "event":
                event = content
            elif name == "data":
                if event == "alert":
                    self.pushed.append(json.loads(content)["transaction"]["transaction_id"])
                elif event == "connected":
                    self._followed.set()
                self._last_id = event_id or self._last_id


@contextmanager
def client_of(release: Release, *, bank: str) -> Iterator[Client]:
    """Give a client with the key that a release has generated, for payments of a bank."""
    key = base64.b64decode(release.get("secret", "cardwatch-api-keys")["data"]["key"]).decode()
    client = Client(release.url_of("cardwatch-gateway", 8080), key, bank=bank)
    try:
        yield client
    finally:
        client.http.close()
