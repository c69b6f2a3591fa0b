"""The sink against a server that answers as the gateway may."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from tests.unit.transactions import make_transaction

from cardwatch_generator.batches import TransactionBatch
from cardwatch_generator.gateway import GatewaySink
from cardwatch_generator.gateway_settings import GatewaySettings, read_api_keys
from cardwatch_generator.publish import PublishError

_CONTEXT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Gateway:
    """Keeps what was posted; `answer` says what each post gets."""

    def __init__(self, answer: Callable[[int], tuple[int, dict[str, str]]]) -> None:
        self.answer = answer
        self.posts: list[tuple[dict[str, str], Any]] = []
        self.lock = threading.Lock()
        self.url = ""

    @contextmanager
    def serving(self) -> Iterator["Gateway"]:
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with gateway.lock:
                    gateway.posts.append((dict(self.headers), json.loads(body)))
                    status, headers = gateway.answer(len(gateway.posts))
                said = b'{"title":"what was wrong"}'
                self.send_response(status)
                for name, value in (headers | {"Content-Length": str(len(said))}).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(said)

            def log_message(self, *_: Any) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        self.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield self
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


def batch_of(*banks: str) -> TransactionBatch:
    transactions = [
        make_transaction(transaction_id=f"t-{number}", bank_id=bank)
        for number, bank in enumerate(banks)
    ]
    return TransactionBatch(transactions, [_CONTEXT] * len(banks))


def sent(gateway: Gateway, batch: TransactionBatch, **settings: Any) -> GatewaySink:
    sink = GatewaySink(GatewaySettings(url=gateway.url, connections=2, **settings))
    try:
        sink.send(batch)
        sink.flush()
    finally:
        sink.close()
    return sink


def test_one_transaction_is_one_post_in_its_trace_with_its_banks_key() -> None:
    with Gateway(lambda _: (202, {})).serving() as gateway:
        sink = sent(gateway, batch_of("A"), keys={"A": "secret-a"})
    ((headers, body),) = gateway.posts
    assert (sink.sent, sink.acknowledged, sink.failed) == (1, 1, 0)
    assert body["transaction_id"] == "t-0"
    assert headers["Authorization"] == "Bearer secret-a"
    assert headers["traceparent"] == _CONTEXT


def test_a_request_holds_transactions_of_one_bank_and_no_more_than_it_may() -> None:
    with Gateway(lambda _: (202, {})).serving() as gateway:
        sink = sent(gateway, batch_of("A", "B", "A", "A"), batch_size=2)
    assert sink.acknowledged == 4
    posted = sorted([txn["transaction_id"] for txn in _list(body)] for _, body in gateway.posts)
    assert posted == [["t-0", "t-2"], ["t-1"], ["t-3"]]
    (pair,) = (body for _, body in gateway.posts if isinstance(body, list))
    assert all(txn["traceparent"] == _CONTEXT for txn in pair)


def test_what_is_to_be_sent_again_goes_again_under_the_same_key() -> None:
    def answer(number: int) -> tuple[int, dict[str, str]]:
        return (503, {"Retry-After": "0"}) if number < 3 else (202, {})

    with Gateway(answer).serving() as gateway:
        sink = sent(gateway, batch_of("A"))
    assert sink.acknowledged == 1
    assert len(gateway.posts) == 3
    assert len({headers["Idempotency-Key"] for headers, _ in gateway.posts}) == 1


def test_a_refusal_is_said_and_nothing_more_is_taken() -> None:
    with (
        Gateway(lambda _: (422, {})).serving() as gateway,
        pytest.raises(PublishError, match=r"answered 422: .*what was wrong.*1 of 1"),
    ):
        sent(gateway, batch_of("A"))
    assert len(gateway.posts) == 1


def test_a_gateway_that_is_not_there_is_said_in_time() -> None:
    sink = GatewaySink(GatewaySettings(url="http://127.0.0.1:9", delivery_timeout_s=1))
    with pytest.raises(PublishError, match=r"does not answer: .*refused.*for 1 s"):
        try:
            sink.send(batch_of("A"))
            sink.flush()
        finally:
            sink.close()


@pytest.mark.parametrize(
    ("settings", "wrong"),
    [
        ({"url": "gateway:8080"}, "url gateway:8080: expected such as http://"),
        ({"url": "http://x", "batch_size": 0}, "batch_size 0: allowed is 1 to 1000"),
        ({"url": "http://x", "connections": 999}, "connections 999: allowed is 1 to 256"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, Any], wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong):
        GatewaySettings(**settings)


def test_keys_are_read_and_none_is_repeated_where_they_cannot_be(tmp_path: Path) -> None:
    path = tmp_path / "keys.yaml"
    path.write_text("A: one\nB: two\n")
    assert read_api_keys(path) == {"A": "one", "B": "two"}
    assert "one" not in repr(GatewaySettings(url="http://x", keys={"A": "one"}))
    path.write_text("- secret\n")
    with pytest.raises(ValueError, match="expected the API key of each bank") as refused:
        read_api_keys(path)
    assert "secret" not in str(refused.value)


def _list(body: Any) -> list[Any]:
    return body if isinstance(body, list) else [body]
