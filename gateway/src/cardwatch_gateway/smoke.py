"""Whether a gateway works: sends a suspicious payment and waits until its alert is pushed.

    python -m cardwatch_gateway.smoke --url http://HOST:8080 --key-file FILE [--timeout-s 60]

The payment has a negative amount, which alerts by the defaults. The key needs the roles `ingest`
and `read`, for every bank or for `cardwatch-smoke`. Without the file it only asks whether the
gateway is ready.
"""

import argparse
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Final
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen
from uuid import uuid4

from cardwatch_contracts.alert import Alert, decode_alert
from cardwatch_contracts.codec import encode
from cardwatch_contracts.smoke import suspicious_payment

_ASK_AGAIN_S: Final = 0.5
_ANSWER_S: Final = 15.0
_MOST_SAID: Final = 500
_UNAVAILABLE: Final = 503


class SmokeError(RuntimeError):
    """The gateway does not do what it is for; the message says what it did."""


class _AwayError(SmokeError):
    """It cannot answer now."""


def wait_ready(url: str, *, timeout_s: float) -> None:
    """Wait until the gateway takes transactions.

    Raises:
        SmokeError: it does not in time.
    """
    try:
        _insist(Request(f"{url}/readyz"), timeout_s=timeout_s).close()
    except _AwayError as error:
        raise SmokeError(f"not ready after {timeout_s:g} s: {error}") from None


def check(url: str, key: str, *, timeout_s: float) -> tuple[Alert, float]:
    """Send a suspicious payment; return its alert and how long that took, seconds.

    Raises:
        SmokeError: the gateway refuses, or there is no alert after `timeout_s`.
    """
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    name = f"smoke-{uuid4()}"
    payment = encode(suspicious_payment(name, event_time=time.time_ns() // 1_000_000))
    stream = Request(f"{url}/v1/alerts/stream?user_id={name}", headers=headers)
    with _insist(stream, timeout_s=timeout_s) as pushed:
        events = events_of(pushed)
        if (first := next(events, ("nothing", b"")))[0] != "connected":
            raise SmokeError(f"/v1/alerts/stream: begins with {first[0]}; expected: connected")
        began_s = time.monotonic()
        post = Request(f"{url}/v1/transactions", data=payment, headers=headers)
        _insist(post, timeout_s=timeout_s).close()
        try:
            for kind, content in events:
                if kind == "alert":
                    return decode_alert(content), time.monotonic() - began_s
                if time.monotonic() > began_s + timeout_s:
                    break
        except (OSError, HTTPException) as error:
            raise SmokeError(f"/v1/alerts/stream: {error!r}, no alert on {name} yet") from None
    raise SmokeError(
        f"payment {name} was accepted, and no alert on it was pushed within {timeout_s:g} s: does "
        "the job run, and has no DetectorConfig turned negativeAmount off?"
    )


def events_of(lines: Iterable[bytes]) -> Iterator[tuple[str, bytes]]:
    """Yield the kind and content of server-sent events, one line of content each."""
    kind = ""
    for line in lines:
        name, _, content = line.rstrip(b"\r\n").partition(b": ")
        if name == b"event":
            kind = content.decode()
        elif name == b"data":
            yield kind, content


def _insist(request: Request, *, timeout_s: float) -> HTTPResponse:
    """Ask again for as long as the gateway is away, or says that Kafka is."""
    deadline_s = time.monotonic() + timeout_s
    while True:
        try:
            return _ask(request, timeout_s=max(timeout_s, _ANSWER_S))
        except _AwayError:
            if time.monotonic() > deadline_s:
                raise
            time.sleep(_ASK_AGAIN_S)


def _ask(request: Request, *, timeout_s: float) -> HTTPResponse:
    try:
        answer: HTTPResponse = urlopen(request, timeout=timeout_s)
    except HTTPError as error:
        said = error.read(_MOST_SAID).decode(errors="replace")
        kind = _AwayError if error.code == _UNAVAILABLE else SmokeError
        raise kind(f"{request.selector}: status {error.code}: {said}") from None
    except URLError as error:
        raise _AwayError(f"{request.selector}: {error.reason}") from None
    except (OSError, HTTPException) as error:
        raise _AwayError(f"{request.selector}: {error!r}") from None
    return answer


def main(arguments: Sequence[str] | None = None) -> int:
    """Check; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m cardwatch_gateway.smoke",
        description="Send a suspicious payment and wait until its alert is pushed.",
        allow_abbrev=False,
    )
    parser.add_argument("--url", required=True, help="the gateway, such as http://localhost:8080")
    parser.add_argument("--key-file", type=Path, required=True, help="file with an API key")
    parser.add_argument("--timeout-s", type=float, default=60.0, help="longest wait (%(default)s)")
    options = parser.parse_args(arguments)
    url = options.url.rstrip("/")
    try:
        wait_ready(url, timeout_s=options.timeout_s)
        if not options.key_file.exists():
            print(f"ready; {options.key_file} is missing, so nothing was sent")
            return 0
        key = options.key_file.read_text("utf-8").strip()
        alert, seconds = check(url, key, timeout_s=options.timeout_s)
    except (SmokeError, OSError, ValueError) as error:
        print(f"cardwatch_gateway.smoke: {error}", file=sys.stderr)
        return 1
    print(
        f"alert {alert.alert_id} was pushed after {seconds:.1f} s: {alert.findings[0].reason} "
        f"(config {alert.config}, generation {alert.generation})"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
