"""Answers the alerts of simulated banks as an analyst would who knows what was injected.

    cardwatch alerts --json --limit 10000 | python docs/examples/answer.py

Each answer goes to the gateway of the running stack. At a bank, people answer.
"""

import json
import subprocess
import sys
import time
from collections import Counter
from http import HTTPStatus
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

_PATIENCE_S = 60.0
"""How long an alert may take to be archived: the gateway answers from there."""


def main() -> None:
    """Answer every alert on standard input."""
    status = subprocess.run(
        ["cardwatch", "status", "--json"], check=True, capture_output=True, text=True
    )
    gateway = json.loads(status.stdout)["endpoints"]["gateway_url"]
    counts: Counter[str] = Counter()
    for line in sys.stdin:
        alert = json.loads(line)
        label = "fraudulent" if alert["transaction"].get("label") else "genuine"
        answer(gateway, alert, label)
        counts[label] += 1
    print(f"{counts['fraudulent']:,} fraudulent, {counts['genuine']:,} genuine")


def answer(gateway: str, alert: dict[str, Any], label: str) -> None:
    """Give one answer, once the alert is archived."""
    request = Request(
        f"{gateway}/v1/alerts/{alert['alert_id']}/feedback",
        data=json.dumps({"label": label, "given_by": "simulator"}).encode(),
        headers={"Content-Type": "application/json"},
    )
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        try:
            urlopen(request, timeout=_PATIENCE_S).close()
            return
        except HTTPError as error:
            if error.code != HTTPStatus.NOT_FOUND or time.monotonic() > deadline:
                raise
            time.sleep(0.5)


if __name__ == "__main__":
    main()
