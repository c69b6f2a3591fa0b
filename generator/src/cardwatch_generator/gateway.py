"""Transactions through the gateway's HTTP interface instead of Kafka."""

import http.client
import threading
import time
import urllib.parse
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from queue import Full, Queue
from typing import Final

import yaml

from cardwatch_contracts.codec import encode
from cardwatch_contracts.telemetry import TRACEPARENT_HEADER
from cardwatch_contracts.transaction import Transaction
from cardwatch_generator.batches import TransactionBatch
from cardwatch_generator.publish import PublishError

_PATH: Final = "/v1/transactions"
_ACCEPTED: Final = 202
_ASK_AGAIN: Final = frozenset((408, 429, 500, 502, 503, 504))
"""Answers after which the same request may succeed."""
_LONGEST_PAUSE_S: Final = 5.0
_LOOK_S: Final = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewaySettings:
    """How to reach the gateway, and how long to wait for it."""

    url: str
    """Such as `http://127.0.0.1:8080`."""

    keys: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The API key of each bank, by its id; none where the gateway asks for none."""

    batch_size: int = 1
    """Transactions in a request, at most. 1 to 1,000."""

    connections: int = 16
    """Requests at a time. 1 to 256."""

    timeout_s: float = 10.0
    """How long one answer may take. Seconds, > 0."""

    delivery_timeout_s: float = 30.0
    """How long a request is sent again before its transactions count as failed. Seconds, >= 1."""

    def __post_init__(self) -> None:
        parts = urllib.parse.urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"url {self.url}: expected such as http://127.0.0.1:8080")
        for name, value, lowest, highest in (
            ("batch_size", self.batch_size, 1, 1_000),
            ("connections", self.connections, 1, 256),
            ("timeout_s", self.timeout_s, 0.1, 600),
            ("delivery_timeout_s", self.delivery_timeout_s, 1, 600),
        ):
            if not lowest <= value <= highest:
                raise ValueError(f"{name} {value:g}: allowed is {lowest:g} to {highest:g}")


def read_api_keys(path: Path) -> dict[str, str]:
    """Read the API key of each bank from YAML, such as `A: cw_...`.

    Raises:
        ValueError: the file cannot be read or is something else; no key is repeated.
    """
    try:
        keys = yaml.safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError):
        raise ValueError(f"{path}: not YAML") from None
    if not isinstance(keys, dict) or not all(
        isinstance(bank, str) and isinstance(key, str) for bank, key in keys.items()
    ):
        raise ValueError(f"{path}: expected the API key of each bank, such as `A: KEY`")
    return keys


class GatewaySink:
    """Posts transactions from several threads, each with a connection of its own.

    A request that is not answered, or that the gateway asks to send again, goes again with the
    same idempotency key: it is accepted once. Those of one user may overtake each other.
    """

    def __init__(self, settings: GatewaySettings) -> None:
        """Start the threads; the first answer tells whether there is a gateway."""
        self._settings = settings
        self._requests: Queue[Sequence[tuple[Transaction, str]] | None]
        self._requests = Queue(4 * settings.connections)
        self._lock = threading.Lock()
        self._given_up = threading.Event()
        self._sent = self._acknowledged = self._failed = 0
        self._first_error: str | None = None
        self._threads = [
            threading.Thread(target=self._post_all, name="gateway", daemon=True)
            for _ in range(settings.connections)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def sent(self) -> int:
        """Transactions that were taken for sending."""
        return self._sent

    @property
    def acknowledged(self) -> int:
        """Transactions that the gateway has accepted: Kafka has them."""
        return self._acknowledged

    @property
    def failed(self) -> int:
        """Transactions that were given up."""
        return self._failed

    def send(self, batch: TransactionBatch) -> None:
        """Post a batch; waits while all connections are busy.

        Raises:
            PublishError: the gateway did not take an earlier transaction.
        """
        for request in self._requests_of(batch):
            self._sent += len(request)
            while True:
                self.check()
                try:
                    self._requests.put(request, timeout=_LOOK_S)
                    break
                except Full:
                    continue
        self.check()

    def check(self) -> None:
        """Raise what has gone wrong since.

        Raises:
            PublishError: the gateway did not take a transaction.
        """
        if self._first_error is not None:
            raise PublishError(
                f"the gateway at {self._settings.url} {self._first_error}; "
                f"{self._failed:,} of {self._sent:,} transactions failed"
            )

    def flush(self) -> None:
        """Wait until everything is accepted.

        Raises:
            PublishError: something was not accepted in time.
        """
        while self._acknowledged + self._failed < self._sent:
            self.check()
            time.sleep(_LOOK_S)
        self.check()

    def close(self) -> None:
        """Give up what is still waiting, and let go of the connections."""
        self._given_up.set()
        while not self._requests.empty():
            self._requests.get_nowait()
        for _ in self._threads:
            self._requests.put(None)
        for thread in self._threads:
            thread.join(self._settings.timeout_s + 1)

    def _requests_of(self, batch: TransactionBatch) -> Iterable[Sequence[tuple[Transaction, str]]]:
        """Each of one bank: its key is good for its own transactions alone."""
        by_bank: defaultdict[str, list[tuple[Transaction, str]]] = defaultdict(list)
        for txn, traceparent in zip(batch.transactions, batch.traceparents, strict=True):
            by_bank[txn.bank_id].append((txn, traceparent))
        for sent in by_bank.values():
            for first in range(0, len(sent), self._settings.batch_size):
                yield sent[first : first + self._settings.batch_size]

    def _post_all(self) -> None:
        connection = _Connection(self._settings)
        while (request := self._requests.get()) is not None:
            error = self._post(connection, request)
            with self._lock:
                if error is None:
                    self._acknowledged += len(request)
                else:
                    self._failed += len(request)
                    self._first_error = self._first_error or error
        connection.close()

    def _post(
        self, connection: "_Connection", request: Sequence[tuple[Transaction, str]]
    ) -> str | None:
        """Post until it is accepted; return what was wrong where it is not."""
        deadline_s = time.monotonic() + self._settings.delivery_timeout_s
        body, headers = _message(request, self._settings.keys)
        pause_s = 0.1
        while True:
            try:
                status, retry_after_s, said = connection.post(body, headers)
            except (OSError, http.client.HTTPException) as error:
                status, retry_after_s, said = 0, None, f"does not answer: {error}"
            if status == _ACCEPTED:
                return None
            if status and status not in _ASK_AGAIN:
                return said
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S) if retry_after_s is None else retry_after_s
            if time.monotonic() + pause_s > deadline_s or self._given_up.wait(pause_s):
                return f"{said}, for {self._settings.delivery_timeout_s:g} s"


class _Connection:
    """One that is opened when it is needed, and again after a failure."""

    def __init__(self, settings: GatewaySettings) -> None:
        parts = urllib.parse.urlsplit(settings.url)
        kind = (
            http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        )
        self._connection = kind(parts.netloc, timeout=settings.timeout_s)
        self._path = parts.path.rstrip("/") + _PATH

    def post(self, body: bytes, headers: Mapping[str, str]) -> tuple[int, float | None, str]:
        """Return the status, after how many seconds to ask again, and what was said.

        Raises:
            OSError, http.client.HTTPException: there was no answer.
        """
        try:
            self._connection.request("POST", self._path, body, dict(headers))
            answer = self._connection.getresponse()
            said = answer.read().decode(errors="replace")
        except BaseException:
            self._connection.close()
            raise
        after = answer.getheader("Retry-After", "")
        retry_after_s = min(float(after), _LONGEST_PAUSE_S) if after.isdigit() else None
        return answer.status, retry_after_s, f"answered {answer.status}: {said[:500]}"

    def close(self) -> None:
        self._connection.close()


def _message(
    request: Sequence[tuple[Transaction, str]], keys: Mapping[str, str]
) -> tuple[bytes, dict[str, str]]:
    """Return a request's body and headers. A single transaction's trace is in its header."""
    first, traceparent = request[0]
    headers = {
        "Content-Type": "application/json",
        "Idempotency-Key": f"{first.transaction_id}+{len(request) - 1}",
    }
    if key := keys.get(first.bank_id):
        headers["Authorization"] = f"Bearer {key}"
    if len(request) == 1:
        headers[TRACEPARENT_HEADER] = traceparent
        return encode(first), headers
    return b"[" + b",".join([_traced(txn, context) for txn, context in request]) + b"]", headers


def _traced(txn: Transaction, traceparent: str) -> bytes:
    """Encode a transaction with its trace context as a field."""
    return encode(txn)[:-1] + b',"traceparent":"' + traceparent.encode() + b'"}'
