"""What `helm test` runs, as far as it needs no gateway."""

import time
from pathlib import Path

import pytest

from cardwatch_contracts.codec import encode
from cardwatch_contracts.smoke import suspicious_payment
from cardwatch_gateway.smoke import SmokeError, events_of, main, wait_ready
from cardwatch_gateway.validation import read_transactions


def test_events_are_read_as_they_are_sent() -> None:
    sent = b'id: 1\nevent: connected\ndata: {}\n\nevent: alert\ndata: {"a": "b: c"}\n\n'
    assert list(events_of(sent.splitlines(keepends=True))) == [
        ("connected", b"{}"),
        ("alert", b'{"a": "b: c"}'),
    ]


def test_its_payment_is_one_that_the_gateway_takes() -> None:
    now_ms = time.time_ns() // 1_000_000
    body = encode(suspicious_payment("smoke-1", event_time=now_ms))
    (taken,), is_array = read_transactions(body, max_batch=1, now_ms=now_ms)
    assert (taken.amount_minor, is_array) == (-100, False)


def test_a_gateway_that_is_not_there_is_said_to_be(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SmokeError, match=r"not ready after 0 s: /readyz: .*refused"):
        wait_ready("http://127.0.0.1:1", timeout_s=0)
    assert main(["--url", "http://127.0.0.1:1", "--key-file", str(tmp_path), "--timeout-s=0"]) == 1
    assert "cardwatch_gateway.smoke: not ready" in capsys.readouterr().err
