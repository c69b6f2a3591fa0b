"""Requests to the gateway, as they go over the wire. Pure."""

import urllib.parse
from collections import defaultdict
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Final

from cardwatch_contracts.codec import encode
from cardwatch_contracts.telemetry import TRACEPARENT_HEADER
from cardwatch_contracts.transaction import Transaction
from cardwatch_generator.batches import TransactionBatch
from cardwatch_generator.gateway_settings import GatewaySettings

_PATH: Final = "/v1/transactions"

Sent = Sequence[tuple[Transaction, str]]
"""Transactions of one bank, each with its W3C trace context."""


class RequestWriter:
    """Writes requests of HTTP/1.1; what all of a bank have in common is written once."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._settings = settings
        self._heads: dict[str, bytes] = {}

    def split(self, batch: TransactionBatch) -> Iterable[Sent]:
        """Yield what goes into one request: of one bank, whose key is good for no other's."""
        by_bank: defaultdict[str, list[tuple[Transaction, str]]] = defaultdict(list)
        for txn, traceparent in zip(batch.transactions, batch.traceparents, strict=True):
            by_bank[txn.bank_id].append((txn, traceparent))
        size = self._settings.batch_size
        for sent in by_bank.values():
            for first in range(0, len(sent), size):
                yield sent[first : first + size]

    def written(self, sent: Sent) -> bytes:
        """Return a request. The trace context of a single transaction is in its header."""
        first, traceparent = sent[0]
        if len(sent) == 1:
            body, more = encode(first), f"{TRACEPARENT_HEADER}: {traceparent}\r\n"
        else:
            body, more = b"[" + b",".join([_traced(*each) for each in sent]) + b"]", ""
        head = self._heads.get(first.bank_id)
        if head is None:
            head = self._heads[first.bank_id] = self._head(first.bank_id)
        key = _idempotency_key(first.transaction_id, len(sent))
        rest = f"Idempotency-Key: {key}\r\n{more}Content-Length: {len(body)}\r\n\r\n"
        return head + rest.encode() + body

    def _head(self, bank_id: str) -> bytes:
        parts = urllib.parse.urlsplit(self._settings.url)
        lines = [
            f"POST {parts.path.rstrip('/')}{_PATH} HTTP/1.1",
            f"Host: {parts.netloc.rpartition('@')[2]}",
            "Content-Type: application/json",
        ]
        if key := self._settings.keys.get(bank_id):
            lines.append(f"Authorization: Bearer {key}")
        return "".join(f"{line}\r\n" for line in lines).encode()


def _idempotency_key(transaction_id: str, count: int) -> str:
    """Return the same for the same request: its first id, where a header can hold that."""
    if not transaction_id.isascii() or not transaction_id.isprintable():
        transaction_id = sha256(transaction_id.encode()).hexdigest()
    return f"{transaction_id}+{count - 1}"


def _traced(txn: Transaction, traceparent: str) -> bytes:
    """Encode a transaction with its trace context as a field."""
    return encode(txn)[:-1] + b',"traceparent":"' + traceparent.encode() + b'"}'
